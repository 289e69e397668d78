"""The tables and sentences of the anatomy, each read off its numbers."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from nse_lstm.evaluation.strategies import EQUAL_WEIGHT, HOLD
from nse_lstm.reporting.display import Html, sentence
from nse_lstm.reporting.format import format_number, typeset_minus
from nse_lstm.study.anatomy import mechanism
from nse_lstm.study.anatomy.rows import same_year_share, sort_rows, to_next_session
from nse_lstm.study.anatomy.steps import NETWORK, Anatomy, Step

CLAIM, ORIGINAL = 10.67, -4.05
"""Sharpe ratios that the status page printed for its new and its original model."""

N_TOSSERS = 2000
SAME = 0.005
"""Ratios that print alike to two decimals."""
NAMES = {
    "network": "the network, dealt on",
    "constant": "a constant, dealt on",
    HOLD: "buying the share and holding it",
    EQUAL_WEIGHT: "equal weight of the recommended stocks",
}


def headline(anatomy: Anatomy) -> Html:
    """Say the claim and the honest number in one breath."""
    steps = list(anatomy.steps.values())
    first, last = steps[0], steps[-1]
    years = anatomy.rows["session"].dt.year
    market = (
        "On this simulated market, whose prices are invented, the same method"
        if anatomy.simulated
        else f"The same method on {len(anatomy.rows):,} rows of {anatomy.ticker}, "
        f"{years.min()} to {years.max()},"
    )
    return sentence(
        f"Claimed: a Sharpe ratio of {CLAIM}. {market} gives "
        f"{_number(first.sharpe[NETWORK])}, and "
        f"{_number(first.sharpe['constant'])} to a “forecast” that says the same price "
        "every day. "
        f"Honest number: {_honest(last)}. Over {anatomy.honest.n_sessions} sessions of "
        f"{_span(anatomy)} nothing below {anatomy.honest.smallest_detectable:.2f} can "
        "be told from zero.",
        tone="no",
    )


def steps_table(anatomy: Anatomy) -> pd.DataFrame:
    """Return one row a step, in order: what is reported once it is mended."""
    rows = [_row(step) for step in anatomy.steps.values()]
    table = pd.concat(rows, ignore_index=True)
    return table.rename_axis("step").reset_index()


def step_row(anatomy: Anatomy, name: str) -> pd.DataFrame:
    """Return a step's row below that of the step before it."""
    table = steps_table(anatomy)
    place = list(anatomy.steps).index(name)
    return table.iloc[max(place - 1, 0) : place + 1]


def both_orders(anatomy: Anatomy) -> pd.DataFrame:
    """Return the claimed rows in both orders, for ``draw_order``."""
    orders = [sort_rows(anatomy.rows, o).assign(order=o) for o in ("text", "time")]
    return pd.concat(orders, ignore_index=True)


def coin_tossers(anatomy: Anatomy) -> pd.Series:
    """Return what coin tossers score on the claim's windows once they are in order."""
    sorted_rows = anatomy.forecasts["time"]
    price = sorted_rows.price[sorted_rows.windowed]
    scores = mechanism.random_signal_ratios(price, n=N_TOSSERS, seed=0)
    return pd.Series(scores, name="sharpe_ratio")


def beside(anatomy: Anatomy) -> pd.DataFrame:
    """Return the honest account beside what needs no forecast."""
    honest = anatomy.honest
    table = honest.scores.rename(index=NAMES).reindex(list(NAMES.values()))
    columns = ["net_return", "sharpe_over_cash", "exposure", "turnover"]
    return table[columns].rename_axis("account").reset_index()


def read_step(anatomy: Anatomy, name: str) -> Html:
    """Read one step's figure and row."""
    return sentence(typeset_minus(READ[name](anatomy, anatomy.steps[name])))


def what_it_shows(anatomy: Anatomy) -> Html:
    """Say what the page has shown, in three sentences."""
    steps = list(anatomy.steps.values())
    first = steps[0]
    earned = _scored(anatomy, NETWORK, "net_return")
    held = _scored(anatomy, HOLD, "net_return")
    text = (
        "By the claim's arithmetic the network scores "
        f"{_number(first.sharpe[NETWORK])} and a constant, which forecasts nothing, "
        f"{_number(first.sharpe['constant'])}: such numbers measure the order of the "
        "rows. "
        f"With every fault mended the answer is {_honest(steps[-1])}: over "
        f"{_span(anatomy)} the account returned {earned:+.1%}, cash "
        f"{_cash(anatomy):+.1%} and holding the share {held:+.1%}, before dividends. "
        f"{_luck(anatomy)}"
    )
    return sentence(typeset_minus(text))


def _row(step: Step) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "title": [step.title],
            "r_squared": [step.r_squared],
            "skill_on_returns": [step.skill],
            "network_sharpe": [step.sharpe[NETWORK]],
            "constant_sharpe": [step.sharpe["constant"]],
        }
    )


def _read_text(anatomy: Anatomy, step: Step) -> str:
    rows = sort_rows(anatomy.rows, "text")
    grown = float(np.prod(1 + step.returns["constant"].to_numpy()))
    return (
        f"Of the {len(rows):,} rows {1 - same_year_share(rows):.0%} are followed by a "
        f"row of another year, and {to_next_session(rows):.1%} by one of the next few "
        "days. A price below the average of all years is then likely to be followed by "
        "a higher one, so that betting on the average makes 1 KES into "
        f"{grown:,.0f} KES in {len(step.returns)} “days”. The network learnt that: "
        f"published {CLAIM}, here {_number(step.sharpe[NETWORK])}; the constant "
        f"{_number(step.sharpe['constant'])}."
    )


