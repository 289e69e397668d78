"""Listed stocks of the simulated market: their properties, listings and news."""

import numpy as np
import pandas as pd

from nse_lstm.config import Simulation
from nse_lstm.data.simulation.exchange import (
    LIQUIDITY_ORDER,
    LISTED,
    SECTORS,
    within,
)
from nse_lstm.data.simulation.price_moves import LOADINGS
from nse_lstm.data.simulation.prices import StockEvents, StockTraits
from nse_lstm.data.simulation.printed_prices import Flags, Numbers
from nse_lstm.data.simulation.signals import SignalPlan

SMALL_MARKET_OTHERS = ("KPLC-P4", "^N20I", "^NASI")
# Expected trades per session of securities other than ordinary shares and indices.
OTHER_TRADES = {
    "FAHR": 4.0,
    "LAPR": 0.01,
    "GLD": 0.05,
    "KPLC-P4": 0.01,
    "KPLC-P7": 1e-3,
}
OTHER_VOLATILITY = 0.010
OTHER_HALF_SPREAD = 0.005
OTHER_TURNOVER = 20_000.0

# Total turnover in KES per session, and its fractions for the first four stocks.
MARKET_TURNOVER = 500e6
FIRST_SHARES = (0.33, 0.16, 0.13, 0.10)
WAITING = (0.06, 0.27)
PRICE_RANGE = (12.0, 150.0)

# Bonus issues 1:1, 1:5 and 1:1: liquidity rank, shares after over shares before.
BONUSES = ((1, 2.0), (2, 1.2), (3, 2.0))
BONUS_MONTHS = (7, 8, 9)
# Fraction of the sessions after which the listing changes.
SUSPENDED_AFTER = (0.55, 0.65)
DELISTED_AFTER = (0.65, 0.75)
LISTED_AFTER = (0.20, 0.30)
# Loading of the market momentum: the most and the least liquid stock.
MOMENTUM_LOADINGS = (0.5, 1.3)
# Announcements lift the daily limit. So do dividends, in these months.
NEWS_CHANCE = 0.006
NEWS_SIZE = 0.07
# Within the lifted limit, so that a move ends in one session.
MAX_NEWS = 0.11
DIVIDEND_MONTHS = (4, 5, 6)
# Yearly yield by sector, near the exchange's large stocks, and its spread.
YIELDS = {"Banking": 0.070, "Telecommunication and Technology": 0.050}
OTHER_YIELD = 0.060
YIELD_SPREAD = 0.010
N_PAYERS = 20
ALWAYS = ("2013-01-01", "2024-12-31")
# Only a market with more thin stocks has a second suspension.
MANY_THIN_SHARES = 12


def choose_ordinary(n_ordinary: int) -> tuple[str, ...]:
    """Choose the ordinary shares: two thirds most liquid, the rest evenly from below.

    Returns
    -------
    tuple of str
        Tickers, the most liquid first.
    """
    n_top = n_most_liquid(n_ordinary)
    below = LIQUIDITY_ORDER[n_top:]
    places = np.linspace(0, len(below) - 1, n_ordinary - n_top).round().astype(int)
    return LIQUIDITY_ORDER[:n_top] + tuple(below[place] for place in places)


def choose_others(n_ordinary: int) -> tuple[str, ...]:
    """Choose the other securities: all at full scale, three in a small market."""
    if n_ordinary < len(LIQUIDITY_ORDER):
        return SMALL_MARKET_OTHERS
    return tuple(ticker for ticker in SECTORS if ticker not in LIQUIDITY_ORDER)


def draw_traits(
    generator: np.random.Generator, tickers: tuple[str, ...]
) -> StockTraits:
    """Draw the constant properties of each stock.

    Liquidity, volatility and spread follow the exchange's liquidity order, at levels
    measured on the exchange. Initial prices are invented.

    Parameters
    ----------
    generator : Generator
    tickers : tuple of str
        All stocks.
    """
    n = len(tickers)
    last = len(LIQUIDITY_ORDER) - 1
    ordinary = np.array([ticker in LIQUIDITY_ORDER for ticker in tickers])
    place = np.array(
        [LIQUIDITY_ORDER.index(t) if t in LIQUIDITY_ORDER else last for t in tickers]
    )
    sectors = sorted(set(SECTORS.values()))
    lowest, highest = map(float, np.log(PRICE_RANGE))
    start = generator.uniform(lowest, highest, n)
    volatility = (
        0.0175 + 0.0140 * (place / last) ** 0.7 + generator.uniform(0, 0.001, n)
    )
    n_trades = np.array([OTHER_TRADES.get(ticker, np.nan) for ticker in tickers])
    return StockTraits(
        log_price=start,
        volatility=np.where(ordinary, volatility, OTHER_VOLATILITY),
        loading=np.interp(place, [0, last], LOADINGS),
        momentum_loading=np.interp(place, [0, last], MOMENTUM_LOADINGS),
        sector=np.array([sectors.index(SECTORS[ticker]) for ticker in tickers]),
        n_trades=np.where(ordinary, 40 * np.exp(-0.080 * place), n_trades),
        waiting=np.interp(place, [0, last], WAITING),
        half_spread=np.where(
            ordinary, 0.0003 + 0.029 * (place / last) ** 0.75, OTHER_HALF_SPREAD
        ),
        turnover=np.where(ordinary, _turnover()[place], OTHER_TURNOVER),
    )


