"""Define the forecasters of a cross-section and the space of each one's settings.

A forecaster has a name, a section of the study file, a search space and a function that
fits it and forecasts a year. Each entry of ``FORECASTERS`` can be searched.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

import pandas as pd

from nse_lstm.config import Study
from nse_lstm.features.folds import Fold
from nse_lstm.study.ranking.features_and_targets import forecast_aims
from nse_lstm.study.ranking.rank_lstm import forecast_apart

Settings = Mapping[str, float | int]


@dataclass(frozen=True)
class Setting:
    """Range of a setting from ``low`` to ``high``, both included."""

    low: float
    high: float
    whole: bool = False
    logarithmic: bool = True


@dataclass(frozen=True, eq=False)
class RankingTask:
    """Inputs of a ranking: panel, features, targets and the folds that are scored."""

    study: Study
    panel: pd.DataFrame
    """``PANEL``."""
    features: pd.DataFrame
    """``FEATURES`` of that panel."""
    targets: tuple[pd.DataFrame, ...]
    """``TARGETS``, one table per horizon of the cross-section, at the trading delay."""
    folds: tuple[Fold, ...]
    """The scored years, in order."""


@dataclass(frozen=True)
class Forecaster:
    """A forecaster of the cross-section and the space of its settings."""

    name: str
    section: str
    """The study's field that holds the settings."""
    space: Mapping[str, Setting] = field(hash=False)
    forecast: Callable[[RankingTask, Study, Fold], pd.DataFrame]
    """Fit on all data before a fold and return ``FORECASTS`` of every horizon."""
    budget: str = "n_trials"
    """The field of ``Search`` with the number of settings to try."""

    def n_trials(self, study: Study) -> int:
        """Return the number of settings that a study tries."""
        return int(getattr(study.search, self.budget))

    def current(self, study: Study) -> dict[str, Any]:
        """Return the study's own settings."""
        own = asdict(getattr(study, self.section))
        return {name: own[name] for name in self.space}

    def under(self, study: Study, settings: Settings) -> Study:
        """Return the study with other settings of this forecaster.

        Parameters
        ----------
        study : Study
        settings : mapping of str to float or int
            By the section's fields; those not named stay.
        """
        section = replace(getattr(study, self.section), **settings)
        return replace(study, **{self.section: section})


def _forecast_tabular(
    task: RankingTask, study: Study, fold: Fold, *, model: str
) -> pd.DataFrame:
    return forecast_aims(task.features, task.targets, fold, study=study, only=[model])


def _tabular(model: str, space: Mapping[str, Setting]) -> Forecaster:
    forecast = partial(_forecast_tabular, model=model)
    return Forecaster(model, "tabular", space, forecast)


def _forecast_rank_lstm(task: RankingTask, study: Study, fold: Fold) -> pd.DataFrame:
    return forecast_apart(task.features, task.targets, fold, study=study)


FORECASTERS = {
    each.name: each
    for each in (
        _tabular("ridge", {"ridge_alpha": Setting(1.0, 1e5)}),
        _tabular("ridge_per_stock", {"stock_ridge_alpha": Setting(1.0, 1e4)}),
        _tabular(
            "boosting",
            {
                "boosting_rounds": Setting(50, 600, whole=True),
                "learning_rate": Setting(0.01, 0.1),
                "max_leaves": Setting(3, 32, whole=True),
                "min_leaf_rows": Setting(100, 2000, whole=True),
                "feature_share": Setting(0.1, 1.0, logarithmic=False),
                "leaf_l2": Setting(0.1, 100.0),
            },
        ),
        Forecaster(
            "rank_lstm",
            "rank_lstm",
            {
                "lookback": Setting(5, 60, whole=True),
                "units": Setting(4, 32, whole=True),
                "penalty": Setting(10.0, 1e3),
                "deep_penalty": Setting(3.0, 300.0),
                "wide_penalty": Setting(100.0, 3e4),
                "dropout": Setting(0.2, 0.7, logarithmic=False),
                "learning_rate": Setting(3e-4, 3e-3),
                "max_epochs": Setting(2, 8, whole=True),
            },
            _forecast_rank_lstm,
            budget="rank_lstm_trials",
        ),
    )
}
"""Every forecaster that can be searched, by name."""
