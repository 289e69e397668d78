"""The ranking models' features, targets, fits and forecasts from the whole panel.

Their own phase reads a panel without the test year. Here they get every row, so that a
feature, a target or a fit that looks ahead has something to find.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from nse_lstm.config import Study
from nse_lstm.evaluation.rank_ensemble import fit_ensemble_weights
from nse_lstm.evaluation.scoring import realised
from nse_lstm.features import indicators, targets
from nse_lstm.features.folds import Fold
from nse_lstm.models import rank_lstm, tabular_models
from nse_lstm.models.samples import Samples, open_table

BLENDED = ("ridge", "boosting")
"""Members whose blend is learnt from the whole panel."""


@dataclass(frozen=True, eq=False)
class TabularTables:
    """The ranking models' tables."""

    features: pd.DataFrame
    """``FEATURES``."""
    targets: pd.DataFrame
    """``TARGETS`` of the backtest's delay and the first horizon."""
    forecasts: pd.DataFrame
    """``FORECASTS`` of the tabular models in every fold."""
    samples: dict[int, str]
    """SHA-256 of what the rank LSTM is fitted on, its teacher's targets among it."""
    spans: dict[int, dict[str, Any]]
    """First and last dates of those samples, by fold."""
    weights: pd.DataFrame
    """Weights of ``BLENDED``, by fold."""


def build_tabular_tables(
    study: Study, panel: pd.DataFrame, folds: tuple[Fold, ...]
) -> TabularTables:
    """Build features and targets, fit the tabular models and forecast every fold.

    Parameters
    ----------
    study : Study
        Settings of features and models.
    panel : DataFrame
        ``PANEL``, the test year included.
    folds : tuple of Fold
        To fit and forecast.
    """
    cross_section = study.cross_section
    features = indicators.build_features(panel, cross_section=cross_section)
    labels = targets.build_targets(
        panel,
        cross_section=cross_section,
        delay=study.backtest.delay,
        horizon=cross_section.horizons[0],
    )
    blocks = [
        tabular_models.forecast_tabular(
            features,
            labels,
            fold,
            cross_section=cross_section,
            tabular=study.tabular,
            seed=study.seed,
        )
        for fold in folds
    ]
    forecasts = pd.concat(blocks, ignore_index=True)
    jobs = {
        fold.year: rank_lstm.rank_lstm_job(
            features,
            [labels],
            fold,
            rank_lstm=study.rank_lstm,
            cross_section=cross_section,
            tabular=study.tabular,
            seed=study.seed,
            version="",
        )
        for fold in folds
    }
    return TabularTables(
        features,
        labels,
        forecasts,
        samples={year: samples_digest(job.train) for year, job in jobs.items()},
        spans={year: dict(job.about["train"]) for year, job in jobs.items()},
        weights=fit_ensemble_weights(realised(forecasts, panel), BLENDED),
    )


def samples_digest(samples: Samples) -> str:
    """Return the SHA-256 of every window and target of some samples."""
    table = open_table(samples)
    digest = hashlib.sha256(np.ascontiguousarray(samples.y).tobytes())
    digest.update(np.ascontiguousarray(samples.last).tobytes())
    digest.update(np.ascontiguousarray(table).tobytes())
    return digest.hexdigest()
