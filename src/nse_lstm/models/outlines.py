"""What a Keras outline describes, held against what the training engine computes.

Nothing in an outline is executed: a layer is of the list below, with the options of a
plain one, and layers follow each other as in ``architectures.build``, or the outline is
refused.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from nse_lstm.errors import ArtefactError
from nse_lstm.models.architectures import (
    Architecture,
    Dense,
    Dropout,
    Layer,
    Lstm,
    Normalise,
)

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

BESIDE = ("InputLayer", "Cropping1D", "Flatten", "Add")
"""Of a network with branches: what cuts out its last session, and what adds them."""


@dataclass(frozen=True)
class Outline:
    """What a stored network computes, and how its file is laid out."""

    architecture: Architecture
    """Without penalties and loss: they are of training only."""
    order: tuple[Layer, ...]
    """Its layers as the file numbers them."""


def check_outline(outline: Options) -> Outline:
    """Return what a Keras outline describes.

    Parameters
    ----------
    outline : mapping
        ``config.json`` of a ``.keras`` file, parsed.

    Raises
    ------
    ArtefactError
        If a layer, an option or the way between two layers is none that the engine
        computes.
    """
    kind, module = outline["class_name"], outline["module"]
    given = outline["config"]
    if (kind, module) == ("Sequential", "keras"):
        first, *others = given["layers"]
        branches = [[_layer(*_plain(each)) for each in others]]
        order = branches[0]
    elif (kind, module) == ("Functional", "keras.src.models.functional"):
        first, branches, order = _branched(given)
    else:
        raise not_plain(f"a {module} {kind}")
    lookback, channels = _input_shape(first)
    _check_order(branches[0])
    architecture = Architecture(
        str(given["name"]),
        lookback,
        channels,
        tuple(branches[0]),
        loss="mse",
        beside=tuple(map(_beside, branches[1:])),
    )
    return Outline(architecture, tuple(order))


def _input_shape(layer: Options) -> tuple[int, int]:
    name, given = _plain(layer)
    if name != "InputLayer":
        raise not_plain(f"{name} in place of an input")
    batch, lookback, channels = given["batch_shape"]
    if batch is not None or not _are_counts(lookback, channels):
        raise not_plain(f"inputs of shape {given['batch_shape']}")
    return lookback, channels


def _branched(given: Options) -> tuple[Options, list[list[Layer]], list[Layer]]:
    """Return the input, the branches that are added, and all layers in their order."""
    stored = {each["config"]["name"]: each for each in given["layers"]}
    before = {name: _before(each) for name, each in stored.items()}
    by_kind = {each["class_name"]: name for name, each in stored.items()}
    first, crop, flat, total = (by_kind.get(kind, "") for kind in BESIDE)
    if (before.get(crop), before.get(flat)) != ([first], [crop]):
        raise not_plain("branches that do not begin at the last session")
    _check_cut(stored[first], stored[crop], stored[flat], stored[total])
    ends = given["input_layers"], given["output_layers"]
    if ends != ([first, 0, 0], [total, 0, 0]):
        raise not_plain(f"other ends: {ends}")
    ways = [list(_way_back(end, before, (first, flat))) for end in before[total]]
    starts, names = [way[-1] for way in ways], [way[-2::-1] for way in ways]
    inner = [name for name in stored if name not in (first, crop, flat, total)]
    if starts != [first] + [flat] * (len(ways) - 1):
        raise not_plain("branches other than one of sessions, then of the last one")
    if sorted(chain.from_iterable(names)) != sorted(inner):
        raise not_plain("layers in no branch, or in two")
    layers = {name: _layer(*_plain(stored[name])) for name in inner}
    branches = [[layers[name] for name in way] for way in names]
    return stored[first], branches, [layers[name] for name in inner]


def _before(layer: Options) -> list[str]:
    """Return the names of the layers that a layer is given the outputs of."""
    nodes = layer["inbound_nodes"]
    if not nodes:
        return []
    (node,) = nodes
    (given,) = node["args"]
    tensors = given if isinstance(given, list) else [given]
    histories = [each["config"]["keras_history"] for each in tensors]
    if any(history[1:] != [0, 0] for history in histories):
        raise not_plain(f"a layer that is used twice: {histories}")
    return [str(history[0]) for history in histories]


def _check_cut(first: Options, crop: Options, flat: Options, total: Options) -> None:
    """See that what lies beside the recurrent layers sees the last session alone."""
    lookback, _ = _input_shape(first)
    given = crop["config"]["cropping"], flat["config"]["data_format"]
    modules = {each["module"] for each in (crop, flat, total)}
    if given != ([lookback - 1, 0], "channels_last") or modules != {"keras.layers"}:
        raise not_plain(f"another cut of the window: {given}, {sorted(modules)}")


def _way_back(
    end: str, before: Mapping[str, list[str]], starts: tuple[str, str]
) -> Iterator[str]:
    """Give the layers from an end back to a start."""
    name = end
    for _ in before:
        yield name
        if name in starts:
            return
        (name,) = before[name]
    raise not_plain("layers that lead nowhere")


def _beside(layers: Sequence[Layer]) -> tuple[Dense | Dropout, ...]:
    plain = [each for each in layers if isinstance(each, Dense | Dropout)]
    if len(plain) < len(layers) or not plain or not isinstance(plain[-1], Dense):
        raise not_plain("a branch that is not of dense layers")
    return tuple(plain)


def _plain(layer: Options) -> tuple[str, Options]:
    """Return a layer's class and options once they are of the plain kind."""
    name, given = layer["class_name"], layer["config"]
    if layer["module"] != "keras.layers" or name not in PLAIN:
        raise not_plain(f"a layer {layer['module']}.{name}")
    for option, plain in PLAIN[name].items():
        if type(given[option]) is not type(plain) or given[option] != plain:
            raise not_plain(f"{name} with {option}={given[option]!r}")
    return name, given


def _layer(name: str, given: Options) -> Layer:
    title = str(given["name"])
    if name == "BatchNormalization":
        return Normalise(title)
    if name == "Dropout":
        return Dropout(title, float(given["rate"]))
    if name == "InputLayer" or not _are_counts(given["units"]):
        raise not_plain(f"another {name}, of {given.get('units')!r} units")
    if name == "LSTM":
        return Lstm(title, given["units"], sequences=given["return_sequences"] is True)
    if given["activation"] not in ACTIVATIONS:
        raise not_plain(f"Dense with activation={given['activation']!r}")
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
        raise not_plain("layers in another order than LSTMs, then dense ones")
    if not layers or not isinstance(layers[-1], Dense):
        raise not_plain("no dense layer at the end")


def _are_counts(*values: object) -> bool:
    return all(type(value) is int and value >= 1 for value in values)


def not_plain(received: str) -> ArtefactError:
    """Return the refusal of anything else, in words that show any text safely."""
    return ArtefactError(
        f"Expected a plain network of {', '.join(PLAIN)}. "
        f"Received: {re.sub(r'[^ -~]', '?', received)}"
    )
