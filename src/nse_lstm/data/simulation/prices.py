"""How the simulated market makes its printed prices: deals within each session.

A latent log price wanders (``simulation.moves``), with the drift that the plan gives it
(``simulation.signals``). Deals hit it at random times of the session, on one side of
the spread; what is printed is their volume-weighted average on the tick, as on the
exchange. That average alone makes the returns of liquid shares autocorrelated [1]_, the
spread makes those of thin ones bounce [2]_, and where orders wait at the last price a
small move is not printed at all. None of this can be earned: who has seen a print deals
at the next one.

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
    draw_steps,
    draw_storm,
    n_sources,
)
from nse_lstm.data.simulation.printed_prices import Flags, Numbers
from nse_lstm.data.simulation.signals import (
    N_DRIFTS,
    Memory,
    SignalPlan,
    drifts,
    remember,
)

SAME_SIDE = 0.85
"""Chance that a deal is on the side of the spread that prevails that session."""
WAITING_DEPTH = 1.0
"""How far from the last price nobody waits any more, in daily volatilities."""
DAILY_LIMIT = 0.10
LIFTED_LIMIT = 0.12
"""On announcements. Short of what a loader cannot tell from an error of the files."""
LOT = 100
ACTIVITY = 0.5
"""Standard deviation of the log of how busy a session is for one share."""


@dataclass(frozen=True)
class Traits:
    """What stays the same about each share: arrays of shape (n_tickers,)."""

    log_price: Numbers
    """At the start, log KES."""
    volatility: Numbers
    """Standard deviation of the latent daily log return."""
    loading: Numbers
    """Of the market factor."""
    mood: Numbers
    """Loading of the market's mood (``signals``)."""
    sector: npt.NDArray[np.int_]
    """Which sector's noise it shares."""
    n_deals: Numbers
    """Expected deals a session, before two at one moment fall together."""
    waiting: Numbers
    """Chance that orders wait at the last price all session."""
    half_spread: Numbers
    """As a fraction of the price."""
    turnover: Numbers
    """Expected KES a session."""


@dataclass(frozen=True)
class Lives:
    """What happens to each share when: arrays of shape (n_sessions, n_tickers)."""

    starts: Flags
    """First session of a later listing: no limit, no previous price."""
    tradable: Flags
    """False before the listing and once it is suspended."""
    factor: Numbers
    """Shares after per share before, on the ex-date; else 1."""
    news: Numbers
    """Log move at the open that lifts the daily limit: an announcement, a dividend."""


@dataclass(frozen=True)
class Prints:
    """What the board shows: arrays of shape (n_sessions, n_tickers)."""

    low: Numbers
    high: Numbers
    price: Numbers
    previous: Numbers
    volume: Numbers
    drift: Numbers
    """What the plan adds to the next session, (N_DRIFTS, n_sessions, n_tickers)."""


def to_tick(price: Numbers, session: pd.Timestamp) -> Numbers:
    """Return the price on the nearest tick of that session, at least one tick."""
    tick = tick_size(price, session)
    return np.round(np.maximum(np.round(price / tick), 1) * tick, 2)


