"""Report card: the status page's targets beside the scores reached and baselines."""

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from nse_lstm.config import Backtest
from nse_lstm.evaluation.comparison import NAIVE
from nse_lstm.evaluation.scoring import POOL
from nse_lstm.evaluation.strategies import BENCHMARKS, EQUAL_WEIGHT, HOLD
from nse_lstm.evaluation.total_return import ReturnBasis, describe_basis
from nse_lstm.tables import ACCURACY_COST

DASH = "\N{EN DASH}"
"""Shown for an undefined score, such as the Sharpe ratio of never trading."""

MIN_INVESTED = 20
"""Sessions for which a stock must be held before its Sharpe ratio counts."""


def report_card(
    scores: pd.DataFrame,
    *,
    model: str,
    rule: str,
    year: int,
    backtest: Backtest,
    basis: ReturnBasis,
    cash: float,
) -> pd.DataFrame:
    """Compare one model's year with the four published targets and three fair ones.

    Parameters
    ----------
    scores : DataFrame
        ``SCORES`` of accuracy and strategies, those of ``persistence``,
        ``buy_and_hold`` and ``equal_weight`` among them. A missing score is shown as a
        dash.
    model, rule : str
        Of the strategy at the headline cost.
    year : int
        The fold.
    backtest : Backtest
        ``headline_cost_bps`` and ``withholding_tax`` are used.
    basis : ReturnBasis
        Of the fold and its stocks.
    cash : float
        Return of cash over the fold, compounded.

    Returns
    -------
    DataFrame
        One row per target: ``target``, ``found`` (text), ``met`` (nullable boolean,
        missing where undefined), ``persistence`` and ``buy_and_hold`` (text, their
        values of the same score), ``comment``.
    """
    levels = (ACCURACY_COST, backtest.headline_cost_bps)
    scores = scores[(scores["fold"] == year) & scores["cost_bps"].isin(levels)]
    rows = [
        _sharpe(scores, model, rule=rule, backtest=backtest),
        _wins(scores, model, rule=rule),
        _r_squared(scores, model),
        _negatives(scores, model),
        _skill(scores, model),
        _against_cash(scores, model, rule=rule, backtest=backtest, cash=cash),
        _against_holding(scores, model, rule=rule, basis=basis, backtest=backtest),
    ]
    table = pd.DataFrame([asdict(row) for row in rows])
    return table.astype({"met": "boolean"})


@dataclass(frozen=True)
class _Row:
    target: str
    found: str
    met: bool | None
    persistence: str
    buy_and_hold: str
    comment: str


def _rows(scores: pd.DataFrame, model: str, metric: str, *, rule: str) -> pd.DataFrame:
    wanted = {"model": model, "metric": metric, "rule": rule}
    same = [scores[name] == value for name, value in wanted.items()]
    return scores[np.logical_and.reduce(same)]


def _pooled(
    scores: pd.DataFrame, model: str, metric: str, *, rule: str = "none"
) -> float:
    rows = _rows(scores, model, metric, rule=rule)
    values = rows.loc[rows["ticker"] == POOL, "value"]
    return float(values.iloc[0]) if len(values) else float("nan")


def _stocks(
    scores: pd.DataFrame, model: str, metric: str, *, rule: str
) -> pd.DataFrame:
    rows = _rows(scores, model, metric, rule=rule)
    return rows[rows["ticker"] != POOL]


def _sharpe(scores: pd.DataFrame, model: str, *, rule: str, backtest: Backtest) -> _Row:
    values = _sharpes(scores, model, rule)
    over_zero = _stocks(scores, model, "sharpe_ratio", rule=rule)["value"]
    return _Row(
        target="Sharpe ratio above 1 for most stocks",
        found=_above_one(values),
        met=None if values.isna().all() else bool((values > 1).mean() > 0.5),
        persistence=_above_one(_sharpes(scores, NAIVE, rule)),
        buy_and_hold=_above_one(_sharpes(scores, HOLD, BENCHMARKS[HOLD])),
        comment=(
            f"Over cash, at {backtest.headline_cost_bps} basis points per side. "
            "Over 0, with the interest on idle money included: "
            f"{_above_one(over_zero)}. A stock held for fewer than {MIN_INVESTED} "
            "sessions has no ratio (a dash) and does not count as above 1. The Sharpe "
            "ratio of one year has a standard error of about 1."
        ),
    )


def _sharpes(scores: pd.DataFrame, model: str, rule: str) -> pd.Series:
    """Return the stocks' Sharpe ratios over cash, missing below ``MIN_INVESTED``."""
    names = ("sharpe_over_cash", "win_rate")
    ratio, wins = (
        _stocks(scores, model, name, rule=rule).set_index("ticker") for name in names
    )
    n_invested = wins["n"].reindex(ratio.index).fillna(0)
    return ratio["value"].where(n_invested >= MIN_INVESTED)


