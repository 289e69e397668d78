"""Long-only portfolio optimisation: forecast less trading cost less risk.

The quadratic programme is solved by Clarabel's interior-point method, on one thread and
to a fixed tolerance, so that the same inputs give the same weights.

References
----------
.. [1] R. Grinold and R. Kahn (2000). Active portfolio management, 2nd edition, ch. 14.
.. [2] P. Goulart and Y. Chen (2024). Clarabel: an interior-point solver for conic
   programs with quadratic objectives. arXiv:2405.12762.
.. [3] O. Ledoit and M. Wolf (2004). A well-conditioned estimator for large-dimensional
   covariance matrices. Journal of Multivariate Analysis 88(2), 365-411.
"""

from functools import cache

import clarabel
import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.covariance import ledoit_wolf

from nse_lstm.errors import StudyError

Numbers = NDArray[np.float64]

DIGITS = 6
"""Decimals of a weight; the solver's own tolerance is 1e-8."""
SMALLEST_VARIANCE = 1e-8
"""Of a session's return: a stock that never moved has no risk of 0."""


def shrunk_covariance(returns: Numbers) -> Numbers:
    """Estimate a covariance matrix of returns by Ledoit and Wolf's shrinkage.

    Parameters
    ----------
    returns : array of shape (n_sessions, n_stocks)
        Log returns per session; a missing one counts as 0, an unchanged price.

    Returns
    -------
    array of shape (n_stocks, n_stocks)
        Per session.
    """
    known = np.nan_to_num(returns)
    if len(known) < 2:
        raise StudyError(
            f"Expected returns of at least 2 sessions. Received: {len(known)}"
        )
    matrix, _ = ledoit_wolf(known)
    return np.asarray(matrix + SMALLEST_VARIANCE * np.eye(known.shape[1]))


def optimise_weights(
    *,
    forecast: Numbers,
    covariance: Numbers,
    held: Numbers,
    benchmark: Numbers,
    most: Numbers,
    total: float,
    cost: float,
    risk_aversion: float,
) -> Numbers:
    """Find the weights with the most forecast return less cost less risk.

    Maximises f'x - cost * sum|x - held| - risk_aversion / 2 * (x - b)'C(x - b) over
    weights x with 0 <= x <= most and sum(x) = total. Where ``most`` adds up to less
    than ``total``, its sum takes the place of ``total``.

    Parameters
    ----------
    forecast : array of shape (n_stocks,)
        Expected return over the forecast's horizon, as a fraction.
    covariance : array of shape (n_stocks, n_stocks)
        Of returns over the same horizon, positive definite.
    held, benchmark, most : array of shape (n_stocks,)
        Weights held now, of the benchmark b, and their upper bounds.
    total : float
        Fraction of the account to invest.
    cost : float
        Of a trade, as a fraction of its money.
    risk_aversion : float
        Of the variance over the horizon, 0 or more.

    Returns
    -------
    array of shape (n_stocks,)
        Rounded to ``DIGITS`` decimals.

    Raises
    ------
    StudyError
        If the solver finds no solution.

    Examples
    --------
    Without a forecast and without costs, the least variance: weights are inverse to
    the variances 0.04 and 0.01.

    >>> optimise_weights(
    ...     forecast=np.zeros(2), covariance=np.diag([0.04, 0.01]),
    ...     held=np.zeros(2), benchmark=np.zeros(2), most=np.ones(2), total=1.0,
    ...     cost=0.0, risk_aversion=1.0).tolist()
    [0.2, 0.8]
    """
    n = len(forecast)
    total = min(total, float(most.sum()))
    # Variables: n weights x, then n traded fractions t >= |x - held|.
    quadratic = np.zeros((2 * n, 2 * n))
    quadratic[:n, :n] = risk_aversion * np.triu(covariance)
    linear = np.concatenate(
        [-forecast - risk_aversion * covariance @ benchmark, np.full(n, cost)]
    )
    bounds = np.concatenate([[total], held, -held, most, np.zeros(n)])
    solver = clarabel.DefaultSolver(
        sparse.csc_matrix(quadratic),
        linear,
        _constraints(n),
        bounds,
        [clarabel.ZeroConeT(1), clarabel.NonnegativeConeT(4 * n)],
        _settings(),
    )
    solution = solver.solve()
    if solution.status != clarabel.SolverStatus.Solved:
        raise StudyError(
            f"Expected a solved quadratic programme of {n} stocks. Received: "
            f"{solution.status}"
        )
    return np.clip(np.round(np.array(solution.x[:n]), DIGITS), 0.0, None) + 0.0


@cache
def _constraints(n: int) -> sparse.csc_matrix:
    """Return the rows of sum(x) = total, |x - held| <= t, x <= most and 0 <= x."""
    eye, zero = np.eye(n), np.zeros((n, n))
    total = np.concatenate([np.ones(n), np.zeros(n)])
    blocks = [[eye, -eye], [-eye, -eye], [eye, zero], [-eye, zero]]
    return sparse.csc_matrix(np.vstack([total, np.block(blocks)]))


def _settings() -> "clarabel.DefaultSettings":
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_threads = 1
    settings.direct_solve_method = "qdldl"
    return settings
