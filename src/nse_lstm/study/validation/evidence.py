"""The tables of every test and of every interval, on a study's walk-forward years."""

import pandas as pd

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
from nse_lstm.evaluation.scoring import realised
from nse_lstm.evaluation.verdict import pooled_excess
from nse_lstm.study.core.study_data import StudyData
from nse_lstm.study.core.trials import read_trial_matrix
from nse_lstm.study.core.verdict import declared_returns


def gather_evidence(
    data: StudyData,
    forecasts: pd.DataFrame,
    returns: pd.DataFrame,
    trials: pd.DataFrame,
) -> pd.DataFrame:
    """Test the forecasts and the declared strategy; the test year stays sealed.

    Parameters
    ----------
    data : StudyData
    forecasts : DataFrame
        FORECASTS of the walk-forward years; those of the next session's price (delay 0,
        horizon 1) are tested.
    returns : DataFrame
        STRATEGY_RETURNS of the same years, recorded in the ledger of trials.
    trials : DataFrame
        From ``read_trials``, those of ``returns`` among them.

    Returns
    -------
    DataFrame
        EVIDENCE.
    """
    study, panel = data.study, data.panel
    aimed = forecasts[(forecasts["delay"] == 0) & (forecasts["horizon"] == 1)]
    excess = pooled_excess(declared_returns(study, returns))
    return collect_evidence(
        with_historical_mean(realised(aimed, panel), panel),
        both=with_delayed_return(aimed, panel),
        excess=excess,
        trials=read_trial_matrix(data, pd.DatetimeIndex(excess.index)),
        trial_sharpes=trials["sharpe"],
        verdict=study.verdict,
        sessions_per_year=study.backtest.sessions_per_year,
        seed=study.seed,
    )


def gather_coverage(data: StudyData, forecasts: pd.DataFrame) -> pd.DataFrame:
    """Put adaptive conformal intervals around the forecasts and score their coverage.

    Parameters
    ----------
    data : StudyData
    forecasts : DataFrame
        FORECASTS of the walk-forward years; the test year stays sealed.

    Returns
    -------
    DataFrame
        COVERAGE, by model, stock and quarter; intervals at the verdict's confidence.
    """
    joined = realised(forecasts, data.panel)
    intervals = conformal_intervals(joined, alpha=MISSES, window=ERRORS, rate=RATE)
    confidence = data.study.verdict.confidence
    return score_coverage(intervals, alpha=MISSES, confidence=confidence)
