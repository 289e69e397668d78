"""Directional accuracy and its tests (Pesaran-Timmermann), with "unchanged" as a class.

At the NSE 13 to 23 % of the sessions of even liquid stocks end without a price move.
Two treatments are defined: leave those sessions out, or count "unchanged" as a class of
its own. Counting them as falls would favour forecasts of a fall.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from nse_lstm.errors import StudyError
from nse_lstm.evaluation.comparison import Comparison, mean_test
from nse_lstm.evaluation.metrics import directional_calls


@dataclass(frozen=True)
class Direction:
    """Share of hits compared with the share expected by chance.

    ``statistic`` and ``p_value`` (one-sided: more hits than chance) are missing where
    they are undefined, such as for a forecast that always says "up".
    """

    hits: float
    expected: float
    statistic: float
    p_value: float
    n: int


def pesaran_timmermann(y: ArrayLike, y_hat: ArrayLike) -> Direction:
    """Test directional accuracy on sessions with a move and a call (two classes).

    The statistic is the paper's, with its term in 1 / n², which statsmodels 0.15
    leaves out. It assumes independent rows: one stock, one session ahead. For many
    stocks use ``direction_by_date``.

    Parameters
    ----------
    y, y_hat : array of shape (n,)
        Realised and forecast returns. Rows where either is 0 are left out
        (``directional_calls``); ``n`` of the result counts the rest.

    References
    ----------
    .. [1] M. Pesaran and A. Timmermann (1992). A simple nonparametric test of
       predictive performance. JBES 10(4), 461-465.
    """
    called = directional_calls(y, y_hat)
    up = np.asarray(y, float)[called] > 0
    called_up = np.asarray(y_hat, float)[called] > 0
    n = int(called.sum())
    if n == 0:
        return _undefined(n)
    hits = float(np.mean(up == called_up))
    p, q = float(up.mean()), float(called_up.mean())
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
    """Count sessions by realised (rows) and forecast class (columns).

    Parameters
    ----------
    y, y_hat : array of shape (n,)
        Returns, none missing.
    band : float
        A forecast no further from 0 than this is "unchanged". A realised return is
        so only at 0: prices move by ticks.

    Returns
    -------
    array of shape (3, 3)
        Down, unchanged, up.

    Examples
    --------
    >>> direction_counts([0.01, 0.0, -0.02], [0.02, 0.001, 0.01], band=0.002).tolist()
    [[0, 0, 1], [0, 1, 0], [0, 0, 1]]
    """
    actual, hat = np.asarray(y, float), np.asarray(y_hat, float)
    if actual.shape != hat.shape or np.isnan(actual).any() or np.isnan(hat).any():
        raise StudyError(
            "Expected two arrays of one length without a missing value. "
            f"Received: shapes {actual.shape} and {hat.shape}"
        )
    hat = np.where(np.abs(hat) <= band, 0.0, hat)
    counts = np.zeros((3, 3), np.int64)
    cell = np.sign(actual).astype(int) + 1, np.sign(hat).astype(int) + 1
    np.add.at(counts, cell, 1)
    return counts


def three_way_accuracy(y: ArrayLike, y_hat: ArrayLike, *, band: float = 0.0) -> float:
    """Return the share of sessions with the right one of three classes, else NaN.

    Parameters
    ----------
    y, y_hat, band
        As for ``direction_counts``.
    """
    counts = direction_counts(y, y_hat, band=band)
    return float(np.trace(counts) / counts.sum()) if counts.sum() else float("nan")


def direction_by_date(joined: pd.DataFrame, *, ahead: int) -> Comparison:
    """Test directional accuracy over many stocks, with a date as one observation.

    The covariance of the signs of return and forecast (-1, 0 or 1) is averaged over the
    stocks and seeds of each date. Its mean over dates is divided by its Newey-West
    standard error. One-sided: above 0.

    Parameters
    ----------
    joined : DataFrame
        Forecasts of one model with ``y``; rows without ``y`` or ``y_hat`` are left out.
    ahead : int
        ``delay + horizon``.
    """
    rows = joined.dropna(subset=["y", "y_hat"])
    actual, hat = np.sign(rows["y"]), np.sign(rows["y_hat"])
    together = (actual - actual.mean()) * (hat - hat.mean())
    by_date = together.groupby(rows["target_date"]).mean().sort_index()
    return mean_test(by_date.to_numpy(), ahead=ahead, alternative="greater")


def _direction(hits: float, expected: float, variance: float, n: int) -> Direction:
    if variance <= 1e-12:
        return Direction(hits, expected, float("nan"), float("nan"), n)
    statistic = float((hits - expected) / np.sqrt(variance))
    return Direction(hits, expected, statistic, float(ndtr(-statistic)), n)


def _undefined(n: int) -> Direction:
    nan = float("nan")
    return Direction(nan, nan, nan, nan, n)
