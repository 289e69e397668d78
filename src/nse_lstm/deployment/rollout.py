"""The gradual rollout of a promoted challenger: 10 %, then 50 %, then all stocks.

The rollout limits harm and is no evidence. The evidence comes from all stocks, because
the challenger forecasts every one of them, whichever model serves.
"""

import hashlib

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nse_lstm.errors import StudyError
from nse_lstm.evaluation.e_process import PROMOTE_AT
from nse_lstm.models.jobs import SEED_LABELS

STEPS = (0.1, 0.5, 1.0)
"""Shares of the stocks that the challenger serves, one after the other."""

STEP_SESSIONS = 20
"""Sessions that a step lasts without an alarm: a month."""


def rollout_position(test: str, ticker: str) -> float:
    """Return a stock's position in the rollout order of a test, in [0, 1).

    A hash of both names gives the same order in every process and on every machine,
    and another order for every test.

    Parameters
    ----------
    test : str
        The challenger; its seed label is hashed, so that a new name moves no stock.
    ticker : str
        The stock.

    Examples
    --------
    >>> rollout_position("v2", "SCOM") == rollout_position("v2", "SCOM")
    True
    >>> rollout_position("v2", "SCOM") == rollout_position("rank_lstm", "SCOM")
    False
    """
    label = SEED_LABELS.get(test, test)
    digest = hashlib.sha256(f"{label}\n{ticker}".encode()).digest()
    # 53 bits fit a double exactly.
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53


def is_exposed(test: str, ticker: str, *, exposure: float) -> bool:
    """Say whether the challenger serves a stock; if so, also at every later step.

    Parameters
    ----------
    test, ticker : str
        The challenger and the stock.
    exposure : float
        Share of all stocks that the challenger serves, from 0 to 1.
    """
    if not 0 <= exposure <= 1:
        raise StudyError(f"`exposure` must be from 0 to 1. Received: {exposure}")
    return rollout_position(test, ticker) < exposure


def rollout_exposure(evidence: ArrayLike, *, alarmed: ArrayLike) -> NDArray[np.float64]:
    """Return the share of stocks that a challenger may serve after each session.

    The share is 0 until the evidence first reaches ``PROMOTE_AT``; later evidence
    changes nothing. Then come ``STEPS``, each for ``STEP_SESSIONS``. An alarm of the
    challenger on or after that session ends the rollout until a new test.

    Parameters
    ----------
    evidence : array of shape (n,)
        E-process per session.
    alarmed : array of shape (n,)
        Whether an alarm of the challenger was raised on the session.

    Examples
    --------
    >>> rollout_exposure([1, 25, 3], alarmed=[True, False, False]).tolist()
    [0.0, 0.1, 0.1]
    """
    reached = np.asarray(evidence, float) >= PROMOTE_AT
    served = np.maximum.accumulate(reached)
    since = np.cumsum(served) - 1
    step = np.clip(since // STEP_SESSIONS, 0, len(STEPS) - 1)
    stopped = np.maximum.accumulate(served & np.asarray(alarmed, bool))
    return np.where(served & ~stopped, np.asarray(STEPS)[step], 0.0)
