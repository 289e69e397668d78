"""The networks, described once: built plain by Keras, trained fast by ``engine``."""

from collections.abc import Iterator, Sequence
from dataclasses import field, replace
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from nse_lstm.config import V2, RankLstm, StockLstm
from nse_lstm.errors import ArtefactError

if TYPE_CHECKING:
    import keras


FORBID = ConfigDict(extra="forbid", allow_inf_nan=False)

Numbers = NDArray[np.floating]
Shape = tuple[int, ...]
Count = Annotated[int, Field(ge=1)]
Penalty = Annotated[float, Field(ge=0)]


@dataclass(frozen=True, config=FORBID)
class Lstm:
    """A recurrent layer; ``sequences`` passes on every session, not the last one."""

    name: str
    units: Count
    sequences: bool
    l2: Penalty = 0.0
    """Penalty on both kernels, not on the bias."""
    kind: Literal["lstm"] = field(default="lstm", repr=False)


@dataclass(frozen=True, config=FORBID)
class BatchNorm:
    """Batch normalisation, as Keras sets it up."""

    name: str
    kind: Literal["batch_norm"] = field(default="batch_norm", repr=False)


@dataclass(frozen=True, config=FORBID)
class LayerNorm:
    """Layer normalisation, as Keras sets it up."""

    name: str
    kind: Literal["layer_norm"] = field(default="layer_norm", repr=False)


@dataclass(frozen=True, config=FORBID)
class Dropout:
    """A fraction ``rate`` of the values is set to 0 in training."""

    name: str
    rate: Annotated[float, Field(ge=0, lt=1)]
    kind: Literal["dropout"] = field(default="dropout", repr=False)


@dataclass(frozen=True, config=FORBID)
class Dense:
    """A fully connected layer."""

    name: str
    units: Count
    activation: Literal["linear", "relu"] = "linear"
    l2: Penalty = 0.0
    starts_at_zero: bool = False
    """Its kernel starts at zero: the layer's part of a sum is learned, not drawn."""
    kind: Literal["dense"] = field(default="dense", repr=False)


Layer = Annotated[
    Lstm | BatchNorm | LayerNorm | Dropout | Dense, Field(discriminator="kind")
]
Beside = Annotated[Dense | Dropout, Field(discriminator="kind")]


@dataclass(frozen=True, config=FORBID)
class Architecture:
    """A network from (n, lookback, channels) to (n, n_outputs), and its loss.

    Its layers are LSTMs, the last of them without ``sequences``, then dense ones, with
    normalisation and dropout in between; the last one is dense. ``beside`` them may
    stand branches that see the window's last session only: the outputs of all are
    added.

    Raises
    ------
    ValidationError
        If a size or rate is out of range.
    ArtefactError
        If the order of the layers is not supported.
    """

    name: str
    lookback: Count
    channels: Count
    layers: tuple[Layer, ...]
    loss: Literal["huber", "mse"]
    """Of single outputs; its mean over windows and outputs is minimised."""
    beside: tuple[tuple[Beside, ...], ...] = ()
    """Each ends in a dense layer of as many units as there are outputs."""
    members: Count = 1
    """Networks of this description whose outputs are averaged."""

    def __post_init__(self) -> None:
        """Refuse an order of layers that the engine does not compute."""
        solid = [each for each in self.layers if isinstance(each, Lstm | Dense)]
        n_lstm = sum(isinstance(each, Lstm) for each in solid)
        goes_on = [getattr(each, "sequences", None) for each in solid[:n_lstm]]
        if goes_on != [*[True] * (n_lstm - 1), False]:
            raise ArtefactError(
                f"Expected LSTMs, all but the last with `sequences`, then dense layers "
                f"in {self.name}. Received: {[each.name for each in solid]}"
            )
        for branch in self.branches:
            last = branch[-1] if branch else None
            if not isinstance(last, Dense) or last.units != self.n_outputs:
                raise ArtefactError(
                    f"Expected a dense layer with one unit per output at the end of "
                    f"each branch of {self.name}. Received: {last}"
                )

    @property
    def branches(self) -> tuple[tuple[Layer, ...], ...]:
        """The recurrent layers, then those beside them."""
        return (self.layers, *self.beside)

    @property
    def n_outputs(self) -> int:
        """Targets of a window."""
        last = self.layers[-1]
        return last.units if isinstance(last, Dense) else 0


