"""A stored network without TensorFlow: read from its Keras file and applied by NumPy.

The file is an archive of an outline in JSON and of weights in HDF5. Both are only read:
``outlines`` holds the outline against what the training engine computes, and it is that
engine's own way forward that forecasts. It works in double precision and the last step
rounds to the network's single, so that the processor's kernels do not show.
"""

import io
import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from nse_lstm.errors import ArtefactError
from nse_lstm.models.architectures import (
    Architecture,
    Dense,
    Dropout,
    Layer,
    Lstm,
    Normalise,
)
from nse_lstm.models.engine.step import Network, pack
from nse_lstm.models.outlines import Outline, check_outline, not_plain

MEMBERS = ("metadata.json", "config.json", "model.weights.h5")
"""Members of a ``.keras`` file, in their canonical order."""

Numbers = NDArray[np.floating]
GROUPS = {
    Lstm: "lstm",
    Normalise: "batch_normalization",
    Dropout: "dropout",
    Dense: "dense",
}
"""Keras's names for the layers in a file of weights; the second is ``..._1``."""


@dataclass(frozen=True, eq=False)
class StoredNetwork:
    """What a file of weights says, checked: enough to forecast with."""

    architecture: Architecture
    """Without penalties and loss: they are of training only."""
    weights: tuple[Numbers, ...]
    """float32, in the order of ``architectures.take_weights``."""


def read_network(path: Path) -> StoredNetwork:
    """Read a ``.keras`` file; nothing in it is executed.

    Parameters
    ----------
    path : Path
        Written by ``bundles.save_bundle``, its digest checked by the caller.

    Raises
    ------
    ArtefactError
        If it holds anything but a plain network of the layers of ``PLAIN``, naming the
        first thing that is not.
    """
    outline, weights = _members(path)
    try:
        checked = check_outline(json.loads(outline))
        return StoredNetwork(checked.architecture, tuple(_weights(checked, weights)))
    except ArtefactError as error:
        raise ArtefactError(f"{error} ({path})") from None
    except (ValueError, TypeError, KeyError, OSError, RuntimeError) as error:
        raise ArtefactError(
            f"Expected a stored network in {path}. Received: {type(error).__name__}: "
            f"{error}"
        ) from None


def network_of(
    stored: StoredNetwork, *, n_windows: int
) -> Callable[[Numbers], NDArray[np.float32]]:
    """Return a stored network as a function of batches of one size.

    It owns memory that every call writes to: one thread at a time.

    Parameters
    ----------
    stored : StoredNetwork
    n_windows : int
        Of every batch.

    Returns
    -------
    callable
        (lookback, channels, n_windows) scaled inputs -> (n_outputs, n_windows).
    """
    state = pack(stored.architecture, [w.astype(np.float64) for w in stored.weights])
    network = Network(stored.architecture, state, n_windows)

    # A missing input gives a missing output, without a word.
    @np.errstate(over="ignore", invalid="ignore")
    def apply(x: Numbers) -> NDArray[np.float32]:
        return network.apply(x.astype(np.float64)).astype(np.float32)

    return apply


def _members(path: Path) -> tuple[bytes, bytes]:
    """Return outline and weights."""
    try:
        with zipfile.ZipFile(path) as archive:
            # A stored member is no longer than the file; a packed one might be.
            packed = [i.filename for i in archive.infolist() if i.compress_type]
            names = archive.namelist()
            if sorted(names) == sorted(MEMBERS) and not packed:
                return archive.read(MEMBERS[1]), archive.read(MEMBERS[2])
        came = f"an archive of {names}, of these compressed: {packed}"
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        came = f"{path.stat().st_size} bytes, not to be read as one: {error}"
    raise ArtefactError(
        f"Expected a Keras file of exactly {MEMBERS}, not compressed. "
        f"Received: {came} ({path})"
    )


def _weights(outline: Outline, content: bytes) -> Iterator[Numbers]:
    """Read each layer's weights as the engine packs them, shapes and types checked."""
    places = _places(outline.order)
    with h5py.File(io.BytesIO(content), "r") as file:
        for branch in outline.architecture.branches:
            width = outline.architecture.channels
            for layer in branch:
                for number, shape in enumerate(_shapes(layer, width)):
                    yield _read(file, f"{places[layer.name]}/{number}", shape)
                if isinstance(layer, Lstm | Dense):
                    width = layer.units


def _places(order: Sequence[Layer]) -> dict[str, str]:
    """Return where the file keeps each layer's weights: numbered a kind, in order."""
    seen, places = dict.fromkeys(GROUPS, 0), {}
    for layer in order:
        kind = type(layer)
        number = f"_{seen[kind]}" if seen[kind] else ""
        inner = "cell/vars" if isinstance(layer, Lstm) else "vars"
        places[layer.name] = f"layers/{GROUPS[kind]}{number}/{inner}"
        seen[kind] += 1
    return places


def _shapes(layer: Layer, width: int) -> list[tuple[int, ...]]:
    match layer:
        case Lstm(units=units):
            return [(width, 4 * units), (units, 4 * units), (4 * units,)]
        case Normalise():
            return [(width,)] * 4
        case Dense(units=units):
            return [(width, units), (units,)]
        case Dropout():
            return []


def _read(file: h5py.File, name: str, shape: tuple[int, ...]) -> Numbers:
    """Read one array that lies in the file itself."""
    link = file.get(name, getlink=True)
    found = file[name] if isinstance(link, h5py.HardLink) else None
    is_plain = (
        isinstance(found, h5py.Dataset)
        and (found.shape, found.dtype) == (shape, np.float32)
        and not (found.external or found.is_virtual)
    )
    if not is_plain:
        raise not_plain(f"{found or 'nothing'} for the weights {name} of {shape}")
    values = np.asarray(found)
    if not np.isfinite(values).all():
        raise not_plain(f"weights that are not finite in {name}")
    return values
