"""The tables of every test and of every interval, on a study's walk-forward years."""

import pandas as pd

from nse_lstm.config import Study
from nse_lstm.evaluation.conformal import (
    ERRORS,
    MISSES,
    RATE,
    conformal_intervals,
    score_coverage,
)
from nse_lstm.evaluation.evidence import collect_evidence
from nse_lstm.evaluation.forecast_evidence import with_historical_mean
from nse_lstm.evaluation.price_averaging import with_delayed_return
from nse_lstm.study.core.study_data import StudyData
from nse_lstm.study.core.trials import read_trial_matrix


def gather_evidence(
    data: StudyData,
    joined: pd.DataFrame,
    excess: pd.Series,
    trials: pd.DataFrame,
) -> pd.DataFrame:
    """Test the forecasts and the declared strategy; the test year stays sealed.

    Parameters
    ----------
    data : StudyData
    joined : DataFrame
        FORECASTS with ``y`` (``scoring.realised``) of the walk-forward years; those of
        the next session's price (delay 0, horizon 1) are tested.
    excess : Series
        The declared strategy's ``pooled_excess`` of the same years.
    trials : DataFrame
        From ``read_trials`` with ``excess``.

    Returns
    -------
    DataFrame
        EVIDENCE.
    """
    study, panel = data.study, data.panel
    aimed = joined[(joined["delay"] == 0) & (joined["horizon"] == 1)]
    both = with_delayed_return(aimed, panel)
    matrix = read_trial_matrix(data, pd.DatetimeIndex(excess.index))
    compared = with_historical_mean(aimed, panel)
    return collect_evidence(
        compared,
        both=both,
        excess=excess,
        trials=matrix,
        other_sharpes=trials.loc[~trials["own"], "sharpe"],
        verdict=study.verdict,
        sessions_per_year=study.backtest.sessions_per_year,
        seed=study.seed,
    )


def gather_coverage(study: Study, joined: pd.DataFrame) -> pd.DataFrame:
    """Put adaptive conformal intervals around the forecasts and score their coverage.

    Parameters
    ----------
    study : Study
    joined : DataFrame
        FORECASTS with ``y`` of the walk-forward years; the test year stays sealed.

    Returns
    -------
    DataFrame
        COVERAGE, by model, stock and quarter; intervals at the verdict's confidence.
    """
    intervals = conformal_intervals(joined, alpha=MISSES, window=ERRORS, rate=RATE)
    confidence = study.verdict.confidence
    return score_coverage(intervals, alpha=MISSES, confidence=confidence)
