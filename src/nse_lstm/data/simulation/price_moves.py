"""Latent price moves within a session: factors, heavy tails, volatility clustering.

The market, each sector and each stock have a noise of their own, with heavy tails and
clustered volatility. Every price, not its logarithm, is a martingale, so volatile
stocks earn no more than quiet ones.
"""

import numpy as np
import numpy.typing as npt

from nse_lstm.data.simulation.printed_prices import Numbers

MOMENTS = 30
"""Times of a session at which a trade can happen."""
DEGREES_OF_FREEDOM = 3.2
"""Degrees of freedom of the t-distributed daily return."""
MARKET_VOLATILITY = 0.0065
SECTOR_VOLATILITY = 0.0035
LOG_VOLATILITY_SPREAD = 0.6
"""Standard deviation of the log volatility around its long-run mean."""
LOG_VOLATILITY_PERSISTENCE = 0.85
"""Autocorrelation of the log volatility at lag 1."""
LOADINGS = 1.0, 0.8
"""Loadings of the market factor: the most and the least liquid stock."""


def n_sources(sector: npt.NDArray[np.int_]) -> int:
    """Return the number of noises: the market, the sectors and the stocks."""
    return 1 + int(sector.max()) + 1 + len(sector)


def draw_log_volatility(generator: np.random.Generator, before: Numbers) -> Numbers:
    """Draw each noise's log volatility, a first-order autoregression.

    Parameters
    ----------
    generator : Generator
    before : array of shape (n_sources,)
        Log volatility of the session before.
    """
    fresh = LOG_VOLATILITY_SPREAD * np.sqrt(1 - LOG_VOLATILITY_PERSISTENCE**2)
    return LOG_VOLATILITY_PERSISTENCE * before + fresh * generator.standard_normal(
        len(before)
    )


def draw_steps(
    generator: np.random.Generator,
    log_volatility: Numbers,
    *,
    volatility: Numbers,
    loading: Numbers,
    sector: npt.NDArray[np.int_],
) -> Numbers:
    """Draw the session's latent log steps.

    Parameters
    ----------
    generator : Generator
    log_volatility : array of shape (n_sources,)
        From ``draw_log_volatility``.
    volatility, loading, sector : arrays of shape (n_tickers,)
        Long-run daily volatility, loading of the market factor, number of the sector.

    Returns
    -------
    array of shape (MOMENTS, n_tickers)
        With the drift that makes the price a martingale.
    """
    n_shared = len(log_volatility) - len(volatility)
    # E[scale^2] = 1.
    scale = np.exp(log_volatility - LOG_VOLATILITY_SPREAD**2)
    shared_volatility = np.full(n_shared, SECTOR_VOLATILITY)
    shared_volatility[0] = MARKET_VOLATILITY
    noise = _heavy_tailed(generator, len(log_volatility)) * scale
    shared = shared_volatility * noise[:, :n_shared]
    common = (loading * MARKET_VOLATILITY) ** 2 + SECTOR_VOLATILITY**2
    own = np.sqrt(volatility**2 - common)
    steps = loading * shared[:, :1] + shared[:, 1 + sector] + own * noise[:, n_shared:]
    return steps - volatility**2 / 2 / MOMENTS


def _heavy_tailed(generator: np.random.Generator, n: int) -> Numbers:
    """Draw steps whose sum over the session is t-distributed with unit variance."""
    df = DEGREES_OF_FREEDOM
    scale = np.sqrt((df - 2) / generator.chisquare(df, n) / MOMENTS)
    return generator.standard_normal((MOMENTS, n)) * scale
