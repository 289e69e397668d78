"""One training step: outputs, loss, gradient, and Adam's update of the weights.

All trainable weights lie in one flat array, in Keras's order, so that the optimiser is
a few operations on one array. A ``State`` is changed in place; the layers of a
``Network`` read their weights from it and write their gradients into it.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np
from numpy.typing import DTypeLike, NDArray

from nse_lstm.models.architectures import (
    Architecture,
    BatchNorm,
    Dense,
    Dropout,
    LayerNorm,
    Lstm,
    Shape,
    layer_widths,
)
from nse_lstm.models.architectures import Layer as Described
from nse_lstm.models.engine.layers import (
    BatchNormLayer,
    DenseLayer,
    DropoutLayer,
    LayerNormLayer,
)
from nse_lstm.models.engine.recurrence import LstmLayer, from_fused, to_fused

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7
"""Keras's Adam."""

Numbers = NDArray[np.floating]
Random = np.random.Generator
Layer = LstmLayer | BatchNormLayer | LayerNormLayer | DropoutLayer | DenseLayer
Parts = tuple[Iterator[Numbers], Iterator[Numbers], Iterator[Numbers]]
"""Weights, gradients and moving statistics, to be taken one after the other."""


@dataclass(eq=False)
class State:
    """All that training changes, in place, in the precision of the weights."""

    weights: Numbers
    """(n_weights,): the trainable ones."""
    moving: Numbers
    """(n_moving,): moving mean and variance of each normalisation."""
    grad: Numbers
    """(n_weights,): the gradient of the last batch's loss, penalty included."""
    first: Numbers
    """(n_weights,): Adam's mean of gradients."""
    second: Numbers
    """(n_weights,): Adam's mean of squared gradients."""
    n_steps: int = 0


def pack(architecture: Architecture, weights: Sequence[Numbers]) -> State:
    """Make the state before the first step from a plain network's weights.

    Parameters
    ----------
    architecture : Architecture
        Says which weight is whose; of one network, not of several averaged ones.
    weights : sequence of arrays
        From ``architectures.take_weights``.
    """
    trainable: list[Numbers] = []
    moving: list[Numbers] = []
    given = iter(weights)
    for layer in _every(architecture):
        if isinstance(layer, Lstm):
            trainable.append(to_fused(*_take(3, given)))
        elif isinstance(layer, BatchNorm):
            trainable += [next(given), next(given)]
            moving += [next(given), next(given)]
        elif isinstance(layer, LayerNorm | Dense):
            trainable += [next(given), next(given)]
    flat = _flat(trainable, weights[0].dtype)
    grad, first, second = np.zeros((3, flat.size), flat.dtype)
    return State(flat, _flat(moving, flat.dtype), grad, first, second)


def unpack(
    architecture: Architecture, weights: Numbers, moving: Numbers
) -> list[Numbers]:
    """Undo ``pack``: return weights as ``architectures.give_weights`` takes them.

    Parameters
    ----------
    architecture : Architecture
        As for ``pack``.
    weights, moving : array
        As in ``State``.
    """
    parts = iter(_cut(weights, _shapes(architecture)))
    statistics = iter(_cut(moving, _moving_shapes(architecture)))
    unpacked: list[Numbers] = []
    for layer in _every(architecture):
        if isinstance(layer, Lstm):
            unpacked += from_fused(next(parts))
        elif isinstance(layer, BatchNorm):
            unpacked += [next(parts), next(parts), next(statistics), next(statistics)]
        elif isinstance(layer, LayerNorm | Dense):
            unpacked += [next(parts), next(parts)]
    return [np.array(each) for each in unpacked]


