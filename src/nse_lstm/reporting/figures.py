"""Draw turnover, training curves, forecasts and rank IC."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from nse_lstm.reporting.canvas import (
    COLOURS,
    NAMES,
    WIDE,
    End,
    colour_of,
    label_ends,
    put_dates,
    put_legend,
    put_numbers,
    put_title,
    start_axes,
)
from nse_lstm.reporting.readings import (
    read_forecast,
    read_rank_ic,
    read_training_curves,
    read_training_summary,
    read_turnover,
)


def draw_turnover(statistics: pd.DataFrame, *, n_tickers: int = 30) -> Figure:
    """Draw the median turnover of the ranked stocks, KES per session.

    Parameters
    ----------
    statistics : DataFrame
        ``STATISTICS``.
    n_tickers : int
        Largest number of stocks drawn.
    """
    ranked = statistics[statistics["rank"] > 0].sort_values("rank").head(n_tickers)
    figure, axes = start_axes((8.0, 0.8 + 0.2 * len(ranked)))
    chosen = ranked["tier"] == 1
    colours = np.where(chosen, COLOURS["v2"], "#bbbbbb")
    axes.barh(ranked["ticker"], ranked["median_turnover"] / 1e6, color=colours)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("median turnover per session, KES million (log scale)")
    put_title(axes, "Tradable stocks by turnover, the recommended ones in blue")
    numbers = ranked[["ticker", "median_turnover", "tier"]]
    put_numbers(figure, numbers, says=read_turnover(ranked))
    return figure


def draw_training_curves(
    history: pd.DataFrame,
    *,
    best_epoch: int,
    model: str = "v2",
    loss: str = "Huber loss",
) -> Figure:
    """Draw training and validation loss by epoch, and the epoch that was kept.

    Parameters
    ----------
    history : DataFrame
        ``epoch huber val_huber``.
    best_epoch : int
        Whose weights were kept.
    model : str
        For the title.
    loss : str
        Name of the loss in both columns.
    """
    figure, axes = start_axes(WIDE)
    ends: list[End] = []
    for column, name, colour in (
        ("huber", "training", "#777777"),
        ("val_huber", "validation", COLOURS["v2"]),
    ):
        axes.plot(history["epoch"], history[column], color=colour)
        last = history.iloc[-1]
        ends.append((last["epoch"], last[column], name, colour))
    axes.axvline(best_epoch, color=COLOURS["warning"], linewidth=1, linestyle=":")
    axes.set_yscale("log")
    axes.set_xlabel("epoch (dotted: the epoch whose weights were kept)")
    axes.set_ylabel(f"{loss}, scaled target")
    put_title(axes, f"Training {model}: {loss} by epoch, without the L2 penalty")
    label_ends(axes, ends)
    says = read_training_curves(history, best_epoch=best_epoch)
    put_numbers(figure, history[["epoch", "huber", "val_huber"]], says=says)
    return figure


def draw_forecast(joined: pd.DataFrame, *, ticker: str) -> Figure:
    """Draw the realised price and each model's forecast of it, KES.

    Parameters
    ----------
    joined : DataFrame
        ``target_date level model price_hat`` of one stock.
    ticker : str
        For the title.
    """
    figure, axes = start_axes(WIDE)
    realised = joined.drop_duplicates("target_date").sort_values("target_date")
    axes.plot(realised["target_date"], realised["level"], color="#bbbbbb", linewidth=3)
    last = realised.iloc[-1]
    ends: list[End] = [(last["target_date"], last["level"], "printed price", "#777777")]
    for model, rows in joined.groupby("model"):
        rows = rows.sort_values("target_date")
        colour = colour_of(str(model))
        axes.plot(rows["target_date"], rows["price_hat"], color=colour, linewidth=1)
        last = rows.iloc[-1]
        name = NAMES[str(model)]
        ends.append((last["target_date"], last["price_hat"], name, colour))
    axes.set_ylabel("price, KES")
    put_dates(axes)
    put_title(axes, f"{ticker}: forecast of the next session's price")
    label_ends(axes, ends)
    says = read_forecast(joined, ticker=ticker)
    put_numbers(figure, _side_by_side(realised, joined), says=says)
    return figure


def _side_by_side(realised: pd.DataFrame, joined: pd.DataFrame) -> pd.DataFrame:
    """Join the printed price and each model's forecast, one column each."""
    wide = joined.pivot(index="target_date", columns="model", values="price_hat")
    price = realised.set_index("target_date")["level"].rename("printed price")
    return wide.round(2).join(price.round(2)).rename_axis(columns=None).reset_index()


def draw_training_summary(summary: pd.DataFrame) -> Figure:
    """Draw the validation loss of every v2 model, one marker per fold."""
    summary = summary[summary["model"] == "v2"]
    years = sorted(summary["year"].unique())
    figure, axes = start_axes((8.0, 1.0 + 0.25 * summary["ticker"].nunique()))
    for year, marker in zip(years, "osD^v<>", strict=False):
        rows = summary[summary["year"] == year]
        axes.plot(
            rows["validation_loss"],
            rows["ticker"],
            marker,
            color=COLOURS["v2"] if year == years[-1] else COLOURS["cash"],
            label=f"before {year}",
        )
    axes.set_xscale("log")
    axes.invert_yaxis()
    axes.set_xlabel("validation Huber loss, scaled price (log scale)")
    put_legend(axes)
    put_title(axes, "Validation loss of every trained model")
    numbers = summary[["ticker", "year", "validation_loss"]]
    put_numbers(figure, numbers, says=read_training_summary(summary))
    return figure


ROOM = 0.8
"""Fraction of the step between two years that all models take."""


def draw_rank_ic(summary: pd.DataFrame, *, horizon: int) -> Figure:
    """Draw each year's mean rank IC with its 95 % interval, one session delayed.

    Parameters
    ----------
    summary : DataFrame
        ``model delay horizon fold value lower upper``; fold 0, all years, comes last.
    horizon : int
        Sessions.
    """
    rows = summary[(summary["delay"] == 1) & (summary["horizon"] == horizon)]
    years = [*sorted(set(rows["fold"]) - {0}), 0]
    models = [name for name in NAMES if name in set(rows["model"])]
    figure, axes = start_axes(WIDE)
    axes.axhline(0, color=COLOURS["persistence"], linewidth=1.2)
    for number, model in enumerate(models):
        own = rows[rows["model"] == model].set_index("fold").reindex(years)
        shift = ROOM / len(models) * (number - (len(models) - 1) / 2)
        place = np.arange(len(years)) + shift
        reach = own["value"] - own["lower"], own["upper"] - own["value"]
        axes.errorbar(
            place,
            own["value"],
            yerr=np.array(reach),
            fmt="so^v<>"[number % 6],
            markersize=4,
            elinewidth=1,
            color=colour_of(model),
            label=NAMES[model],
        )
    axes.set_xticks(range(len(years)), [str(year or "all") for year in years])
    axes.set_ylabel("mean rank IC")
    if models:
        put_legend(axes)
    else:
        axes.text(0.5, 0.5, "no session on which three stocks were ranked")
    put_title(
        axes,
        f"Rank IC of {horizon}-session returns, traded one session after the signal",
    )
    numbers = rows[["model", "fold", "value", "lower", "upper"]]
    put_numbers(figure, numbers, says=read_rank_ic(rows))
    return figure
