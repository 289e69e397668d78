"""Windows of several stocks as one training set, for models that know no stock."""

from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np
import pandas as pd

from nse_lstm.errors import DataError
from nse_lstm.features.windows import PER_WINDOW, Windows


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
    """Take the windows with targets before a date, and no price after them."""
    early, dropped = stock.target_date < limit, stock.dropped_target < limit
    return replace(
        stock,
        **{name: getattr(stock, name)[early] for name in PER_WINDOW},
        prices=stock.prices[: stock.last[early].max() + 1],
        dropped_target=stock.dropped_target[dropped],
        dropped_reason=stock.dropped_reason[dropped],
    )


def _join(stocks: Sequence[Windows]) -> Windows:
    """Put prices below each other, so that windows end in other rows than before."""
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
