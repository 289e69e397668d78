"""The step: a network's outputs, its loss and gradient, and Adam's move.

All trainable weights lie in one flat vector, in Keras's order, so that the optimiser
is a few operations on one array. Nothing here is kept between calls: a step takes a
``State`` and gives the next one.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nse_lstm.models.architectures import Architecture, Dense, Dropout, Lstm, Normalise
from nse_lstm.models.engine.recurrence import from_fused, lstm, to_fused
from nse_lstm.models.runtime import tf

__all__ = ["State", "adam", "apply", "gradient", "huber", "pack", "unpack"]

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7
"""Keras's Adam."""
MOMENTUM, VARIANCE_FLOOR = 0.99, 1e-3
"""Keras's batch normalisation."""

Tensor = Any
Numbers = NDArray[np.float32]


class State(NamedTuple):
    """All that training changes."""

    weights: Tensor
    """(n_weights,): the trainable ones."""
    moving: Tensor
    """(n_moving,): moving mean and variance of each normalisation."""
    first: Tensor
    """(n_weights,): Adam's mean of gradients."""
    second: Tensor
    """(n_weights,): Adam's mean of squared gradients."""
    n_steps: Tensor


def pack(architecture: Architecture, weights: Sequence[Numbers]) -> State:
    """Make the state before the first step from ``get_weights`` of a Keras network."""
    trainable: list[Numbers] = []
    moving: list[Numbers] = []
    given = iter(weights)
    for layer in architecture.layers:
        if isinstance(layer, Lstm):
            trainable += [to_fused(next(given)) for _ in range(3)]
        elif isinstance(layer, Normalise):
            trainable += [next(given), next(given)]
            moving += [next(given), next(given)]
        elif isinstance(layer, Dense):
            trainable += [next(given), next(given)]
    flat = _flat(trainable)
    return State(
        weights=tf.constant(flat),
        moving=tf.constant(_flat(moving)),
        first=tf.zeros_like(flat),
        second=tf.zeros_like(flat),
        n_steps=tf.constant(0),
    )


def unpack(architecture: Architecture, state: State) -> list[Numbers]:
    """Return the weights of a state as ``set_weights`` of a Keras network takes them.

    Parameters
    ----------
    state : State
        ``weights`` and ``moving`` count.
    """
    trainable = iter(_parts(state.weights.numpy(), _shapes(architecture)))
    moving = iter(_parts(state.moving.numpy(), _moving_shapes(architecture)))
    weights: list[Numbers] = []
    for layer in architecture.layers:
        if isinstance(layer, Lstm):
            weights += [from_fused(next(trainable)) for _ in range(3)]
        elif isinstance(layer, Normalise):
            weights += [next(source) for source in (trainable,) * 2 + (moving,) * 2]
        elif isinstance(layer, Dense):
            weights += [next(trainable), next(trainable)]
    return weights


