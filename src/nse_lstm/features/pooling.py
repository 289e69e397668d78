"""Windows of several stocks as one training set, for models that know no stock."""

from collections.abc import Sequence
from dataclasses import fields

import numpy as np
import pandas as pd

from nse_lstm.errors import DataError
from nse_lstm.features.windows import Windows

__all__ = ["pool_windows"]


def pool_windows(
    stocks: Sequence[Windows], *, before: pd.Timestamp, at_most: int
) -> Windows:
    """Put the windows of several stocks together, thinned evenly to a number.

    Parameters
    ----------
    stocks : sequence of Windows
        One a stock, of the same lookback.
    before : Timestamp
        Only windows whose target is before it are taken.
    at_most : int
        If there are more, every k-th is kept, k being the smallest number that does;
        as stocks follow each other, each keeps every k-th of its origins.

    Returns
    -------
    Windows
        Stock by stock; ``dropped`` counts those dropped before the date, and the
        thinned ones as "thinned".

    Raises
    ------
    DataError
        If no window is left.
    """
    limit = np.datetime64(before, "us")
    known = [stock for stock in stocks if (stock.target_date < limit).any()]
    if not known:
        raise DataError(
            f"Expected windows with a target before {before:%Y-%m-%d}. Received: none "
            f"in {len(stocks)} stocks"
        )
    pooled = {
        field.name: np.concatenate(
            [
                getattr(stock, field.name)[_before(stock, field.name, limit)]
                for stock in known
            ]
        )
        for field in fields(Windows)
    }
    step = -(-len(pooled["origin"]) // at_most)
    kept = np.arange(0, len(pooled["origin"]), step)
    thinned = np.setdiff1d(np.arange(len(pooled["origin"])), kept)
    lost = {
        "dropped_target": pooled["target_date"][thinned],
        "dropped_reason": np.full(len(thinned), "thinned"),
    }
    return Windows(
        **{
            name: np.concatenate([values, lost[name]]) if name in lost else values[kept]
            for name, values in pooled.items()
        }
    )


def _before(stock: Windows, name: str, limit: np.datetime64) -> np.ndarray:
    """Say which entries of a field belong to targets before a date."""
    is_dropped = name.startswith("dropped")
    return (stock.dropped_target if is_dropped else stock.target_date) < limit
