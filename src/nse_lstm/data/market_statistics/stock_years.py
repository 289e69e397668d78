"""Statistics of each stock by year: trading activity, volatility, tails, spread, beta.

A year's statistics use its own sessions only.
"""

import numpy as np
import pandas as pd

from nse_lstm import tables
from nse_lstm.data.market_statistics.spreads import (
    high_low_spread,
    roll_spread,
    tick_share,
)
from nse_lstm.data.market_statistics.wide_panel import (
    Flags,
    Numbers,
    WidePanel,
    select_sessions,
)
from nse_lstm.numerics import is_constant

MIN_MOVES = 60
"""Fewest returns for volatility, tails and beta, about a quarter's."""
NO_MOVE = 1e-12
"""Smaller log returns are rounding of an unchanged price."""


def stock_years(wide: WidePanel) -> pd.DataFrame:
    """Describe every stock in every year in which it was listed.

    Parameters
    ----------
    wide : WidePanel

    Returns
    -------
    DataFrame
        ``tables.STOCK_YEARS``. Activity counts every listed session that is not stale.
        Volatility, tails, spreads and beta leave suspended sessions out.
    """
    years = wide.sessions.year.to_numpy()
    blocks = [
        _one_year(select_sessions(wide, years == year), int(year))
        for year in np.unique(years)
    ]
    table = pd.concat(blocks, ignore_index=True).sort_values(["ticker", "year"])
    return tables.check(table[list(tables.STOCK_YEARS.columns)], tables.STOCK_YEARS)


def _one_year(wide: WidePanel, year: int) -> pd.DataFrame:
    n = wide.listed.sum(axis=0)
    is_zero = np.abs(wide.returns) <= NO_MOVE
    table = pd.DataFrame(
        {
            "ticker": list(wide.tickers),
            "year": year,
            "kind": list(wide.kinds),
            "first_session": _first(wide.listed, wide.sessions),
            "last_session": _first(wide.listed[::-1], wide.sessions[::-1]),
            "n_sessions": n,
            "traded_share": (wide.turnover > 0).sum(axis=0) / np.maximum(n, 1),
            "zero_return_share": _share(is_zero, np.isfinite(wide.returns)),
            "longest_unchanged": longest_run(is_zero),
            "median_turnover": pd.DataFrame(wide.turnover).median(),
            "tick_share": pd.DataFrame(tick_share(wide)).median(),
            "n_limit": (wide.limit & wide.listed).sum(axis=0),
            **_movement(wide),
        }
    )
    return table[table["n_sessions"] > 0].astype(
        {"first_session": tables.TIME, "last_session": tables.TIME}
    )


def _movement(wide: WidePanel) -> dict[str, Numbers]:
    moves = wide.moves
    is_enough = np.isfinite(moves).sum(axis=0) >= MIN_MOVES
    kurtosis, beyond = tails(moves)
    columns = {
        "volatility": pd.DataFrame(moves).std().to_numpy("float64"),
        "excess_kurtosis": kurtosis,
        "beyond_three_share": beyond,
        "spread_roll": roll_spread(moves),
        "spread_high_low": high_low_spread(wide.low, wide.high, span=wide.span),
        "beta": dimson_beta(moves, np.array(wide.kinds) == "ordinary"),
    }
    return {
        name: np.where(is_enough, values, np.nan) for name, values in columns.items()
    }


def longest_run(is_met: Flags) -> np.ndarray:
    """Return the longest unbroken run of True down each column."""
    longest = np.zeros(is_met.shape[1], np.int64)
    run = longest.copy()
    for row in is_met:
        run = np.where(row, run + 1, 0)
        longest = np.maximum(longest, run)
    return longest


def tails(moves: Numbers) -> tuple[Numbers, Numbers]:
    """Return the excess kurtosis of each column and its share of extreme returns.

    Parameters
    ----------
    moves : array of shape (n_sessions, n_tickers)
        Log returns, NaN where missing.

    Returns
    -------
    excess_kurtosis, beyond_three_share : arrays of shape (n_tickers,)
        Fourth central moment over the squared second, less 3 (0 for a normal), and the
        share of returns more than 3 standard deviations from the mean (0.0027 for a
        normal). NaN where nothing moves.
    """
    frame = pd.DataFrame(moves)
    distance = frame - frame.mean()
    variance = (distance**2).mean().where(lambda v: v > 0)
    kurtosis = (distance**4).mean() / variance**2 - 3
    is_far = distance.abs() > 3 * np.sqrt(variance)
    share = is_far.sum() / frame.count().where(variance > 0)
    return kurtosis.to_numpy("float64"), share.to_numpy("float64")


def dimson_beta(moves: Numbers, is_ordinary: Flags) -> Numbers:
    """Return each stock's beta to the equal-weight mean of the other ordinary shares.

    It is the sum of the slopes on the market's return of the session before, the same
    session and the next, since averaged or old prices follow the market late [1]_.

    Parameters
    ----------
    moves : array of shape (n_sessions, n_tickers)
        Log returns, NaN where missing.
    is_ordinary : array of shape (n_tickers,)

    Returns
    -------
    array of shape (n_tickers,)
        NaN below 60 sessions with all four returns.

    References
    ----------
    .. [1] E. Dimson (1979). Risk measurement when shares are subject to infrequent
       trading. Journal of Financial Economics 7(2), 197-226.
    """
    betas = np.full(moves.shape[1], np.nan)
    known = np.isfinite(moves) & is_ordinary
    total = np.where(known, moves, 0.0).sum(axis=1)
    n = known.sum(axis=1)
    for column in range(moves.shape[1]):
        own = known[:, column]
        others = n - own
        rest = total - np.where(own, moves[:, column], 0.0)
        market = np.where(others > 0, rest / np.maximum(others, 1), np.nan)
        betas[column] = _slope_sum(moves[1:-1, column], market)
    return betas


def _slope_sum(moves: Numbers, market: Numbers) -> float:
    design = np.column_stack(
        [np.ones(len(moves)), market[:-2], market[1:-1], market[2:]]
    )
    is_whole = np.isfinite(design).all(axis=1) & np.isfinite(moves)
    if is_whole.sum() < MIN_MOVES:
        return np.nan
    if is_constant(market[1:-1][is_whole]):
        return np.nan
    slopes = np.linalg.lstsq(design[is_whole], moves[is_whole], rcond=None)[0]
    return float(slopes[1:].sum())


def _share(is_met: Flags, is_counted: Flags) -> Numbers:
    n = is_counted.sum(axis=0)
    met = (is_met & is_counted).sum(axis=0)
    return np.where(n > 0, met / np.maximum(n, 1), np.nan)


def _first(is_met: Flags, sessions: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Return the first session of each column where the flag is set, else NaT."""
    found = sessions[is_met.argmax(axis=0)]
    return found.where(is_met.any(axis=0))