def describe_v2(v2: V2, *, channels: int = 1) -> Architecture:
    """Describe v2: twice LSTM, normalisation and dropout, then two dense layers.

    Parameters
    ----------
    v2 : V2
        Sizes, dropout rates and the L2 factor.
    channels : int
        Inputs per session.
    """
    return Architecture(
        name="v2",
        lookback=v2.lookback,
        channels=channels,
        layers=(
            Lstm("lstm_1", v2.units, sequences=True, l2=v2.l2),
            BatchNorm("normalisation_1"),
            Dropout("dropout_1", v2.dropout),
            Lstm("lstm_2", v2.units, sequences=False, l2=v2.l2),
            BatchNorm("normalisation_2"),
            Dropout("dropout_2", v2.dropout),
            Dense("dense", v2.dense_units, activation="relu", l2=v2.l2),
            Dropout("dropout_3", v2.dense_dropout),
            Dense("price", 1),
        ),
        loss="huber",
    )


def describe_v1(lookback: int = 60, *, units: int = 50) -> Architecture:
    """Describe v1: twice LSTM and dropout, then two linear layers; no penalty.

    Parameters
    ----------
    lookback : int
        Sessions per window.
    units : int
        Of each LSTM.
    """
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


def describe_rank_lstm(
    rank_lstm: RankLstm, *, channels: int, n_outputs: int, n_windows: int
) -> Architecture:
    """Describe the rank LSTM: an LSTM and, beside it, the last session deep and wide.

    Each part's output starts at zero: the outputs of all parts are learned, not drawn.

    Parameters
    ----------
    rank_lstm : RankLstm
    channels, n_outputs : int
    n_windows : int
        Of training; the penalties are shared out among them.
    """
    recurrent, deep, wide = (
        penalty / n_windows
        for penalty in (
            rank_lstm.penalty,
            rank_lstm.deep_penalty,
            rank_lstm.wide_penalty,
        )
    )
    return Architecture(
        name="rank_lstm",
        lookback=rank_lstm.lookback,
        channels=channels,
        layers=(
            Lstm("lstm", rank_lstm.units, sequences=False, l2=recurrent),
            Dropout("dropout", rank_lstm.dropout),
            Dense("places", n_outputs, starts_at_zero=True),
        ),
        loss="mse",
        beside=(
            (
                Dense("deep", rank_lstm.deep_units, activation="relu", l2=deep),
                Dropout("deep_dropout", rank_lstm.dropout),
                Dense("deep_places", n_outputs, l2=deep, starts_at_zero=True),
            ),
            (Dense("wide_places", n_outputs, l2=wide, starts_at_zero=True),),
        ),
    )


def describe_stock_lstm(stock_lstm: StockLstm, *, channels: int) -> Architecture:
    """Describe the stock LSTM: an LSTM, and beside it the last session linearly.

    Both end in a kernel of zeros: before training the network forecasts no change.

    Parameters
    ----------
    stock_lstm : StockLstm
    channels : int
        Inputs per session.
    """
    return Architecture(
        name="stock_lstm",
        lookback=stock_lstm.lookback,
        channels=channels,
        layers=(
            Lstm("lstm", stock_lstm.units, sequences=False, l2=stock_lstm.l2),
            LayerNorm("normalisation"),
            Dropout("dropout", stock_lstm.dropout),
            Dense("move", 1, starts_at_zero=True),
        ),
        loss="huber",
        beside=((Dense("skip", 1, l2=stock_lstm.skip_l2, starts_at_zero=True),),),
        members=stock_lstm.n_members,
    )


def architecture_document(architecture: Architecture) -> dict[str, Any]:
    """Return a network's description as plain values."""
    adapter = TypeAdapter(Architecture)
    return dict(adapter.dump_python(architecture, mode="json"))


