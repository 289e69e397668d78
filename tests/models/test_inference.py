"""A stored network without TensorFlow: near Keras, and closed to anything else."""

import copy
import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nse_lstm.config import V2, RankLstm
from nse_lstm.errors import ArtefactError
from nse_lstm.features.scaling import MinMaxScaler
from nse_lstm.models.architectures import (
    Architecture,
    Dropout,
    Lstm,
    build,
    describe_rank_lstm,
    describe_v1,
    describe_v2,
)
from nse_lstm.models.bundles import save_bundle
from nse_lstm.models.equality import (
    RUNTIME_TOLERANCE,
    check_runtime,
    require_equal_runtimes,
)
from nse_lstm.models.forecasting import predict
from nse_lstm.models.inference import (
    MEMBERS,
    StoredNetwork,
    read_network,
)
from nse_lstm.models.outlines import check_outline
from nse_lstm.models.runtime import keras
from nse_lstm.models.samples import Samples

SMALL = V2(lookback=7, units=5, dense_units=3)
SCALER = MinMaxScaler(0.0, 1.0)
NETWORKS = {
    "v1": describe_v1(9, units=6),
    "v2": describe_v2(SMALL),
    "rank_lstm": describe_rank_lstm(
        RankLstm(lookback=4, units=3, deep_units=5),
        channels=6,
        n_outputs=3,
        n_windows=9,
    ),
    "one recurrent layer": Architecture(
        "mixture",
        5,
        2,
        (Lstm("a", 4, sequences=False), *describe_v1().layers[4:]),
        "mse",
    ),
}


def store(folder: Path, architecture: Architecture, *, seed: int = 1) -> Path:
    """Store a network whose every weight is random, moving statistics too."""
    network = build(architecture)
    random = np.random.default_rng(seed)
    network.set_weights(
        [0.1 + 0.3 * random.random(w.shape) for w in network.get_weights()]
    )
    save_bundle(folder, network, scaler=SCALER, metadata={}, history=[], run={})
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return store(tmp_path_factory.mktemp("stored") / "v2", NETWORKS["v2"])


@pytest.fixture(scope="module")
def network(folder: Path) -> StoredNetwork:
    return read_network(folder / "model.keras")


def samples_of(lookback: int, n: int, *, channels: int = 1, seed: int = 2) -> Samples:
    table = np.random.default_rng(seed).random((lookback + n - 1, channels), np.float32)
    return Samples(table, np.arange(lookback - 1, lookback - 1 + n), np.empty((n, 1)))


@pytest.mark.parametrize("name", NETWORKS)
def test_numpy_forecasts_what_keras_does(tmp_path: Path, name: str) -> None:
    stored = store(tmp_path / "a", NETWORKS[name])
    assert check_runtime(stored) < RUNTIME_TOLERANCE
    require_equal_runtimes(stored)


def test_a_network_that_differs_by_one_weight_is_told(tmp_path, monkeypatch) -> None:
    stored = store(tmp_path / "a", NETWORKS["v2"])
    other = keras.saving.load_model(stored / "model.keras", compile=False)
    *weights, last = other.get_weights()
    other.set_weights([*weights, last + 1e-4])
    monkeypatch.setattr("nse_lstm.models.equality.load_keras", lambda _: other)
    assert check_runtime(stored) > RUNTIME_TOLERANCE
    with pytest.raises(ArtefactError, match=r"Expected NumPy within 1e-05 of Keras"):
        require_equal_runtimes(stored)


def test_the_outline_says_all_that_the_engine_needs(network: StoredNetwork) -> None:
    outline = network.architecture
    assert (outline.name, outline.lookback, outline.channels) == ("v2", 7, 1)
    plain = describe_v2(SMALL)
    assert [type(each) for each in outline.layers] == [
        type(each) for each in plain.layers
    ]
    units = [each.units for each in outline.layers if hasattr(each, "units")]
    assert units == [5, 5, 3, 1]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 39), min_size=1, max_size=30))
def test_a_forecast_is_the_same_alone_and_in_any_batch(
    network: StoredNetwork, chosen: list[int]
) -> None:
    whole = samples_of(7, 40)
    some = Samples(whole.table, whole.last[chosen], whole.y[chosen])
    expected = predict(network, whole)[chosen]
    assert predict(network, some).tobytes() == expected.tobytes()