class Network:
    """A described network, with memory for batches of one size.

    Parameters
    ----------
    architecture : Architecture
        Its layers are applied in order, and the outputs of its branches are added.
    state : State
        Read at every call, and changed: ``differentiate`` sets ``grad`` and moves the
        moving statistics.
    n : int
        Windows of a batch.
    """

    def __init__(self, architecture: Architecture, state: State, n: int) -> None:
        self.state, self.loss = state, architecture.loss
        self.factors = _factors(architecture, state)
        self.layers, *self.beside = _branches(architecture, state, n)

    def apply(self, x: Numbers, random: Random | None = None) -> Numbers:
        """Compute the outputs.

        Parameters
        ----------
        x : array of shape (lookback, channels, n)
            Sessions first, windows last.
        random : Generator, optional
            Draws the dropout masks. Without it nothing is dropped and the moving
            statistics normalise.

        Returns
        -------
        array of shape (n_outputs, n)
        """
        total = _forward(self.layers, x, random)
        for branch in self.beside:
            total = total + _forward(branch, x[-1], random)
        return total

    def differentiate(
        self, x: Numbers, y: Numbers, random: Random
    ) -> tuple[float, float]:
        """Set the state's ``grad`` to the gradient of a batch's loss.

        Parameters
        ----------
        x, random
            As for ``apply``.
        y : array of shape (n_outputs, n)
            Targets; a missing one is left out of the mean.

        Returns
        -------
        float, float
            The mean loss with the penalty, and the Huber term without it.
        """
        weights, grad = self.state.weights, self.state.grad
        known = ~np.isnan(y)  # (n_outputs, n)
        count = max(int(known.sum()), 1)
        # e = y_hat - y, 0 where no target is known
        error = np.where(known, self.apply(x, random) - y, 0).astype(weights.dtype)
        term = mean = float(huber(error).sum()) / count
        by_output = np.clip(error, -1, 1)  # Huber: dL/dy_hat = clip(e, -1, 1)
        if self.loss == "mse":  # L = e^2, dL/dy_hat = 2 e
            mean, by_output = float(np.square(error).sum()) / count, 2 * error
        by_output /= count  # L is a mean
        # The branches' outputs are added: each gets the same gradient.
        for branch in (self.layers, *self.beside):
            _backward(branch, by_output)
        # Penalty = sum(l2 w^2), its gradient 2 l2 w
        penalty = self.factors * weights
        grad += 2 * penalty
        return mean + float(penalty @ weights), term

    def penalty(self) -> float:
        """Return the penalty of the weights as they are: sum(l2 w^2)."""
        return float((self.factors * self.state.weights) @ self.state.weights)


def mean_output(networks: Sequence[Network], x: Numbers) -> Numbers:
    """Return the mean of several networks' outputs; of one its own, to the bit.

    Parameters
    ----------
    networks : sequence of Network
        Of one description.
    x : array
        As for ``Network.apply``.
    """
    total = networks[0].apply(x)
    if len(networks) == 1:
        return total
    for network in networks[1:]:
        total = total + network.apply(x)
    return total / total.dtype.type(len(networks))


def adam(state: State, rate: float) -> None:
    """Update the weights by ``grad`` as Keras's Adam does.

    Parameters
    ----------
    state : State
        Changed in place.
    rate : float
        Learning rate of this step.
    """
    state.n_steps += 1
    power = state.n_steps
    # Bias correction: rate sqrt(1 - beta_2^t) / (1 - beta_1^t)
    scale = rate * math.sqrt(1 - BETA_2**power) / (1 - BETA_1**power)
    # m = beta_1 m + (1 - beta_1) g
    state.first += (state.grad - state.first) * (1 - BETA_1)
    # v = beta_2 v + (1 - beta_2) g^2
    state.second += (state.grad**2 - state.second) * (1 - BETA_2)
    # w = w - scale m / (sqrt(v) + epsilon)
    state.weights -= state.first * scale / (np.sqrt(state.second) + EPSILON)


