"""A trained model as a folder of files with their digests.

``architecture.json``, ``weights.npy`` and ``scaler.json`` forecast; ``model.keras``
holds the same network for Keras. ``history.csv`` shows the epochs of its training.
``metadata.json`` says what they are and holds the digests of the other five, so that
its own digest stands for all. ``run.json`` holds times and is outside every digest. The
same weights always give the same bytes. Nothing is ever unpickled.
"""

import hashlib
import io
import json
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from nse_lstm.errors import ArtefactError
from nse_lstm.features.scaling import (
    MinMaxScaler,
    scaler_document,
    scaler_from_document,
)
from nse_lstm.models.architectures import (
    Architecture,
    architecture_document,
    build,
    take_weights,
)
from nse_lstm.models.inference import (
    ARCHITECTURE,
    WEIGHTS,
    StoredNetwork,
    read_network,
    weights_bytes,
)
from nse_lstm.paths import write_folder

if TYPE_CHECKING:
    import keras


HISTORY_COLUMNS = ["epoch", "loss", "huber", "val_huber", "learning_rate"]

DIGESTED = (ARCHITECTURE, WEIGHTS, "model.keras", "scaler.json", "history.csv")

MEMBERS = ("metadata.json", "config.json", "model.weights.h5")
"""Members of a ``.keras`` file, in their canonical order."""


@dataclass(frozen=True, eq=False)
class Bundle:
    """A loaded model with its scaler and metadata."""

    model: StoredNetwork
    scaler: MinMaxScaler
    metadata: dict[str, Any]


def save_bundle(
    folder: Path,
    model: "keras.Model",
    *,
    architecture: Architecture,
    scaler: MinMaxScaler,
    metadata: Mapping[str, Any],
    history: Sequence[Mapping[str, float]],
    run: Mapping[str, Any],
) -> str:
    """Write a model's folder whole or not at all, replacing an older one.

    Parameters
    ----------
    folder : Path
        Becomes the bundle.
    model : keras.Model
        Its layers and weights are kept, its optimiser is not.
    architecture : Architecture
        Describes the model.
    scaler : MinMaxScaler
        Of the model's inputs and outputs.
    metadata : mapping
        Plain values that depend on data, configuration and seed only; ``digests`` is
        added.
    history : sequence of mapping
        One row per epoch with the ``HISTORY_COLUMNS``.
    run : mapping
        Plain values about this one run, such as its duration.

    Returns
    -------
    str
        The bundle's digest, see ``bundle_digest``.
    """
    rows = pd.DataFrame(history, columns=HISTORY_COLUMNS)
    files = {
        ARCHITECTURE: _json_bytes(architecture_document(architecture)),
        WEIGHTS: weights_bytes(take_weights(model, architecture)),
        "model.keras": keras_bytes(model),
        "scaler.json": _json_bytes(scaler_document(scaler)),
        "history.csv": rows.to_csv(index=False, lineterminator="\n").encode(),
    }
    digests = {name: _sha256(files[name]) for name in DIGESTED}
    files["metadata.json"] = _json_bytes({**metadata, "digests": digests})
    files["run.json"] = _json_bytes(dict(run))
    write_folder(folder, files)
    return _sha256(files["metadata.json"])


def load_bundle(folder: Path, *, digest: str | None = None) -> Bundle:
    """Load a bundle after checking every digest, without TensorFlow.

    Nothing in it can run code.

    Parameters
    ----------
    folder : Path
        Written by ``save_bundle``.
    digest : str, optional
        The expected ``bundle_digest``, as a registry keeps it.

    Raises
    ------
    ArtefactError
        Naming the file that is missing or changed, or the folder whose network is not
        one that the engine computes.
    """
    metadata = read_metadata(folder, digest=digest)
    document = json.loads((folder / "scaler.json").read_text(encoding="utf-8"))
    network = read_network(folder)
    return Bundle(network, scaler_from_document(document), metadata)


def load_keras(folder: Path) -> "keras.Model":
    """Load a bundle's network by Keras itself, after the same checks.

    Keras is shown no file but one that describes the network of ``architecture.json``,
    and its weights must be those of ``weights.npy`` to the bit.

    Raises
    ------
    ArtefactError
        As ``load_bundle``, or if ``model.keras`` holds another network.
    """
    stored = load_bundle(folder).model
    from nse_lstm.models.runtime import keras

    path, described = folder / "model.keras", build(stored.architecture)
    document = keras.saving.serialize_keras_object(described)
    if _config(path) != _json_bytes(without_accidents(document)):
        raise ArtefactError(
            f"Expected the network of {ARCHITECTURE}, as Keras "
            f"{keras.__version__} describes it, in {path}. Received: another one"
        )
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
        weights = weights_bytes(take_weights(model, stored.architecture))
    except Exception as error:  # Keras raises whatever the file provokes.
        raise ArtefactError(
            f"Expected a model that Keras loads in safe mode from {path}. "
            f"Received: {error}"
        ) from error
    if weights != weights_bytes(stored.weights):
        raise ArtefactError(
            f"Expected the weights of {WEIGHTS} in {path}. Received: others"
        )
    return model


