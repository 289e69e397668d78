"""Adjusted prices and returns: the first step from the panel to features.

The series is adjusted forward from a ticker's first row, so that a later split or bonus
never rewrites an earlier value.
"""

import numpy as np
import pandas as pd

__all__ = ["with_returns"]


def with_returns(panel: pd.DataFrame) -> pd.DataFrame:
    """Add the adjusted price and its returns to a panel.

    Everything on a row is known after the close of its session, except what the panel
    itself marks as ``mended`` (known one session later).

    Parameters
    ----------
    panel : DataFrame of shape (n_rows, ...)
        A valid ``PANEL``; its distinct sessions are taken as the market's calendar.

    Returns
    -------
    DataFrame of shape (n_rows, ...)
        The panel sorted by (ticker, session), with ``shares`` (shares held now per
        share held on the ticker's first row), ``adjusted`` (price x shares, KES),
        ``log_return`` and ``simple_return`` (fractions, from the market's session
        before). A return is missing on a ticker's first row, across a ``gap``, where
        the ticker has no row on the market's session before, and where either price
        is missing.

    Examples
    --------
    >>> panel = pd.DataFrame(
    ...     {
    ...         "ticker": "AAA",
    ...         "session": pd.to_datetime(["2024-01-02", "2024-01-03", "2024-01-04"]),
    ...         "price": [10.0, 11.0, 5.5],
    ...         "factor": [1.0, 1.0, 2.0],
    ...         "gap": False,
    ...     }
    ... )
    >>> with_returns(panel)[["shares", "adjusted", "simple_return"]].round(3)
       shares  adjusted  simple_return
    0     1.0      10.0            NaN
    1     1.0      11.0            0.1
    2     2.0      11.0            0.0
    """
    table = panel.sort_values(["ticker", "session"], ignore_index=True)
    table["shares"] = table.groupby("ticker", sort=False)["factor"].cumprod()
    table["adjusted"] = table["price"] * table["shares"]
    ratio = table["adjusted"] / _price_before(table)
    table["log_return"] = np.log(ratio)
    table["simple_return"] = ratio - 1
    return table


def _price_before(table: pd.DataFrame) -> pd.Series:
    """Find the adjusted price of the market's session before, none across a gap."""
    place, _ = pd.factorize(table["session"], sort=True)
    same_ticker = table["ticker"].eq(table["ticker"].shift())
    consecutive = pd.Series(place, index=table.index).diff().eq(1)
    return table["adjusted"].shift().where(same_ticker & consecutive & ~table["gap"])
