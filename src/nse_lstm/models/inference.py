"""A stored network without TensorFlow: read from its Keras file and applied by NumPy.

The file is an archive of an outline in JSON and of weights in HDF5. Both are only read:
the outline is held against a list of what the training engine computes, and it is that
engine's own way forward that forecasts. It works in double precision and the last step
rounds to the network's single, so that the processor's kernels do not show.
"""

import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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

__all__ = ["MEMBERS", "StoredNetwork", "check_outline", "network_of", "read_network"]

MEMBERS = ("metadata.json", "config.json", "model.weights.h5")
"""Members of a ``.keras`` file, in their canonical order."""

Numbers = NDArray[np.floating]
Options = Mapping[str, Any]

PLAIN: dict[str, dict[str, Any]] = {
    "InputLayer": {"dtype": "float32", "ragged": False, "sparse": False},
    "LSTM": {
        "activation": "tanh",
        "recurrent_activation": "sigmoid",
        "use_bias": True,
        "go_backwards": False,
        "return_state": False,
        "stateful": False,
    },
    "BatchNormalization": {
        "axis": -1,
        "center": True,
        "scale": True,
        "epsilon": 1e-3,
        "renorm": False,
    },
    "Dropout": {},
    "Dense": {"use_bias": True, "quantization_config": None},
}
"""The layers that may be stored, and the options in which they may not differ."""

ACTIVATIONS = ("linear", "relu")
"""Of a dense layer."""

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
    """float32, in the order of Keras's ``get_weights``."""


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
        architecture = check_outline(json.loads(outline))
        return StoredNetwork(architecture, tuple(_weights(architecture, weights)))
    except ArtefactError as error:
        raise ArtefactError(f"{error} ({path})") from None
    except (ValueError, TypeError, KeyError, OSError, RuntimeError) as error:
        raise ArtefactError(
            f"Expected a stored network in {path}. Received: {type(error).__name__}: "
            f"{error}"
        ) from None


def check_outline(outline: Options) -> Architecture:
    """Return the architecture that a Keras outline describes.

    Parameters
    ----------
    outline : mapping
        ``config.json`` of a ``.keras`` file, parsed.

    Raises
    ------
    ArtefactError
        If a layer, or one of its options, is none that the engine computes.
    """
    if outline["class_name"] != "Sequential" or outline["module"] != "keras":
        raise _not_plain(f"a {outline['module']} {outline['class_name']}")
    first, *others = outline["config"]["layers"]
    name, given = _plain(first)
    if name != "InputLayer":
        raise _not_plain(f"{name} in place of an input")
    batch, lookback, channels = given["batch_shape"]
    layers = tuple(_layer(*_plain(each)) for each in others)
    _check_order(layers)
    if batch is not None or not _are_counts(lookback, channels):
        raise _not_plain(f"inputs of shape {given['batch_shape']}")
    return Architecture(
        str(outline["config"]["name"]), lookback, channels, layers, loss="mse"
    )


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
    try:
        with zipfile.ZipFile(path) as archive:
            # A stored member is no longer than the file; a packed one might be.
            packed = [i for i in archive.infolist() if i.compress_type]
            names = archive.namelist()
            if sorted(names) == sorted(MEMBERS) and not packed:
                return archive.read(MEMBERS[1]), archive.read(MEMBERS[2])
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError):
        names = []
    raise ArtefactError(
        f"Expected a Keras file of exactly {MEMBERS}, not compressed. "
        f"Received: {names} in {path}"
    )


def _plain(layer: Options) -> tuple[str, Options]:
    """Return a layer's class and options once they are of the plain kind."""
    name, given = layer["class_name"], layer["config"]
    if layer["module"] != "keras.layers" or name not in PLAIN:
        raise _not_plain(f"a layer {layer['module']}.{name}")
    for option, plain in PLAIN[name].items():
        if type(given[option]) is not type(plain) or given[option] != plain:
            raise _not_plain(f"{name} with {option}={given[option]!r}")
    return name, given


def _layer(name: str, given: Options) -> Layer:
    title = str(given["name"])
    if name == "BatchNormalization":
        return Normalise(title)
    if name == "Dropout":
        return Dropout(title, float(given["rate"]))
    if name == "InputLayer" or not _are_counts(given["units"]):
        raise _not_plain(f"another {name}, of {given.get('units')!r} units")
    if name == "LSTM":
        return Lstm(title, given["units"], sequences=given["return_sequences"] is True)
    if given["activation"] not in ACTIVATIONS:
        raise _not_plain(f"Dense with activation={given['activation']!r}")
    return Dense(title, given["units"], activation=given["activation"])


def _check_order(layers: Sequence[Layer]) -> None:
    """See that LSTMs come first, the last of them without ``sequences``."""
    solid = [each for each in layers if isinstance(each, Lstm | Dense)]
    kinds = [type(each) for each in solid]
    n_lstm = kinds.count(Lstm)
    goes_on = [each.sequences for each in solid if isinstance(each, Lstm)]
    if kinds != [Lstm] * n_lstm + [Dense] * (len(kinds) - n_lstm) or goes_on != [
        *[True] * (n_lstm - 1),
        False,
    ]:
        raise _not_plain("layers in another order than LSTMs, then dense ones")
    if not layers or not isinstance(layers[-1], Dense):
        raise _not_plain("no dense layer at the end")


def _weights(architecture: Architecture, content: bytes) -> Iterator[Numbers]:
    """Read each layer's weights in Keras's order, shapes and types checked."""
    seen = dict.fromkeys(GROUPS, 0)
    width = architecture.channels
    with h5py.File(io.BytesIO(content), "r") as file:
        for layer in architecture.layers:
            count, group = seen[type(layer)], GROUPS[type(layer)]
            seen[type(layer)] += 1
            place = f"layers/{group}_{count}" if count else f"layers/{group}"
            inner = "cell/vars" if isinstance(layer, Lstm) else "vars"
            for number, shape in enumerate(_shapes(layer, width)):
                yield _read(file, f"{place}/{inner}/{number}", shape)
            if isinstance(layer, Lstm | Dense):
                width = layer.units


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
        raise _not_plain(f"{found or 'nothing'} for the weights {name} of {shape}")
    values = np.asarray(found)
    if not np.isfinite(values).all():
        raise _not_plain(f"weights that are not finite in {name}")
    return values


def _are_counts(*values: object) -> bool:
    return all(type(value) is int and value >= 1 for value in values)


def _not_plain(received: str) -> ArtefactError:
    return ArtefactError(
        f"Expected a plain network of {', '.join(PLAIN)}. "
        f"Received: {re.sub(r'[^ -~]', '?', received)}"
    )
