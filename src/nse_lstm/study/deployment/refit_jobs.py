"""Training jobs of refits, apart from their promotion.

The version of a refit covers this module's imports, so none may carry promotions.
"""

from dataclasses import replace

import pandas as pd

from nse_lstm.features.folds import Fold
from nse_lstm.features.returns import market_sessions
from nse_lstm.models.jobs import TrainingJob
from nse_lstm.models.versions import artefact_version
from nse_lstm.study.core.jobs import NETWORK, v2_job
from nse_lstm.study.core.study_data import StudyData


def refit_job(data: StudyData, panel: pd.DataFrame, ticker: str) -> TrainingJob:
    """Return v2's job of a fold that begins after the last session.

    Parameters
    ----------
    data : StudyData
        The study after Phase 1.
    panel : DataFrame
        All sessions, from ``with_returns``.
    ticker : str
        The stock.
    """
    fold = refit_fold(panel)
    job = v2_job(data, panel, ticker, fold)
    version = artefact_version(
        data.facts.digest,
        {"as": job.version, "before": str(fold.start.date())},
        data.study.seed,
        ticker=ticker,
        year=fold.year,
        made_by=(__name__, *NETWORK),
    )
    return replace(job, version=version)


def refit_fold(panel: pd.DataFrame) -> Fold:
    """Return the fold that begins after the panel's last session."""
    last = market_sessions(panel)[-1]
    return Fold(
        year=last.year,
        kind="test",
        start=last + pd.Timedelta(days=1),
        end=last + pd.Timedelta(days=2),
    )
