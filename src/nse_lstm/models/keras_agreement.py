"""Check that NumPy and Keras forecast the same with a stored network."""

from pathlib import Path

import numpy as np

from nse_lstm.errors import ArtefactError
from nse_lstm.models.bundles import load_bundle, load_keras
from nse_lstm.models.forecasting import predict
from nse_lstm.models.samples import Samples

KERAS_TOLERANCE = 1e-5
"""Largest relative difference from Keras that single precision explains."""


def difference_from_keras(folder: Path, *, n_windows: int = 64, seed: int = 0) -> float:
    """Return the relative difference of NumPy's outputs from those of Keras.

    The inputs are drawn at random, over the range of scaled prices and ranks, so
    that the answer depends on the network only.

    Parameters
    ----------
    folder : Path
        Of a bundle.
    n_windows, seed : int
        Windows that are compared, and the seed of their random inputs.

    Returns
    -------
    float
        Largest absolute difference over the largest absolute output of Keras. A network
        may serve if it is at most ``KERAS_TOLERANCE``.

    Raises
    ------
    ArtefactError
        If the bundle is missing or changed, or is no network that the engine computes.
    """
    network, keras_network = load_bundle(folder).model, load_keras(folder)
    described = network.architecture
    shape = (n_windows, described.lookback, described.channels)
    windows = np.random.default_rng(seed).uniform(-1, 2, shape).astype(np.float32)
    samples = Samples(
        table=windows.reshape(-1, described.channels),
        last=(np.arange(n_windows) + 1) * described.lookback - 1,
        y=np.empty((n_windows, described.n_outputs)),
    )
    by_numpy = predict(network, samples)
    by_keras = keras_network(windows, training=False).numpy().astype(np.float64)
    return float(np.abs(by_numpy - by_keras).max() / np.abs(by_keras).max())


def require_keras_agreement(folder: Path) -> None:
    """Refuse a stored network whose outputs by NumPy and by Keras differ.

    Parameters
    ----------
    folder : Path
        Of a bundle that asks to be promoted.

    Raises
    ------
    ArtefactError
        If they differ by more than ``KERAS_TOLERANCE``; as ``difference_from_keras``.
    """
    difference = difference_from_keras(folder)
    # Written so that a difference of NaN is refused too.
    if not difference <= KERAS_TOLERANCE:
        raise ArtefactError(
            f"Expected NumPy within {KERAS_TOLERANCE:g} of Keras. Received: a "
            f"difference of {difference:.2g} with {folder}"
        )