def test_other_kernels_and_threads_move_no_bit(folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; import numpy as np\n"
        "from nse_lstm.models.inference import read_network\n"
        "from nse_lstm.models.forecasting import predict\n"
        "from nse_lstm.models.samples import Samples\n"
        "table = np.random.default_rng(5).random((300, 1), np.float32)\n"
        "samples = Samples(table, np.arange(6, 300), np.empty((294, 1)))\n"
        f"network = read_network(Path({str(folder / 'model.keras')!r}))\n"
        "sys.stdout.buffer.write(predict(network, samples).tobytes())\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)\n"
    )
    outputs = []
    for more in (
        {"OPENBLAS_CORETYPE": "NEHALEM", "OPENBLAS_NUM_THREADS": "1"},
        {"OPENBLAS_CORETYPE": "HASWELL", "OPENBLAS_NUM_THREADS": "2"},
    ):
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            check=True,
            env={**os.environ, **more},
        )
        outputs.append(done.stdout)
    assert len(outputs[0]) == 294 * 8 and outputs[0] == outputs[1]


def test_a_missing_price_gives_no_number(network) -> None:
    table = np.full((7, 1), np.nan, np.float32)
    made = predict(network, Samples(table, np.array([6]), np.empty((1, 1))))
    assert np.isnan(made).all()


def outline_of(folder: Path) -> dict:
    with zipfile.ZipFile(folder / "model.keras") as archive:
        return json.loads(archive.read("config.json"))


@pytest.mark.parametrize(
    ("place", "changes"),
    [
        (1, {"activation": "relu"}),
        (1, {"recurrent_activation": "hard_sigmoid"}),
        (1, {"go_backwards": True}),
        (1, {"stateful": True}),
        (1, {"use_bias": False}),
        (1, {"use_bias": 1}),
        (1, {"units": -5}),
        (1, {"units": True}),
        (1, {"return_sequences": False}),
        (2, {"epsilon": 0.01}),
        (2, {"center": False}),
        (4, {"return_sequences": True}),
        (7, {"activation": "softmax"}),
        (7, {"activation": {"module": "builtins", "class_name": "function"}}),
        (7, {"quantization_config": {"mode": "int8"}}),
        (0, {"batch_shape": [None, 0, 1]}),
        (0, {"batch_shape": [8, 7, 1]}),
    ],
)
def test_an_option_that_the_engine_does_not_know_is_refused(
    folder: Path, place: int, changes: dict
) -> None:
    outline = outline_of(folder)
    assert check_outline(copy.deepcopy(outline)).architecture.name == "v2"
    outline["config"]["layers"][place]["config"] |= changes
    with pytest.raises(ArtefactError, match="Expected a plain network"):
        check_outline(outline)


@pytest.mark.parametrize("kind", ["Lambda", "TorchModuleWrapper", "GRU", "InputLayer"])
def test_a_layer_off_the_list_is_refused(folder: Path, kind: str) -> None:
    outline = outline_of(folder)
    outline["config"]["layers"][3]["class_name"] = kind
    with pytest.raises(ArtefactError, match=kind):
        check_outline(outline)


def test_a_layer_of_another_module_is_refused(folder: Path) -> None:
    outline = outline_of(folder)
    outline["config"]["layers"][3]["module"] = "os"
    with pytest.raises(ArtefactError, match=r"os\.Dropout"):
        check_outline(outline)


@pytest.fixture(scope="module")
def branched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return store(tmp_path_factory.mktemp("stored") / "rank_lstm", NETWORKS["rank_lstm"])


def test_branches_are_read_in_the_order_of_the_description(branched: Path) -> None:
    outline = check_outline(outline_of(branched))
    names = [[each.name for each in way] for way in NETWORKS["rank_lstm"].branches]
    found = outline.architecture.branches
    assert [[each.name for each in way] for way in found] == names
    assert sorted(each.name for each in outline.order) == sorted(
        name for way in names for name in way
    )


def layer_of(outline: dict, name: str) -> dict:
    return next(each for each in outline["config"]["layers"] if each["name"] == name)


def history_of(layer: dict) -> dict:
    return layer["inbound_nodes"][0]["args"][0]["config"]


