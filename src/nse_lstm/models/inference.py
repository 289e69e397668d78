"""A stored network without TensorFlow: read from its bundle and applied by NumPy.

The bundle describes the network in JSON and holds its weights in one array. Both are
only read, and the training engine's own forward pass forecasts. It works in double
precision and the last step rounds to the network's single, so that the processor's
kernels do not show.
"""

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nse_lstm.errors import ArtefactError
from nse_lstm.models.architectures import (
    Architecture,
    architecture_from_json,
    single_member,
    split_members,
    weight_shapes,
)
from nse_lstm.models.engine.step import Network, mean_output, pack

ARCHITECTURE, WEIGHTS = "architecture.json", "weights.npy"
"""Files of a bundle."""

Numbers = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class StoredNetwork:
    """A network read from its bundle and checked: enough to forecast with."""

    architecture: Architecture
    weights: tuple[Numbers, ...]
    """float32, in the order of ``architectures.take_weights``."""


def read_network(folder: Path) -> StoredNetwork:
    """Read a network from its bundle; nothing in it is executed.

    Parameters
    ----------
    folder : Path
        Written by ``bundles.save_bundle``, its digests checked by the caller.

    Raises
    ------
    ArtefactError
        If the description is of no network that the engine computes, or the weights
        do not fit it.
    """
    try:
        content = (folder / ARCHITECTURE).read_bytes()
        architecture = architecture_from_json(content)
        weights = _read_weights(folder / WEIGHTS, architecture)
    except ArtefactError as error:
        raise ArtefactError(f"{error} ({folder})") from None
    except (OSError, ValueError) as error:
        raise ArtefactError(
            f"Expected a stored network in {folder}. Received: {error}"
        ) from None
    return StoredNetwork(architecture, weights)


def weights_bytes(weights: Sequence[Numbers]) -> bytes:
    """Return weights one after the other as a ``.npy`` file of single precision."""
    buffer = io.BytesIO()
    flat = np.concatenate([each.ravel() for each in weights])
    np.save(buffer, flat.astype(np.float32), allow_pickle=False)
    return buffer.getvalue()


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
    weights = [each.astype(np.float64) for each in stored.weights]
    single = single_member(stored.architecture)
    members = [
        Network(single, pack(single, own), n_windows)
        for own in split_members(stored.architecture, weights)
    ]

    # A missing input gives a missing output, without a warning.
    @np.errstate(over="ignore", invalid="ignore")
    def apply(x: Numbers) -> NDArray[np.float32]:
        return mean_output(members, x.astype(np.float64)).astype(np.float32)

    return apply


def _read_weights(path: Path, architecture: Architecture) -> tuple[Numbers, ...]:
    """Read one flat array and cut it by the shapes that the description implies."""
    shapes = weight_shapes(architecture)
    sizes = [math.prod(shape) for shape in shapes]
    # Mapping refuses a header that claims more than the file holds.
    found = np.lib.format.open_memmap(path, mode="r")
    if (found.shape, found.dtype) != ((sum(sizes),), np.float32):
        raise ArtefactError(
            f"Expected {sum(sizes)} weights of single precision for "
            f"{architecture.name}. Received: {found.dtype} of shape {found.shape}"
        )
    if not np.isfinite(found).all():
        raise ArtefactError("Expected finite weights. Received: some that are not")
    parts = np.split(np.array(found), np.cumsum(sizes)[:-1])
    return tuple(part.reshape(shape) for part, shape in zip(parts, shapes, strict=True))
