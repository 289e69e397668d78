import hashlib
import json
import zipfile

import numpy as np
import pytest

from nse_lstm.config import V2
from nse_lstm.errors import ArtefactError
from nse_lstm.features.scaling import MinMaxScaler
from nse_lstm.models.architectures import build, describe_v2
from nse_lstm.models.bundles import (
    DIGESTED,
    MEMBERS,
    bundle_digest,
    keras_bytes,
    load_bundle,
    load_keras,
    read_history,
    read_metadata,
    read_run,
    save_bundle,
)
from nse_lstm.models.runtime import keras

SMALL = V2(units=4, dense_units=3, lookback=5)
SCALER = MinMaxScaler(0.1, 30.0)
ROW = {"epoch": 1, "loss": 1.1, "huber": 0.1, "val_huber": 0.2, "learning_rate": 1e-3}
FILES = sorted([*DIGESTED, "metadata.json", "run.json"])
NETWORK = describe_v2(SMALL)


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(7)
    return build(NETWORK)


def save(folder, network, **changes):
    given = {
        "architecture": NETWORK,
        "scaler": SCALER,
        "metadata": {"ticker": "AAA", "version": "1"},
        "history": [ROW],
        "run": {"seconds": 1.5},
    }
    return save_bundle(folder, network, **(given | changes))


@pytest.fixture
def bundle_folder(tmp_path, network):
    save(tmp_path / "AAA", network)
    return tmp_path / "AAA"


def test_a_reloaded_model_forecasts_identically(bundle_folder, network):
    windows = np.random.default_rng(0).random((6, 5, 1), dtype=np.float32)
    bundle, again = load_bundle(bundle_folder), load_keras(bundle_folder)
    before = network(windows, training=False).numpy()
    assert again(windows, training=False).numpy().tobytes() == before.tobytes()
    for mine, own in zip(bundle.model.weights, network.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, own, strict=True)
    assert bundle.scaler == SCALER
    assert bundle.metadata["ticker"] == "AAA"


def test_the_same_weights_give_the_same_bytes_whatever_was_built_before(
    tmp_path, network
):
    save(tmp_path / "one", network)
    build(describe_v2(SMALL, channels=2))
    twin = build(NETWORK)
    twin.set_weights(network.get_weights())
    twin.compile(optimizer="adam", loss="mse")
    save(tmp_path / "two", twin, run={"seconds": 99.0})
    for name in FILES:
        same = (tmp_path / "one" / name).read_bytes() == (
            tmp_path / "two" / name
        ).read_bytes()
        assert same == (name != "run.json"), name


def test_the_model_file_holds_no_time_and_no_optimiser(bundle_folder):
    with zipfile.ZipFile(bundle_folder / "model.keras") as archive:
        assert {info.date_time for info in archive.infolist()} == {
            (1980, 1, 1, 0, 0, 0)
        }
        assert "date_saved" not in json.loads(archive.read("metadata.json"))
        assert b"optimizer" not in archive.read("model.weights.h5")


def test_a_bundle_has_these_files_and_nothing_is_left_beside_it(bundle_folder):
    assert sorted(path.name for path in bundle_folder.iterdir()) == FILES
    assert list(bundle_folder.parent.iterdir()) == [bundle_folder]


def test_another_bundle_replaces_the_one_that_was_there(bundle_folder, network):
    before = bundle_digest(bundle_folder)
    digest = save(bundle_folder, network, metadata={"version": "2"})
    assert bundle_digest(bundle_folder) == digest != before
    assert read_metadata(bundle_folder)["version"] == "2"


@pytest.mark.parametrize("name", DIGESTED)
def test_a_changed_file_is_named(bundle_folder, name):
    path = bundle_folder / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ArtefactError, match=name):
        load_bundle(bundle_folder)


@pytest.mark.parametrize("name", [*DIGESTED, "metadata.json"])
def test_a_missing_file_is_named(bundle_folder, name):
    (bundle_folder / name).unlink()
    with pytest.raises(ArtefactError, match=name):
        load_bundle(bundle_folder)


