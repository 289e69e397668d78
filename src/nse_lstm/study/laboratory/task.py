"""A run's task and its outcome: input and output of every forecaster."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from nse_lstm.features.folds import Fold
from nse_lstm.features.windows import FoldSplit
from nse_lstm.models.jobs import TrainedModel
from nse_lstm.models.progress import Progress
from nse_lstm.study.core.workspace import Workspace


@dataclass(frozen=True, eq=False)
class Task:
    """One stock and year to forecast."""

    workspace: Workspace
    """With the run's own settings and seed."""
    ticker: str
    fold: Fold
    panel: pd.DataFrame
    """``PANEL`` to the end of the year; no later row is read."""
    split: FoldSplit
    """Windows of the stock: train and validation targets lie before the year."""
    given: Mapping[str, Any]
    """Settings that differ from the study's."""
    channels: tuple[str, ...]

    @property
    def before(self) -> pd.DataFrame:
        """``PANEL`` before the year: all that may be fitted on."""
        return self.panel[self.panel["session"] < self.fold.start]

    def folder(self, name: str, version: str) -> Path:
        """Return the folder of the run.

        Parameters
        ----------
        name : str
            Of the model in tables.
        version : str
            Of what is fitted.
        """
        place = f"{self.ticker}-{self.fold.year}-{name}-{version[:12]}"
        return self.workspace.paths.laboratory / place


@dataclass(frozen=True, eq=False)
class Fitted:
    """A forecaster fitted for a task, with its forecasts of the year."""

    forecasts: pd.DataFrame
    """``FORECASTS`` of the forecaster itself, without realised values."""
    name: str
    """Its name in the tables."""
    folder: Path
    """Of the run."""
    model: TrainedModel
    n_parameters: int
    history: pd.DataFrame
    """One row per epoch: ``epoch loss huber val_huber learning_rate``."""
    loss: str = "Huber loss"
    """Name of the loss in ``huber`` and ``val_huber``."""
    distinct: str = ""
    """All that makes it another strategy, beside name, settings and seed."""
    notes: tuple[str, ...] = ()
    """Sentences that belong beside its scores."""


Forecaster = Callable[[Task, Progress], Fitted]
"""Fits a model for a task and forecasts the year."""
