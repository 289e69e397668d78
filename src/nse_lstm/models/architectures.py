"""The networks, layer by layer."""

from nse_lstm.config import V2
from nse_lstm.models.runtime import keras

__all__ = ["build_v2", "count_parameters"]


def build_v2(lookback: int, v2: V2) -> "keras.Model":
    """Build the v2 network, uncompiled, with weights from the current seeds.

    LSTM -> batch normalisation -> dropout, twice, then two dense layers; one input
    channel, one output. Every name is explicit, so that a stored network does not
    depend on what else was built in the process.

    Parameters
    ----------
    lookback : int
        Sessions of a window.
    v2 : V2
        Sizes, dropout rates and the L2 factor.

    Returns
    -------
    keras.Model
        (n, lookback, 1) scaled adjusted prices -> (n, 1) scaled adjusted price.
    """
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((lookback, 1), name="prices"),
            _lstm("lstm_1", v2, return_sequences=True),
            layers.BatchNormalization(name="normalisation_1"),
            layers.Dropout(v2.dropout, name="dropout_1"),
            _lstm("lstm_2", v2, return_sequences=False),
            layers.BatchNormalization(name="normalisation_2"),
            layers.Dropout(v2.dropout, name="dropout_2"),
            layers.Dense(
                v2.dense_units,
                activation="relu",
                kernel_regularizer=keras.regularizers.L2(v2.l2),
                name="dense",
            ),
            layers.Dropout(v2.dense_dropout, name="dropout_3"),
            layers.Dense(1, name="price"),
        ],
        name="v2",
    )


def count_parameters(model: "keras.Model") -> int:
    """Return the number of weights, those of batch normalisation included."""
    return int(model.count_params())


def _lstm(name: str, v2: V2, *, return_sequences: bool) -> "keras.layers.LSTM":
    return keras.layers.LSTM(
        v2.units,
        return_sequences=return_sequences,
        kernel_regularizer=keras.regularizers.L2(v2.l2),
        recurrent_regularizer=keras.regularizers.L2(v2.l2),
        # The plain kernel everywhere, whatever the machine has.
        use_cudnn=False,
        name=name,
    )