def test_metadata_that_a_registry_remembers_otherwise_are_refused(bundle_folder):
    digest = bundle_digest(bundle_folder)
    assert load_bundle(bundle_folder, digest=digest).metadata["version"] == "1"
    path = bundle_folder / "metadata.json"
    path.write_text(path.read_text().replace("AAA", "BBB"))
    with pytest.raises(ArtefactError, match=r"metadata\.json"):
        load_bundle(bundle_folder, digest=digest)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"digests": {}}', '{"digests": 1}'])
def test_metadata_of_something_else_are_refused(bundle_folder, text):
    (bundle_folder / "metadata.json").write_text(text)
    with pytest.raises(ArtefactError, match=r"metadata\.json"):
        load_bundle(bundle_folder)


def resign(folder):
    """Make the digests agree with a forged model, as a forger would."""
    path = folder / "metadata.json"
    metadata = json.loads(path.read_text())
    for name in DIGESTED:
        content = (folder / name).read_bytes()
        metadata["digests"][name] = hashlib.sha256(content).hexdigest()
    path.write_text(json.dumps(metadata))


def test_a_model_file_with_another_member_is_not_shown_to_keras(bundle_folder):
    with zipfile.ZipFile(bundle_folder / "model.keras", "a") as archive:
        archive.writestr("assets/payload.py", "print('no')")
    resign(bundle_folder)
    with pytest.raises(ArtefactError, match="payload"):
        load_keras(bundle_folder)


def test_a_packed_model_file_is_not_shown_to_keras(bundle_folder):
    path = bundle_folder / "model.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in MEMBERS:
            archive.writestr(name, bytes(10**6))
    resign(bundle_folder)
    with pytest.raises(ArtefactError, match="not compressed"):
        load_keras(bundle_folder)


def test_a_model_that_would_run_code_is_not_shown_to_keras(bundle_folder):
    network = keras.Sequential(
        [keras.Input((5, 1)), keras.layers.Lambda(lambda x: x[:, -1])]
    )
    network.save(bundle_folder / "model.keras")
    resign(bundle_folder)
    with pytest.raises(ArtefactError, match=r"Expected the network of architecture"):
        load_keras(bundle_folder)


@pytest.mark.parametrize(
    "change",
    [
        {"activation": "relu"},
        {"recurrent_activation": "hard_sigmoid"},
        {"go_backwards": True},
        {"use_bias": False},
        {"module": "os"},
    ],
)
def test_a_model_file_of_another_network_is_not_shown_to_keras(bundle_folder, change):
    path = bundle_folder / "model.keras"
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in MEMBERS}
    outline = json.loads(members["config.json"])
    outline["config"]["layers"][1]["config"] |= change
    members["config.json"] = json.dumps(outline).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    resign(bundle_folder)
    with pytest.raises(ArtefactError, match=r"Expected the network of architecture"):
        load_keras(bundle_folder)


def test_a_model_file_with_other_weights_is_refused(bundle_folder):
    other = build(NETWORK)
    (bundle_folder / "model.keras").write_bytes(keras_bytes(other))
    resign(bundle_folder)
    with pytest.raises(ArtefactError, match=r"Expected the weights of weights\.npy"):
        load_keras(bundle_folder)


def test_a_model_file_that_is_no_archive_is_refused(bundle_folder):
    (bundle_folder / "model.keras").write_bytes(b"no archive")
    resign(bundle_folder)
    with pytest.raises(ArtefactError, match=r"10 bytes, .*not a zip file.*\.keras"):
        load_keras(bundle_folder)


def test_the_history_comes_back_to_the_bit(tmp_path, network):
    loss = 0.1 + 0.2  # 0.30000000000000004 needs all 17 digits
    save(tmp_path / "AAA", network, history=[ROW, ROW | {"epoch": 2, "loss": loss}])
    history = read_history(tmp_path / "AAA")
    assert history["epoch"].tolist() == [1, 2]
    assert history["loss"].tolist() == [1.1, loss]


def test_what_is_kept_about_a_run_has_no_digest(bundle_folder):
    assert read_run(bundle_folder) == {"seconds": 1.5}
    (bundle_folder / "run.json").write_text('{"seconds": 2}')
    assert load_bundle(bundle_folder).metadata["version"] == "1"
    (bundle_folder / "run.json").write_text("no JSON")
    with pytest.raises(ArtefactError, match=r"run\.json"):
        read_run(bundle_folder)
