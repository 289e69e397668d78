"""How the simulated market makes its printed prices: deals within each session.

A latent log price wanders with one market factor, its sector's and its own noise. Deals
hit it at random times of the session, on one side of the spread; what is printed is
their volume-weighted average on the tick, as on the exchange. That average alone makes
the returns of liquid shares autocorrelated [1]_, and the spread makes those of thin
ones bounce [2]_. **Nothing else is predictable: the latent price is a martingale.**

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

from nse_lstm.data.simulation.board import Flags, Numbers
from nse_lstm.data.simulation.exchange import tick_size

__all__ = ["Lives", "Prints", "Traits", "draw_prints", "to_tick"]

MOMENTS = 30
"""Times of a session at which a deal can happen."""
DEGREES_OF_FREEDOM = 3.5
"""Of the t-like daily scale: excess kurtosis of a few, as measured on the exchange."""
MARKET_VOLATILITY = 0.005
SECTOR_VOLATILITY = 0.003
SAME_SIDE = 0.85
"""Chance that a deal is on the side of the spread that prevails that session."""
DAILY_LIMIT = 0.10
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
    sector: npt.NDArray[np.int_]
    """Which sector's noise it shares."""
    n_deals: Numbers
    """Expected deals a session, before two at one moment fall together."""
    half_spread: Numbers
    """As a fraction of the price."""
    turnover: Numbers
    """Expected KES a session."""


@dataclass(frozen=True)
class Lives:
    """What happens to each share when: arrays of shape (n_sessions, n_tickers)."""

    starts: Flags
    """First session of a later listing: no limit, no previous price."""
    dealing: Flags
    """False before the listing and once it is suspended."""
    factor: Numbers
    """Shares after per share before, on the ex-date; else 1."""


@dataclass(frozen=True)
class Prints:
    """What the board shows: arrays of shape (n_sessions, n_tickers)."""

    low: Numbers
    high: Numbers
    price: Numbers
    previous: Numbers
    volume: Numbers


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
) -> Prints:
    """Draw every session's printed low, high, average price and volume.

    Parameters
    ----------
    generator : Generator
        The only source of chance.
    traits, lives : Traits, Lives
        Of the same tickers, in the same order.
    sessions : DatetimeIndex of shape (n_sessions,)
        Trading days; the ticks follow their dates.

    Returns
    -------
    Prints
        KES and shares. Without a deal the price, low and high repeat the price before
        and the volume is NaN. `previous` is NaN where a ticker starts. A deal is at
        most 10 % from the price before, or one tick where a tick is more than that.
    """
    columns = np.full((5, len(sessions), len(traits.volatility)), np.nan)
    low, high, price, previous, volume = columns
    log_price = traits.log_price
    last = to_tick(np.exp(log_price), sessions[0])
    for day, session in enumerate(sessions):
        starts, factor = lives.starts[day], lives.factor[day]
        path = log_price - np.log(factor) + _moves(generator, traits)
        log_price = path[-1]
        start = to_tick(np.exp(path[0]), session)
        reference = np.where(starts, start, last / factor)
        # An ex-date's first price comes from a deal, as on the exchange.
        amounts = _amounts(generator, traits) * (lives.dealing[day] | (factor != 1))
        lower, upper = _limits(reference, session)
        quotes = to_tick(np.exp(path + _sides(generator, traits)), session)
        dealt = np.clip(quotes, lower, upper)
        low[day], high[day], average = _summary(dealt, amounts, quiet=reference)
        amount = amounts.sum(axis=0)
        price[day] = np.where(amount > 0, to_tick(average, session), reference)
        volume[day] = _lots(generator, amount, price[day])
        previous[day] = np.where(starts, np.nan, last)
        last = price[day]
    return Prints(*columns)


def _moves(generator: np.random.Generator, traits: Traits) -> Numbers:
    """Draw the session's latent log path from its open, of shape (MOMENTS, n)."""
    n = len(traits.volatility)
    n_sectors = int(traits.sector.max()) + 1
    common = np.array([MARKET_VOLATILITY, *[SECTOR_VOLATILITY] * n_sectors])
    shared = common * _heavy_tailed(generator, n_sectors + 1)
    own_volatility = np.sqrt(traits.volatility**2 - common[0] ** 2 - common[1] ** 2)
    own = own_volatility * _heavy_tailed(generator, n)
    steps = shared[:, :1] + shared[:, 1 + traits.sector] + own
    # The drift that makes the price, not its logarithm, a martingale.
    return np.cumsum(steps - traits.volatility**2 / 2 / MOMENTS, axis=0)


def _heavy_tailed(generator: np.random.Generator, n: int) -> Numbers:
    """Draw steps whose sum over the session is t-distributed with unit variance."""
    df = DEGREES_OF_FREEDOM
    scale = np.sqrt((df - 2) / generator.chisquare(df, n) / MOMENTS)
    return generator.standard_normal((MOMENTS, n)) * scale


def _amounts(generator: np.random.Generator, traits: Traits) -> Numbers:
    """Draw the KES dealt at each moment, of shape (MOMENTS, n); 0 without a deal."""
    chance = -np.expm1(-traits.n_deals / MOMENTS)
    shape = (MOMENTS, len(chance))
    deals = generator.random(shape) < chance
    size = generator.exponential(traits.turnover / (MOMENTS * chance), shape)
    return deals * size


def _sides(generator: np.random.Generator, traits: Traits) -> Numbers:
    """Draw how far each deal is above or below the latent log price."""
    prevailing = generator.choice([-1.0, 1.0], len(traits.half_spread))
    same = generator.random((MOMENTS, len(prevailing))) < SAME_SIDE
    return traits.half_spread * prevailing * np.where(same, 1, -1)


def _limits(reference: Numbers, session: pd.Timestamp) -> tuple[Numbers, Numbers]:
    """Return the lowest and highest tick within the daily limit, one tick at least."""
    near = to_tick(reference, session)
    one = tick_size(near, session)
    low, high = reference * (1 - DAILY_LIMIT), reference * (1 + DAILY_LIMIT)
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
