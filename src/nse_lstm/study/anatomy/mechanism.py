"""The claim's own arithmetic: two windows of twenty rows, annualised.

Rebuilt from its description, faults included: the forecast of a day is compared with
the price of that very day, the position it gives earns the move to the next row, short
selling is free, a change of position pays 0.1 % whether it is one deal or two, and
nineteen returns are annualised as if they were a year.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nse_lstm.evaluation.metrics import paired

Numbers = NDArray[np.float64]
Returns = tuple[Numbers, ...]
"""The returns of each window."""

ROWS, N_WINDOWS = 20, 2
"""The claim rests on the last two windows of 20 rows."""
COST = 0.001
"""Share of the account that a change of position costs, whatever its size."""
SESSIONS = 252
"""Sessions that the claim took for a year."""


def positions(price: ArrayLike, price_hat: ArrayLike) -> Numbers:
    """Return the claim's positions: long (+1) where the forecast is above the price.

    Both are of the same row: when the price is known the forecast of it is stale. The
    last row has no move to earn and no position.

    Parameters
    ----------
    price, price_hat : array of shape (n,)
        Prices of consecutive rows, and what was forecast for the same rows, KES.

    Returns
    -------
    array of shape (n - 1,)
        +1 or, short, -1; a forecast equal to the price is short.

    Examples
    --------
    >>> positions([10.0, 12.0, 11.0], [11.0, 11.0, 11.0]).tolist()
    [1.0, -1.0]
    """
    price, price_hat = paired(price, price_hat)
    return np.where(price_hat[:-1] > price[:-1], 1.0, -1.0)


def dealt(move: ArrayLike, position: ArrayLike) -> Numbers:
    """Return what positions earn, after the claim's cost.

    Parameters
    ----------
    move : array of shape (n,)
        Simple returns.
    position : array of shape (n,)
        Held over each of them; the account starts flat.

    Examples
    --------
    >>> dealt([0.1, -0.1], [1.0, -1.0]).round(3).tolist()  # 0.1 each, less 0.001
    [0.099, 0.099]
    """
    move, position = paired(move, position)
    changed = np.diff(position, prepend=0.0) != 0
    return np.asarray(position * move - COST * changed)


def moves(price: ArrayLike) -> Numbers:
    """Return simple returns from each row to the next, of shape (n - 1,)."""
    price = np.asarray(price, float)
    return np.asarray(price[1:] / price[:-1] - 1)


def annualised(returns: ArrayLike) -> float:
    """Return the claim's Sharpe ratio: mean over spread, times the root of 252.

    The spread divides by n, not n - 1. NaN without a spread.

    Examples
    --------
    >>> round(annualised([0.01, 0.03]), 3)  # 0.02 / 0.01 * 15.875
    31.749
    """
    values = np.asarray(returns, float)
    if values.size < 2 or np.ptp(values) == 0:
        return float("nan")
    return float(values.mean() / values.std() * np.sqrt(SESSIONS))


def last_windows(price: ArrayLike, price_hat: ArrayLike) -> Returns:
    """Deal the last two windows of 20 rows by the claim's rule.

    Parameters
    ----------
    price, price_hat : array of shape (n,)
        At least 40 rows.

    Returns
    -------
    tuple of array of shape (19,)
        The windows' returns, the earlier first.
    """
    price, price_hat = paired(price, price_hat)
    return tuple(
        dealt(moves(price[w]), positions(price[w], price_hat[w])) for w in _places()
    )


def windowed_sharpe(windows: Returns) -> float:
    """Return the mean of the windows' Sharpe ratios, as the claim did."""
    return float(np.mean([annualised(returns) for returns in windows]))


def share_below(price: ArrayLike, price_hat: ArrayLike) -> float:
    """Return the share of the windows' positions that are short."""
    price, price_hat = paired(price, price_hat)
    held = [positions(price[w], price_hat[w]) for w in _places()]
    return float((np.concatenate(held) < 0).mean())


def coin_flips(price: ArrayLike, *, n: int, seed: int) -> Numbers:
    """Score ``n`` traders who toss a coin every row, by the claim's arithmetic.

    Returns
    -------
    array of shape (n,)
        What each would have been told is its Sharpe ratio.
    """
    price = np.asarray(price, float)
    generator = np.random.default_rng(seed)
    scores = []
    for _ in range(n):
        tossed = generator.choice([-1.0, 1.0], size=(N_WINDOWS, ROWS - 1))
        pairs = zip(_places(), tossed, strict=True)
        windows = tuple(dealt(moves(price[w]), tossed_w) for w, tossed_w in pairs)
        scores.append(windowed_sharpe(windows))
    return np.array(scores)


def _places() -> list[slice]:
    """Place the windows, counted from the last row."""
    starts = range(-N_WINDOWS * ROWS, 0, ROWS)
    return [slice(start, start + ROWS or None) for start in starts]