@pytest.mark.parametrize(
    "harm",
    [
        # The branches would see an earlier session, or all of them.
        lambda o: layer_of(o, "last_session")["config"].update(cropping=[2, 1]),
        lambda o: history_of(layer_of(o, "last_places")).update(
            keras_history=["prices", 0, 0]
        ),
        # A branch begins at the sessions, and the recurrent one at the last.
        lambda o: history_of(layer_of(o, "wide_places")).update(
            keras_history=["prices", 0, 0]
        ),
        # A layer leads back to itself, is used a second time, or is in no branch.
        lambda o: history_of(layer_of(o, "deep")).update(keras_history=["deep", 0, 0]),
        lambda o: history_of(layer_of(o, "deep")).update(
            keras_history=["last_places", 1, 0]
        ),
        lambda o: layer_of(o, "sum")["inbound_nodes"][0]["args"][0].pop(),
        lambda o: layer_of(o, "sum").update(module="os"),
        lambda o: o["config"].update(output_layers=["wide_places", 0, 0]),
    ],
)
def test_branches_that_the_engine_does_not_compute_are_refused(
    branched: Path, harm
) -> None:
    outline = outline_of(branched)
    harm(outline)
    with pytest.raises(ArtefactError, match="Expected a plain network"):
        check_outline(outline)


def rewritten(folder: Path, target: Path, **members: bytes) -> Path:
    """Copy a Keras file with other members."""
    with zipfile.ZipFile(folder / "model.keras") as archive:
        content = {name: archive.read(name) for name in MEMBERS}
    for name, given_bytes in members.items():
        content[name] = given_bytes
    with zipfile.ZipFile(target, "w") as archive:
        for name, each in content.items():
            archive.writestr(name, each)
    return target


def weights_file(folder: Path, change) -> bytes:
    with zipfile.ZipFile(folder / "model.keras") as archive:
        buffer = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(buffer, "a") as file:
        change(file)
    return buffer.getvalue()


PRICE = "layers/dense_1/vars/1"


def _replace(file: h5py.File, value: object) -> None:
    del file[PRICE]
    file[PRICE] = value


@pytest.mark.parametrize(
    "change",
    [
        lambda file: file.pop(PRICE),
        lambda file: _replace(file, np.zeros(2, np.float32)),
        lambda file: _replace(file, np.zeros(1, np.float64)),
        lambda file: _replace(file, np.full(1, np.nan, np.float32)),
        lambda file: _replace(file, h5py.ExternalLink("/etc/hostname", "/")),
        lambda file: _replace(file, h5py.SoftLink("/layers/dense/vars/1")),
    ],
    ids=["missing", "shape", "type", "nan", "external link", "soft link"],
)
def test_weights_that_are_not_plain_are_refused(folder, tmp_path, change) -> None:
    weights = weights_file(folder, change)
    path = rewritten(folder, tmp_path / "m.keras", **{"model.weights.h5": weights})
    with pytest.raises(ArtefactError, match=r"dense_1/vars/1"):
        read_network(path)


@pytest.mark.parametrize(
    "members",
    [
        {"config.json": b""},
        {"config.json": b"[]"},
        {"config.json": b'{"class_name": "Sequential", "module": "keras"}'},
        {"model.weights.h5": b"no HDF5"},
    ],
)
def test_a_broken_member_is_an_error_that_names_the_file(
    folder, tmp_path, members
) -> None:
    path = rewritten(folder, tmp_path / "broken.keras", **members)
    with pytest.raises(ArtefactError, match=r"broken\.keras"):
        read_network(path)


def test_a_packed_member_is_refused(folder, tmp_path) -> None:
    path = tmp_path / "packed.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in MEMBERS:
            archive.writestr(name, bytes(10**6))
    with pytest.raises(ArtefactError, match="not compressed"):
        read_network(path)


def test_dropout_is_read_and_does_nothing(network: StoredNetwork) -> None:
    assert [e.rate for e in network.architecture.layers if isinstance(e, Dropout)] == [
        0.3,
        0.3,
        0.2,
    ]
    first, again = (predict(network, samples_of(7, 3)) for _ in range(2))
    assert first.tobytes() == again.tobytes()
