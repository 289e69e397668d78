"""The training loop: epochs, learning rate and early stopping.

Training stops, and its learning rate falls, by the validation Huber loss without the L2
penalty. The penalty starts far above the loss and falls in every epoch, so a sum of
both would only track weight decay.
"""

import math
from collections.abc import Iterator, Sequence
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from nse_lstm.config import Training
from nse_lstm.errors import ArtefactError
from nse_lstm.models.architectures import (
    Architecture,
    single_member,
    split_members,
)
from nse_lstm.models.engine.step import (
    Network,
    State,
    adam,
    huber,
    mean_output,
    pack,
    unpack,
)
from nse_lstm.models.samples import Samples, gather, open_table

CHUNK = 128
"""Windows validated at once."""

Numbers = NDArray[np.floating]
History = list[dict[str, float]]


# An overflow ends in a loss that is not finite, which is an error below.
@np.errstate(over="ignore", invalid="ignore")
def fit(
    architecture: Architecture,
    weights: Sequence[Numbers],
    train: Samples,
    *,
    validation: Samples | None,
    training: Training,
    seed: int,
) -> tuple[list[Numbers], History]:
    """Fit a network from given initial weights.

    Parameters
    ----------
    architecture : Architecture
        Describes the network.
    weights : sequence of arrays
        ``take_weights`` of the plain network; their precision is that of the fit.
    train, validation : Samples
        Scaled. Without validation all epochs are run and the last weights kept.
    training : Training
        Batch size, epochs, learning rate and when to stop or lower it.
    seed : int
        Of the order of windows and of the dropout masks.

    Returns
    -------
    list of arrays, list of dict
        Weights of the best epoch as ``give_weights`` takes them, and one row per epoch
        with ``bundles.HISTORY_COLUMNS``: epoch 0, the weights given, where
        ``training.keeps_start`` makes them a candidate.

    Raises
    ------
    ArtefactError
        If a loss is not finite.
    """
    run = _Members(architecture, weights, training=training, seed=seed)
    rate, lowest, idle, slow = training.learning_rate, math.inf, 0, 0
    best: list[Numbers] | None = None
    history: History = []
    if training.keeps_start and validation is not None:
        lowest, best = run.measure(validation), run.copy()
        term = run.measure(train)
        history.append(_row(0, term + run.penalty(), term, lowest, 0.0))
        _check_finite(history[-1], validates=True)
    for epoch in range(1, training.max_epochs + 1):
        if training.decays:
            rate = training.learning_rate * (1 - (epoch - 1) / training.max_epochs)
        loss, term = run.train(train, epoch, rate)
        value = math.nan if validation is None else run.measure(validation)
        history.append(_row(epoch, loss, term, value, rate))
        _check_finite(history[-1], validates=validation is not None)
        if validation is None:
            continue
        idle, slow = idle + 1, slow + 1
        if value < lowest:
            lowest, best, idle, slow = value, run.copy(), 0, 0
        if slow >= training.plateau_patience and rate > training.min_learning_rate:
            rate = max(rate * training.plateau_factor, training.min_learning_rate)
            slow = 0
        if idle >= training.stopping_patience:
            break
    return best or run.copy(), history


def shuffle(n: int, *, seed: int, epoch: int) -> NDArray[np.intp]:
    """Return the random order of an epoch's windows; it depends on these three only.

    Parameters
    ----------
    n : int
        Windows.
    seed, epoch : int
        Seed the order.
    """
    return np.random.default_rng([seed, epoch]).permutation(n)


class _Run:
    """One network in training, with memory per size of batch."""

    def __init__(
        self, architecture: Architecture, state: State, training: Training, seed: int
    ) -> None:
        self.architecture, self.state = architecture, state
        self.training, self.seed = training, seed
        self.random = np.random.Generator(np.random.SFC64(seed))
        self.network = cache(partial(Network, architecture, state))

    def train(self, samples: Samples, epoch: int, rate: float) -> tuple[float, float]:
        """Train one epoch; return its mean loss with and without penalty."""
        training = self.training
        order = shuffle(len(samples), seed=self.seed, epoch=epoch)
        sums, n_seen = np.zeros(2), 0
        table, lookback = open_table(samples), self.architecture.lookback
        fall = training.learning_rate / training.max_epochs if training.decays else 0.0
        for rows in _batches(order, training.batch_size):
            x, y = gather(samples, table, rows, lookback=lookback)
            losses = self.network(len(rows)).differentiate(x, y, self.random)
            now = rate - fall * n_seen / len(samples)
            adam(self.state, now * _warmth(self.state.n_steps, training))
            n_seen += len(rows)
            sums += np.multiply(losses, len(rows))
        loss, term = sums / len(samples)
        return float(loss), float(term)


class _Members:
    """The members of a network, each trained on its own and judged by their mean.

    The first member's seed is the job's, so a network of one is trained as ever.
    """

    def __init__(
        self,
        architecture: Architecture,
        weights: Sequence[Numbers],
        *,
        training: Training,
        seed: int,
    ) -> None:
        single = single_member(architecture)
        self.architecture = single
        self.runs = [
            _Run(single, pack(single, own), training, seed + place)
            for place, own in enumerate(split_members(architecture, weights))
        ]

    def train(self, samples: Samples, epoch: int, rate: float) -> tuple[float, float]:
        """Train one epoch of each; return the mean losses with and without penalty."""
        losses = [run.train(samples, epoch, rate) for run in self.runs]
        loss, term = np.mean(losses, axis=0)
        return float(loss), float(term)

    def measure(self, samples: Samples) -> float:
        """Return the mean Huber loss of the mean output, nothing dropped."""
        total, count = 0.0, 0
        table, lookback = open_table(samples), self.architecture.lookback
        for rows in _batches(np.arange(len(samples)), CHUNK):
            x, y = gather(samples, table, rows, lookback=lookback)
            networks = [run.network(len(rows)) for run in self.runs]
            error = mean_output(networks, x) - y
            known = error[~np.isnan(y)]
            total += float(huber(known).sum(dtype=np.float64))
            count += known.size
        return total / max(count, 1)

    def penalty(self) -> float:
        """Return the mean penalty of the weights as they are."""
        return float(np.mean([run.network(1).penalty() for run in self.runs]))

    def copy(self) -> list[Numbers]:
        """Keep the weights as they are now, as ``give_weights`` takes them."""
        return [
            array
            for run in self.runs
            for array in unpack(
                self.architecture, run.state.weights.copy(), run.state.moving.copy()
            )
        ]


def _warmth(n_steps: int, training: Training) -> float:
    """Return the share of the learning rate that a step gets during warm-up."""
    if n_steps >= training.warm_up_steps:
        return 1.0
    return (n_steps + 1) / training.warm_up_steps


def _batches(order: NDArray[np.intp], size: int) -> Iterator[NDArray[np.intp]]:
    return (order[start : start + size] for start in range(0, len(order), size))


def _row(
    epoch: int, loss: float, term: float, value: float, rate: float
) -> dict[str, float]:
    return {
        "epoch": epoch,
        "loss": loss,
        "huber": term,
        "val_huber": value,
        "learning_rate": rate,
    }


def _check_finite(row: dict[str, float], *, validates: bool) -> None:
    names = ["loss", "huber", *(["val_huber"] if validates else [])]
    if not all(math.isfinite(row[name]) for name in names):
        received = ", ".join(f"{name} {row[name]}" for name in names)
        raise ArtefactError(
            "Expected a finite loss in every epoch. "
            f"Received: {received} in epoch {row['epoch']}"
        )
