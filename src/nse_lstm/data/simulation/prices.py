"""Printed prices of the simulated market, from trades within each session.

A latent log price follows ``price_moves``, with the drift of ``signals``. Trades take
place at random times, on one side of the spread. The printed price is their
volume-weighted average, rounded to the tick, as on the exchange. The average makes
returns of liquid stocks autocorrelated [1]_, the spread makes those of thin stocks
bounce [2]_, and orders that wait at the last price absorb small moves. None of this can
be earned, because a trade after a printed price takes place at the next one.

References
----------
.. [1] H. Working (1960). Note on the correlation of first differences of averages in a
   random chain. Econometrica 28(4), 916-918.
.. [2] R. Roll (1984). A simple implicit measure of the effective bid-ask spread in an
   efficient market. Journal of Finance 39(4), 1127-1139.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nse_lstm.data.exchange_rules import tick_size
from nse_lstm.data.simulation.price_moves import (
    MOMENTS,
    draw_log_volatility,
    draw_steps,
    n_sources,
)
from nse_lstm.data.simulation.printed_prices import Flags, Numbers
from nse_lstm.data.simulation.signals import (
    N_DRIFTS,
    SignalPlan,
    SignalState,
    drifts,
    update_state,
)

SAME_SIDE = 0.85
"""Probability that a trade is on the session's prevailing side of the spread."""
WAITING_DEPTH = 1.0
"""Distance from the last price beyond which no orders wait, in daily volatilities."""
DAILY_LIMIT = 0.10
LIFTED_LIMIT = 0.12
"""Limit on announcements, below the moves that the loader takes for errors."""
LOT = 100
ACTIVITY = 0.5
"""Standard deviation of the log activity of a stock's session."""


@dataclass(frozen=True)
class StockTraits:
    """Constant properties of each stock: arrays of shape (n_tickers,)."""

    log_price: Numbers
    """Initial log price, KES."""
    volatility: Numbers
    """Standard deviation of the latent daily log return."""
    loading: Numbers
    """Loading of the market factor."""
    momentum_loading: Numbers
    """Loading of the market momentum (``signals``)."""
    sector: npt.NDArray[np.int_]
    """Number of the stock's sector."""
    n_trades: Numbers
    """Expected trades per session, before those at the same moment merge."""
    waiting: Numbers
    """Probability that orders wait at the last price all session."""
    half_spread: Numbers
    """As a fraction of the price."""
    turnover: Numbers
    """Expected KES per session."""


@dataclass(frozen=True)
class StockEvents:
    """Listings, suspensions, bonuses and news: arrays of (n_sessions, n_tickers)."""

    starts: Flags
    """First session of a later listing: no limit, no previous price."""
    tradable: Flags
    """False before the listing and once it is suspended."""
    factor: Numbers
    """Shares after over shares before on the ex-date, else 1."""
    news: Numbers
    """Log move at the open that lifts the daily limit: an announcement, a dividend."""
    dividend: Numbers
    """Fraction of the price that is paid out on the ex-date, else 0."""


@dataclass(frozen=True)
class DailyPrices:
    """Printed prices and volumes of the stocks: arrays of (n_sessions, n_tickers)."""

    low: Numbers
    high: Numbers
    price: Numbers
    previous: Numbers
    volume: Numbers
    drift: Numbers
    """Planted drift of the next session, (N_DRIFTS, n_sessions, n_tickers)."""


def to_tick(price: Numbers, session: pd.Timestamp) -> Numbers:
    """Round a price to the session's nearest tick, at least one tick.

    Parameters
    ----------
    price : array of any shape
        KES.
    session : Timestamp
        The date decides the tick table.
    """
    tick = tick_size(price, session)
    return np.round(np.maximum(np.round(price / tick), 1) * tick, 2)


