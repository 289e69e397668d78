"""Draw one stock's price, rolling error, backtest and liquidity."""

from typing import Any, cast

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import (
    FuncFormatter,
    LogLocator,
    NullLocator,
    PercentFormatter,
)

from nse_lstm.reporting.canvas import (
    COLOURS,
    GREY,
    WIDE,
    End,
    colour_of,
    label_ends,
    name_of,
    put_dates,
    put_numbers,
    put_title,
    start_axes,
    start_rows,
)
from nse_lstm.reporting.readings import (
    read_liquidity,
    read_price,
    read_rolling_error,
)
from nse_lstm.reporting.strategy_readings import (
    read_backtest,
)

TALL = (8.0, 4.6)


def draw_price(prices: pd.DataFrame, *, ticker: str, year: int) -> Figure:
    """Draw the adjusted price over the whole data, the test year shaded.

    Parameters
    ----------
    prices : DataFrame
        One ticker's rows of ``with_returns``; breaks in the market's calendar stay
        breaks in the line.
    ticker : str
    year : int
        The test year.
    """
    figure, axes = start_axes(WIDE)
    runs = prices["gap"].cumsum()
    for _, run in prices.groupby(runs):
        axes.plot(run["session"], run["adjusted"], color=COLOURS["v2"])
    axes.axvspan(
        _day(pd.Timestamp(year, 1, 1)),
        _day(prices["session"].max()),
        color=COLOURS["mended"],
        alpha=0.15,
        linewidth=0,
    )
    axes.set_ylabel("KES, in shares of the first session")
    put_title(axes, f"{ticker}: adjusted price (shaded: the test year {year})")
    put_dates(axes)
    numbers = prices[["session", "adjusted"]].round({"adjusted": 2})
    says = read_price(prices, ticker=ticker, year=year)
    put_numbers(figure, numbers, says=says)
    return figure


def draw_rolling_error(errors: pd.DataFrame, *, ticker: str, n_sessions: int) -> Figure:
    """Draw models' rolling root mean squared error as a multiple of persistence's.

    Parameters
    ----------
    errors : DataFrame
        Columns ``target_date``, ``model`` and ``ratio``; above 1 is worse than saying
        that nothing changes.
    ticker : str
    n_sessions : int
        Length of the rolling span.
    """
    figure, axes = start_axes(WIDE)
    axes.axhline(1, color=COLOURS["persistence"], linewidth=1.2)
    ends: list[End] = []
    for model, rows in errors.groupby("model"):
        colour, name = _style(str(model))
        axes.plot(rows["target_date"], rows["ratio"], color=colour)
        last = rows.iloc[-1]
        ends.append((last["target_date"], last["ratio"], name, colour))
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}×"))
    put_dates(axes)
    axes.set_ylabel("multiple of persistence's error")
    title = (
        f"{ticker}: too few sessions for the error of the last {n_sessions}"
        if errors.empty
        else f"{ticker}: error (root mean square) of the last {n_sessions} sessions; "
        "line: persistence"
    )
    put_title(axes, title)
    label_ends(axes, ends)
    numbers = errors[["target_date", "model", "ratio"]]
    put_numbers(figure, numbers, says=read_rolling_error(errors, ticker=ticker))
    return figure


def draw_backtest(returns: pd.DataFrame, *, ticker: str, cost_bps: int) -> Figure:
    """Draw the net value of each strategy and, below it, its drawdown.

    Parameters
    ----------
    returns : DataFrame
        One ticker's ``STRATEGY_RETURNS`` at one cost level, without strategies that
        never trade.
    ticker : str
    cost_bps : int
        Basis points per side.
    """
    figure, (above, below) = start_rows(TALL, 2, heights=(2, 1))
    ends: list[End] = []
    values: dict[str, pd.Series] = {}
    for (model, rule), rows in returns.groupby(["model", "rule"]):
        line = rows.sort_values("session")
        value = (1 + line["net_return"]).cumprod()
        colour, name = _style(str(model))
        values[f"{name}, {rule}"] = pd.Series(value.array, line["session"])
        style = "--" if rule == "gate" else "-"
        # Buy and hold is wide and pale, below a strategy that is always invested.
        width, alpha = (4.0, 0.4) if rule == "hold" else (1.4, 1.0)
        line_style: Any = {"color": colour, "linewidth": width, "alpha": alpha}
        above.plot(line["session"], value, style, **line_style)
        peak = value.cummax().clip(lower=1)
        below.plot(line["session"], value / peak - 1, style, **line_style)
        label = name if rule == "hold" else f"{name}, {rule}"
        ends.append((line["session"].iloc[-1], value.iloc[-1], label, colour))
    above.axhline(1, color=GREY, linewidth=0.8)
    above.set_ylabel("value of 1 KES, net")
    below.set_ylabel("drawdown")
    below.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    put_dates(below)
    put_title(
        above, f"{ticker}: backtest filled one session later, {cost_bps} bps per side"
    )
    label_ends(above, ends)
    numbers = pd.DataFrame(values).round(4).reset_index()
    put_numbers(figure, numbers, says=read_backtest(values, ticker=ticker))
    return figure


def draw_liquidity(months: pd.DataFrame, *, ticker: str) -> Figure:
    """Draw the median turnover and the fraction of sessions traded, by month.

    Parameters
    ----------
    months : DataFrame
        Columns ``month``, ``turnover`` (KES per session) and ``traded_share``.
    ticker : str
    """
    figure, (above, below) = start_rows(TALL, 2, heights=(2, 1))
    _bars(above, months["month"], months["turnover"] / 1e6)
    _bars(below, months["month"], months["traded_share"])
    above.set_ylabel("KES million per session")
    below.set_ylabel("sessions traded")
    below.set_ylim(0, 1.05)
    below.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    put_title(above, f"{ticker}: median turnover by month, and how often it trades")
    put_dates(below)
    numbers = months[["month", "turnover", "traded_share"]]
    put_numbers(figure, numbers, says=read_liquidity(months, ticker=ticker))
    return figure


def _bars(axes: Axes, months: pd.Series, values: pd.Series) -> None:
    axes.bar(cast(Any, months), values, width=25, color=COLOURS["v2"])


def _style(model: str) -> tuple[str, str]:
    return colour_of(model), name_of(model)


def _day(moment: pd.Timestamp) -> Any:
    return moment.to_pydatetime()
