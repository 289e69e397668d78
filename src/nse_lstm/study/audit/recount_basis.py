"""Recount what sentences say of cash and dividends: rates, coverage and yields."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from nse_lstm.study.audit.recount_data import RecountData
from nse_lstm.study.audit.reference.account import (
    MOST_COVERED,
    bill_rate,
    covered_share,
)
from nse_lstm.study.audit.reference.statistics import mean, quantile

DAYS_PER_YEAR = 365.25
BILL_DAYS = 91


@dataclass(frozen=True)
class PlainBasis:
    """Coverage of dividends over some years, and the yield that is left out."""

    covered: float
    missed: float
    """Median yearly yield of the covered stocks in the years without dividends."""


def plain_basis(data: RecountData, years: Sequence[int]) -> PlainBasis:
    """Return the coverage of the year with the least, and the mean yield left out.

    Parameters
    ----------
    data : RecountData
    years : sequence of int
        Folds; each weighs as much as it has sessions.
    """
    covered, missed, n_all = 1.0, 0.0, 0
    for year in years:
        names = set(data.stocks[year])
        share = covered_share(data.market, names, year)
        days = {d for t in names for d in data.market.stocks[t] if d.year == year}
        covered, n_all = min(covered, share), n_all + len(days)
        if share < MOST_COVERED:
            missed += len(days) * _median_yield(data, names, year)
    return PlainBasis(covered, missed / n_all if n_all else 0.0)


def plain_tax(data: RecountData, years: Sequence[int]) -> float:
    """Return the mean yearly tax on cash that price returns leave to cash alone.

    Parameters
    ----------
    data : RecountData
    years : sequence of int
        Folds. With dividends in every one of them both sides are taxed: 0.
    """
    if plain_basis(data, years).covered >= MOST_COVERED:
        return 0.0
    free = replace(data.backtest, withholding_tax={})
    days = [
        day
        for year in years
        for day in sorted({d for t in data.stocks[year] for d in data.market.stocks[t]})
        if day.year == year
    ]
    return mean([bill_rate(d, free)[0] - bill_rate(d, data.backtest)[0] for d in days])


def basis_words(data: RecountData, years: Sequence[int]) -> Iterator[float]:
    """Yield the numbers that a sentence on dividends may say.

    Parameters
    ----------
    data : RecountData
    years : sequence of int
    """
    basis = plain_basis(data, years)
    yield from (basis.covered, basis.missed, MOST_COVERED)


def cash_words(data: RecountData, years: Sequence[int]) -> Iterator[float]:
    """Yield the numbers that a sentence on cash may say.

    Parameters
    ----------
    data : RecountData
    years : sequence of int
    """
    day, last = date(min(years), 1, 1), date(max(years), 12, 31)
    rates, assumed, taxes = [], set(), set()
    while day <= last:
        rate, sourced = bill_rate(day, data.backtest)
        rates.append(rate)
        if not sourced:
            assumed.add((day.year, day.month))
        if day.year in data.backtest.withholding_tax:
            taxes.add(data.backtest.withholding_tax[day.year]["bill"])
        day += timedelta(days=1)
    yield from (BILL_DAYS, min(rates), max(rates), len(assumed), *taxes)


def _median_yield(data: RecountData, names: set[str], year: int) -> float:
    """Return the median yearly yield of the stocks whose dividends are sourced."""
    length = (date(year + 1, 1, 1) - date(year, 1, 1)).days / DAYS_PER_YEAR
    yields = []
    for name in sorted(names):
        rows = [d for day, d in data.market.stocks[name].items() if day.year == year]
        prices = [d.adjusted for d in rows if d.adjusted is not None]
        if (name, year) in data.market.covered and rows:
            paid = sum(d.dividend * d.shares / d.factor for d in rows)
            yields.append(paid / prices[0] / length if prices else 0.0)
    if not yields:
        return data.backtest.dividend_band[1]
    return quantile(yields, 0.5)