def apply(
    architecture: Architecture,
    state: State,
    x: Tensor,
    *,
    seed: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """Compute a network's outputs.

    Parameters
    ----------
    architecture : Architecture
        Its layers are applied in order.
    state : State
        ``weights`` and ``moving`` count.
    x : Tensor of shape (lookback, n, channels)
        Sessions first.
    seed : Tensor of shape (2,), optional
        Of the dropout masks of this step. Without it nothing is dropped and the moving
        statistics normalise.

    Returns
    -------
    Tensor of shape (n,), Tensor
        Outputs, and the moving statistics after them.
    """
    parts = iter(_cut(state.weights, _shapes(architecture)))
    old = iter(_cut(state.moving, _moving_shapes(architecture)))
    new: list[Tensor] = []
    for place, layer in enumerate(architecture.layers):
        match layer:
            case Lstm():
                x = lstm(x, next(parts), next(parts), next(parts))
                x = x if layer.sequences else x[-1]
            case Normalise():
                x, statistics = _normalise(x, parts, old, training=seed is not None)
                new += statistics
            case Dropout() if seed is not None and layer.rate:
                x = _drop(x, layer.rate, tf.add(seed, [0, place]))
            case Dense():
                x = tf.matmul(x, next(parts)) + next(parts)
                x = tf.nn.relu(x) if layer.activation == "relu" else x
    return x[:, 0], tf.concat(new, axis=0) if new else state.moving


def gradient(
    architecture: Architecture, state: State, x: Tensor, y: Tensor, *, seed: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Differentiate a batch's loss.

    Parameters
    ----------
    architecture, state, x, seed
        As for ``apply``.
    y : Tensor of shape (n,)
        Targets.

    Returns
    -------
    Tensor, Tensor, Tensor
        The gradient of the mean loss with the penalty; that loss and the Huber term
        without penalty; the moving statistics after the batch.
    """
    factors = tf.constant(_factors(architecture))
    with tf.GradientTape() as tape:
        tape.watch(state.weights)
        outputs, moving = apply(architecture, state, x, seed=seed)
        error = outputs - y
        term = tf.reduce_mean(huber(error))
        mean = term if architecture.loss == "huber" else tf.reduce_mean(error**2)
    slope = tape.gradient(mean, state.weights) + 2 * factors * state.weights
    loss = mean + tf.reduce_sum(factors * state.weights**2)
    return slope, tf.stack([loss, term]), moving


def adam(state: State, slope: Tensor, *, moving: Tensor, rate: Tensor) -> State:
    """Move the weights as Keras's Adam does."""
    n_steps = state.n_steps + 1
    power = tf.cast(n_steps, tf.float32)
    scale = rate * tf.sqrt(1 - BETA_2**power) / (1 - BETA_1**power)
    first = state.first + (slope - state.first) * (1 - BETA_1)
    second = state.second + (slope**2 - state.second) * (1 - BETA_2)
    weights = state.weights - first * scale / (tf.sqrt(second) + EPSILON)
    return State(weights, moving, first, second, n_steps)


def _factors(architecture: Architecture) -> Numbers:
    """Return each trainable weight's L2 factor."""
    factors: list[Numbers] = []
    shapes = iter(_shapes(architecture))
    for layer in architecture.layers:
        match layer:
            case Lstm():
                rates = [layer.l2, layer.l2, 0.0]
            case Dense():
                rates = [layer.l2, 0.0]
            case Normalise():
                rates = [0.0, 0.0]
            case _:
                rates = []
        factors += [np.full(next(shapes), rate, np.float32) for rate in rates]
    return _flat(factors)


def _normalise(
    x: Tensor, parts: Iterator[Tensor], old: Iterator[Tensor], *, training: bool
) -> tuple[Tensor, list[Tensor]]:
    """Normalise over windows and sessions; give the moving statistics after it."""
    gamma, beta, *statistics = next(parts), next(parts), next(old), next(old)
    used = statistics
    if training:
        used = tf.nn.moments(x, list(range(x.shape.rank - 1)))
        statistics = [
            was * MOMENTUM + now * (1 - MOMENTUM)
            for was, now in zip(statistics, used, strict=True)
        ]
    y = tf.nn.batch_normalization(x, *used, beta, gamma, VARIANCE_FLOOR)
    return y, statistics


def _drop(x: Tensor, rate: float, seed: Tensor) -> Tensor:
    """Set values to 0 by 16 random bits each: a rate of 0.3 is met to 3e-6."""
    n = tf.size(x)
    bits = tf.random.stateless_uniform(
        [(n + 1) // 2], seed, None, None, tf.uint32, alg="philox"
    )
    drawn = tf.reshape(tf.bitcast(bits, tf.uint16), [-1])[:n]
    kept = tf.reshape(drawn, tf.shape(x)) >= tf.constant(round(rate * 2**16), tf.uint16)
    return x * (tf.cast(kept, tf.float32) * (1 / (1 - rate)))


def huber(error: Tensor) -> Tensor:
    """Return half the square up to 1 and a straight line above."""
    size = tf.abs(error)
    return tf.where(size <= 1, error**2 / 2, size - 0.5)


def _shapes(architecture: Architecture) -> list[tuple[int, ...]]:
    """Shapes of the trainable weights, in order."""
    shapes: list[tuple[int, ...]] = []
    width = architecture.channels
    for layer in architecture.layers:
        match layer:
            case Lstm(units=units):
                shapes += [(width, 4 * units), (units, 4 * units), (4 * units,)]
                width = units
            case Normalise():
                shapes += [(width,), (width,)]
            case Dense(units=units):
                shapes += [(width, units), (units,)]
                width = units
    return shapes


def _moving_shapes(architecture: Architecture) -> list[tuple[int, ...]]:
    widths = [layer.units for layer in architecture.layers if isinstance(layer, Lstm)]
    n_norms = sum(isinstance(layer, Normalise) for layer in architecture.layers)
    return [(width,) for width in widths[:n_norms] for _ in range(2)]


def _parts(flat: Numbers, shapes: Sequence[tuple[int, ...]]) -> list[Numbers]:
    ends = np.cumsum([0, *[int(np.prod(shape)) for shape in shapes]])
    pieces = [flat[start:end] for start, end in pairwise(ends)]
    return [piece.reshape(shape) for piece, shape in zip(pieces, shapes, strict=True)]


def _cut(flat: Tensor, shapes: Sequence[tuple[int, ...]]) -> list[Tensor]:
    """Do the same with a tensor."""
    if not shapes:
        return []
    pieces = tf.split(flat, [int(np.prod(shape)) for shape in shapes])
    return [
        tf.reshape(piece, shape) for piece, shape in zip(pieces, shapes, strict=True)
    ]


def _flat(weights: Sequence[Numbers]) -> Numbers:
    pieces = [weight.ravel() for weight in weights]
    return np.concatenate(pieces or [np.empty(0, np.float32)]).astype(np.float32)
