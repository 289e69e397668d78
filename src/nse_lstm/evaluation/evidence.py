"""Table of all statistical tests: statistic, p-value, interval and a plain sentence."""

from collections.abc import Iterator
from dataclasses import asdict
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from nse_lstm.config import Verdict
from nse_lstm.evaluation.forecast_evidence import (
    ALL_MODELS,
    EvidenceRow,
    averaging_evidence,
    forecast_evidence,
)
from nse_lstm.evaluation.multiple_comparison import spa_test
from nse_lstm.evaluation.overfitting import backtest_overfitting
from nse_lstm.evaluation.sharpe import (
    adjusted_sharpe_ratio,
    minimum_backtest_length,
    minimum_track_record,
)
from nse_lstm.evaluation.significance import (
    Moments,
    deflated_sharpe_ratio,
    expected_maximum_sharpe,
    moments_of,
    probabilistic_sharpe_ratio,
    sharpe_standard_error,
    smallest_detectable_sharpe,
    trial_variance,
)
from nse_lstm.tables import EVIDENCE, conform

LAGS = 5
"""Lags of the autocorrelation-adjusted Sharpe ratio: one week of sessions."""

BLOCKS = 16
"""Blocks of the symmetric cross-validation; fewer for short records."""

POWER = 0.8
"""Power at which the larger detectable Sharpe ratio is stated."""

CASH = "cash"


def collect_evidence(
    joined: pd.DataFrame,
    *,
    both: pd.DataFrame,
    excess: pd.Series,
    trials: pd.DataFrame,
    other_sharpes: ArrayLike,
    verdict: Verdict,
    sessions_per_year: int,
    seed: int,
) -> pd.DataFrame:
    """Run every test on the forecasts and on the declared strategy.

    Parameters
    ----------
    joined : DataFrame
        Forecasts with ``y`` (``scoring.realised``, ``with_historical_mean``) of the
        walk-forward years, of one delay and horizon. ``persistence`` is the benchmark.
    both : DataFrame
        The same with the return one session later
        (``price_averaging.with_delayed_return``).
    excess : Series
        The declared strategy's return over cash by session (``pooled_excess``).
    trials : DataFrame of shape (n_sessions, n_columns)
        The same of every trial of the ledger that has these sessions. They are tested
        together (SPA, overfitting).
    other_sharpes : array of shape (n_trials - 1,)
        Sharpe ratios over cash per session of the ledger's other trials, which may be
        more than those columns. A missing one never traded and does not count.
    verdict : Verdict
        Model, confidence and bootstrap.
    sessions_per_year : int
        Annualises.
    seed : int
        Of the bootstraps.

    Returns
    -------
    DataFrame
        ``EVIDENCE``, one row per test, model, opponent and stock.
    """
    rows = [
        *forecast_evidence(joined, verdict=verdict, seed=seed),
        *averaging_evidence(both, verdict=verdict, seed=seed),
        *strategy_evidence(
            excess,
            trials=trials,
            other_sharpes=other_sharpes,
            verdict=verdict,
            sessions_per_year=sessions_per_year,
            seed=seed,
        ),
    ]
    table = pd.DataFrame(rows, columns=list(EVIDENCE.columns))
    return conform(table, EVIDENCE)


def strategy_evidence(
    excess: pd.Series,
    *,
    trials: pd.DataFrame,
    other_sharpes: ArrayLike,
    verdict: Verdict,
    sessions_per_year: int,
    seed: int,
) -> Iterator[EvidenceRow]:
    """Yield the tests of the declared strategy's returns as rows of ``EVIDENCE``.

    A strategy whose returns over cash do not vary has only the row of the smallest
    detectable ratio.

    Parameters
    ----------
    excess, trials, other_sharpes, verdict, sessions_per_year, seed
        As for ``collect_evidence``.
    """
    yield _detectable(len(excess), verdict, sessions_per_year)
    found = moments_of(excess)
    if not np.isnan(found.sharpe):
        others = np.asarray(other_sharpes, float)
        others = others[~np.isnan(others)]
        yield from _ratio_rows(excess, found, verdict, sessions_per_year)
        yield from _luck_rows(found, others, verdict, sessions_per_year)
    trials = trials.loc[:, np.ptp(trials.to_numpy(), axis=0) > 0]
    if trials.shape[1] >= 2 and len(trials) >= 4:
        yield _superior(trials, verdict, seed)
        yield _overfitting(trials)


def _detectable(n: int, verdict: Verdict, year: int) -> EvidenceRow:
    least, likely = (
        smallest_detectable_sharpe(n / year, confidence=verdict.confidence, power=power)
        for power in (0.5, POWER)
    )
    return EvidenceRow(
        "smallest detectable Sharpe",
        verdict.model,
        against=CASH,
        statistic=least,
        upper=likely,
        n=n,
        says=f"a true yearly Sharpe ratio of {least:.1f} is detected with probability "
        f"50%, one of {likely:.1f} with {POWER:.0%}",
        method=f"z / sqrt(years), two-sided {verdict.confidence:.0%}",
    )


