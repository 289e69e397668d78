"""Whether a forecast knows which way the price goes; a third way is that it stays.

At the NSE 13 to 23 % of even the liquid names' sessions end without a move. Two answers
to that are defined, and nothing between them: leave those sessions out, or count "no
move" as a class of its own. Counting them as falls would flatter whoever says "down".
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from nse_lstm.errors import StudyError
from nse_lstm.evaluation.comparison import Comparison, mean_test
from nse_lstm.evaluation.metrics import directional_calls


@dataclass(frozen=True)
class Direction:
    """Hits against the hits of chance.

    ``statistic`` and ``p_value`` (one-sided: more hits than chance) are missing where
    chance cannot be told from skill, such as a forecast that always says "up".
    """

    hits: float
    expected: float
    statistic: float
    p_value: float
    n: int


def pesaran_timmermann(y: ArrayLike, y_hat: ArrayLike) -> Direction:
    """Test the direction on the sessions that moved and were called.

    The statistic is the paper's, with its term in 1 / n², which statsmodels 0.15
    leaves out. It takes the rows as independent: one stock at a time, one session
    ahead; ``direction_by_date`` is for many stocks.

    Parameters
    ----------
    y, y_hat : array of shape (n,)
        Realised and forecast returns; rows where either is 0 are left out
        (``directional_calls``), and ``n`` of the result is what is left.

    References
    ----------
    .. [1] M. Pesaran and A. Timmermann (1992). A simple nonparametric test of
       predictive performance. JBES 10(4), 461-465.
    """
    called = directional_calls(y, y_hat)
    up = np.asarray(y, float)[called] > 0
    said = np.asarray(y_hat, float)[called] > 0
    n = int(called.sum())
    if n == 0:
        return _undefined(n)
    hits, p, q = float(np.mean(up == said)), float(up.mean()), float(said.mean())
    expected = p * q + (1 - p) * (1 - q)
    of_hits = expected * (1 - expected) / n
    of_expected = (
        (2 * p - 1) ** 2 * q * (1 - q) / n
        + (2 * q - 1) ** 2 * p * (1 - p) / n
        + 4 * p * q * (1 - p) * (1 - q) / n**2
    )
    return _direction(hits, expected, of_hits - of_expected, n)


def direction_counts(
    y: ArrayLike, y_hat: ArrayLike, *, band: float = 0.0
) -> NDArray[np.int64]:
    """Count the sessions by what came (rows) and what was said (columns).

    Parameters
    ----------
    y, y_hat : array of shape (n,)
        Returns, none missing.
    band : float
        A forecast no further from 0 than this says "unchanged". A realised return
        does so only at 0: prices move by ticks.

    Returns
    -------
    array of shape (3, 3)
        Down, unchanged, up.

    Examples
    --------
    >>> direction_counts([0.01, 0.0, -0.02], [0.02, 0.001, 0.01], band=0.002).tolist()
    [[0, 0, 1], [0, 1, 0], [0, 0, 1]]
    """
    came, said = np.asarray(y, float), np.asarray(y_hat, float)
    if came.shape != said.shape or np.isnan(came).any() or np.isnan(said).any():
        raise StudyError(
            "Expected two arrays of one length without a missing value. "
            f"Received: shapes {came.shape} and {said.shape}"
        )
    said = np.where(np.abs(said) <= band, 0.0, said)
    counts = np.zeros((3, 3), np.int64)
    np.add.at(counts, (np.sign(came).astype(int) + 1, np.sign(said).astype(int) + 1), 1)
    return counts


def three_way_accuracy(y: ArrayLike, y_hat: ArrayLike, *, band: float = 0.0) -> float:
    """Return the share of all sessions whose class, of three, was said; NaN if none."""
    counts = direction_counts(y, y_hat, band=band)
    return float(np.trace(counts) / counts.sum()) if counts.sum() else float("nan")


def pesaran_timmermann_classes(
    y: ArrayLike, y_hat: ArrayLike, *, band: float = 0.0
) -> Direction:
    """Test the direction on all sessions, "unchanged" being a class of its own.

    The generalisation to several classes: the share of hits less what independent
    answers with the same margins would hit, over its delta-method standard error under
    independence. With two classes it is the test above without the term in 1 / n².

    Parameters
    ----------
    y, y_hat, band
        As for ``direction_counts``.

    References
    ----------
    .. [1] M. Pesaran and A. Timmermann (1994). A generalization of the non-parametric
       Henriksson-Merton test of market timing. Economics Letters 44(1-2), 1-7.
    """
    counts = direction_counts(y, y_hat, band=band)
    n = int(counts.sum())
    if n == 0:
        return _undefined(n)
    came, said = counts.sum(axis=1) / n, counts.sum(axis=0) / n
    hits, expected = float(np.trace(counts) / n), float(came @ said)
    # Derivative of the excess by the share of a cell, and its variance over the cells.
    slope = np.eye(3) - said[:, None] - came[None, :]
    shares = np.outer(came, said)
    spread = float(np.sum(shares * slope**2) - np.sum(shares * slope) ** 2)
    return _direction(hits, expected, spread / n, n)


def direction_by_date(joined: pd.DataFrame, *, ahead: int) -> Comparison:
    """Test the direction over many stocks, a date being one observation.

    The covariance of the signs of what came and what was said, 0 being a sign of its
    own, is averaged over the stocks (and seeds) of each date, and its mean over the
    dates held against its Newey-West standard error. One-sided: above 0.

    Parameters
    ----------
    joined : DataFrame
        Forecasts of one model with ``y``; rows without ``y`` or ``y_hat`` are left out.
    ahead : int
        ``delay + horizon``.
    """
    rows = joined.dropna(subset=["y", "y_hat"])
    came, said = np.sign(rows["y"]), np.sign(rows["y_hat"])
    together = (came - came.mean()) * (said - said.mean())
    by_date = together.groupby(rows["target_date"]).mean().sort_index()
    return mean_test(by_date.to_numpy(), ahead=ahead, alternative="greater")


def _direction(hits: float, expected: float, variance: float, n: int) -> Direction:
    if variance <= 1e-12:
        return Direction(hits, expected, float("nan"), float("nan"), n)
    statistic = float((hits - expected) / np.sqrt(variance))
    return Direction(hits, expected, statistic, float(norm.sf(statistic)), n)


def _undefined(n: int) -> Direction:
    nan = float("nan")
    return Direction(nan, nan, nan, nan, n)
