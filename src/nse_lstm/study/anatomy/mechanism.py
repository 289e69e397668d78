"""Compute a Sharpe ratio by the claim's arithmetic: two windows of twenty rows.

It is rebuilt from its description with its faults. A day's forecast is compared with
the price of the same day. The position earns the return to the next row, and short
selling is free. A change of position costs 0.1 %, even from short to long. Nineteen
returns are annualised like a year.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nse_lstm.evaluation.metrics import paired
from nse_lstm.numerics import is_constant

Numbers = NDArray[np.float64]
Returns = tuple[Numbers, ...]
"""Returns of each window."""

ROWS, N_WINDOWS = 20, 2
"""The claim uses the last two windows of 20 rows."""
COST = 0.001
"""Cost of any change of position, as a share of the account."""
SESSIONS = 252
"""Sessions per year, as the claim has it."""


def positions(price: ArrayLike, price_hat: ArrayLike) -> Numbers:
    """Return the claim's positions: long (+1) where the forecast is above the price.

    Both belong to the same row, so the forecast is stale when the position begins. The
    last row has no return to earn and no position.

    Parameters
    ----------
    price, price_hat : array of shape (n,)
        Prices of consecutive rows and their forecasts, KES.

    Returns
    -------
    array of shape (n - 1,)
        +1 (long) or -1 (short, also where the forecast equals the price).

    Examples
    --------
    >>> positions([10.0, 12.0, 11.0], [11.0, 11.0, 11.0]).tolist()
    [1.0, -1.0]
    """
    price, price_hat = paired(price, price_hat)
    return np.where(price_hat[:-1] > price[:-1], 1.0, -1.0)


def net_returns(move: ArrayLike, position: ArrayLike) -> Numbers:
    """Return the net returns of positions after the claim's cost.

    Parameters
    ----------
    move : array of shape (n,)
        Simple returns.
    position : array of shape (n,)
        Position held over each return. The account starts flat.

    Examples
    --------
    >>> net_returns([0.1, -0.1], [1.0, -1.0]).round(3).tolist()  # 0.1 less 0.001
    [0.099, 0.099]
    """
    move, position = paired(move, position)
    changed = np.diff(position, prepend=0.0) != 0
    return np.asarray(position * move - COST * changed)


def moves(price: ArrayLike) -> Numbers:
    """Return the simple returns from each row to the next, of shape (n - 1,)."""
    price = np.asarray(price, float)
    return np.asarray(price[1:] / price[:-1] - 1)


def annualised(returns: ArrayLike) -> float:
    """Annualise a Sharpe ratio as claimed: mean / standard deviation * sqrt(252).

    The standard deviation divides by n, not n - 1. NaN where it is zero.

    Examples
    --------
    >>> round(annualised([0.01, 0.03]), 3)  # 0.02 / 0.01 * 15.875
    31.749
    """
    values = np.asarray(returns, float)
    if values.size < 2 or is_constant(values):
        return float("nan")
    return float(values.mean() / values.std() * np.sqrt(SESSIONS))


def last_windows(price: ArrayLike, price_hat: ArrayLike) -> Returns:
    """Return the net returns of the claim's rule on the last two windows of 20 rows.

    Parameters
    ----------
    price, price_hat : array of shape (n,)
        Prices and forecasts of at least 40 rows, KES.

    Returns
    -------
    tuple of array of shape (19,)
        Returns of each window, the earlier one first.
    """
    price, price_hat = paired(price, price_hat)
    return tuple(
        net_returns(moves(price[rows]), positions(price[rows], price_hat[rows]))
        for rows in _windows()
    )


def windowed_sharpe(windows: Returns) -> float:
    """Return the mean of the windows' Sharpe ratios, as the claim has it."""
    return float(np.mean([annualised(returns) for returns in windows]))


def share_below(price: ArrayLike, price_hat: ArrayLike) -> float:
    """Return the share of the windows' positions that are short.

    Parameters
    ----------
    price, price_hat : array of shape (n,)
        As for ``last_windows``.
    """
    price, price_hat = paired(price, price_hat)
    held = [positions(price[rows], price_hat[rows]) for rows in _windows()]
    return float((np.concatenate(held) < 0).mean())


def random_signal_ratios(price: ArrayLike, *, n: int, seed: int) -> Numbers:
    """Return the Sharpe ratios of random positions by the claim's arithmetic.

    Parameters
    ----------
    price : array of shape (n_rows,)
        At least 40 rows, KES.
    n : int
        Number of random strategies.
    seed : int
        Seed of the positions, drawn anew for each row.

    Returns
    -------
    array of shape (n,)
    """
    price = np.asarray(price, float)
    generator = np.random.default_rng(seed)
    ratios = []
    for _ in range(n):
        drawn = generator.choice([-1.0, 1.0], size=(N_WINDOWS, ROWS - 1))
        pairs = zip(_windows(), drawn, strict=True)
        windows = tuple(net_returns(moves(price[rows]), held) for rows, held in pairs)
        ratios.append(windowed_sharpe(windows))
    return np.array(ratios)


def _windows() -> list[slice]:
    """Return the windows' rows, counted from the last row."""
    starts = range(-N_WINDOWS * ROWS, 0, ROWS)
    return [slice(start, start + ROWS or None) for start in starts]