def draw_daily_prices(
    generator: np.random.Generator,
    traits: StockTraits,
    *,
    sessions: pd.DatetimeIndex,
    events: StockEvents,
    plan: SignalPlan,
) -> DailyPrices:
    """Draw every session's printed low, high, average price and volume.

    Parameters
    ----------
    generator : Generator
        The only source of randomness.
    traits, events, plan : StockTraits, StockEvents, SignalPlan
        Of the same tickers, in the same order.
    sessions : DatetimeIndex of shape (n_sessions,)
        Trading days; the ticks follow their dates.

    Returns
    -------
    DailyPrices
        KES and shares. Without a trade, price, low and high repeat the price before
        and the volume is NaN. `previous` is NaN where a ticker starts. A trade is at
        most 10 % from the price before (12 % with news), or one tick where a tick is
        more.
    """
    n = len(traits.volatility)
    columns = np.full((5, len(sessions), n), np.nan)
    low, high, price, previous, volume = columns
    planted = np.empty((N_DRIFTS, len(sessions), n))
    state = SignalState.initial(volatility=traits.volatility, turnover=traits.turnover)
    log_volatility = np.zeros(n_sources(traits.sector))
    drift = np.zeros((N_DRIFTS, n))
    log_price = traits.log_price
    last = to_tick(np.exp(log_price), sessions[0])
    for day, session in enumerate(sessions):
        starts, factor, news = events.starts[day], events.factor[day], events.news[day]
        log_volatility = draw_log_volatility(generator, log_volatility)
        steps = draw_steps(
            generator,
            log_volatility,
            volatility=traits.volatility,
            loading=traits.loading,
            sector=traits.sector,
        )
        steps += drift.sum(axis=0) / MOMENTS
        path = log_price - np.log(factor) + news + np.cumsum(steps, axis=0)
        start = to_tick(np.exp(path[0]), session)
        reference = np.where(starts, start, last / factor)
        gap = log_price - np.log(last)
        waits = _waiting(generator, traits, gap) & (factor == 1) & (news == 0)
        # Waiting orders absorb the move: the latent price falls back to the last one.
        stays = np.log(reference) + drift.sum(axis=0)
        log_price = np.where(waits & ~starts, stays, path[-1])
        # An ex-date's first price comes from a trade, as on the exchange.
        amounts = _amounts(generator, traits) * (events.tradable[day] | (factor != 1))
        quotes = to_tick(np.exp(path + _sides(generator, traits)), session)
        limits = _limits(
            reference, session, limit=np.where(news != 0, LIFTED_LIMIT, DAILY_LIMIT)
        )
        traded = np.clip(np.where(waits, to_tick(reference, session), quotes), *limits)
        low[day], high[day], average = _summary(traded, amounts, quiet=reference)
        amount = amounts.sum(axis=0)
        price[day] = np.where(amount > 0, to_tick(average, session), reference)
        volume[day] = _lots(generator, amount, price[day])
        previous[day] = np.where(starts, np.nan, last)
        log_return = np.where(starts, 0.0, np.log(price[day] / reference))
        state = update_state(state, log_return, price[day] * volume[day])
        drift = drifts(state, plan) * events.tradable[day]
        planted[:, day] = drift
        last = price[day]
    return DailyPrices(low, high, price, previous, volume, planted)


def _waiting(
    generator: np.random.Generator, traits: StockTraits, gap: Numbers
) -> Flags:
    """Mark stocks whose orders at the last price take every trade of the session."""
    waits = generator.random(len(gap)) < traits.waiting
    return waits & (np.abs(gap) < WAITING_DEPTH * traits.volatility)


def _amounts(generator: np.random.Generator, traits: StockTraits) -> Numbers:
    """Draw the KES traded at each moment, of shape (MOMENTS, n); 0 without a trade."""
    chance = -np.expm1(-traits.n_trades / MOMENTS)
    shape = (MOMENTS, len(chance))
    is_trade = generator.random(shape) < chance
    size = generator.gamma(3, traits.turnover / (3 * MOMENTS * chance), shape)
    return is_trade * size


def _sides(generator: np.random.Generator, traits: StockTraits) -> Numbers:
    """Draw each trade's distance from the latent log price."""
    prevailing = generator.choice([-1.0, 1.0], len(traits.half_spread))
    same = generator.random((MOMENTS, len(prevailing))) < SAME_SIDE
    return traits.half_spread * prevailing * np.where(same, 1, -1)


def _limits(
    reference: Numbers, session: pd.Timestamp, *, limit: Numbers
) -> tuple[Numbers, Numbers]:
    """Return the lowest and highest tick within the limit, one tick at least."""
    near = to_tick(reference, session)
    one = tick_size(near, session)
    low, high = reference * (1 - limit), reference * (1 + limit)
    low_tick, high_tick = tick_size(low, session), tick_size(high, session)
    # Rounding of the division must not cost a tick.
    lowest = np.ceil(low / low_tick - 1e-9) * low_tick
    highest = np.floor(high / high_tick + 1e-9) * high_tick
    return (
        np.maximum(np.minimum(lowest, near - one), one).round(2),
        np.maximum(highest, near + one).round(2),
    )


def _summary(
    traded: Numbers, amounts: Numbers, *, quiet: Numbers
) -> tuple[Numbers, Numbers, Numbers]:
    """Return low, high and volume-weighted average; `quiet` without a trade."""
    is_trade = amounts > 0
    none = ~is_trade.any(axis=0)
    shares = amounts / traded
    average = amounts.sum(axis=0) / np.where(none, 1, shares.sum(axis=0))
    low = np.where(is_trade, traded, np.inf).min(axis=0)
    high = np.where(is_trade, traded, -np.inf).max(axis=0)
    return (
        np.where(none, quiet, low),
        np.where(none, quiet, high),
        np.where(none, quiet, average),
    )


def _lots(generator: np.random.Generator, amount: Numbers, price: Numbers) -> Numbers:
    """Return the traded volume in whole lots, at least one lot; NaN without a trade."""
    activity = generator.lognormal(-(ACTIVITY**2) / 2, ACTIVITY, len(amount))
    lots = np.maximum(np.round(amount * activity / price / LOT), 1)
    return np.where(amount > 0, lots * LOT, np.nan)
