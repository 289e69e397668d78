"""Training jobs and trained models: the input and the output of ``training``."""

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nse_lstm.config import Study, Training
from nse_lstm.features.windows import Windows
from nse_lstm.models.architectures import Architecture
from nse_lstm.models.samples import Samples


@dataclass(frozen=True, eq=False)
class TrainingJob:
    """One network to fit: one stock, for one fold."""

    ticker: str
    year: int
    """The fold's year; nothing in the windows reaches it."""
    seed: int
    """The study's seed; the job's own comes from ``job_seed``."""
    train: Windows
    validation: Windows
    """Not used by v1, which runs all its epochs."""
    version: str
    architecture: str = "v2"


@dataclass(frozen=True, eq=False)
class SampleJob:
    """One network to fit on samples as they are: several features, stocks or targets.

    They are scaled already; the bundle's scaler changes nothing.
    """

    ticker: str
    """The stock, or a name for the pool of stocks."""
    year: int
    seed: int
    network: Architecture
    training: Training
    train: Samples
    validation: Samples | None
    """Without it all epochs are run and the last weights kept."""
    version: str
    about: Mapping[str, Any] = field(default_factory=dict)
    """Plain values for the bundle's metadata, such as how features were scaled."""
    start: tuple[NDArray[np.floating], ...] = ()
    """Weights to start from, as ``architectures.take_weights`` orders them; drawn by
    the job's seed if empty."""

    @property
    def architecture(self) -> str:
        """The network's name."""
        return self.network.name


Job = TrainingJob | SampleJob

SEED_LABELS = {"v1": "v1", "v2": "v2", "rank_lstm": "v3"}
"""Labels that seed each network's random numbers: renaming it changes no number."""


@dataclass(frozen=True)
class TrainedModel:
    """The outcome of one job; losses are Huber of scaled targets, without penalty."""

    ticker: str
    year: int
    seed: int
    architecture: str
    version: str
    folder: Path
    epochs: int = 0
    best_epoch: int = 0
    """The epoch, from 1, whose weights were kept."""
    train_loss: float = math.nan
    """At the best epoch, under dropout."""
    validation_loss: float = math.nan
    digest: str = ""
    """Of the bundle, see ``bundles.bundle_digest``."""
    seconds: float = 0.0
    """Duration of the fit that wrote the bundle."""
    failure: str | None = None
    """Why there is no model, if there is none."""


Waiting = Mapping[int, tuple[Job, Path]]
"""Jobs by their place in the list, each with the folder its bundle belongs in."""

Executor = Callable[[Waiting, Study], Iterator[tuple[int, TrainedModel]]]
"""Fits jobs and gives place and model of each as it is done."""


def job_seed(seed: int, ticker: str, year: int, *, architecture: str = "v2") -> int:
    """Return a job's own seed: 31 bits of the SHA-256 of its names.

    Parameters
    ----------
    seed : int
        The study's.
    ticker : str
    year : int
        The fold's.
    architecture : str
        The network's name; its label in ``SEED_LABELS`` counts.

    Examples
    --------
    >>> job_seed(1, "SCOM", 2023) == job_seed(1, "SCOM", 2023)
    True
    >>> job_seed(1, "SCOM", 2023) == job_seed(1, "KCB", 2023)
    False
    """
    label = SEED_LABELS.get(architecture, architecture)
    name = f"{seed},{ticker},{year},{label}"
    digest = hashlib.sha256(name.encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1