def _above_one(values: pd.Series) -> str:
    if values.isna().all():
        return DASH
    return f"{(values > 1).sum()} of {len(values)} stocks"


def _wins(scores: pd.DataFrame, model: str, *, rule: str) -> _Row:
    found = _pooled(scores, model, "win_rate", rule=rule)
    everywhere = _pooled(scores, model, "win_rate_all", rule=rule)
    return _Row(
        target="Win rate above 50 %",
        found=_percent(found),
        met=_met(found, found > 0.5),
        persistence=_percent(_pooled(scores, NAIVE, "win_rate", rule=rule)),
        buy_and_hold=_percent(_pooled(scores, HOLD, "win_rate", rule=BENCHMARKS[HOLD])),
        comment=(
            "Share of invested sessions, all stocks together. Share of all sessions: "
            f"{_percent(everywhere)}. A session with an unchanged price is no win."
        ),
    )


def _r_squared(scores: pd.DataFrame, model: str) -> _Row:
    found = _pooled(scores, model, "r_squared")
    naive = _pooled(scores, NAIVE, "r_squared")
    return _Row(
        target="R² above 0.5",
        found=_number(found),
        met=_met(found, found > 0.5),
        persistence=_number(naive),
        buy_and_hold=DASH,
        comment=(
            "Median over stocks. R² on price levels does not measure skill: repeating "
            f"today's price reaches {_number(naive)}."
        ),
    )


def _negatives(scores: pd.DataFrame, model: str) -> _Row:
    found = _pooled(scores, model, "negative_predictions")
    return _Row(
        target="No negative predictions",
        found=_count(found),
        met=_met(found, found == 0),
        persistence=_count(_pooled(scores, NAIVE, "negative_predictions")),
        buy_and_hold=DASH,
        comment="Price forecasts at or below zero. A constant price has none either.",
    )


def _skill(scores: pd.DataFrame, model: str) -> _Row:
    found = _pooled(scores, model, "skill")
    return _Row(
        target="Better than persistence (skill above 0)",
        found=_number(found),
        met=_met(found, found > 0),
        persistence=_number(_pooled(scores, NAIVE, "skill")),
        buy_and_hold=DASH,
        comment="1 minus squared error over that of no change, on log returns.",
    )


def _against_cash(
    scores: pd.DataFrame, model: str, *, rule: str, backtest: Backtest, cash: float
) -> _Row:
    found = _pooled(scores, model, "net_return", rule=rule)
    return _Row(
        target="Net return above cash",
        found=_percent(found),
        # A strategy that never trades earns cash but for rounding.
        met=_met(found, found > cash + 1e-9),
        persistence=_percent(_pooled(scores, NAIVE, "net_return", rule=rule)),
        buy_and_hold=_percent(
            _pooled(scores, HOLD, "net_return", rule=BENCHMARKS[HOLD])
        ),
        comment=(
            f"At {backtest.headline_cost_bps} basis points per side. Cash alone earned "
            f"{_percent(cash)} in these sessions, interest upon interest. Uninvested "
            "money earns the return of cash."
        ),
    )


def _against_holding(
    scores: pd.DataFrame,
    model: str,
    *,
    rule: str,
    basis: ReturnBasis,
    backtest: Backtest,
) -> _Row:
    found = _pooled(scores, model, "net_return", rule=rule)
    holding = _pooled(scores, HOLD, "net_return", rule=BENCHMARKS[HOLD])
    equal = _pooled(scores, EQUAL_WEIGHT, "net_return", rule=BENCHMARKS[EQUAL_WEIGHT])
    best = float(np.fmax(holding, equal))
    exposure = _pooled(scores, model, "exposure", rule=rule)
    return _Row(
        target="Net return above buy and hold",
        found=_percent(found),
        met=_met(found - best, found > best),
        persistence=_percent(_pooled(scores, NAIVE, "net_return", rule=rule)),
        buy_and_hold=_percent(holding),
        comment=(
            "Met only above both benchmarks: buy and hold, rebalanced every session at "
            "no cost, and equal weight, rebalanced monthly with its costs "
            f"({_percent(equal)}). {_percent(exposure)} of the capital was invested on "
            "average. "
            f"{describe_basis(basis, taxed=bool(backtest.withholding_tax))}"
        ),
    )


def _met(found: float, reached: bool) -> bool | None:
    return None if np.isnan(found) else bool(reached)


def _number(value: float) -> str:
    return DASH if np.isnan(value) else f"{value:.2f}"


def _count(value: float) -> str:
    return DASH if np.isnan(value) else f"{value:.0f}"


def _percent(value: float) -> str:
    return DASH if np.isnan(value) else f"{100 * value:.1f} %"
