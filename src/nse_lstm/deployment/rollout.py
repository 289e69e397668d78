"""Who is served by a promoted challenger, and how that widens: a tenth, a half, all.

The roll-out limits harm; it is no evidence. That comes from all stocks, since the
challenger forecasts every one of them in the shadow whoever is served.
"""

import hashlib

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nse_lstm.errors import StudyError
from nse_lstm.evaluation.e_process import PROMOTE_AT

STEPS = (0.1, 0.5, 1.0)
"""Shares of the stocks that are served by the challenger, one after the other."""

STEP_SESSIONS = 20
"""Sessions that a step lasts without an alarm: a month."""


def ramp_place(test: str, ticker: str) -> float:
    """Return where a stock stands in the roll-out of a test, in [0, 1).

    A hash of both names: the same in every process and on every machine, and another
    order of stocks for every test.

    Examples
    --------
    >>> ramp_place("v2", "SCOM") == ramp_place("v2", "SCOM") != ramp_place("rank_lstm", "SCOM")
    True
    """
    digest = hashlib.sha256(f"{test}\n{ticker}".encode()).digest()
    # 53 bits, which a double holds to the last one.
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53


def is_exposed(test: str, ticker: str, *, exposure: float) -> bool:
    """Say whether the challenger serves a stock; once it does, it does at every step.

    Parameters
    ----------
    test, ticker : str
        What is tested, and the stock.
    exposure : float
        Share of all stocks, from 0 to 1: at 0 none is served, at 1 every one.
    """
    if not 0 <= exposure <= 1:
        raise StudyError(f"`exposure` must be from 0 to 1. Received: {exposure}")
    return ramp_place(test, ticker) < exposure


def exposures(evidence: ArrayLike, *, alarmed: ArrayLike) -> NDArray[np.float64]:
    """Return the share of stocks that a challenger may serve after each session.

    Nought until the evidence first reaches ``PROMOTE_AT``, whatever it does later; then
    ``STEPS``, each for ``STEP_SESSIONS``. An alarm of the challenger on or after that
    session takes it out, and it stays out until a new test.

    Parameters
    ----------
    evidence : array of shape (n,)
        E-process, session by session.
    alarmed : array of shape (n,)
        Sessions on which an alarm of the challenger rang.

    Examples
    --------
    >>> exposures([1, 25, 3], alarmed=[True, False, False]).tolist()
    [0.0, 0.1, 0.1]
    """
    reached = np.asarray(evidence, float) >= PROMOTE_AT
    served = np.maximum.accumulate(reached)
    since = np.cumsum(served) - 1
    step = np.clip(since // STEP_SESSIONS, 0, len(STEPS) - 1)
    out = np.maximum.accumulate(served & np.asarray(alarmed, bool))
    return np.where(served & ~out, np.asarray(STEPS)[step], 0.0)
