"""The networks, described once: built plain by Keras, trained fast by ``engine``."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from nse_lstm.config import V2, V3
from nse_lstm.errors import ArtefactError

if TYPE_CHECKING:
    import keras

__all__ = [
    "Architecture",
    "Dense",
    "Dropout",
    "Layer",
    "Lstm",
    "Normalise",
    "build",
    "build_v2",
    "count_parameters",
    "describe_v1",
    "describe_v2",
    "describe_v3",
]


@dataclass(frozen=True)
class Lstm:
    """A recurrent layer; ``sequences`` passes on every session, not the last one."""

    name: str
    units: int
    sequences: bool
    l2: float = 0.0
    """Penalty on both kernels, not on the bias."""


@dataclass(frozen=True)
class Normalise:
    """Batch normalisation, as Keras sets it up."""

    name: str


@dataclass(frozen=True)
class Dropout:
    """A share ``rate`` of the values is set to 0 in training."""

    name: str
    rate: float


@dataclass(frozen=True)
class Dense:
    """A fully connected layer."""

    name: str
    units: int
    activation: Literal["linear", "relu"] = "linear"
    l2: float = 0.0


Layer = Lstm | Normalise | Dropout | Dense


@dataclass(frozen=True)
class Architecture:
    """A network from (n, lookback, channels) to (n, n_outputs), and its loss.

    Its layers are LSTMs, the last of them without ``sequences``, then dense ones, with
    normalisation and dropout in between; the last one is dense.
    """

    name: str
    lookback: int
    channels: int
    layers: tuple[Layer, ...]
    loss: Literal["huber", "mse"]
    """Of single outputs; its mean over windows and outputs is minimised."""

    @property
    def n_outputs(self) -> int:
        """Targets of a window."""
        last = self.layers[-1]
        if not isinstance(last, Dense):
            raise ArtefactError(
                f"Expected a dense layer at the end of {self.name}. Received: {last}"
            )
        return last.units


def describe_v2(v2: V2, *, channels: int = 1) -> Architecture:
    """Describe v2: twice LSTM, normalisation and dropout, then two dense layers."""
    return Architecture(
        name="v2",
        lookback=v2.lookback,
        channels=channels,
        layers=(
            Lstm("lstm_1", v2.units, sequences=True, l2=v2.l2),
            Normalise("normalisation_1"),
            Dropout("dropout_1", v2.dropout),
            Lstm("lstm_2", v2.units, sequences=False, l2=v2.l2),
            Normalise("normalisation_2"),
            Dropout("dropout_2", v2.dropout),
            Dense("dense", v2.dense_units, activation="relu", l2=v2.l2),
            Dropout("dropout_3", v2.dense_dropout),
            Dense("price", 1),
        ),
        loss="huber",
    )


def describe_v1(lookback: int = 60, *, units: int = 50) -> Architecture:
    """Describe v1: twice LSTM and dropout, then two linear layers; no penalty."""
    return Architecture(
        name="v1",
        lookback=lookback,
        channels=1,
        layers=(
            Lstm("lstm_1", units, sequences=True),
            Dropout("dropout_1", 0.2),
            Lstm("lstm_2", units, sequences=False),
            Dropout("dropout_2", 0.2),
            Dense("dense", 25),
            Dense("price", 1),
        ),
        loss="mse",
    )


def describe_v3(v3: V3, *, channels: int, n_outputs: int) -> Architecture:
    """Describe v3: one penalised LSTM, dropout, and a linear output a horizon."""
    return Architecture(
        name="v3",
        lookback=v3.lookback,
        channels=channels,
        layers=(
            Lstm("lstm", v3.units, sequences=False, l2=v3.l2),
            Dropout("dropout", v3.dropout),
            Dense("places", n_outputs),
        ),
        loss="mse",
    )


def build(architecture: Architecture) -> "keras.Model":
    """Build a described network of plain layers, with weights from the current seeds.

    It is not compiled. Every name is explicit, so that a stored network does not
    depend on what else was built in the process.
    """
    from nse_lstm.models.runtime import keras

    shape = (architecture.lookback, architecture.channels)
    return keras.Sequential(
        [
            keras.Input(shape, name="prices"),
            *[_layer(layer) for layer in architecture.layers],
        ],
        name=architecture.name,
    )


def build_v2(lookback: int, v2: V2) -> "keras.Model":
    """Build the v2 network, uncompiled, with weights from the current seeds.

    Parameters
    ----------
    lookback : int
        Sessions of a window.
    v2 : V2
        Sizes, dropout rates and the L2 factor; its own lookback does not count.

    Returns
    -------
    keras.Model
        (n, lookback, 1) scaled adjusted prices -> (n, 1) scaled adjusted price.
    """
    return build(replace(describe_v2(v2), lookback=lookback))


def count_parameters(model: "keras.Model") -> int:
    """Return the number of weights, those of batch normalisation included."""
    return int(model.count_params())


def _layer(layer: Layer) -> "keras.layers.Layer":
    from nse_lstm.models.runtime import keras

    match layer:
        case Lstm():
            return keras.layers.LSTM(
                layer.units,
                return_sequences=layer.sequences,
                kernel_regularizer=_penalty(layer.l2),
                recurrent_regularizer=_penalty(layer.l2),
                # The plain kernel everywhere, whatever the machine has.
                use_cudnn=False,
                name=layer.name,
            )
        case Normalise():
            return keras.layers.BatchNormalization(name=layer.name)
        case Dropout():
            return keras.layers.Dropout(layer.rate, name=layer.name)
        case Dense():
            return keras.layers.Dense(
                layer.units,
                activation=layer.activation,
                kernel_regularizer=_penalty(layer.l2),
                name=layer.name,
            )


def _penalty(l2: float) -> "keras.regularizers.Regularizer | None":
    from nse_lstm.models.runtime import keras

    return keras.regularizers.L2(l2) if l2 else None
