"""How the latent price moves within a session: factors, tails, calm and storm.

One factor moves the market, one each sector, and each share has noise of its own. All
of them have heavy tails and a volatility that comes and goes. The price of each share,
not its logarithm, stays where it is on average, so that holding the restless ones earns
no more than holding the quiet ones.
"""

import numpy as np
import numpy.typing as npt

from nse_lstm.data.simulation.printed_prices import Numbers

MOMENTS = 30
"""Times of a session at which a deal can happen."""
DEGREES_OF_FREEDOM = 3.2
"""Of the t-like daily scale."""
MARKET_VOLATILITY = 0.0065
SECTOR_VOLATILITY = 0.0035
STORM = 0.6
"""Standard deviation of the log volatility around its long run."""
STORM_LASTS = 0.85
"""Share of a storm left a session later."""
LOADINGS = 1.0, 0.8
"""Of the market factor: the most and the least liquid share."""


def n_sources(sector: npt.NDArray[np.int_]) -> int:
    """Return how many noises there are: the market, the sectors, the shares."""
    return 1 + int(sector.max()) + 1 + len(sector)


def draw_storm(generator: np.random.Generator, before: Numbers) -> Numbers:
    """Draw each noise's log volatility, given the session before's."""
    fresh = STORM * np.sqrt(1 - STORM_LASTS**2)
    return STORM_LASTS * before + fresh * generator.standard_normal(len(before))


def draw_steps(
    generator: np.random.Generator,
    storm: Numbers,
    *,
    volatility: Numbers,
    loading: Numbers,
    sector: npt.NDArray[np.int_],
) -> Numbers:
    """Draw the session's latent log steps.

    Parameters
    ----------
    storm : array of shape (n_sources,)
        From ``draw_storm``.
    volatility, loading, sector : arrays of shape (n_tickers,)
        Long-run daily volatility, loading of the market factor, which sector.

    Returns
    -------
    array of shape (MOMENTS, n_tickers)
        With the drift that makes the price a martingale over all weathers.
    """
    n_shared = len(storm) - len(volatility)
    # The mean of the squared scale over all weathers is 1.
    scale = np.exp(storm - STORM**2)
    shared_volatility = np.full(n_shared, SECTOR_VOLATILITY)
    shared_volatility[0] = MARKET_VOLATILITY
    noise = _heavy_tailed(generator, len(storm)) * scale
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