def read_metadata(folder: Path, *, digest: str | None = None) -> dict[str, Any]:
    """Return a bundle's metadata once all its digests agree.

    Parameters
    ----------
    folder : Path
        Of the bundle.
    digest : str, optional
        The expected digest of ``metadata.json``.

    Raises
    ------
    ArtefactError
        Naming the file that is missing or changed.
    """
    content = _read(folder / "metadata.json")
    if digest is not None and _sha256(content) != digest:
        raise _changed(folder / "metadata.json", digest, _sha256(content))
    try:
        metadata = dict(json.loads(content))
        digests = {name: str(metadata["digests"][name]) for name in DIGESTED}
    except (ValueError, KeyError, TypeError):
        raise ArtefactError(
            f"Expected the metadata of a bundle with the digests of {DIGESTED}. "
            f"Received: something else in {folder / 'metadata.json'}"
        ) from None
    for name, expected in digests.items():
        received = _sha256(_read(folder / name))
        if received != expected:
            raise _changed(folder / name, expected, received)
    return metadata


def read_history(folder: Path) -> pd.DataFrame:
    """Return a bundle's epochs: the ``HISTORY_COLUMNS``, one row per epoch.

    ``huber`` is the training loss without the L2 penalty, under dropout; ``val_huber``
    the same on the validation span, without dropout; both of scaled prices.

    Raises
    ------
    ArtefactError
        If a file of the bundle is missing or changed.
    """
    read_metadata(folder)
    return pd.read_csv(folder / "history.csv")


def read_run(folder: Path) -> dict[str, Any]:
    """Return the times of the run that wrote a bundle; no digest covers them.

    Raises
    ------
    ArtefactError
        If it is missing or no JSON.
    """
    try:
        return dict(json.loads(_read(folder / "run.json")))
    except (ValueError, TypeError):
        raise ArtefactError(
            f"Expected a JSON object. Received: something else in {folder / 'run.json'}"
        ) from None


def bundle_digest(folder: Path) -> str:
    """Return the SHA-256 of ``metadata.json``, which stands for all digested files.

    Raises
    ------
    ArtefactError
        If there is no bundle.
    """
    return _sha256(_read(folder / "metadata.json"))


def keras_bytes(model: "keras.Model") -> bytes:
    """Return a model as a Keras file, without optimiser, times and addresses.

    Parameters
    ----------
    model : keras.Model
        Its class must read its own configuration.
    """
    saved = model
    if model.compiled:
        # A twin, because saving a model that was compiled saves its optimiser too.
        saved = type(model).from_config(model.get_config())
        saved.set_weights(model.get_weights())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        saved.save(path)
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
    for name in ("metadata.json", "config.json"):
        members[name] = _json_bytes(without_accidents(json.loads(members[name])))
    return _canonical_zip(members)


def _config(path: Path) -> bytes:
    """Return a Keras file's description of its network, once the archive is plain."""
    try:
        with zipfile.ZipFile(path) as archive:
            # A stored member is no longer than the file; a packed one might be.
            packed = [i.filename for i in archive.infolist() if i.compress_type]
            names = archive.namelist()
            if sorted(names) == sorted(MEMBERS) and not packed:
                return archive.read("config.json")
        came = f"an archive of {names}, of these compressed: {packed}"
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        came = f"{path.stat().st_size} bytes, not to be read as one: {error}"
    raise ArtefactError(
        f"Expected a Keras file of exactly {MEMBERS}, not compressed. "
        f"Received: {came} ({path})"
    )


def without_accidents(document: Any) -> Any:
    """Drop the date of saving, and Python's addresses of shared objects."""
    if isinstance(document, list):
        return [without_accidents(item) for item in document]
    if not isinstance(document, dict):
        return document
    kept = document.keys() - {"date_saved", "shared_object_id"}
    return {name: without_accidents(document[name]) for name in kept}


def _canonical_zip(members: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in MEMBERS:
            info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            info.create_system = 3
            info.external_attr = 0o644 << 16
            archive.writestr(info, members[name])
    return buffer.getvalue()


def _json_bytes(document: Mapping[str, Any]) -> bytes:
    text = json.dumps(document, sort_keys=True, indent=2, allow_nan=False)
    return f"{text}\n".encode()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise ArtefactError(
            f"Expected a bundle's file at {path}. Received: none"
        ) from None


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _changed(path: Path, expected: str, received: str) -> ArtefactError:
    return ArtefactError(
        f"Expected {path} unchanged, with SHA-256 {expected[:12]}. "
        f"Received: {received[:12]}: something else wrote it"
    )
