"""Score persistence by the metrics of published price forecasts, on this market.

Published accuracies are hard to read without the score of "same price as yesterday" on
the same rows. No network is fitted here, and no year that is kept untouched is scored.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nse_lstm.errors import DataError
from nse_lstm.evaluation import metrics
from nse_lstm.study.core.study_data import StudyData, open_study_data
from nse_lstm.study.core.workspace import Workspace

WEEK = 5
"""Sessions by which the older of the two forecasts lags."""
PUBLISHED_YEARS = range(2008, 2013)
"""Of the first claim, whose data were this exchange's."""
MIN_SESSIONS = 100
"""Fewest returns of a stock that is scored."""
WALK, PAPER = "walk-forward years", "years of the first claim"


@dataclass(frozen=True)
class PublishedClaim:
    """One usual definition of accuracy, and what was published with it."""

    metric: str
    """Column of ``score_persistence``."""
    definition: str
    published: str
    source: str


CLAIMS = (
    PublishedClaim(
        "mape",
        "Mean absolute error, % of price",
        "0.77 to 1.91 %: three stocks of this exchange, 2008 to 2012",
        "Wanjawa 2014, hdl:11295/71466. With New York 0.71 to 2.77 %: arXiv:1502.06434",
    ),
    PublishedClaim(
        "r_squared",
        "R² on price levels",
        "0.96 to 0.99: Chinese drug makers",
        "doi:10.7717/peerj-cs.1819, table 5",
    ),
    PublishedClaim(
        "accuracy",
        "Accuracy as 100 % less that error",
        "over 90 %: Nigeria (the abstract names no definition)",
        "arXiv:2507.01964",
    ),
    PublishedClaim("scaled_rmse", "RMSE of prices scaled to 0 to 1", "", ""),
    PublishedClaim(
        "naive_ratio", "RMSE as a multiple of repeating yesterday's return", "", ""
    ),
    PublishedClaim(
        "not_down", "Direction right, where unchanged counts as right", "", ""
    ),
)


@dataclass(frozen=True, eq=False)
class PublishedScores:
    """Scores of persistence by span and stock, for notebook 92."""

    simulated: bool
    spans: dict[str, list[int]]
    """Scored years by span."""
    scores: pd.DataFrame
    """``span`` and the columns of ``score_persistence``."""


def score_published(workspace: Workspace) -> PublishedScores:
    """Score persistence on the recommended stocks as published forecasts were scored.

    The stocks are those recommended at the start of the first walk-forward year. Years
    of the first claim are scored as well, where the files hold them and no rule keeps
    them untouched. No row of the test year is read.

    Parameters
    ----------
    workspace : Workspace
        With finished Phase 1.

    Raises
    ------
    DataError
        If no stock has enough sessions.
    """
    data = open_study_data(workspace)
    folds = data.walk_forward
    names = data.recommended[folds[0].year]
    spans = {PAPER: _paper_years(data), WALK: [fold.year for fold in folds]}
    tables = [
        score_persistence(data.prices, tickers=names, years=years).assign(span=span)
        for span, years in spans.items()
    ]
    scores = pd.concat([each for each in tables if len(each)] or tables)
    scores = scores.reset_index(drop=True)
    if WALK not in set(scores["span"]):
        raise DataError(
            f"Expected a stock with {MIN_SESSIONS} sessions in {spans[WALK]}. "
            "Received: none"
        )
    kept = {span: years for span, years in spans.items() if span in set(scores["span"])}
    return PublishedScores(data.study.market.simulated, kept, scores)


def score_persistence(
    prices: pd.DataFrame, *, tickers: Iterable[str], years: Iterable[int]
) -> pd.DataFrame:
    """Score the price of one session ago, and of five, by the published metrics.

    Parameters
    ----------
    prices : DataFrame
        From ``with_returns``.
    tickers : iterable of str
    years : iterable of int
        Whose sessions are scored.

    Returns
    -------
    DataFrame
        One row per stock with at least ``MIN_SESSIONS`` rows: ``ticker``, ``n``,
        ``mape``, ``r_squared``, ``accuracy`` and ``scaled_rmse`` of the price of one
        session ago, the same with ``_week`` for five. ``scaled_rmse`` divides KES by
        the range of the stock's prices up to the last scored session.
        ``naive_ratio`` is the RMSE of "no change" over that of yesterday's return
        repeated. ``not_down`` is the fraction of sessions without a fall, ``up`` the
        fraction of moves that are rises, ``unchanged`` the fraction without a move.
    """
    wanted = set(years)
    rows = []
    for ticker in tickers:
        stock = prices[prices["ticker"] == ticker].sort_values("session")
        row = _score_stock(stock, wanted)
        if row["n"] >= MIN_SESSIONS:
            rows.append({"ticker": ticker, **row})
    return pd.DataFrame(rows, columns=["ticker", *COLUMNS])


COLUMNS = (
    *("n", "mape", "r_squared", "accuracy", "scaled_rmse"),
    *("mape_week", "r_squared_week", "accuracy_week", "scaled_rmse_week"),
    *("naive_ratio", "not_down", "up", "unchanged"),
)


def _paper_years(data: StudyData) -> list[int]:
    years = set(PUBLISHED_YEARS) - set(data.study.market.untouched)
    return sorted(year for year in years if year < data.facts.test_year)


def _score_stock(stock: pd.DataFrame, years: set[int]) -> dict[str, float]:
    price, y = stock["adjusted"], stock["log_return"]
    known = pd.DataFrame(
        {
            "price": price,
            "day": price / np.exp(y),
            "week": price.shift(WEEK),
            "y": y,
            "y_before": y.shift(1),
        }
    )
    known = known[stock["session"].dt.year.isin(years)].dropna()
    if known.empty:
        return {"n": 0}
    seen = price[stock["session"] <= stock.loc[known.index, "session"].max()]
    span = float(seen.max() - seen.min())
    actual, moves = known["price"], known["y"]
    moved = moves != 0
    none = metrics.rmse(moves, np.zeros(len(moves)))
    return {
        "n": len(known),
        **_of_levels(actual, known["day"], span, ""),
        **_of_levels(actual, known["week"], span, "_week"),
        "naive_ratio": none / metrics.rmse(moves, known["y_before"]),
        "not_down": float((moves >= 0).mean()),
        "up": float((moves[moved] > 0).mean()) if moved.any() else float("nan"),
        "unchanged": float((~moved).mean()),
    }


def _of_levels(
    actual: pd.Series, forecast: pd.Series, span: float, suffix: str
) -> dict[str, float]:
    error = metrics.mape(actual, forecast)
    return {
        f"mape{suffix}": error,
        f"r_squared{suffix}": metrics.r_squared(actual, forecast),
        f"accuracy{suffix}": 1 - error,
        f"scaled_rmse{suffix}": metrics.rmse(actual, forecast) / span,
    }
