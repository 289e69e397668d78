"""Fit the claimed network as its project did: in plain Keras, with its leaks.

``fitting`` does it right. This module shows where a published number comes from: the
scaler is fitted on all rows, and the reported span also stops the training.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nse_lstm.config import V2, Training
from nse_lstm.errors import DataError
from nse_lstm.features.scaling import fit_min_max, scale, unscale
from nse_lstm.models.architectures import build, describe_v2

if TYPE_CHECKING:
    import keras


Numbers = NDArray[np.float64]


def fit_as_claimed(
    X: Numbers, y: Numbers, *, n_train: int, v2: V2, training: Training, seed: int
) -> Numbers:
    """Fit v2 on the first windows and forecast the targets of all.

    Parameters
    ----------
    X : array of shape (n, lookback)
        Windows of prices, KES.
    y : array of shape (n,)
        The prices that follow them.
    n_train : int
        Windows that weights are fitted on; the others stop the training.
    v2, training
        Sizes, and how it is trained.
    seed : int
        Of Keras.

    Returns
    -------
    array of shape (n,)
        Forecast prices, KES.

    Raises
    ------
    DataError
        If no window is left to train on or to stop with, or prices are missing.
    """
    if not 0 < n_train < len(y):
        raise DataError(
            f"Expected windows on both sides of the cut. Received: n_train={n_train} "
            f"of {len(y)}"
        )
    scaler = fit_min_max(np.append(X, y))
    inputs = scale(scaler, X).astype(np.float32)[..., np.newaxis]
    targets = scale(scaler, y).astype(np.float32)
    model = _fitted(inputs, targets, n_train, v2, training, seed)
    made = model.predict(inputs, verbose=0).ravel().astype(np.float64)
    return unscale(scaler, made)


def _fitted(
    inputs: NDArray[np.float32],
    targets: NDArray[np.float32],
    n_train: int,
    v2: V2,
    training: Training,
    seed: int,
) -> "keras.Model":
    from nse_lstm.models.runtime import keras

    keras.utils.set_random_seed(seed)
    model = build(replace(describe_v2(v2), lookback=inputs.shape[1]))
    optimizer = keras.optimizers.Adam(training.learning_rate)
    model.compile(optimizer=optimizer, loss="huber")
    model.fit(
        inputs[:n_train],
        targets[:n_train],
        validation_data=(inputs[n_train:], targets[n_train:]),
        epochs=training.max_epochs,
        batch_size=training.batch_size,
        verbose=0,
        callbacks=[
            keras.callbacks.EarlyStopping(
                patience=training.stopping_patience, restore_best_weights=True
            ),
            keras.callbacks.ReduceLROnPlateau(
                factor=training.plateau_factor,
                patience=training.plateau_patience,
                min_lr=training.min_learning_rate,
            ),
        ],
    )
    return model
