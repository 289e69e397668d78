"""Bid-ask spreads estimated from prices, and tick sizes: trading costs beside fees."""

import numpy as np
import pandas as pd

from nse_lstm.data.exchange_rules import tick_size
from nse_lstm.data.market_statistics.wide_panel import Numbers, WidePanel

MIN_PAIRS = 60
"""Fewest pairs of sessions for an estimate, about a quarter's."""


def roll_spread(moves: Numbers) -> Numbers:
    """Estimate the bid-ask spread by Roll's autocovariance of returns.

    Parameters
    ----------
    moves : array of shape (n_sessions, n_tickers)
        Log returns, NaN where missing.

    Returns
    -------
    array of shape (n_tickers,)
        2 sqrt(-cov) of neighbouring returns, a fraction of the price. NaN below 60
        pairs and where the covariance is positive, as for most liquid stocks, whose
        printed price is the day's average.

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
    """Estimate the bid-ask spread by Corwin and Schultz, from high and low prices.

    Parameters
    ----------
    low, high : array of shape (n_sessions, n_tickers)
        Adjusted, NaN on a session without a trade.
    span : array of shape (n_sessions,)
        Number of the unbroken stretch; no pair of sessions spans two.

    Returns
    -------
    array of shape (n_tickers,)
        Mean over pairs of neighbouring sessions, with negative values set to 0 as in
        the paper, a fraction of the price. NaN below 60 pairs. Overnight moves are not
        corrected for, since closing prices are not printed.

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
    """Return each session's tick size over the printed price, NaN without either."""
    ticks = [
        tick_size(price, session, wide.ticks)
        for price, session in zip(wide.price, wide.sessions, strict=True)
    ]
    return np.array(ticks) / wide.price