def _ratio_rows(
    excess: pd.Series, found: Moments, verdict: Verdict, year: int
) -> Iterator[EvidenceRow]:
    """Yield the tests of the strategy's ratio as if it were the only trial."""
    row = partial(EvidenceRow, model=verdict.model, against=CASH, n=found.n)
    shape = {"skew": found.skew, "kurtosis": found.kurtosis}
    z = float(norm.ppf(0.5 + verdict.confidence / 2))
    error = sharpe_standard_error(found.sharpe, n=found.n, **shape)
    yearly, lower, upper = (
        float((found.sharpe + step * error) * np.sqrt(year)) for step in (0, -z, z)
    )
    probability = probabilistic_sharpe_ratio(
        found.sharpe, benchmark=0, n=found.n, **shape
    )
    adjusted = adjusted_sharpe_ratio(excess, sessions_per_year=year, lags=LAGS)
    needed = minimum_track_record(
        found.sharpe, benchmark=0, confidence=verdict.confidence, **shape
    )
    yield row(
        "Sharpe ratio",
        statistic=yearly,
        lower=lower,
        upper=upper,
        says=f"{yearly:.2f} per year, from {lower:.2f} to {upper:.2f}",
        method="square root of time; standard error of Mertens over n - 1",
    )
    yield row(
        "Sharpe ratio, autocorrelation allowed for",
        statistic=adjusted,
        says=f"{adjusted:.2f} per year, adjusted for {LAGS} autocorrelations",
        method=f"Lo's aggregation factor over {LAGS} lags",
    )
    yield row(
        "probabilistic Sharpe ratio",
        statistic=probability,
        p_value=1 - probability,
        says=f"above cash with probability {probability:.3f} if it were the only trial",
        method="Bailey and Lopez de Prado, benchmark 0",
    )
    yield row(
        "minimum track record",
        statistic=needed / year,
        says=f"needs a record of {needed / year:.1f} years, has {found.n / year:.1f}"
        if np.isfinite(needed)
        else "no record is long enough, because the ratio is not above 0",
        method=f"years until the probabilistic ratio is {verdict.confidence}",
    )


def _luck_rows(
    found: Moments, others: NDArray[np.float64], verdict: Verdict, year: int
) -> Iterator[EvidenceRow]:
    """Yield the tests of the strategy's ratio as the best of all trials."""
    row = partial(EvidenceRow, model=verdict.model, against=CASH, n=found.n)
    n_trials, yearly = others.size + 1, float(found.sharpe * np.sqrt(year))
    variance = trial_variance(others, found.n)
    deflated = deflated_sharpe_ratio(
        **asdict(found), n_trials=n_trials, variance=variance
    )
    best = expected_maximum_sharpe(n_trials, variance=variance) * np.sqrt(year)
    length = float("inf")
    if yearly > 0:
        length = minimum_backtest_length(n_trials, sharpe=yearly)
    yield row(
        "deflated Sharpe ratio",
        statistic=deflated,
        p_value=1 - deflated,
        says=f"{deflated:.3f} against the best of {n_trials} trials without skill, "
        f"whose expected yearly ratio is {best:.2f}",
        method="Bailey and Lopez de Prado; variance of the other trials' gains",
    )
    yield row(
        "minimum backtest length",
        statistic=length,
        says=f"{n_trials} trials without skill would reach this ratio in {length:.1f} "
        f"years, and the record has {found.n / year:.1f}"
        if yearly > 0
        else "the ratio is not above 0, so a record of any length would reach it",
        method="Bailey et al. 2014, independent trials",
    )


def _superior(trials: pd.DataFrame, verdict: Verdict, seed: int) -> EvidenceRow:
    """Test whether any trial of the ledger beats cash; the loss is minus its return."""
    size = 1 - verdict.confidence
    block, reps = verdict.bootstrap_block, verdict.bootstrap_reps
    found = spa_test(
        (-trials).assign(**{CASH: 0.0}),
        benchmark=CASH,
        block=block,
        reps=reps,
        seed=seed,
        size=size,
    )
    return EvidenceRow(
        "superior predictive ability of strategies",
        ALL_MODELS,
        against=CASH,
        p_value=found.consistent,
        lower=found.lower,
        upper=found.upper,
        n=len(trials),
        says=f"at least one of {trials.shape[1]} strategies earns more than cash, "
        "adjusted for their number"
        if found.consistent <= size
        else f"none of {trials.shape[1]} strategies earns significantly more than "
        "cash, adjusted for their number",
        method="Hansen's consistent p-value, its bounds beside it, studentised; net "
        "returns over cash from the ledger; stationary bootstrap, mean block "
        f"{block}, {reps} times",
    )


def _overfitting(trials: pd.DataFrame) -> EvidenceRow:
    blocks = min(BLOCKS, len(trials) // 4 * 2)
    found = backtest_overfitting(trials.to_numpy(), n_blocks=blocks)
    return EvidenceRow(
        "probability of backtest overfitting",
        ALL_MODELS,
        against=ALL_MODELS,
        statistic=found.probability,
        n=len(trials),
        says=f"in {found.probability:.0%} of {found.n_splits} splits the best of "
        f"{found.n_trials} trials was in the lower half afterwards",
        method=f"symmetric cross-validation, {blocks} blocks, by Sharpe ratio; the "
        "middle counts as overfit",
    )
