"""A stored network without TensorFlow: near Keras, and closed to anything else."""

import io
import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

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
    architecture_document,
    architecture_from_json,
    build,
    describe_rank_lstm,
    describe_v1,
    describe_v2,
    weight_shapes,
)
from nse_lstm.models.bundles import save_bundle
from nse_lstm.models.forecasting import predict
from nse_lstm.models.inference import StoredNetwork, read_network
from nse_lstm.models.keras_agreement import (
    KERAS_TOLERANCE,
    difference_from_keras,
    require_keras_agreement,
)
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
    about = {"architecture": architecture, "scaler": SCALER}
    save_bundle(folder, network, **about, metadata={}, history=[], run={})
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return store(tmp_path_factory.mktemp("stored") / "v2", NETWORKS["v2"])


@pytest.fixture(scope="module")
def network(folder: Path) -> StoredNetwork:
    return read_network(folder)


def samples_of(lookback: int, n: int, *, channels: int = 1, seed: int = 2) -> Samples:
    table = np.random.default_rng(seed).random((lookback + n - 1, channels), np.float32)
    return Samples(table, np.arange(lookback - 1, lookback - 1 + n), np.empty((n, 1)))


@pytest.mark.parametrize("name", NETWORKS)
def test_numpy_forecasts_what_keras_does(tmp_path: Path, name: str) -> None:
    stored = store(tmp_path / "a", NETWORKS[name])
    assert difference_from_keras(stored) < KERAS_TOLERANCE
    require_keras_agreement(stored)


def test_a_network_that_differs_by_one_weight_is_told(tmp_path, monkeypatch) -> None:
    stored = store(tmp_path / "a", NETWORKS["v2"])
    other = keras.saving.load_model(stored / "model.keras", compile=False)
    *weights, last = other.get_weights()
    other.set_weights([*weights, last + 1e-4])
    monkeypatch.setattr("nse_lstm.models.keras_agreement.load_keras", lambda _: other)
    assert difference_from_keras(stored) > KERAS_TOLERANCE
    with pytest.raises(ArtefactError, match=r"Expected NumPy within 1e-05 of Keras"):
        require_keras_agreement(stored)


def test_a_stored_network_is_the_one_that_was_described(network) -> None:
    assert network.architecture == NETWORKS["v2"]
    shapes = [weight.shape for weight in network.weights]
    assert shapes == weight_shapes(NETWORKS["v2"])


@settings(max_examples=25)
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
        f"network = read_network(Path({str(folder)!r}))\n"
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


def document_of(name: str) -> dict:
    return architecture_document(NETWORKS[name])


@pytest.mark.parametrize("name", NETWORKS)
def test_a_description_comes_back_from_json(name: str) -> None:
    content = json.dumps(document_of(name)).encode()
    assert architecture_from_json(content) == NETWORKS[name]


@pytest.mark.parametrize(
    ("place", "changes"),
    [
        (0, {"units": -5}),
        (0, {"units": 0}),
        (0, {"units": True}),
        (0, {"units": 5.0}),
        (0, {"units": None}),
        (0, {"sequences": 1}),
        (0, {"sequences": False}),
        (0, {"l2": -1.0}),
        (0, {"l2": float("nan")}),
        (0, {"go_backwards": True}),
        (0, {"name": 3}),
        (0, {"kind": "dense"}),
        (2, {"rate": 1.0}),
        (2, {"rate": float("inf")}),
        (2, {"kind": "Lambda"}),
        (2, {"kind": "gru"}),
        (3, {"sequences": True}),
        (6, {"activation": "softmax"}),
        (6, {"activation": {"module": "builtins", "class_name": "function"}}),
    ],
)
def test_a_layer_that_the_engine_does_not_know_is_refused(
    place: int, changes: dict
) -> None:
    document = document_of("v2")
    document["layers"][place] |= changes
    with pytest.raises(ArtefactError, match="Expected"):
        architecture_from_json(json.dumps(document).encode())