def draw_events(
    generator: np.random.Generator,
    tickers: tuple[str, ...],
    *,
    ordinary: tuple[str, ...],
    sessions: pd.DatetimeIndex,
) -> tuple[StockEvents, Flags]:
    """Draw listings, suspensions, a delisting and the bonus issues.

    Parameters
    ----------
    generator : Generator
        The only source of randomness.
    tickers, ordinary : tuple of str
        All stocks, and the ordinary ones with the most liquid first.
    sessions : DatetimeIndex of shape (n_sessions,)
        The market's calendar.

    Returns
    -------
    StockEvents
        For the price process.
    array of bool of shape (n_sessions, n_tickers)
        Whether the stock is listed.
    """
    listed = listed_by_rule(tickers, sessions)
    suspended = np.zeros_like(listed)
    column = {ticker: place for place, ticker in enumerate(tickers)}
    thin = ordinary[n_most_liquid(len(ordinary)) :]
    first, second, delisted, late = (
        int(generator.uniform(*share) * len(sessions))
        for share in (SUSPENDED_AFTER, SUSPENDED_AFTER, DELISTED_AFTER, LISTED_AFTER)
    )
    for ticker in thin[:1]:
        suspended[first:, column[ticker]] = True
    for ticker in thin[1:2]:
        listed[delisted:, column[ticker]] = False
    for ticker in thin[2:3]:
        listed[:late, column[ticker]] = False
    for ticker in thin[3:4] if len(thin) > MANY_THIN_SHARES else ():
        suspended[second:, column[ticker]] = True
    factor = np.ones(listed.shape)
    days = _bonus_days(generator, sessions)
    # A short market has fewer years than bonuses.
    for (place, shares), day in zip(BONUSES, days, strict=False):
        factor[day, column[ordinary[place]]] = shares
    starts = listed & ~np.vstack([listed[:1], listed[:-1]])
    payers = [
        column[ticker] for ticker in ordinary if ticker in LIQUIDITY_ORDER[:N_PAYERS]
    ]
    news = _draw_news(generator, listed.shape)
    dividend = _draw_dividends(
        generator,
        sessions,
        payers=payers,
        yields=np.array([YIELDS.get(SECTORS[tickers[p]], OTHER_YIELD) for p in payers]),
        n_tickers=len(tickers),
    )
    events = StockEvents(
        starts=starts,
        tradable=listed & ~suspended,
        factor=factor,
        # The price drops by the dividend.
        news=news + np.log1p(-dividend),
        dividend=dividend,
    )
    return events, listed


def draw_plan(
    generator: np.random.Generator, traits: StockTraits, simulation: Simulation
) -> SignalPlan:
    """Draw the planted signal, with stock-specific directions that average to zero.

    The two stock-specific weights lie on a circle, so one stock's direction does not
    predict another's.

    Parameters
    ----------
    generator : Generator
    traits : StockTraits
    simulation : Simulation
        Strength and parts of the signal.
    """
    angle = generator.uniform(0, 2 * np.pi, len(traits.volatility))
    return SignalPlan(
        signal=simulation.signal,
        parts=simulation.signal_parts,
        volatility=traits.volatility,
        loading=traits.momentum_loading,
        own=np.stack([np.cos(angle), np.sin(angle)]),
    )


def listed_by_rule(tickers: tuple[str, ...], sessions: pd.DatetimeIndex) -> Flags:
    """Mark listed sessions by the public listing dates, (n_sessions, n_tickers).

    Ordinary shares are marked throughout, since their listings are drawn.

    Parameters
    ----------
    tickers : tuple of str
    sessions : DatetimeIndex
    """
    spans = [LISTED.get(ticker, ALWAYS) for ticker in tickers]
    return np.column_stack([within(sessions, *span) for span in spans])


def n_most_liquid(n_ordinary: int) -> int:
    """Return the number of ordinary shares from the top of the liquidity order."""
    return -(-2 * n_ordinary // 3)


def _draw_news(generator: np.random.Generator, shape: tuple[int, int]) -> Numbers:
    """Draw announcements for every stock."""
    comes = generator.random(shape) < NEWS_CHANCE
    size = np.clip(generator.normal(0, NEWS_SIZE, shape), -MAX_NEWS, MAX_NEWS)
    return comes * size


def _draw_dividends(
    generator: np.random.Generator,
    sessions: pd.DatetimeIndex,
    *,
    payers: list[int],
    yields: Numbers,
    n_tickers: int,
) -> Numbers:
    """Draw one dividend per year for payers, as a fraction of the price."""
    dividend = np.zeros((len(sessions), n_tickers))
    season = sessions.month.isin(DIVIDEND_MONTHS)
    for year in np.unique(sessions.year):
        days = np.flatnonzero(season & (sessions.year == year))
        ex_days = generator.choice(days, len(payers))
        spread = generator.uniform(-YIELD_SPREAD, YIELD_SPREAD, len(payers))
        dividend[ex_days, payers] = yields + spread
    return dividend


def _bonus_days(
    generator: np.random.Generator, sessions: pd.DatetimeIndex
) -> list[int]:
    """Draw one ex-date in each of up to three years, in order."""
    season = sessions.month.isin(BONUS_MONTHS) & (sessions.year != 2020)
    years = np.unique(sessions.year[season])
    chosen = np.unique(np.linspace(0, len(years) - 1, len(BONUSES)).round().astype(int))
    return [
        int(generator.choice(np.flatnonzero(season & (sessions.year == years[place]))))
        for place in chosen
        if len(years)
    ]


def _turnover() -> Numbers:
    """Return the expected KES per session by liquidity rank."""
    n_rest = len(LIQUIDITY_ORDER) - len(FIRST_SHARES)
    rest = 0.034 * np.exp(-0.12 * np.arange(n_rest))
    return MARKET_TURNOVER * np.concatenate([FIRST_SHARES, rest])
