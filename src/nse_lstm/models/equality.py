"""One stored network, two ways to apply it: by NumPy here, and by Keras."""

from pathlib import Path

import numpy as np

from nse_lstm.errors import ArtefactError
from nse_lstm.models.bundles import load_bundle, load_keras
from nse_lstm.models.forecasting import predict
from nse_lstm.models.samples import Samples

RUNTIME_TOLERANCE = 1e-5
"""Largest difference to Keras that single precision explains; see ``check_runtime``."""


def check_runtime(folder: Path, *, n_windows: int = 64, seed: int = 0) -> float:
    """Return how far NumPy's outputs of a stored network are from Keras's.

    The inputs are drawn at random, as wide as scaled prices and places ever are, so
    that the answer depends on the network only.

    Parameters
    ----------
    folder : Path
        Of a bundle.
    n_windows, seed : int
        Windows that are compared, and what draws them.

    Returns
    -------
    float
        Largest absolute difference over the largest absolute output of Keras. A network
        may serve if it is at most ``RUNTIME_TOLERANCE``.

    Raises
    ------
    ArtefactError
        If the bundle is missing, changed, or more than a plain network.
    """
    network, keras_network = load_bundle(folder).model, load_keras(folder)
    outline = network.architecture
    shape = (n_windows, outline.lookback, outline.channels)
    windows = np.random.default_rng(seed).uniform(-1, 2, shape).astype(np.float32)
    samples = Samples(
        table=windows.reshape(-1, outline.channels),
        last=(np.arange(n_windows) + 1) * outline.lookback - 1,
        y=np.empty((n_windows, outline.n_outputs)),
    )
    mine = predict(network, samples)
    theirs = keras_network(windows, training=False).numpy().astype(np.float64)
    return float(np.abs(mine - theirs).max() / np.abs(theirs).max())


def require_equal_runtimes(folder: Path) -> None:
    """Refuse a stored network that NumPy and Keras forecast differently with.

    Parameters
    ----------
    folder : Path
        Of a bundle that asks to be promoted.

    Raises
    ------
    ArtefactError
        If they differ by more than ``RUNTIME_TOLERANCE``; as ``check_runtime``.
    """
    difference = check_runtime(folder)
    # What is not a number is not small either.
    if not difference <= RUNTIME_TOLERANCE:
        raise ArtefactError(
            f"Expected NumPy within {RUNTIME_TOLERANCE:g} of Keras. Received: a "
            f"difference of {difference:.2g} with {folder}"
        )
