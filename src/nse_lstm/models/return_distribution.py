"""The stock LSTM's distribution: whether the price moves, how far, in which shape.

With probability p the price ends where it was: an atom at 0. Otherwise the log return
is m / (1 - p) + s Z, so that its mean over both cases is m, the network's forecast of
the next session. Beyond that session no drift is forecast. The chance p (logistic
regression) and the usual size s of a move (Poisson regression, log link) are fitted to
all stocks together. The shape Z is each stock's own past moves, standardised and with
both signs: filtered historical simulation with an atom.

References
----------
.. [1] G. Barone-Adesi, K. Giannopoulos and L. Vosper (1999). VaR without correlations
   for portfolios of derivative securities. Journal of Futures Markets 19(5), 583-602.
.. [2] J. Cragg (1971). Some statistical models for limited dependent variables with
   application to the demand for durable goods. Econometrica 39(5), 829-844.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, PoissonRegressor

from nse_lstm.errors import DataError
from nse_lstm.features.stock_channels import ROUNDING

Numbers = NDArray[np.float64]

MOST_UNCHANGED = 0.95
"""Largest probability of an unchanged price."""
STEPS = 300
"""Most iterations of both regressions, which are convex."""
PENALTY = 1e-4
"""Of the Poisson regression's coefficients, on standardised features."""


@dataclass(frozen=True, eq=False)
class PastMoves:
    """One stock's returns over a horizon and what was known at their origins."""

    features: Numbers
    """(n, n_features), from ``RiskFeatures.at``."""
    y: Numbers
    """(n,): log returns over the horizon."""

    @property
    def moved(self) -> NDArray[np.bool_]:
        """Bool, (n,): the price moved."""
        return np.abs(self.y) > ROUNDING


@dataclass(frozen=True, eq=False)
class LogLinear:
    """A linear predictor of standardised features."""

    centre: Numbers
    scale: Numbers
    slope: Numbers
    constant: float

    def __call__(self, features: Numbers) -> Numbers:
        """Return the predictor of each row."""
        standard = (features - self.centre) / self.scale
        return np.asarray(standard @ self.slope + self.constant)


@dataclass(frozen=True, eq=False)
class ReturnDistribution:
    """The fitted distribution of all stocks' returns over one horizon."""

    horizon: int
    chance: LogLinear | None
    """Log odds of an unchanged price; None where every price moved."""
    size: LogLinear
    """Logarithm of the mean absolute deviation of a move."""
    shapes: dict[str, Numbers]
    """Each stock's standardised moves with both signs, increasing."""

    def unchanged(self, features: Numbers) -> Numbers:
        """Return the probability that the price does not move, shape (n,)."""
        if self.chance is None:
            return np.zeros(len(features))
        odds = np.exp(-self.chance(features))
        return np.asarray(np.minimum(1 / (1 + odds), MOST_UNCHANGED))

    def quantiles(
        self, ticker: str, features: Numbers, mean: Numbers, levels: Numbers
    ) -> Numbers:
        """Return quantiles of one stock's log return over the horizon.

        Parameters
        ----------
        ticker : str
            One of the stocks it was fitted to.
        features : array of shape (n, n_features)
        mean : array of shape (n,)
            The network's forecast of the next session's log return.
        levels : array of shape (n_levels,)
            Probabilities, increasing.

        Returns
        -------
        array of shape (n, n_levels)
            They do not fall along a row; 0 within the atom.
        """
        unchanged = self.unchanged(features)[:, np.newaxis]
        size = np.exp(self.size(features))[:, np.newaxis]
        centre = mean[:, np.newaxis] / (1 - unchanged)
        shape = self.shapes[ticker]
        ranks = (np.arange(shape.size) + 0.5) / shape.size
        # The atom lies between the moves below 0 and those above.
        below = (1 - unchanged) * np.interp(
            -centre / size, shape, ranks, left=0.0, right=1.0
        )
        falls, rises = levels < below, levels > below + unchanged
        rank = np.where(falls, levels, levels - unchanged) / (1 - unchanged)
        moves = centre + size * np.interp(rank, ranks, shape)
        found = np.where(falls, np.minimum(moves, 0), np.maximum(moves, 0))
        return np.asarray(np.where(falls | rises, found, 0.0))


def fit_return_distribution(
    past: Mapping[str, PastMoves], *, horizon: int
) -> ReturnDistribution:
    """Fit the chance, the size and the shape of the moves of some stocks.

    Parameters
    ----------
    past : mapping of str to PastMoves
        By ticker, targets before the fold only.
    horizon : int
        Sessions from origin to target.

    Raises
    ------
    DataError
        If a stock's price never moved.
    """
    never = [ticker for ticker, own in past.items() if not own.moved.any()]
    if never or not past:
        raise DataError(
            "Expected stocks whose prices moved before the fold. Received: "
            f"{', '.join(never) or 'no stock'}"
        )
    features = np.concatenate([own.features for own in past.values()])
    moved = np.concatenate([own.moved for own in past.values()])
    y = np.concatenate([own.y for own in past.values()])
    centre, scale = features.mean(axis=0), features.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    standard = (features - centre) / scale
    chance = None
    if not moved.all():
        fitted = LogisticRegression(max_iter=STEPS).fit(standard, ~moved)
        chance = LogLinear(centre, scale, fitted.coef_[0], float(fitted.intercept_[0]))
    sizes = np.abs(y[moved])
    usual = float(sizes.mean())
    regression = PoissonRegressor(alpha=PENALTY, max_iter=STEPS)
    regression.fit(standard[moved], sizes / usual)
    size = LogLinear(
        centre, scale, regression.coef_, float(regression.intercept_ + np.log(usual))
    )
    shapes = {
        ticker: _both_signs(own.y[own.moved] / np.exp(size(own.features[own.moved])))
        for ticker, own in past.items()
    }
    return ReturnDistribution(horizon, chance, size, shapes)


def _both_signs(moves: Numbers) -> Numbers:
    """Return moves and their mirror images, increasing: a shape without a drift.

    The mean of past moves over several sessions is mostly the trend of the training
    years, which the next year need not share.
    """
    return np.sort(np.concatenate([moves, -moves]))
