"""What a deal costs beside its fees, guessed from prices alone: spread and tick."""

import numpy as np
import pandas as pd

from nse_lstm.data.exchange_rules import tick_size
from nse_lstm.data.market_statistics.wide_panel import Numbers, WidePanel

MIN_PAIRS = 60
"""Fewer pairs of sessions than this, a quarter's, give no estimate."""


def roll_spread(moves: Numbers) -> Numbers:
    """Estimate the spread from the bounce between its two sides.

    Parameters
    ----------
    moves : array of shape (n_sessions, n_tickers)
        Log returns, NaN where missing.

    Returns
    -------
    array of shape (n_tickers,)
        2 sqrt(-cov) of neighbouring returns, a share of the price. NaN below 60 pairs
        and where the covariance is positive: there the estimate is not defined, which
        is the rule for liquid shares, as the printed price is the day's average.

    References
    ----------
    .. [1] R. Roll (1984). A simple implicit measure of the effective bid-ask spread in
       an efficient market. Journal of Finance 39(4), 1127-1139.
    """
    now, before = moves[1:], moves[:-1]
    is_pair = np.isfinite(now) & np.isfinite(before)
    n = is_pair.sum(axis=0)
    some = np.maximum(n, 1)
    now, before = np.where(is_pair, now, 0.0), np.where(is_pair, before, 0.0)
    means = now.sum(axis=0) / some, before.sum(axis=0) / some
    covariance = (now * before).sum(axis=0) / some - means[0] * means[1]
    is_defined = (n >= MIN_PAIRS) & (covariance < 0)
    return np.where(is_defined, 2 * np.sqrt(np.maximum(-covariance, 0.0)), np.nan)


def high_low_spread(low: Numbers, high: Numbers, *, span: np.ndarray) -> Numbers:
    """Estimate the spread from ranges: a range of two sessions has one spread in it.

    Parameters
    ----------
    low, high : array of shape (n_sessions, n_tickers)
        Adjusted, NaN on a session without a deal.
    span : array of shape (n_sessions,)
        No pair of sessions is taken across two spans.

    Returns
    -------
    array of shape (n_tickers,)
        Mean over pairs of neighbouring sessions, negative pairs counting as 0 as in the
        paper, a share of the price. NaN below 60 pairs. There is no correction for
        moves overnight: it needs the last price of a session, which is not printed.

    References
    ----------
    .. [1] S. Corwin and P. Schultz (2012). A simple way to estimate bid-ask spreads
       from daily high and low prices. Journal of Finance 67(2), 719-760.
    """
    one = np.log(high / low) ** 2
    beta = one[1:] + one[:-1]
    both = np.maximum(high[1:], high[:-1]) / np.minimum(low[1:], low[:-1])
    gamma = np.log(both) ** 2
    k = 3 - 2 * np.sqrt(2)
    alpha = (np.sqrt(2 * beta) - np.sqrt(beta)) / k - np.sqrt(gamma / k)
    pairs = np.maximum(2 * (np.exp(alpha) - 1) / (1 + np.exp(alpha)), 0.0)
    pairs[np.diff(span) != 0] = np.nan
    means = pd.DataFrame(pairs)
    return means.mean().where(means.count() >= MIN_PAIRS).to_numpy("float64")


def tick_share(wide: WidePanel) -> Numbers:
    """Return each session's tick as a share of the printed price, NaN without one."""
    ticks = [
        tick_size(price, session)
        for price, session in zip(wide.price, wide.sessions, strict=True)
    ]
    return np.array(ticks) / wide.price
