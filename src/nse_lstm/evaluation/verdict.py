"""Verdict on a strategy by its bootstrapped excess returns: yes, no or undecided."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from arch.bootstrap import StationaryBootstrap
from numpy.typing import NDArray

from nse_lstm.config import Backtest, Verdict
from nse_lstm.errors import TableError
from nse_lstm.evaluation.cash import tax_on_cash
from nse_lstm.evaluation.metrics import sharpe_ratio
from nse_lstm.evaluation.significance import (
    Moments,
    moments_of,
    smallest_detectable_sharpe,
)
from nse_lstm.evaluation.total_return import ReturnBasis, describe_basis

Answer = Literal["yes", "no", "undecided"]

FREE_REBALANCING = (
    "Buy and hold is rebalanced here to equal weights and to the strategy's exposure "
    "every session at no cost. No investor could have earned exactly its return."
)

HOLDING = "buy and hold with the same exposure"


@dataclass(frozen=True)
class ExcessInterval:
    """A yearly mean excess return as a fraction, with its two-sided bounds."""

    mean: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Judgement:
    """The verdict on one declared strategy and every number behind it.

    ``sharpe_over_cash`` is yearly and missing for a strategy that was never invested.
    ``smallest_detectable_sharpe`` is z / sqrt(years), the smallest ratio that is
    significant over this span. ``reasons`` states the decisive numbers, the tests that
    were not run and the limits of the numbers.
    """

    answer: Answer
    sentence: str
    excess_over_cash: ExcessInterval
    excess_over_holding: ExcessInterval
    sharpe_over_cash: float
    smallest_detectable_sharpe: float
    exposure: float
    n_sessions: int
    years: float
    deflated_sharpe: float | None
    audit_clean: bool | None
    reasons: tuple[str, ...]


def judge(
    returns: pd.DataFrame,
    holdings: pd.DataFrame,
    *,
    backtest: Backtest,
    verdict: Verdict,
    seed: int,
    deflated_sharpe: float | None,
    audit_clean: bool | None,
    basis: ReturnBasis | None = None,
) -> Judgement:
    """Judge whether a strategy was useful: yes, no or undecided.

    Stocks are pooled at equal capital and seeds averaged, so that a session is one
    observation. The excess is over cash, and over buy and hold of the same stocks with
    the strategy's mean exposure, the rest in cash. Bounds are percentiles of a
    stationary bootstrap of the sessions, both excesses resampled together.

    The answer is ``yes`` when both lower bounds are above 0, the deflated Sharpe ratio
    reaches ``min_deflated_sharpe`` and the audit is clean. It is ``no`` when an upper
    bound is below 0, otherwise ``undecided``. A test that was not run is not passed.
    Where returns leave out dividends, a yes must also hold if the holding had earned
    them and the strategy nothing, and if no tax were withheld from cash.

    Parameters
    ----------
    returns : DataFrame
        ``STRATEGY_RETURNS`` rows of the declared model and rule at the headline cost,
        over the declared walk-forward years (the caller's choice, never the test year).
    holdings : DataFrame
        The rows of ``buy_and_hold`` for the same stocks, sessions and cost.
    backtest : Backtest
        ``sessions_per_year``, ``dividend_band`` and ``withholding_tax`` are used.
    verdict : Verdict
        Confidence, bootstrap and the deflated Sharpe ratio needed.
    seed : int
        Of the bootstrap.
    deflated_sharpe : float or None
        From ``significance.deflated_sharpe_ratio`` on ``excess_moments`` of the same
        returns; None where not assessed.
    audit_clean : bool or None
        Whether the leak audit passed; None where not run.
    basis : ReturnBasis, optional
        Of the whole span (``total_return.join_bases``); price returns, without any
        sourced dividend, if not given.

    Raises
    ------
    TableError
        If there are no returns, more than one strategy or cost level, or the holding
        is of other stocks or sessions.

    References
    ----------
    .. [1] D. Politis and J. Romano (1994). The stationary bootstrap. JASA 89(428),
       1303-1313.
    """
    _check_rows(returns, holdings)
    strategy = _pool(returns)
    excess = _excess(strategy, _pool(holdings))
    over_cash, over_holding = _intervals(excess, backtest, verdict, seed)
    traded = bool(strategy["position"].any())
    basis = basis or ReturnBasis(0.0, backtest.dividend_band[1], is_assumed=True)
    exposure = float(strategy["position"].mean())
    left_out = (0.0, 0.0)
    if not basis.is_total:
        tax = tax_on_cash(strategy.index, backtest)
        left_out = (exposure * tax, exposure * basis.median_yield)
    gates = (over_cash, over_holding, verdict, deflated_sharpe, audit_clean, left_out)
    answer, sentence = _answer(*gates) if traded else _never_traded()
    year = backtest.sessions_per_year
    years = len(strategy) / year
    return Judgement(
        answer=answer,
        sentence=sentence,
        excess_over_cash=over_cash,
        excess_over_holding=over_holding,
        sharpe_over_cash=sharpe_ratio(
            excess[:, 0] if traded else [], sessions_per_year=year
        ),
        smallest_detectable_sharpe=smallest_detectable_sharpe(
            years, confidence=verdict.confidence
        ),
        exposure=exposure,
        n_sessions=len(strategy),
        years=years,
        deflated_sharpe=deflated_sharpe,
        audit_clean=audit_clean,
        reasons=(
            *_gates(*gates),
            FREE_REBALANCING,
            describe_basis(basis, taxed=bool(backtest.withholding_tax)),
        ),
    )


def pooled_excess(returns: pd.DataFrame) -> pd.Series:
    """Return the strategy's pooled net return over cash per session, which is judged.

    Parameters
    ----------
    returns : DataFrame
        ``STRATEGY_RETURNS`` rows of one model, rule and cost level.

    Raises
    ------
    TableError
        If there are no rows, or more than one strategy or cost level.
    """
    _check_strategy("returns", returns)
    pool = _pool(returns)
    return (pool["net_return"] - pool["cash_return"]).rename("excess_return")


def excess_moments(returns: pd.DataFrame) -> Moments:
    """Return the moments of ``pooled_excess``, for a trial as for the judged strategy.

    Parameters and errors are those of ``pooled_excess``. The Sharpe ratio is missing
    for a strategy that never traded.
    """
    excess = pooled_excess(returns)
    return moments_of(excess)


def _check_strategy(name: str, rows: pd.DataFrame) -> None:
    if rows.empty:
        raise TableError(f"Expected returns to judge. Received: no row ({name})")
    declared = rows[["model", "rule", "cost_bps"]].drop_duplicates()
    if len(declared) != 1:
        raise TableError(
            "Expected one model, rule and cost level. "
            f"Received: {len(declared)} ({name})"
        )


def _check_rows(returns: pd.DataFrame, holdings: pd.DataFrame) -> None:
    _check_strategy("returns", returns)
    _check_strategy("holdings", holdings)
    keys = [
        set(map(tuple, rows[["ticker", "session"]].itertuples(index=False)))
        for rows in (returns, holdings)
    ]
    if keys[0] != keys[1]:
        raise TableError(
            "Expected a holding of the same stocks and sessions. "
            f"Received: {len(keys[0] ^ keys[1])} rows in only one of them"
        )


def _pool(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the mean over seeds, then over stocks, of every session."""
    columns = ["position", "net_return", "cash_return"]
    by_stock = rows.groupby(["ticker", "session"])[columns].mean()
    return by_stock.groupby("session").mean()


def _excess(strategy: pd.DataFrame, holding: pd.DataFrame) -> NDArray[np.float64]:
    """Return each session's excess over cash and over buy and hold, (n, 2)."""
    net, cash = strategy["net_return"], strategy["cash_return"]
    exposure = strategy["position"].mean()
    # exposure * holding + (1 - exposure) * cash
    benchmark = exposure * holding["net_return"] + (1 - exposure) * cash
    return np.column_stack([net - cash, net - benchmark])


def _intervals(
    excess: NDArray[np.float64], backtest: Backtest, verdict: Verdict, seed: int
) -> tuple[ExcessInterval, ExcessInterval]:
    bootstrap = StationaryBootstrap(verdict.bootstrap_block, excess, seed=seed)
    means = bootstrap.apply(lambda rows: rows.mean(axis=0), verdict.bootstrap_reps)
    tail = (1 - verdict.confidence) / 2
    year = backtest.sessions_per_year
    lower, upper = np.quantile(means, [tail, 1 - tail], axis=0) * year
    mean = excess.mean(axis=0) * year
    over_cash, over_holding = (
        ExcessInterval(float(mean[i]), float(lower[i]), float(upper[i])) for i in (0, 1)
    )
    return over_cash, over_holding


def _never_traded() -> tuple[Answer, str]:
    return (
        "undecided",
        "No evidence of profit: the strategy never traded and earned the return of "
        "cash.",
    )


def _answer(
    over_cash: ExcessInterval,
    over_holding: ExcessInterval,
    verdict: Verdict,
    deflated_sharpe: float | None,
    audit_clean: bool | None,
    left_out: tuple[float, float],
) -> tuple[Answer, str]:
    excesses = {
        "cash": over_cash,
        HOLDING: over_holding,
    }
    below = [name for name, excess in excesses.items() if excess.upper < 0]
    if below:
        return "no", (
            f"No: after costs the strategy earned less than {' and than '.join(below)}."
        )
    unclear = [name for name, excess in excesses.items() if excess.lower <= 0]
    if unclear:
        return "undecided", (
            "No evidence of profit: the strategy's return is not significantly "
            f"different from {' or from '.join(unclear)}."
        )
    short = _short_of_yes(verdict, deflated_sharpe, audit_clean)
    tax, dividends = left_out
    if over_holding.lower - dividends <= 0:
        short.insert(0, "dividends that the returns leave out could explain the gain")
    if over_cash.lower - tax <= 0:
        short.insert(0, "the tax that only cash paid could explain the gain")
    if short:
        return "undecided", (
            f"Not proven: the strategy earned more than cash and than {HOLDING}, but "
            f"{' and '.join(short)}."
        )
    return "yes", (
        f"Yes: after costs the strategy earned more than cash and than {HOLDING}, by "
        "more than chance and the number of trials explain."
    )


def _short_of_yes(
    verdict: Verdict, deflated_sharpe: float | None, audit_clean: bool | None
) -> list[str]:
    short = []
    if deflated_sharpe is None:
        short.append("the deflated Sharpe ratio was not computed")
    elif not deflated_sharpe >= verdict.min_deflated_sharpe:  # NaN falls short too
        short.append("so many trials would find as much by chance")
    if audit_clean is None:
        short.append("the leak audit was not run")
    elif not audit_clean:
        short.append("the leak audit found a leak")
    return short


def _gates(
    over_cash: ExcessInterval,
    over_holding: ExcessInterval,
    verdict: Verdict,
    deflated_sharpe: float | None,
    audit_clean: bool | None,
    left_out: tuple[float, float],
) -> tuple[str, ...]:
    level = f"{verdict.confidence:.0%}"
    deflated = "not assessed"
    if deflated_sharpe is not None:
        deflated = f"{deflated_sharpe:.3f}, needed {verdict.min_deflated_sharpe:.2f}"
    audit = {None: "not assessed", True: "clean", False: "not clean"}[audit_clean]
    tax, dividends = left_out
    return (
        f"Excess over cash: {_words(over_cash)} ({level} interval)."
        + (f" The tax that only cash paid is {tax:.1%} of it." if tax else ""),
        f"Excess over {HOLDING}: {_words(over_holding)} ({level} interval)."
        + (f" Dividends left out may take {dividends:.1%} of it." if dividends else ""),
        f"Deflated Sharpe ratio: {deflated}.",
        f"Leak audit: {audit}.",
    )


def _words(excess: ExcessInterval) -> str:
    bounds = f"from {excess.lower:+.1%} to {excess.upper:+.1%}"
    return f"{excess.mean:+.1%} per year, {bounds}"
