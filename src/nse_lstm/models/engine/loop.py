"""The loop: an epoch of steps as one graph, and when to slow down and to stop.

The graph is traced once for an architecture and takes any number of windows, the last
batch being what is left over. Between epochs plain Python decides. Training stops, and
its learning rate falls, by the validation Huber loss without the L2 penalty: the
penalty starts far above the loss and falls for as long as one cares to train, so a sum
of both would only track weight decay.
"""

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nse_lstm.config import Training
from nse_lstm.errors import ArtefactError
from nse_lstm.models.architectures import Architecture
from nse_lstm.models.engine.step import (
    State,
    adam,
    apply,
    gradient,
    huber,
    pack,
    unpack,
)
from nse_lstm.models.runtime import tf

__all__ = ["epoch_graph", "fit", "shuffle", "validation_graph"]

CHUNK = 256
"""Windows validated at once."""

Tensor = Any
Numbers = NDArray[np.float32]
Pair = tuple[Numbers, Numbers]
History = list[dict[str, float]]


def fit(
    architecture: Architecture,
    weights: Sequence[Numbers],
    train: Pair,
    *,
    validation: Pair | None,
    training: Training,
    seed: int,
) -> tuple[list[Numbers], History]:
    """Fit a network from given initial weights.

    Parameters
    ----------
    architecture : Architecture
        Describes the network.
    weights : sequence of arrays
        ``get_weights`` of the plain Keras network.
    train, validation : pair of arrays
        (n, lookback, channels) inputs and (n,) targets, scaled, single precision.
        Without validation all epochs are run and the last weights kept.
    training : Training
        Batch size, epochs, learning rate and when to stop or lower it.
    seed : int
        Of the order of windows and of the dropout masks.

    Returns
    -------
    list of arrays, list of dict
        Weights of the best epoch as ``set_weights`` takes them, and one row an epoch
        with ``bundles.HISTORY_COLUMNS``.

    Raises
    ------
    ArtefactError
        If a loss is not finite.
    """
    run = epoch_graph(architecture, training.batch_size)
    windows = tuple(tf.constant(each) for each in train)
    held_out = None if validation is None else tuple(map(tf.constant, validation))
    state = best = pack(architecture, weights)
    rate, lowest, idle, slow = training.learning_rate, math.inf, 0, 0
    history: History = []
    for epoch in range(1, training.max_epochs + 1):
        order = tf.constant(shuffle(len(train[0]), seed=seed, epoch=epoch))
        state, loss, term = run(state, *windows, order, tf.constant(rate), seed)
        history.append(_row(epoch, loss, term, rate))
        if held_out is None:
            _check_finite(history[-1], ["loss", "huber"])
            best = state
            continue
        value = float(validation_graph(architecture)(state, *held_out))
        history[-1]["val_huber"] = value
        _check_finite(history[-1], ["loss", "huber", "val_huber"])
        idle, slow = idle + 1, slow + 1
        if value < lowest:
            lowest, best, idle, slow = value, state, 0, 0
        if slow >= training.plateau_patience and rate > training.min_learning_rate:
            rate = max(rate * training.plateau_factor, training.min_learning_rate)
            slow = 0
        if idle >= training.stopping_patience:
            break
    return unpack(architecture, best), history


def shuffle(n: int, *, seed: int, epoch: int) -> NDArray[np.int32]:
    """Return the order of an epoch's windows; it depends on these three only."""
    return np.random.default_rng([seed, epoch]).permutation(n).astype(np.int32)


@cache
def epoch_graph(architecture: Architecture, batch_size: int) -> Callable[..., Any]:
    """Return the graph that trains one epoch.

    It takes the state, inputs and targets, their order, the learning rate and the seed
    of the masks; it gives the new state and the epoch's loss, with and without penalty.
    """
    n_layers = len(architecture.layers)

    def step(
        start: Tensor, state: State, sums: Tensor, given: tuple[Tensor, ...]
    ) -> tuple[Tensor, State, Tensor]:
        X, y, order, rate, seed = given
        rows = order[start : start + batch_size]
        slope, losses, moving = gradient(
            architecture,
            state,
            tf.transpose(tf.gather(X, rows), [1, 0, 2]),
            tf.gather(y, rows),
            seed=tf.stack([seed, state.n_steps * n_layers]),
        )
        weight = tf.cast(tf.size(rows), tf.float64)
        sums += tf.cast(losses, tf.float64) * weight
        return start + batch_size, adam(state, slope, moving=moving, rate=rate), sums

    @tf.function(
        autograph=False, input_signature=[_state_signature(), *_signature(architecture)]
    )
    def run(
        state: State, X: Tensor, y: Tensor, order: Tensor, rate: Tensor, seed: Tensor
    ) -> tuple[State, Tensor, Tensor]:
        n = tf.size(y)
        given = (X, y, order, rate, seed)
        _, state, sums = tf.while_loop(
            lambda start, *_: start < n,
            lambda start, state, sums: step(start, state, sums, given),
            (tf.constant(0), state, tf.zeros([2], tf.float64)),
            parallel_iterations=1,
        )
        loss, term = tf.unstack(sums / tf.cast(n, tf.float64))
        return state, loss, term

    return run


@cache
def validation_graph(architecture: Architecture) -> Callable[..., Any]:
    """Return the graph of the mean Huber loss of given windows, nothing dropped."""

    @tf.function(
        autograph=False,
        input_signature=[_state_signature(), *_signature(architecture)[:2]],
    )
    def run(state: State, X: Tensor, y: Tensor) -> Tensor:
        n = tf.size(y)

        def add(start: Tensor, total: Tensor) -> tuple[Tensor, Tensor]:
            rows = slice(start, start + CHUNK)
            x = tf.transpose(X[rows], [1, 0, 2])
            outputs, _ = apply(architecture, state, x, seed=None)
            errors = tf.cast(huber(outputs - y[rows]), tf.float64)
            return start + CHUNK, total + tf.reduce_sum(errors)

        _, total = tf.while_loop(
            lambda start, _: start < n,
            add,
            (tf.constant(0), tf.constant(0.0, tf.float64)),
            parallel_iterations=1,
        )
        return total / tf.cast(n, tf.float64)

    return run


def _state_signature() -> State:
    flat = tf.TensorSpec([None], tf.float32)
    return State(flat, flat, flat, flat, tf.TensorSpec([], tf.int32))


def _signature(architecture: Architecture) -> list[Tensor]:
    """Declare inputs, targets, order, learning rate and seed."""
    shape = [None, architecture.lookback, architecture.channels]
    return [
        tf.TensorSpec(shape, tf.float32),
        tf.TensorSpec([None], tf.float32),
        tf.TensorSpec([None], tf.int32),
        tf.TensorSpec([], tf.float32),
        tf.TensorSpec([], tf.int32),
    ]


def _row(epoch: int, loss: Tensor, term: Tensor, rate: float) -> dict[str, float]:
    return {
        "epoch": epoch,
        "loss": float(loss),
        "huber": float(term),
        "val_huber": math.nan,
        "learning_rate": rate,
    }


def _check_finite(row: dict[str, float], names: Sequence[str]) -> None:
    if not all(math.isfinite(row[name]) for name in names):
        received = ", ".join(f"{name} {row[name]}" for name in names)
        raise ArtefactError(
            "Expected a finite loss in every epoch. "
            f"Received: {received} in epoch {row['epoch']}"
        )