def draw_prints(
    generator: np.random.Generator,
    traits: Traits,
    *,
    sessions: pd.DatetimeIndex,
    lives: Lives,
    plan: SignalPlan,
) -> Prints:
    """Draw every session's printed low, high, average price and volume.

    Parameters
    ----------
    generator : Generator
        The only source of chance.
    traits, lives, plan : Traits, Lives, SignalPlan
        Of the same tickers, in the same order.
    sessions : DatetimeIndex of shape (n_sessions,)
        Trading days; the ticks follow their dates.

    Returns
    -------
    Prints
        KES and shares. Without a deal the price, low and high repeat the price before
        and the volume is NaN. `previous` is NaN where a ticker starts. A deal is at
        most 10 % from the price before (12 % where there is news), or one tick where a
        tick is more than that.
    """
    n = len(traits.volatility)
    columns = np.full((5, len(sessions), n), np.nan)
    low, high, price, previous, volume = columns
    planted = np.empty((N_DRIFTS, len(sessions), n))
    memory = Memory.blank(volatility=traits.volatility, turnover=traits.turnover)
    storm = np.zeros(n_sources(traits.sector))
    drift = np.zeros((N_DRIFTS, n))
    log_price = traits.log_price
    last = to_tick(np.exp(log_price), sessions[0])
    for day, session in enumerate(sessions):
        starts, factor, news = lives.starts[day], lives.factor[day], lives.news[day]
        storm = draw_storm(generator, storm)
        steps = draw_steps(
            generator,
            storm,
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
        # Such a session brings no news, so what it leaves is the price it had.
        stays = np.log(reference) + drift.sum(axis=0)
        log_price = np.where(waits & ~starts, stays, path[-1])
        # An ex-date's first price comes from a deal, as on the exchange.
        amounts = _amounts(generator, traits) * (lives.tradable[day] | (factor != 1))
        quotes = to_tick(np.exp(path + _sides(generator, traits)), session)
        limits = _limits(
            reference, session, limit=np.where(news != 0, LIFTED_LIMIT, DAILY_LIMIT)
        )
        dealt = np.clip(np.where(waits, to_tick(reference, session), quotes), *limits)
        low[day], high[day], average = _summary(dealt, amounts, quiet=reference)
        amount = amounts.sum(axis=0)
        price[day] = np.where(amount > 0, to_tick(average, session), reference)
        volume[day] = _lots(generator, amount, price[day])
        previous[day] = np.where(starts, np.nan, last)
        log_return = np.where(starts, 0.0, np.log(price[day] / reference))
        memory = remember(memory, log_return, price[day] * volume[day])
        drift = drifts(memory, plan) * lives.tradable[day]
        planted[:, day] = drift
        last = price[day]
    return Prints(low, high, price, previous, volume, planted)


def _waiting(generator: np.random.Generator, traits: Traits, gap: Numbers) -> Flags:
    """Mark where orders waiting at the last price take every deal of the session."""
    waits = generator.random(len(gap)) < traits.waiting
    return waits & (np.abs(gap) < WAITING_DEPTH * traits.volatility)


def _amounts(generator: np.random.Generator, traits: Traits) -> Numbers:
    """Draw the KES dealt at each moment, of shape (MOMENTS, n); 0 without a deal."""
    chance = -np.expm1(-traits.n_deals / MOMENTS)
    shape = (MOMENTS, len(chance))
    deals = generator.random(shape) < chance
    size = generator.gamma(3, traits.turnover / (3 * MOMENTS * chance), shape)
    return deals * size


def _sides(generator: np.random.Generator, traits: Traits) -> Numbers:
    """Draw how far each deal is above or below the latent log price."""
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
    # The last bit of a division must not cost a tick.
    lowest = np.ceil(low / low_tick - 1e-9) * low_tick
    highest = np.floor(high / high_tick + 1e-9) * high_tick
    return (
        np.maximum(np.minimum(lowest, near - one), one).round(2),
        np.maximum(highest, near + one).round(2),
    )


def _summary(
    dealt: Numbers, amounts: Numbers, *, quiet: Numbers
) -> tuple[Numbers, Numbers, Numbers]:
    """Return low, high and volume-weighted average; `quiet` where nothing was dealt."""
    deals = amounts > 0
    none = ~deals.any(axis=0)
    shares = amounts / dealt
    average = amounts.sum(axis=0) / np.where(none, 1, shares.sum(axis=0))
    low = np.where(deals, dealt, np.inf).min(axis=0)
    high = np.where(deals, dealt, -np.inf).max(axis=0)
    return (
        np.where(none, quiet, low),
        np.where(none, quiet, high),
        np.where(none, quiet, average),
    )


def _lots(generator: np.random.Generator, amount: Numbers, price: Numbers) -> Numbers:
    """Return shares dealt in whole lots, one at least; NaN where nothing was."""
    activity = generator.lognormal(-(ACTIVITY**2) / 2, ACTIVITY, len(amount))
    lots = np.maximum(np.round(amount * activity / price / LOT), 1)
    return np.where(amount > 0, lots * LOT, np.nan)
