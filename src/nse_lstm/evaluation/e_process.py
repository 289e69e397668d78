"""Sequential tests of paired losses by e-processes, valid at every session.

A p-value that is checked every session finds a difference sooner or later, even where
there is none. An e-process does not: if the challenger is never better, it ever reaches
20 with probability at most 1/20, at any stopping time (Ville 1939). It is the wealth of
a bettor who bets a fraction of it, every session, on the challenger's smaller loss.

A *gain* is the champion's loss minus the challenger's, over a bound known before the
session, so it lies in [-1, 1]. Absolute errors have a natural bound: by the triangle
inequality they differ by at most the difference of the two forecasts. One session is
one gain, whatever its number of stocks.

References
----------
.. [1] I. Waudby-Smith and A. Ramdas (2024). Estimating means of bounded random
   variables by betting. JRSS-B 86(1), 1-27.
.. [2] Y. Choe and A. Ramdas (2023). Comparing sequential forecasters. Operations
   Research 72(4), 1368-1387.
.. [3] S. Howard, A. Ramdas, J. McAuliffe and J. Sekhon (2021). Time-uniform,
   nonparametric, nonasymptotic confidence sequences. Annals of Statistics 49(2).
.. [4] I. Waudby-Smith, D. Arbour, R. Sinha, E. Kennedy and A. Ramdas (2024).
   Time-uniform central limit theory and asymptotic confidence sequences. Annals of
   Statistics 52(6).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammainc, gammaln, hyp1f1, logsumexp

from nse_lstm.errors import StudyError

Array = NDArray[np.float64]

PROMOTE_AT = 20.0
"""An e-process that reaches this is evidence at the level of 5 %."""

BETS = (1 / 64, 1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2)
"""Fractions of the wealth that are bet, each with the same starting wealth, so that one
suits every edge, small or large. Fixed before any session."""

RANGE = 2.0
"""Of a gain, from -1 to 1: the scale of the sub-exponential bound."""

TUNED_VARIANCE = 10.0
"""Sum of squared gains at which the weak-null e-process is sharpest."""

TUNED_SESSIONS = 500
"""Sessions at which the confidence sequence is narrowest."""

MIN_SESSIONS = 20
"""Sessions before which an asymptotic interval is not valid."""

LARGEST = 700.0
"""Largest logarithm whose exponential is a finite double."""


def betting_wealth(gains: ArrayLike, *, bet: float) -> Array:
    """Return the wealth, starting at 1, from betting one fraction of it on every gain.

    Parameters
    ----------
    gains : array of shape (n,)
        In [-1, 1], positive for the challenger; a missing one counts as 0.
    bet : float
        Above 0 and below 1, so that no session takes everything.

    Returns
    -------
    array of shape (n,)
        Product of 1 + bet * gain up to each session.

    Examples
    --------
    >>> betting_wealth([0.2, -0.1, 0.4, 0.3], bet=0.5).round(4).tolist()
    [1.1, 1.045, 1.254, 1.4421]
    """
    return np.exp(_log_wealth(_checked(gains), bet))


def betting_e_process(gains: ArrayLike, *, ahead: int = 1) -> Array:
    """Return the betting e-process after each session: evidence for the challenger.

    The mean wealth over ``BETS``. The null hypothesis is that the challenger is better
    in no session, given all before it.

    Where a loss is known ``ahead`` sessions after its origin, neighbouring losses
    overlap, and betting on all of them is invalid. They are split into ``ahead``
    interleaved streams of losses that do not overlap. The e-process is the best
    stream's over their number: by the union bound, any of ``ahead`` streams ever
    reaches 20 times ``ahead`` with probability at most 1/20. (A mean of the streams
    would be slightly larger, but it may be stopped with half of an open loss known.)

    Parameters
    ----------
    gains : array of shape (n,)
        In [-1, 1], one per market session in order of origin. A missing one is a
        session without a pair of losses and counts as 0.
    ahead : int
        Sessions from origin to target: ``delay + horizon``.

    Returns
    -------
    array of shape (n,)
        ``PROMOTE_AT`` is evidence at the 5 % level.

    Raises
    ------
    StudyError
        If a gain is outside [-1, 1] or ``ahead`` is below 1.
    """
    streams = [
        logsumexp([_log_wealth(own, bet) for bet in BETS], axis=0) - np.log(len(BETS))
        for own in _streams(_checked(gains), ahead)
    ]
    return _raised(np.max(streams, axis=0) - np.log(ahead))


def weak_null_e_process(gains: ArrayLike, *, ahead: int = 1) -> Array:
    """Return the e-process of the weak null: evidence of a better average so far.

    The null hypothesis allows the challenger to be better in some sessions if it is
    worse by as much in others. So it needs more sessions than ``betting_e_process``. Of
    interleaved streams the smallest counts.

    Parameters
    ----------
    gains, ahead
        As for ``betting_e_process``.
    """
    mixing = best_mixing(TUNED_VARIANCE, alpha=1 / PROMOTE_AT)
    streams = []
    for own in _streams(_checked(gains), ahead):
        total = np.cumsum(np.nan_to_num(own))
        count = np.cumsum(~np.isnan(own))
        # The expected gain is the mean of those before it.
        guess = np.roll(total / np.maximum(count, 1), 1)
        guess[:1] = 0.0
        variance = np.cumsum(np.nan_to_num((own - guess) ** 2))
        streams.append(log_gamma_mixture(total, variance, scale=RANGE, mixing=mixing))
    return _raised(np.min(streams, axis=0))


def log_gamma_mixture(
    total: ArrayLike, variance: ArrayLike, *, scale: float, mixing: float
) -> Array:
    """Return the logarithm of the gamma-exponential mixture (Howard et al., prop. 9).

    It mixes ``exp(bet * total - psi(bet) * variance)`` over the bets, with the psi of
    the centred exponential distribution.

    Parameters
    ----------
    total, variance : array
        Sum of the differences; sum of their squared distances from the expectation
        before each.
    scale : float
        Above 0; scale of psi, twice the largest size of a difference.
    mixing : float
        Above 0; see ``best_mixing``.

    Examples
    --------
    >>> mixed = log_gamma_mixture(10, 20, scale=1, mixing=best_mixing(10, alpha=0.05))
    >>> float(np.exp(mixed).round(6))
    2.469246
    """
    s, v = np.asarray(total, float), np.asarray(variance, float)
    square = scale**2
    start, shape = mixing / square, (v + mixing) / square
    rate = (scale * s + v + mixing) / square
    constant = start * np.log(start) - gammaln(start) - np.log(gammainc(start, start))
    above = np.maximum(rate, 0.5)  # any number: it is not used below zero
    mass = gammaln(shape) + np.log(gammainc(shape, above)) - shape * np.log(above)
    # Below zero the same function by Kummer's identity, without a negative root.
    below = np.log(hyp1f1(1.0, shape + 1, np.minimum(rate, 0.5))) - np.log(shape)
    return constant - start + np.where(rate > 0.5, mass + rate, below)


def best_mixing(variance: float, *, alpha: float) -> float:
    """Return the mixing parameter that is sharpest at a variance, for a level.

    Parameters
    ----------
    variance : float
        Sum of squared distances.
    alpha : float
        One-sided level of the test.

    Examples
    --------
    >>> round(best_mixing(10, alpha=0.05), 6)
    1.580063
    """
    doubled = 2 * np.log(1 / (2 * alpha))
    return float(variance / (doubled + np.log(1 + doubled)))


def robbins_bound(variance: ArrayLike, *, mixing: float, alpha: float) -> Array:
    """Return Robbins' bound, which a sum never crosses with probability 1 - alpha.

    Two-sided, for sub-Gaussian terms with this sum of variances (Robbins 1970).

    Parameters
    ----------
    variance : array
        Sums of variances.
    mixing : float
        As for ``log_gamma_mixture``.
    alpha : float
        Probability of ever crossing.

    Examples
    --------
    >>> robbins_bound([100], mixing=10, alpha=0.05).round(3).tolist()
    [30.378]
    """
    v = np.asarray(variance, float) + mixing
    return np.asarray(np.sqrt(v * np.log(v / (mixing * alpha**2))))


def asymptotic_half_width(
    n: ArrayLike, *, alpha: float, tuned: int = TUNED_SESSIONS
) -> Array:
    """Return the half width, in deviations, of an asymptotic confidence sequence.

    Parameters
    ----------
    n : array
        Observations so far, each at least 1.
    alpha : float
        Probability of ever missing.
    tuned : int
        Observations at which the sequence is narrowest.

    Examples
    --------
    >>> asymptotic_half_width([100, 500], alpha=0.05).round(4).tolist()
    [0.3364, 0.1357]
    """
    t = np.asarray(n, float)
    log = -2 * np.log(alpha)
    square = (log + np.log(log + 1)) / tuned
    spread = t * square + 1
    width = 2 * spread / (t**2 * square) * np.log(np.sqrt(spread) / alpha)
    return np.asarray(np.sqrt(width))


def confidence_sequence(
    values: ArrayLike, *, alpha: float, ahead: int = 1
) -> tuple[Array, Array, Array]:
    """Return the running mean with a confidence sequence, valid at every session.

    Parameters
    ----------
    values : array of shape (n,)
        One per session, in any unit; a missing one is left out.
    alpha : float
        Probability of ever missing, for many sessions.
    ahead : int
        Sessions that a value overlaps with, itself included. It multiplies the variance
        of the mean, as an upper bound.

    Returns
    -------
    mean, lower, upper : arrays of shape (n,)
        Bounds are missing before ``MIN_SESSIONS`` values, the mean before the first.
    """
    given = np.asarray(values, float)
    seen = ~np.isnan(given)
    count = np.cumsum(seen).astype(float)
    filled = np.where(seen, given, 0.0)
    count[count == 0] = np.nan
    mean = np.cumsum(filled) / count
    spread = np.maximum(np.cumsum(filled**2) / count - mean**2, 0.0)
    width = np.sqrt(spread * ahead) * asymptotic_half_width(count, alpha=alpha)
    width[~(count >= MIN_SESSIONS * ahead)] = np.nan
    return mean, mean - width, mean + width


def _checked(gains: ArrayLike) -> Array:
    given = np.asarray(gains, float)
    largest = np.nanmax(np.abs(given), initial=0.0)
    if given.ndim != 1 or largest > 1:
        raise StudyError(
            "Expected one series of gains in [-1, 1]. Received: shape "
            f"{given.shape}, largest {largest:g}"
        )
    return given


def _streams(gains: Array, ahead: int) -> list[Array]:
    """Return ``ahead`` series, each with every ``ahead``-th gain and no other."""
    if ahead < 1:
        raise StudyError(f"`ahead` must be at least 1 session. Received: {ahead}")
    place = np.arange(gains.size) % ahead
    return [np.where(place == stream, gains, np.nan) for stream in range(ahead)]


def _log_wealth(gains: Array, bet: float) -> Array:
    if not 0 < bet < 1:
        raise StudyError(f"`bet` must be above 0 and below 1. Received: {bet}")
    return np.cumsum(np.log1p(bet * np.nan_to_num(gains)))


def _raised(log: Array) -> Array:
    return np.exp(np.minimum(log, LARGEST))
