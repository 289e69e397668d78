"""Backtest of the portfolio rules and their benchmarks, each from several start days.

Every account runs through all its years without a new start. Rules decide every few
sessions, benchmarks each month, and a later start shifts all decisions by a session.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nse_lstm.config import Backtest, CrossSection, Portfolio
from nse_lstm.errors import TableError
from nse_lstm.evaluation.backtest import tradability
from nse_lstm.evaluation.capacity import read_volume_limits
from nse_lstm.evaluation.portfolio_rules import (
    BUY_AND_HOLD,
    MONTHLY,
    TILTS,
    RuleInputs,
    rule_of,
)
from nse_lstm.evaluation.weighted_account import (
    MarketCalendar,
    SizeLimits,
    WeightPath,
    account_table,
    by_session,
    every_nth,
    first_of_month,
    follow_weights,
    side_by_side,
)
from nse_lstm.features.market_panel import MarketPanel

Flags = NDArray[np.bool_]

RANK_DIGITS = 12
NO_FORECAST = "rebalance"
"""``rule`` of a benchmark that is rebalanced each month."""


@dataclass(frozen=True, eq=False)
class RankedMarket:
    """One model's ranks on a market, and the settings of the rules and of fills."""

    inputs: RuleInputs
    """Of the model; benchmarks use no rank."""
    market: MarketCalendar
    backtest: Backtest
    portfolio: Portfolio


def continuous_market(
    tickers: Sequence[str],
    prices: pd.DataFrame,
    *,
    sessions: pd.DatetimeIndex,
    years: Sequence[int],
    total_years: Sequence[int],
    backtest: Backtest,
) -> MarketCalendar:
    """Build the calendar of several stocks over some years in a row.

    Parameters
    ----------
    tickers : sequence of str
    prices : DataFrame
        ``with_returns(panel)``.
    sessions : DatetimeIndex
        The whole market's calendar.
    years : sequence of int
        In a row.
    total_years : sequence of int
        Years whose returns include dividends (``total_return.return_basis``).
    backtest : Backtest
        As for ``backtest.tradability``.

    Raises
    ------
    TableError
        If a stock has no row in the panel.
    """
    start, end = pd.Timestamp(min(years), 1, 1), pd.Timestamp(max(years) + 1, 1, 1)
    rows = {str(ticker): own for ticker, own in prices.groupby("ticker")}
    absent = sorted(set(tickers) - set(rows))
    if absent:
        raise TableError(f"Expected rows of every stock. Received: none of {absent}")

    def market(total: bool) -> MarketCalendar:
        return side_by_side(
            {
                ticker: tradability(
                    rows[ticker],
                    sessions=sessions,
                    start=start,
                    end=end,
                    backtest=backtest,
                    total_return=total,
                )
                for ticker in tickers
            }
        )

    plain = market(total=False)
    if not total_years:
        return plain
    own_year = pd.DatetimeIndex(plain.session).year.isin(list(total_years))
    with_dividends = market(total=True).stock_return
    return replace(
        plain,
        stock_return=np.where(
            np.asarray(own_year)[:, np.newaxis], with_dividends, plain.stock_return
        ),
    )


def read_rule_inputs(
    forecasts: pd.DataFrame,
    market: MarketCalendar,
    panel: MarketPanel,
    *,
    backtest: Backtest,
    portfolio: Portfolio,
    cross_section: CrossSection,
) -> RuleInputs:
    """Put on each session what was known at the close before its orders.

    Parameters
    ----------
    forecasts : DataFrame
        ``FORECASTS`` of one model, delay and horizon; several seeds are averaged. An
        empty table gives no ranks, for benchmarks.
    market : MarketCalendar
    panel : MarketPanel
        Of the whole market.
    backtest : Backtest
        ``delay`` is used.
    portfolio : Portfolio
        ``smoothing`` is used.
    cross_section : CrossSection
        ``liquidity_sessions`` is used.
    """
    tickers, delay = list(market.tickers), backtest.delay
    place = panel.sessions.get_indexer(pd.DatetimeIndex(market.session)) - delay
    if place.min() < 0:
        raise TableError(
            f"Expected {delay} sessions before the account's first, "
            f"{pd.Timestamp(market.session[0]):%Y-%m-%d}. Received: fewer"
        )
    wide = forecasts.pivot_table(index="origin", columns="ticker", values="y_hat")
    rank = _fractions_below(wide).rolling(portfolio.smoothing, min_periods=1).mean()
    # The running mean's rounding shall not part equal ranks.
    rank = rank.round(RANK_DIGITS)
    rank = rank.where(wide.notna()).reindex(index=panel.sessions, columns=tickers)
    traded = panel.turnover[tickers].fillna(0.0)
    median = traded.rolling(cross_section.liquidity_sessions, min_periods=1).median()
    late = np.zeros((delay, len(tickers)), bool)
    return RuleInputs(
        rank=rank.to_numpy(float)[place],
        member=panel.member[tickers].to_numpy(bool)[place],
        stuck=np.vstack([late, market.stuck])[: len(place)],
        turnover=median.to_numpy(float)[place],
        past=panel.log_return[tickers].to_numpy(float),
        place=place,
    )


