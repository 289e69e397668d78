"""Draw a laboratory run: its forecast and its gain on persistence."""

import pandas as pd
from matplotlib.figure import Figure

from nse_lstm.reporting.canvas import (
    COLOURS,
    End,
    colour_of,
    label_ends,
    name_of,
    put_dates,
    put_numbers,
    put_title,
    start_rows,
)
from nse_lstm.reporting.readings import (
    read_forecast,
)

SIZE = (8.0, 5.0)


def gains_on_persistence(joined: pd.DataFrame, *, model: str) -> pd.Series:
    """Return the cumulative squared error that a model saves against persistence.

    Parameters
    ----------
    joined : DataFrame
        Forecasts with the realised return ``y``; rows without either are left out.
    model : str
        One of its models.

    Returns
    -------
    Series
        By ``target_date``, in squared per cent: sum of y² - (y - y_hat)² up to then.

    References
    ----------
    .. [1] A. Goyal and I. Welch (2008). A comprehensive look at the empirical
       performance of equity premium prediction. RFS 21(4), 1455-1508.
    """
    rows = joined[joined["model"] == model].dropna(subset=["y", "y_hat"])
    rows = rows.sort_values("target_date").set_index("target_date")
    saved = rows["y"] ** 2 - (rows["y"] - rows["y_hat"]) ** 2
    return 1e4 * saved.cumsum()


def draw_run(joined: pd.DataFrame, *, ticker: str, model: str) -> Figure:
    """Draw a model's price forecast and its gain on persistence.

    Parameters
    ----------
    joined : DataFrame
        Forecasts of one stock and year with realised ``level`` and ``y``. If v1 is
        among them its gains are drawn too.
    ticker : str
    model : str
    """
    figure, (above, below) = start_rows(SIZE, 2, heights=(3, 2))
    rows = joined[joined["model"] == model].sort_values("target_date")
    name, colour = name_of(model), _colour(model)
    above.plot(
        rows["target_date"], rows["level"], color=COLOURS["realised"], linewidth=3
    )
    above.plot(rows["target_date"], rows["price_hat"], color=colour, linewidth=1)
    above.set_ylabel("price, KES")
    put_title(above, f"{ticker}: forecast of the next session's price")
    known = rows.dropna(subset="level").iloc[-1]
    last = rows.iloc[-1]
    label_ends(
        above,
        [
            (
                known["target_date"],
                known["level"],
                "printed price",
                COLOURS["realised"],
            ),
            (last["target_date"], last["price_hat"], name, colour),
        ],
    )
    below.axhline(0, color=COLOURS["persistence"], linewidth=1.2)
    ends: list[End] = []
    for each in dict.fromkeys((model, "v1")):
        if each in set(joined["model"]):
            gains = gains_on_persistence(joined, model=each)
            below.plot(gains.index, gains, color=_colour(each))
            label = name_of(each)
            ends.append((gains.index[-1], gains.iloc[-1], label, _colour(each)))
    put_dates(below)
    below.set_ylabel("squared error saved, %²")
    put_title(below, "Cumulative gain on persistence (above the line is better)")
    label_ends(below, ends)
    numbers = rows[["target_date", "level", "price_hat"]]
    put_numbers(figure, numbers, says=read_forecast(rows, ticker=ticker))
    return figure


def _colour(model: str) -> str:
    return colour_of(model) if model in COLOURS else COLOURS["warning"]