def architecture_from_json(content: bytes) -> Architecture:
    """Return the network that a JSON file describes; the file may be hostile.

    Raises
    ------
    ArtefactError
        If a layer, a key, a type or a size is none that the engine computes.
    """
    try:
        return TypeAdapter(Architecture).validate_json(content, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise ArtefactError(
            f"Expected the description of a network. Received: {first['msg']} "
            f"({place!a}, {error.error_count()} faults)"
        ) from None


def weight_shapes(architecture: Architecture) -> list[Shape]:
    """Return the shapes of a network's weights in the order of ``take_weights``."""
    shapes: list[Shape] = []
    for layer, width in layer_widths(architecture):
        match layer:
            case Lstm(units=units):
                shapes += [(width, 4 * units), (units, 4 * units), (4 * units,)]
            case BatchNorm():
                shapes += [(width,)] * 4
            case LayerNorm():
                shapes += [(width,)] * 2
            case Dense(units=units):
                shapes += [(width, units), (units,)]
    return shapes * architecture.members


def single_member(architecture: Architecture) -> Architecture:
    """Return the description of one of a network's members."""
    return replace(architecture, members=1)


def split_members(
    architecture: Architecture, weights: Sequence[Numbers]
) -> list[list[Numbers]]:
    """Split a network's weights by member.

    Parameters
    ----------
    architecture : Architecture
        Says how many members there are.
    weights : sequence of arrays
        In the order of ``take_weights``: one member's after the other's.
    """
    size = len(weights) // architecture.members
    return [
        list(weights[start : start + size]) for start in range(0, len(weights), size)
    ]


def layer_widths(architecture: Architecture) -> Iterator[tuple[Layer, int]]:
    """Give each layer of a member, branch by branch, with its input's width."""
    for branch in architecture.branches:
        width = architecture.channels
        for layer in branch:
            yield layer, width
            if isinstance(layer, Lstm | Dense):
                width = layer.units


def build(architecture: Architecture) -> "keras.Model":
    """Build a described network of plain layers, with weights from the current seeds.

    It is not compiled. Every name is explicit, so that a stored network does not
    depend on other networks of the process.
    """
    from nse_lstm.models.runtime import keras

    given = keras.Input((architecture.lookback, architecture.channels), name="prices")
    if not architecture.beside and architecture.members == 1:
        layers = [_layer(layer) for layer in architecture.layers]
        return keras.Sequential([given, *layers], name=architecture.name)
    last = keras.layers.Cropping1D((architecture.lookback - 1, 0), name="last_session")
    flat = keras.layers.Flatten(name="last_places")
    session = flat(last(given)) if architecture.beside else None
    outputs = [
        _member(architecture, suffix, given, session)
        for suffix in _suffixes(architecture)
    ]
    mean = outputs[0]
    if architecture.members > 1:
        mean = keras.layers.Average(name="mean")(outputs)
    return keras.Model(given, mean, name=architecture.name)


def take_weights(model: "keras.Model", architecture: Architecture) -> list[Numbers]:
    """Return a built network's weights in the order of the description's layers.

    Keras has an order of its own where branches lie beside each other.

    Parameters
    ----------
    model : keras.Model
        From ``build``.
    architecture : Architecture
        That it was built from.
    """
    return [
        weight
        for suffix in _suffixes(architecture)
        for branch in architecture.branches
        for layer in branch
        for weight in model.get_layer(layer.name + suffix).get_weights()
    ]


def give_weights(
    model: "keras.Model", architecture: Architecture, weights: Sequence[Numbers]
) -> None:
    """Set a built network's weights; the reverse of ``take_weights``.

    Parameters
    ----------
    model : keras.Model
        From ``build``, changed in place.
    architecture : Architecture
        That it was built from.
    weights : sequence of arrays
        In the order of ``take_weights``.
    """
    rest = list(weights)
    for suffix in _suffixes(architecture):
        for described in chain.from_iterable(architecture.branches):
            layer = model.get_layer(described.name + suffix)
            count = len(layer.get_weights())
            layer.set_weights(rest[:count])
            del rest[:count]


def count_parameters(model: "keras.Model") -> int:
    """Return the number of weights, those of batch normalisation included."""
    return int(model.count_params())


def _suffixes(architecture: Architecture) -> list[str]:
    """Return what follows a layer's name in each member; nothing in a single one."""
    if architecture.members == 1:
        return [""]
    return [f"_of_{member}" for member in range(1, architecture.members + 1)]


def _member(
    architecture: Architecture,
    suffix: str,
    given: "keras.KerasTensor",
    session: "keras.KerasTensor | None",
) -> "keras.KerasTensor":
    """Apply one member to the window, and its branches to the last session."""
    from nse_lstm.models.runtime import keras

    def built(branch: Sequence[Layer]) -> "list[keras.layers.Layer]":
        return [_layer(replace(layer, name=layer.name + suffix)) for layer in branch]

    output = _chain(built(architecture.layers), given)
    if session is None:
        return output
    ends = [_chain(built(branch), session) for branch in architecture.beside]
    return keras.layers.Add(name="sum" + suffix)([output, *ends])


def _chain(
    layers: "Sequence[keras.layers.Layer]", tensor: "keras.KerasTensor"
) -> "keras.KerasTensor":
    for layer in layers:
        tensor = layer(tensor)
    return tensor


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
        case BatchNorm():
            return keras.layers.BatchNormalization(name=layer.name)
        case LayerNorm():
            return keras.layers.LayerNormalization(name=layer.name)
        case Dropout():
            return keras.layers.Dropout(layer.rate, name=layer.name)
        case Dense():
            return keras.layers.Dense(
                layer.units,
                activation=layer.activation,
                kernel_initializer=(
                    "zeros" if layer.starts_at_zero else "glorot_uniform"
                ),
                kernel_regularizer=_penalty(layer.l2),
                name=layer.name,
            )


def _penalty(l2: float) -> "keras.regularizers.Regularizer | None":
    from nse_lstm.models.runtime import keras

    return keras.regularizers.L2(l2) if l2 else None