def tilt_accounts(ranked: RankedMarket) -> pd.DataFrame:
    """Backtest every rule on one model's ranks, from every start, at every cost.

    Returns
    -------
    DataFrame
        The columns of ``PORTFOLIO_RETURNS`` but ``model``.
    """
    tables = [_accounts(name, ranked).assign(rule=name) for name in TILTS]
    return pd.concat(tables, ignore_index=True)


def benchmark_accounts(ranked: RankedMarket) -> pd.DataFrame:
    """Backtest the benchmarks without a forecast, as ``tilt_accounts`` does the rules.

    Returns
    -------
    DataFrame
        The columns of ``PORTFOLIO_RETURNS``; ``rule`` is "rebalance" or "hold".
    """
    tables = [
        _accounts(name, ranked).assign(
            model=name, rule="hold" if name == BUY_AND_HOLD else NO_FORECAST
        )
        for name in (*MONTHLY, BUY_AND_HOLD)
    ]
    return pd.concat(tables, ignore_index=True)


def _accounts(name: str, ranked: RankedMarket) -> pd.DataFrame:
    """Backtest one rule: one row per start, cost level and session."""
    market, backtest, tables = ranked.market, ranked.backtest, []
    for start in range(ranked.portfolio.n_starts):
        path = rule_path(name, ranked, start=start)
        untradable = untradable_share(market, path)
        for cost_bps in backtest.cost_bps:
            table = account_table(market, path, backtest=backtest, cost_bps=cost_bps)
            tables.append(
                table.assign(start=start, cost_bps=cost_bps, untradable=untradable)
            )
    return pd.concat(tables, ignore_index=True)


def rule_path(
    name: str, ranked: RankedMarket, *, start: int, limits: SizeLimits | None = None
) -> WeightPath:
    """Return the weights of one rule's account from one start.

    Parameters
    ----------
    name : str
        As for ``portfolio_rules.rule_of``.
    ranked : RankedMarket
    start : int
        Sessions by which every decision is later.
    limits : SizeLimits, optional
        Without them orders of any size are filled.
    """
    market, backtest, portfolio = ranked.market, ranked.backtest, ranked.portfolio
    rule = rule_of(
        name,
        ranked.inputs,
        portfolio=portfolio,
        cost_bps=backtest.headline_cost_bps,
        capital=limits.capital if limits else backtest.capital_kes,
        max_volume_share=backtest.max_volume_share,
    )
    return follow_weights(
        market,
        rule,
        decides=_decisions(name, market, start=start, every=portfolio.every),
        backtest=backtest,
        limits=limits,
    )


def untradable_share(market: MarketCalendar, path: WeightPath) -> NDArray[np.float64]:
    """Return the fraction of the account in stocks that are stuck, by session.

    Parameters
    ----------
    market : MarketCalendar
    path : WeightPath
        Of the same sessions and stocks.
    """
    return by_session(path.held * market.stuck)


def read_size_limits(
    market: MarketCalendar,
    panel: pd.DataFrame,
    *,
    capital: float,
    backtest: Backtest,
) -> SizeLimits:
    """Return price, volume and lots of a market's stocks on its sessions.

    Parameters
    ----------
    market : MarketCalendar
    panel : DataFrame
        ``PANEL`` of the whole market.
    capital : float
        KES at the start.
    backtest : Backtest
        As for ``capacity.read_volume_limits``; the headline cost is charged.
    """
    rows = dict(iter(panel.groupby("ticker")))
    each = [
        read_volume_limits(rows[ticker], market.session, backtest=backtest)
        for ticker in market.tickers
    ]
    return SizeLimits(
        capital=capital,
        price=np.column_stack([one.price for one in each]),
        volume=np.column_stack([one.volume for one in each]),
        lot=np.column_stack([one.lot for one in each]),
        cost_bps=backtest.headline_cost_bps,
    )


def spans_in_a_row(years: Sequence[int]) -> Iterator[list[int]]:
    """Yield runs of years without a hole: an account does not jump over one.

    Parameters
    ----------
    years : sequence of int
        Ascending.

    Examples
    --------
    >>> list(spans_in_a_row([2010, 2014, 2015]))
    [[2010], [2014, 2015]]
    """
    run: list[int] = []
    for year in years:
        if run and year != run[-1] + 1:
            yield run
            run = []
        run.append(year)
    if run:
        yield run


def _decisions(name: str, market: MarketCalendar, *, start: int, every: int) -> Flags:
    n_sessions = len(market.session)
    if name in TILTS:
        return every_nth(n_sessions, step=every, first=start)
    if name in MONTHLY:
        return first_of_month(market.session, later=start)
    return every_nth(n_sessions, step=n_sessions + 1, first=start)


def _fractions_below(wide: pd.DataFrame) -> pd.DataFrame:
    """Rank each session's forecasts: the fraction of the others below, ties shared."""
    count = wide.notna().sum(axis=1)
    return (wide.rank(axis=1) - 1).div((count - 1).clip(lower=1), axis=0)
