"""Draw portfolios: cost against turnover, and value and drawdown over the years."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from nse_lstm.reporting.canvas import (
    GREY,
    End,
    label_ends,
    name_of,
    put_dates,
    put_legend,
    put_numbers,
    put_title,
    start_axes,
    start_rows,
)
from nse_lstm.reporting.tear_sheet_figures import thinned

RULE_NAMES = {
    "partial": "partial adjustment",
    "buffer": "top 8 with a buffer",
    "optimised": "cost-aware optimisation",
}
RULE_COLOURS = {"partial": "#0072B2", "buffer": "#E69F00", "optimised": "#D55E00"}
BENCHMARK_COLOURS = {
    "equal_weight": "#CC79A7",
    "buy_and_hold": "#009E73",
    "index_hold": "#000000",
    "inverse_volatility": "#56B4E9",
    "minimum_variance": "#999999",
}
OVER = "over_equal_weight"
MARKERS = ("o", "s", "^", "D")


def draw_turnover(scores: pd.DataFrame, *, headline: int) -> Figure:
    """Draw each rule's excess over equal weight, gross and net, against its turnover.

    Parameters
    ----------
    scores : DataFrame
        ``PORTFOLIO_SCORES``.
    headline : int
        Cost level of the net excess, basis points per side.
    """
    table = _gross_and_net(scores, headline)
    figure, axes = start_axes((8.0, 5.0))
    models, named = sorted(set(table["model"])), set[str]()
    for model, rule, turnover, gross, net in _rows(table):
        marker = MARKERS[models.index(model) % len(MARKERS)]
        colour = RULE_COLOURS[rule]
        axes.plot([turnover, turnover], [gross, net], color=colour, linewidth=1)
        axes.plot([turnover], [gross], marker, color=colour, mfc="white", ms=7)
        axes.plot([turnover], [net], marker, color=colour, ms=7)
        if colour not in named:
            axes.lines[-1].set_label(RULE_NAMES[rule])
            named.add(colour)
    for place, model in enumerate(models):
        axes.plot([], [], MARKERS[place], color=GREY, label=name_of(model))
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.set_xlim(left=0)
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xlabel("turnover per year (bought and sold, fraction of the account)")
    axes.set_ylabel("return per year over equal weight")
    put_legend(axes)
    put_title(axes, _turnover_title(table, headline))
    put_numbers(figure, table.round(4), says=_read_turnover(table, headline))
    return figure


def draw_equity(returns: pd.DataFrame, *, headline: int, model: str) -> Figure:
    """Draw value and drawdown of each rule on one model, and of the benchmarks.

    Parameters
    ----------
    returns : DataFrame
        ``PORTFOLIO_RETURNS``; the mean over start days is drawn.
    headline : int
        Basis points per side; the index pays none.
    model : str
        Ranking that feeds the rules.
    """
    at_cost = returns[
        (returns["cost_bps"] == headline) | (returns["rule"] == "no_cost")
    ]
    net = at_cost.groupby(["model", "rule", "session"])["net_return"].mean()
    cash = at_cost.groupby("session")["cash_return"].first()
    figure, (above, below) = start_rows((8.0, 7.2), 2, heights=(3, 2))
    values = {"91-day bill": (1 + cash).cumprod()}
    above.plot(cash.index, values["91-day bill"], color=GREY, linestyle=":")
    ends: list[End] = [(cash.index[-1], values["91-day bill"].iloc[-1], "bill", GREY)]
    wide = net.unstack(["model", "rule"])
    for owner, rule in wide.columns.to_frame().to_numpy(str).tolist():
        is_rule = rule in RULE_COLOURS
        if is_rule and owner != model:
            continue
        value = (1 + wide[owner, rule]).cumprod()
        label = RULE_NAMES.get(rule, name_of(owner))
        colour = RULE_COLOURS.get(rule) or BENCHMARK_COLOURS.get(owner, GREY)
        width = 1.8 if is_rule else 1.0
        fall = thinned(value / value.cummax().clip(lower=1.0) - 1)
        drawn = thinned(value)
        above.plot(drawn.index, drawn, color=colour, linewidth=width)
        below.plot(fall.index, fall, color=colour, linewidth=width)
        values[label] = value
        ends.append((value.index[-1], value.iloc[-1], label, colour))
    above.set_ylabel("value of 1 KES, net")
    below.set_ylabel("below the highest value")
    below.yaxis.set_major_formatter(PercentFormatter(1))
    years = f"{cash.index[0]:%Y} to {cash.index[-1]:%Y}"
    put_title(above, f"{_winner(values)}, {years}, {headline} bps per side")
    label_ends(above, ends)
    put_dates(below)
    numbers = pd.DataFrame(values)
    month = pd.DatetimeIndex(numbers.index).strftime("%Y-%m")
    monthly = numbers.groupby(month).last().round(4).rename_axis("month").reset_index()
    put_numbers(figure, monthly, says=_read_values(values))
    return figure


def _gross_and_net(scores: pd.DataFrame, headline: int) -> pd.DataFrame:
    rules = scores[scores["rule"].isin(RULE_NAMES)]
    over = rules[rules["metric"] == OVER].set_index(["model", "rule", "cost_bps"])
    wide = over["value"].unstack("cost_bps")
    turnover = rules[(rules["metric"] == "turnover") & (rules["cost_bps"] == headline)]
    table = pd.DataFrame(
        {
            "turnover": turnover.set_index(["model", "rule"])["value"],
            "gross": wide[0],
            "net": wide[headline],
        }
    )
    return table.reset_index()


def _rows(table: pd.DataFrame) -> list[tuple[str, str, float, float, float]]:
    names = table[["model", "rule"]].to_numpy(str).tolist()
    numbers = table[["turnover", "gross", "net"]].to_numpy(float).tolist()
    return [(*name, *number) for name, number in zip(names, numbers, strict=True)]


def _turnover_title(table: pd.DataFrame, headline: int) -> str:
    n_above = int((table["net"] > 0).sum())
    return (
        f"{n_above} of {len(table)} rules earn more than equal weight at {headline} "
        "bps per side (hollow: without costs)"
    )


def _read_turnover(table: pd.DataFrame, headline: int) -> str:
    texts = [
        f"{RULE_NAMES[rule]} on {name_of(model)}: turnover {turnover:.1f}, "
        f"{gross:+.1%} then {net:+.1%}"
        for model, rule, turnover, gross, net in _rows(table)
    ]
    return (
        f"Return per year over equal weight without costs, then at {headline} bps per "
        f"side. {'. '.join(texts)}."
    )


def _winner(values: dict[str, pd.Series]) -> str:
    best = max(values, key=lambda name: values[name].iloc[-1])
    return f"Highest final value: {best}"


def _read_values(values: dict[str, pd.Series]) -> str:
    texts = [f"{name} {value.iloc[-1]:.2f}" for name, value in values.items()]
    last = next(iter(values.values())).index[-1]
    return f"By {last:%B %Y} 1 KES had become: {', '.join(texts)}."
