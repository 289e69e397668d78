"""Total return or price return: dividends count only where both sides have theirs.

Printed prices leave out dividends. Over a span in which the sourced table is complete
for at least 95 % of the compared stocks, by equal weight, every account and benchmark
earns them. Over another span none does, and a bound is stated: nothing for the
strategy, the median yield of the covered stocks for the holding.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nse_lstm.config import Backtest

COVERED = 0.95
"""Smallest covered fraction of the weight for a comparison in total return."""


@dataclass(frozen=True)
class ReturnBasis:
    """The measure of some stocks' returns over one span: total or price return."""

    covered: float
    """Fraction of the stocks whose dividends of every year of the span are sourced."""
    median_yield: float
    """Median yearly yield of the covered stocks, before tax, as a fraction; the upper
    end of ``dividend_band`` where none is covered."""
    n_sessions: int = 1
    is_assumed: bool = False
    """Whether no stock is covered in some span, so that the yield is a setting."""

    @property
    def is_total(self) -> bool:
        """True where dividends are part of the returns."""
        return self.covered >= COVERED


def return_basis(
    prices: pd.DataFrame,
    tickers: Sequence[str],
    *,
    start: pd.Timestamp,
    end: pd.Timestamp,
    backtest: Backtest,
) -> ReturnBasis:
    """Measure how much of an equal weight of stocks is covered over a span.

    Parameters
    ----------
    prices : DataFrame
        ``with_returns(panel)``. A table without ``dividends_known`` covers nothing.
    tickers : sequence of str
        The stocks that are compared. One without a row in the span is left out.
    start, end : Timestamp
        The span, ``end`` exclusive.
    backtest : Backtest
        ``dividend_band`` is used where no stock is covered.
    """
    inside = (prices["session"] >= start) & (prices["session"] < end)
    rows = prices[inside & prices["ticker"].isin(list(tickers))]
    if "dividends_known" not in rows or rows.empty:
        return ReturnBasis(0.0, backtest.dividend_band[1], is_assumed=True)
    whole = rows.groupby("ticker")["dividends_known"].all()
    known = rows[rows["ticker"].isin(whole.index[whole])]
    years = (end - start) / pd.Timedelta(days=365.25)
    yields = [_yield(stock) / years for _, stock in known.groupby("ticker")]
    return ReturnBasis(
        covered=float(whole.mean()),
        median_yield=float(np.median(yields)) if yields else backtest.dividend_band[1],
        n_sessions=int(rows["session"].nunique()),
        is_assumed=not yields,
    )


def join_bases(bases: Sequence[ReturnBasis]) -> ReturnBasis:
    """Return the basis of several spans together, weighted by their sessions.

    ``covered`` is that of the span with the least, so that the whole counts as a
    comparison in total return only where every span does.
    """
    weights = [basis.n_sessions for basis in bases]
    of_price = [0.0 if basis.is_total else basis.median_yield for basis in bases]
    return ReturnBasis(
        covered=min(basis.covered for basis in bases),
        median_yield=float(np.average(of_price, weights=weights)),
        n_sessions=sum(weights),
        is_assumed=any(basis.is_assumed for basis in bases),
    )


def describe_basis(basis: ReturnBasis, *, taxed: bool) -> str:
    """Say in a sentence whether dividends count, and what leaving them out may change.

    Parameters
    ----------
    basis : ReturnBasis
    taxed : bool
        Whether withholding tax is known for the span.
    """
    share = f"{basis.covered:.0%}"
    if basis.is_total:
        tax = "after withholding tax" if taxed else "before tax"
        return (
            f"Returns include dividends, {tax} like the interest on cash: they are "
            f"sourced for {share} of the stocks."
        )
    missed = (
        f"is assumed to have earned {basis.median_yield:.1%}"
        if basis.is_assumed
        else f"earned about {basis.median_yield:.1%}"
    )
    return (
        f"Returns leave out dividends, which are sourced for {share} of the stocks and "
        f"not for the {COVERED:.0%} that a comparison needs. A fully invested holding "
        f"{missed} per year more."
    )


def _yield(stock: pd.DataFrame) -> float:
    """Return the span's dividends over the stock's first price, per adjusted share."""
    adjusted = stock["adjusted"].dropna()
    if adjusted.empty:
        return 0.0
    paid = stock["dividend"] * stock["shares"] / stock["factor"]
    return float(paid.sum() / adjusted.iloc[0])