@pytest.mark.parametrize(
    "harm",
    [
        lambda d: d.update(lookback=0),
        lambda d: d.update(channels=-1),
        lambda d: d.update(loss="mae"),
        lambda d: d.update(optimizer="adam"),
        lambda d: d.update(layers=[]),
        lambda d: d.pop("channels"),
        # No dense layer at the end, or the layers in another order.
        lambda d: d["layers"].pop(),
        lambda d: d["layers"].reverse(),
        # A branch of no layer, without a dense end, of other outputs, of an LSTM.
        lambda d: d["beside"].append([]),
        lambda d: d["beside"][0].pop(),
        lambda d: d["beside"][1][0].update(units=1),
        lambda d: d["beside"][1].insert(0, d["layers"][0]),
    ],
)
def test_a_network_that_the_engine_does_not_compute_is_refused(harm) -> None:
    document = document_of("rank_lstm")
    harm(document)
    with pytest.raises(ArtefactError, match="Expected"):
        architecture_from_json(json.dumps(document).encode())


def changed(folder: Path, target: Path, **files: bytes) -> Path:
    """Copy a bundle with another description or other weights."""
    shutil.copytree(folder, target)
    for name, content in files.items():
        (target / name).write_bytes(content)
    return target


def array_file(array: np.ndarray, **options: bool) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


def claiming(n: int) -> bytes:
    """Return an array file whose header claims more values than it holds."""
    buffer = io.BytesIO()
    about = {"descr": "<f4", "fortran_order": False, "shape": (n,)}
    np.lib.format.write_array_header_1_0(buffer, about)
    return buffer.getvalue()


N_WEIGHTS = sum(math.prod(shape) for shape in weight_shapes(NETWORKS["v2"]))


@pytest.mark.parametrize(
    "content",
    [
        array_file(np.zeros(N_WEIGHTS - 1, np.float32)),
        array_file(np.zeros((N_WEIGHTS, 1), np.float32)),
        array_file(np.zeros(N_WEIGHTS, np.float64)),
        array_file(np.zeros(N_WEIGHTS, ">f4")),
        array_file(np.full(N_WEIGHTS, np.nan, np.float32)),
        array_file(np.full(N_WEIGHTS, None), allow_pickle=True),
        claiming(N_WEIGHTS),
        claiming(2**60),
        b"no array",
        b"",
        b"PK\x03\x04",
    ],
    ids=[
        *["too few", "shape", "double", "byte order", "nan", "pickled"],
        *["cut short", "huge", "text", "empty", "archive"],
    ],
)
def test_weights_that_do_not_fit_are_refused(folder, tmp_path, content) -> None:
    other = changed(folder, tmp_path / "other", **{"weights.npy": content})
    with pytest.raises(ArtefactError, match="other"):
        read_network(other)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b"[" * 10**5])
def test_a_broken_description_is_an_error_that_names_the_folder(
    folder, tmp_path, content
) -> None:
    other = changed(folder, tmp_path / "other", **{"architecture.json": content})
    with pytest.raises(ArtefactError, match="other"):
        read_network(other)


def test_sizes_that_disagree_with_the_weights_are_refused(folder, tmp_path) -> None:
    document = document_of("v2")
    document["layers"][0]["units"] = 10**9
    content = json.dumps(document).encode()
    other = changed(folder, tmp_path / "other", **{"architecture.json": content})
    with pytest.raises(ArtefactError, match=f"of shape .{N_WEIGHTS},"):
        read_network(other)


def test_dropout_is_read_and_does_nothing(network: StoredNetwork) -> None:
    assert [e.rate for e in network.architecture.layers if isinstance(e, Dropout)] == [
        0.3,
        0.3,
        0.2,
    ]
    first, again = (predict(network, samples_of(7, 3)) for _ in range(2))
    assert first.tobytes() == again.tobytes()
