"""The section of notebook 04 on order timing: one figure, one table, one sentence."""

import pandas as pd

from nse_lstm.evaluation.order_savings import BOTH, GROUPS, PLACEBO, WAITS
from nse_lstm.evaluation.order_timing import AT_ONCE, DECLARED_WAIT
from nse_lstm.reporting.display import Html, picture, sentence, show_table
from nse_lstm.reporting.format import format_interval
from nse_lstm.reporting.order_figures import draw_savings
from nse_lstm.study.ranking.rank_models import EQUAL
from nse_lstm.study.validation.order_timing import OrderTiming

ALT = "Saving of timed orders in basis points per side against the longest wait."
NOTHING = (
    "No order could be timed: it needs ranking models, and forecasts that are 120 "
    "sessions old."
)


def show_order_timing(timing: OrderTiming) -> Html:
    """Show the savings of timed orders, or say why there are none.

    Parameters
    ----------
    timing : OrderTiming
        From ``time_study_orders``.
    """
    if timing.savings.empty:
        return sentence(NOTHING)
    table = show_table(savings_table(timing.savings), caption=_caption())
    figure = picture(draw_savings(timing.savings), alt=ALT)
    return Html(sentence(savings_sentence(timing)).html + figure.html + table.html)


def savings_sentence(timing: OrderTiming) -> str:
    """Say what waiting saved, beyond the placebo, and how much one order varies."""
    own = _row(timing.savings, AT_ONCE, BOTH)
    beyond = _row(timing.savings, PLACEBO, BOTH)
    excess = format_interval(
        beyond["value_bps"], beyond["lower_bps"], beyond["upper_bps"], "+.1f"
    )
    clear = "" if beyond["lower_bps"] > 0 else "not significantly different from zero: "
    left_out = ""
    if timing.orders is not None:
        left_out = (
            f" Left out are {timing.orders.n_undecided:,} stock-sessions without older "
            f"forecasts, {timing.orders.n_unfinished:,} whose wait ends after the data "
            f"and {timing.orders.n_unfilled:,} whose order was not filled."
        )
    first, last = timing.years[0], timing.years[-1]
    years = f"{first} to {last}" if first < last else str(first)
    return (
        f"{years}: orders that wait at most "
        f"{DECLARED_WAIT} sessions by the ensemble's forecasts save "
        f"{own['value_bps']:.1f} basis points per side against sending at once. "
        f"Beyond the placebo it is {clear}{excess} (95 %). One order varies with a "
        f"standard deviation of {own['sd_bps']:.0f}, so it pays over many orders only. "
        f"{len(WAITS)} waits were computed; {DECLARED_WAIT} sessions was declared."
        f"{left_out}"
    )


def savings_table(savings: pd.DataFrame) -> pd.DataFrame:
    """Return savings at the declared wait by side, year and turnover, as texts.

    Parameters
    ----------
    savings : DataFrame
        ``ORDER_SAVINGS``.
    """
    chosen = savings[(savings["wait"] == DECLARED_WAIT) & (savings["signal"] == EQUAL)]
    against = {AT_ONCE: "against sending at once", PLACEBO: "beyond the placebo"}
    rows = []
    for part in sorted(chosen["part"].unique(), key=_order):
        row: dict[str, object] = {"orders": part.replace("_", " ")}
        for name, words in against.items():
            for side in ("buy", "sell", BOTH):
                cell = chosen[
                    (chosen["part"] == part)
                    & (chosen["against"] == name)
                    & (chosen["side"] == side)
                ].iloc[0]
                row[f"{side}, {words}"] = format_interval(
                    cell["value_bps"], cell["lower_bps"], cell["upper_bps"], "+.0f"
                )
        rows.append(row)
    return pd.DataFrame(rows)


def _caption() -> str:
    return (
        f"Mean saving in basis points per side, longest wait {DECLARED_WAIT} sessions "
        "(95 %, stationary bootstrap of sessions)"
    )


def _order(part: str) -> tuple[int, str]:
    """Order all first, then years, then groups from low to high turnover."""
    if part in GROUPS:
        return (2 + GROUPS.index(part), part)
    return (int(part != "all"), part)


def _row(savings: pd.DataFrame, against: str, side: str) -> "pd.Series[float]":
    found = savings[
        (savings["signal"] == EQUAL)
        & (savings["against"] == against)
        & (savings["wait"] == DECLARED_WAIT)
        & (savings["side"] == side)
        & (savings["part"] == "all")
    ]
    return found.iloc[0]
