"""Whether a forecast is like the price to come or like the one it was made from.

On price levels a copy of the last price correlates at 0.99 with what comes, and looks
like skill on a chart. A copy correlates still better with the session it was made in.
This informs and never alarms: persistence is such a copy and an honest opponent.
"""

import numpy as np
import pandas as pd

from nse_lstm.evaluation.scoring import realised


def lag1_copies(forecasts: pd.DataFrame, panel: pd.DataFrame) -> pd.DataFrame:
    """Measure each model's likeness to the target and to the origin's price.

    Parameters
    ----------
    forecasts : DataFrame
        ``FORECASTS``.
    panel : DataFrame
        ``PANEL`` as far as the targets reach.

    Returns
    -------
    DataFrame
        A row a model: ``model``; ``with_target`` and ``with_origin``, the median over
        stocks and folds of the correlation of the forecast price with the one that came
        and with the origin's; ``of_moves``, that of the forecast log return with the
        one that came (missing where the forecast does not vary); ``copies``, whether
        the forecast is nearer to the past.
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
