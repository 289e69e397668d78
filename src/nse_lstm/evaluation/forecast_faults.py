"""Faults of price forecasts that an average error hides: offset, lag, flatness, limits.

A network of price levels can miss by an offset, repeat today's price, draw a flat line,
or forecast a move that the exchange forbids. Each fault has its own number here, and a
forecast that is flat or beyond the limit is flagged.
"""

import numpy as np
import pandas as pd

from nse_lstm.tables import FORECAST_FAULTS, conform

FLAT = 0.1
"""A forecast is flat below this fraction of the price's standard deviation."""
ROUNDING = 1e-9
FEWEST = 20
"""Forecasts from which flatness is judged."""


def measure_faults(joined: pd.DataFrame, *, limit: float) -> pd.DataFrame:
    """Measure the faults of each model's forecasts by stock and year.

    Parameters
    ----------
    joined : DataFrame
        Forecasts of the next session with ``level`` and ``last_price``
        (``scoring.realised``). Rows without a price forecast or a price are left out.
    limit : float
        ``Backtest.daily_limit``, infinite on an exchange without one.

    Returns
    -------
    DataFrame
        ``FORECAST_FAULTS``. ``offset``: median of forecast over realised price, less 1.
        ``with_today`` and ``with_tomorrow``: correlation of the forecast with the price
        at its origin and at its target, missing where one does not vary. ``spread``:
        standard deviation of the forecast over that of the price. ``error``: mean
        absolute error over that of an unchanged price. ``beyond``: fraction of
        forecasts beyond the exchange's daily limit, missing where it has none.
    """
    known = joined.dropna(subset=["price_hat", "level", "last_price"])
    rows = [
        {"ticker": ticker, "model": model, "fold": fold, **_faults(block, limit)}
        for (ticker, model, fold), block in known.groupby(["ticker", "model", "fold"])
    ]
    table = pd.DataFrame(rows, columns=list(FORECAST_FAULTS.columns))
    return conform(table, FORECAST_FAULTS)


def is_beyond_limit(price_hat: float, last_price: float, *, limit: float) -> bool:
    """Say whether a forecast is a move that the exchange forbids in one session.

    Parameters
    ----------
    price_hat, last_price : float
        KES; a missing forecast is not beyond.
    limit : float
        ``Backtest.daily_limit``.

    Examples
    --------
    >>> is_beyond_limit(11.0, 10.0, limit=0.1), is_beyond_limit(11.1, 10.0, limit=0.1)
    (False, True)
    """
    return bool(abs(price_hat / last_price - 1) > limit + ROUNDING)


def is_flat(price_hat: pd.Series, last_price: pd.Series) -> bool:
    """Say whether forecasts hardly vary while the prices do.

    Parameters
    ----------
    price_hat, last_price : Series
        Of the same origins, KES; fewer than 20 are not judged.
    """
    if len(price_hat) < FEWEST:
        return False
    return _spread(price_hat.to_numpy(float), last_price.to_numpy(float)) < FLAT


def _faults(block: pd.DataFrame, limit: float) -> dict[str, float]:
    hat, today, tomorrow = (
        block[name].to_numpy(float) for name in ("price_hat", "last_price", "level")
    )
    naive = float(np.abs(today - tomorrow).mean())
    return {
        "offset": float(np.median(hat / tomorrow) - 1),
        "with_today": _correlation(hat, today),
        "with_tomorrow": _correlation(hat, tomorrow),
        "spread": _spread(hat, today),
        "error": float(np.abs(hat - tomorrow).mean() / naive) if naive else np.nan,
        "beyond": float((np.abs(hat / today - 1) > limit + ROUNDING).mean())
        if np.isfinite(limit)
        else np.nan,
        "n": len(block),
    }


def _spread(
    hat: np.ndarray[tuple[int], np.dtype[np.float64]],
    price: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> float:
    deviation = float(price.std())
    return float(hat.std()) / deviation if deviation > ROUNDING else float("inf")


def _correlation(
    one: np.ndarray[tuple[int], np.dtype[np.float64]],
    two: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> float:
    if len(one) < 3 or min(np.ptp(one), np.ptp(two)) < ROUNDING:
        return float("nan")
    return float(np.clip(np.corrcoef(one, two)[0, 1], -1, 1))