def huber(error: Numbers) -> Numbers:
    """Return the Huber loss: e^2 / 2 up to 1, a straight line |e| - 1/2 above."""
    size = np.abs(error)
    within = np.minimum(size, 1)
    # m (|e| - m / 2) with m = min(|e|, 1)
    return within * (size - within / 2)


def _forward(layers: Sequence[Layer], x: Numbers, random: Random | None) -> Numbers:
    for layer in layers:
        x = layer.forward(x, random)
    return x


def _backward(layers: Sequence[Layer], grad: Numbers) -> None:
    for layer in reversed(layers):
        grad = layer.backward(grad)


def _branches(architecture: Architecture, state: State, n: int) -> list[list[Layer]]:
    """Give each branch its memory and its views of the state, in the state's order."""
    parts = (
        iter(_cut(state.weights, _shapes(architecture))),
        iter(_cut(state.grad, _shapes(architecture))),
        iter(_cut(state.moving, _moving_shapes(architecture))),
    )
    lookback = architecture.lookback
    return [
        list(_layers(branch, parts, lookback=lookback, n=n))
        for branch in architecture.branches
    ]


def _layers(
    described: Sequence[Described], parts: Parts, *, lookback: int, n: int
) -> Iterator[Layer]:
    weights, grads, moving = parts
    for place, layer in enumerate(described):
        match layer:
            case Lstm():
                yield LstmLayer(
                    next(weights),
                    next(grads),
                    lookback=lookback,
                    n=n,
                    sequences=layer.sequences,
                    first=place == 0,
                )
            case BatchNorm():
                yield BatchNormLayer(*(_take(2, of) for of in (weights, grads, moving)))
            case LayerNorm():
                yield LayerNormLayer(*(_take(2, of) for of in (weights, grads)))
            case Dropout():
                yield DropoutLayer(layer.rate)
            case Dense():
                yield DenseLayer(
                    *(_take(2, of) for of in (weights, grads)),
                    rectified=layer.activation == "relu",
                )


def _factors(architecture: Architecture, state: State) -> Numbers:
    """Return each trainable weight's L2 factor; no bias has one."""
    factors = np.zeros_like(state.weights)
    parts = iter(_cut(factors, _shapes(architecture)))
    for layer in _every(architecture):
        match layer:
            case Lstm():
                next(parts)[:, :-1] = layer.l2
            case BatchNorm() | LayerNorm():
                _take(2, parts)
            case Dense():
                _take(2, parts)[0][:] = layer.l2
    return factors


def _every(architecture: Architecture) -> Iterator[Described]:
    return chain.from_iterable(architecture.branches)


def _shapes(architecture: Architecture) -> list[Shape]:
    """Shapes of the trainable weights, in order; an LSTM's three are one."""
    shapes: list[Shape] = []
    for layer, width in layer_widths(architecture):
        match layer:
            case Lstm(units=units):
                shapes.append((4 * units, width + units + 1))
            case BatchNorm() | LayerNorm():
                shapes += [(width,), (width,)]
            case Dense(units=units):
                shapes += [(width, units), (units,)]
    return shapes


def _moving_shapes(architecture: Architecture) -> list[Shape]:
    return [
        (width,)
        for layer, width in layer_widths(architecture)
        if isinstance(layer, BatchNorm)
        for _ in range(2)
    ]


def _cut(flat: Numbers, shapes: Sequence[Shape]) -> list[Numbers]:
    """Give views of a flat array's parts."""
    ends = np.cumsum([0, *[math.prod(shape) for shape in shapes]])
    pieces = [flat[start:end] for start, end in pairwise(ends)]
    return [piece.reshape(shape) for piece, shape in zip(pieces, shapes, strict=True)]


def _take(count: int, source: Iterator[Numbers]) -> list[Numbers]:
    return [next(source) for _ in range(count)]


def _flat(weights: Sequence[Numbers], dtype: DTypeLike) -> Numbers:
    pieces = [weight.ravel() for weight in weights]
    return np.concatenate([np.empty(0, dtype), *pieces])