def _read_time(anatomy: Anatomy, step: Step) -> str:
    rows = sort_rows(anatomy.rows, "time")
    forecasts = anatomy.forecasts["time"]
    part = forecasts.windowed
    price = forecasts.price[part]
    below = mechanism.share_below(price, forecasts.network[part])
    short = mechanism.windowed_sharpe(
        mechanism.last_windows(price, np.zeros(len(price)))
    )
    return (
        f"Now {to_next_session(rows):.0%} of the steps lead to the next few days. "
        f"{_both(step)} {below:.0%} of the network's forecasts lie below the price of "
        f"their day; one that always does, which is to be always short, scores "
        f"{_number(short)} whatever else it says. That is how the original model's "
        f"{ORIGINAL} came about: an audit of its own code, on files of 2024 that are "
        "not used here, found every one of its forecasts below the price of its day."
    )


def _read_rows(anatomy: Anatomy, step: Step) -> str:
    return (
        f"R² is now {step.r_squared:.2f} and skill {step.skill:.1f}: repeating the "
        "last price would have had a squared error "
        f"{1 - step.skill:,.0f} times smaller. {_both(step)}"
    )


def _read_unseen(anatomy: Anatomy, step: Step) -> str:
    return (
        f"{_both(step)} The two windows are now the last "
        f"{mechanism.N_WINDOWS * mechanism.ROWS} days of {_span(anatomy)}: other days, "
        "another number."
    )


def _read_span(anatomy: Anatomy, step: Step) -> str:
    tossed = coin_tossers(anatomy)
    low, high = tossed.quantile([0.05, 0.95])
    below = (tossed < ORIGINAL).mean()
    return (
        f"On the claim's windows, in the right order, nine in ten coin tossers score "
        f"between {low:+.1f} and {high:+.1f}, and {below:.0%} fall below the "
        f"{ORIGINAL} of the original model: two fortnights say nothing. Over "
        f"{len(step.returns)} days: {_lower(_both(step))}"
    )


def _read_timely(anatomy: Anatomy, step: Step) -> str:
    forecasts = anatomy.forecasts["unseen"]
    above = (forecasts.network > forecasts.last_price).mean()
    constant = (forecasts.constant > forecasts.last_price).mean()
    moved = _scored(anatomy, HOLD, "net_return")
    return (
        f"{_both(step)} The network said “up” on {above:.0%} of the days and the "
        f"constant on {constant:.0%}; whoever held the share made {moved:+.0%}. A bet "
        "that always goes one way earns what the market does, or loses it."
    )


def _read_long(anatomy: Anatomy, step: Step) -> str:
    held = (step.returns[NETWORK] != 0).mean()
    return f"{_both(step)} The network's account moved on {held:.0%} of the days."


def _read_next_day(anatomy: Anatomy, step: Step) -> str:
    return _both(step)


def _read_costs(anatomy: Anatomy, step: Step) -> str:
    turnover = _scored(anatomy, NETWORK, "turnover")
    return (
        f"{_both(step)} The network changed its position {turnover:.1f} times a year, "
        f"at {anatomy.honest.cost_bps / 100:.2f}% each."
    )


def _read_cash(anatomy: Anatomy, step: Step) -> str:
    honest = anatomy.honest
    return (
        f"{_both(step)} Cash at {honest.cash_rate:.1%} a year made "
        f"{_cash(anatomy):+.1%} over {_span(anatomy)}. {_luck(anatomy)}"
    )


READ: dict[str, Callable[[Anatomy, Step], str]] = {
    "text": _read_text,
    "time": _read_time,
    "rows": _read_rows,
    "unseen": _read_unseen,
    "span": _read_span,
    "timely": _read_timely,
    "long": _read_long,
    "next_day": _read_next_day,
    "costs": _read_costs,
    "cash": _read_cash,
}


def _both(step: Step) -> str:
    network, constant = step.sharpe[NETWORK], step.sharpe["constant"]
    if np.isnan([network, constant]).all():
        return "Neither the network nor the constant ever bought: no Sharpe ratio."
    if abs(network - constant) < SAME:
        return f"The network and the constant both score {_number(network)}."
    return f"The network scores {_score(network)}, the constant {_score(constant)}."


def _score(value: float) -> str:
    return "nothing, having hardly ever bought" if np.isnan(value) else _number(value)


def _honest(step: Step) -> str:
    value = step.sharpe[NETWORK]
    if np.isnan(value):
        return "none, since the network hardly ever bought and earned what cash earns"
    return _number(value)


def _luck(anatomy: Anatomy) -> str:
    honest = anatomy.honest
    least = (
        f"A span of {honest.n_sessions} sessions can tell a ratio from zero only above "
        f"{honest.smallest_detectable:.2f}"
    )
    if np.isnan(honest.deflated):
        return f"{least}."
    return (
        f"{least}; the probability that it beats the luckiest of {honest.n_trials} "
        f"worthless models is {honest.deflated:.1%}."
    )


def _scored(anatomy: Anatomy, who: str, metric: str) -> float:
    return float(anatomy.honest.scores[metric].loc[who])


def _span(anatomy: Anatomy) -> str:
    first, last = anatomy.honest.first.year, anatomy.honest.last.year
    return f"{first}" if first == last else f"{first} to {last}"


def _cash(anatomy: Anatomy) -> float:
    honest = anatomy.honest
    return float((1 + honest.cash_return) ** honest.n_sessions - 1)


def _number(value: float) -> str:
    return format_number(value, ".2f")


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
