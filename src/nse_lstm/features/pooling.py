"""Pooling of several stocks' windows into one training set, for v1."""

from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np
import pandas as pd

from nse_lstm.errors import DataError
from nse_lstm.features.windows import PER_WINDOW, Windows


def pool_windows(
    stocks: Sequence[Windows], *, before: pd.Timestamp, at_most: int
) -> Windows:
    """Pool the windows of several stocks, thinned evenly to a maximum.

    Parameters
    ----------
    stocks : sequence of Windows
        One per stock, of the same lookback.
    before : Timestamp
        Only windows with an earlier target are taken.
    at_most : int
        If there are more, every k-th window is kept, with the smallest k that suffices.

    Returns
    -------
    Windows
        Stock by stock. ``dropped`` counts the windows dropped before the date, and the
        rest as "thinned".

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
    pooled = _join([_known(stock, limit) for stock in known])
    step = -(-len(pooled) // at_most)
    thinned = np.arange(len(pooled)) % step != 0
    lost = pooled.target_date[thinned]
    return replace(
        pooled,
        **{name: getattr(pooled, name)[~thinned] for name in PER_WINDOW},
        dropped_target=np.concatenate([pooled.dropped_target, lost]),
        dropped_reason=np.concatenate(
            [pooled.dropped_reason, np.full(len(lost), "thinned")]
        ),
    )


def _known(stock: Windows, limit: np.datetime64) -> Windows:
    """Keep the windows with targets before a date, and no price after them."""
    early, dropped = stock.target_date < limit, stock.dropped_target < limit
    return replace(
        stock,
        **{name: getattr(stock, name)[early] for name in PER_WINDOW},
        prices=stock.prices[: stock.last[early].max() + 1],
        dropped_target=stock.dropped_target[dropped],
        dropped_reason=stock.dropped_reason[dropped],
    )


def _join(stocks: Sequence[Windows]) -> Windows:
    """Concatenate windows; ``last`` moves by the rows of the stocks before."""
    starts = np.cumsum([0, *[len(stock.prices) for stock in stocks[:-1]]])
    shifted = [
        replace(stock, last=stock.last + start)
        for stock, start in zip(stocks, starts, strict=True)
    ]
    arrays = [field.name for field in fields(Windows) if field.name != "lookback"]
    return Windows(
        lookback=stocks[0].lookback,
        **{
            name: np.concatenate([getattr(stock, name) for stock in shifted])
            for name in arrays
        },
    )
