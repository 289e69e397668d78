"""Detect forecasts that copy the last price (lag-1 copies).

On price levels a copy of the last price correlates at 0.99 with the next price and
looks like skill on a chart. It correlates still better with the price at its origin.
This informs and never alarms: persistence is such a copy and an honest benchmark.
"""

import numpy as np
import pandas as pd

from nse_lstm.evaluation.scoring import realised


def lag1_copies(forecasts: pd.DataFrame, panel: pd.DataFrame) -> pd.DataFrame:
    """Correlate each model's forecasts with the target's and with the origin's price.

    Parameters
    ----------
    forecasts : DataFrame
        ``FORECASTS``.
    panel : DataFrame
        ``PANEL`` as far as the targets reach.

    Returns
    -------
    DataFrame
        One row per model. ``with_target`` and ``with_origin``: median over stocks and
        folds of the correlation of the forecast price with the target's and with the
        origin's price. ``of_moves``: the same of forecast and realised log returns,
        missing where the forecast does not vary. ``copies``: whether ``with_origin``
        is the larger.
    """
    joined = realised(forecasts, panel).dropna(subset=["level", "last_price"])
    rows = []
    for model, block in joined.groupby("model"):
        found = [
            (
                _correlation(part["price_hat"], part["level"]),
                _correlation(part["price_hat"], part["last_price"]),
                _correlation(part["y_hat"], part["y"]),
            )
            for _, part in block.groupby(["ticker", "fold"])
        ]
        target, origin, moves = (_median(values) for values in zip(*found, strict=True))
        rows.append((str(model), target, origin, moves, bool(origin > target)))
    names = ["model", "with_target", "with_origin", "of_moves", "copies"]
    return pd.DataFrame(rows, columns=names)


def _correlation(one: pd.Series, two: pd.Series) -> float:
    both = pd.concat([one, two], axis=1).dropna().to_numpy()
    if len(both) < 3 or (np.ptp(both, axis=0) < 1e-12).any():
        return float("nan")
    return float(np.corrcoef(both.T)[0, 1])


def _median(values: tuple[float, ...]) -> float:
    known = [value for value in values if value == value]
    return float(np.median(known)) if known else float("nan")
