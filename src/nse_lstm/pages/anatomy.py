"""Tables and sentences of notebook 91: the anatomy of a Sharpe ratio."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from nse_lstm.evaluation.strategies import EQUAL_WEIGHT, HOLD
from nse_lstm.reporting.display import Html, sentence
from nse_lstm.reporting.format import format_number, typeset_minus
from nse_lstm.study.anatomy import mechanism
from nse_lstm.study.anatomy.claimed_rows import (
    same_year_share,
    sort_rows,
    to_next_session,
)
from nse_lstm.study.anatomy.steps import NETWORK, Anatomy, Step

CLAIM, ORIGINAL = 10.67, -4.05
"""Sharpe ratios that the status page printed for its new and its original model."""

N_SIGNALS = 2000
SAME = 0.005
"""Difference below which two ratios print alike."""
NAMES = {
    "network": "trading on the network",
    "constant": "trading on a constant",
    HOLD: "buy and hold",
    EQUAL_WEIGHT: "equal weight of the recommended stocks",
}


def headline(anatomy: Anatomy) -> Html:
    """State the claimed and the honest Sharpe ratio."""
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
        f"{_number(first.sharpe[NETWORK])}. A “forecast” of the same price every day "
        f"gets {_number(first.sharpe['constant'])}. Honest number: {_honest(last)}. "
        f"The {anatomy.honest.n_sessions} sessions of {_span(anatomy)} are too few to "
        f"detect a ratio below {anatomy.honest.smallest_detectable:.2f}.",
        tone="no",
    )


def steps_table(anatomy: Anatomy) -> pd.DataFrame:
    """Return the scores after each correction, one row per step."""
    rows = [_row(step) for step in anatomy.steps.values()]
    table = pd.concat(rows, ignore_index=True)
    return table.rename_axis("step").reset_index()


def step_row(anatomy: Anatomy, name: str) -> pd.DataFrame:
    """Return a step's row below that of the step before it.

    Parameters
    ----------
    anatomy : Anatomy
    name : str
        Of the step.
    """
    table = steps_table(anatomy)
    place = list(anatomy.steps).index(name)
    return table.iloc[max(place - 1, 0) : place + 1]


def both_orders(anatomy: Anatomy) -> pd.DataFrame:
    """Return the claimed rows in both orders, for ``draw_order``."""
    orders = [sort_rows(anatomy.rows, o).assign(order=o) for o in ("text", "time")]
    return pd.concat(orders, ignore_index=True)


def random_signals(anatomy: Anatomy) -> pd.Series:
    """Return the Sharpe ratios of random signals on the claim's sorted windows."""
    sorted_rows = anatomy.forecasts["time"]
    price = sorted_rows.price[sorted_rows.windowed]
    scores = mechanism.random_signal_ratios(price, n=N_SIGNALS, seed=0)
    return pd.Series(scores, name="sharpe_ratio")


def benchmarks(anatomy: Anatomy) -> pd.DataFrame:
    """Return the honest account and the benchmarks that need no forecast."""
    honest = anatomy.honest
    table = honest.scores.rename(index=NAMES).reindex(list(NAMES.values()))
    columns = ["net_return", "sharpe_over_cash", "exposure", "turnover"]
    return table[columns].rename_axis("account").reset_index()


def read_step(anatomy: Anatomy, name: str) -> Html:
    """Summarise one step's figure and row.

    Parameters
    ----------
    anatomy : Anatomy
    name : str
        Of the step.
    """
    return sentence(typeset_minus(READ[name](anatomy, anatomy.steps[name])))


def what_it_shows(anatomy: Anatomy) -> Html:
    """Summarise the page: the claim, the corrected account and chance."""
    steps = list(anatomy.steps.values())
    first = steps[0]
    earned = _scored(anatomy, NETWORK, "net_return")
    held = _scored(anatomy, HOLD, "net_return")
    text = (
        "By the claim's arithmetic the network scores "
        f"{_number(first.sharpe[NETWORK])} and a constant, which forecasts nothing, "
        f"{_number(first.sharpe['constant'])}: such numbers measure the order of the "
        "rows. "
        f"With every fault corrected the answer is {_honest(steps[-1])}. Over "
        f"{_span(anatomy)} the account returned {earned:+.1%}, cash "
        f"{anatomy.honest.cash_return:+.1%} and buy and hold {held:+.1%}, "
        f"{'with' if anatomy.honest.with_dividends else 'before'} dividends. "
        f"{_chance(anatomy)}"
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
        "a higher one, so a bet on the average turns 1 KES into "
        f"{grown:,.0f} KES in {len(step.returns)} “days”. The network learnt this bet: "
        f"published {CLAIM}, here {_number(step.sharpe[NETWORK])}, the constant "
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
        f"their day. A forecast that always does is always short and scores "
        f"{_number(short)}. This explains the original model's {ORIGINAL}: an audit of "
        "its own code, on files of 2024 that are not used here, found every one of its "
        "forecasts below the price of its day."
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
    tossed = random_signals(anatomy)
    low, high = tossed.quantile([0.05, 0.95])
    below = (tossed < ORIGINAL).mean()
    return (
        f"On the claim's windows, in the right order, nine in ten random signals score "
        f"between {low:+.1f} and {high:+.1f}, and {below:.0%} fall below the "
        f"{ORIGINAL} of the original model: two fortnights are too short. Over "
        f"{len(step.returns)} days: {_lower(_both(step))}"
    )


def _read_timely(anatomy: Anatomy, step: Step) -> str:
    forecasts = anatomy.forecasts["unseen"]
    above = (forecasts.network > forecasts.last_price).mean()
    constant = (forecasts.constant > forecasts.last_price).mean()
    moved = _scored(anatomy, HOLD, "net_return")
    return (
        f"{_both(step)} The network said “up” on {above:.0%} of the days and the "
        f"constant on {constant:.0%}. Buy and hold returned {moved:+.0%}. A bet that "
        "always goes one way earns the market's return, or loses it."
    )


def _read_long(anatomy: Anatomy, step: Step) -> str:
    held = (step.returns[NETWORK] != 0).mean()
    return f"{_both(step)} The network's account moved on {held:.0%} of the days."


def _read_next_day(anatomy: Anatomy, step: Step) -> str:
    return _both(step)


def _read_costs(anatomy: Anatomy, step: Step) -> str:
    turnover = _scored(anatomy, NETWORK, "turnover")
    return (
        f"{_both(step)} The network changed its position {turnover:.1f} times per "
        f"year, at {anatomy.honest.cost_bps / 100:.2f}% each."
    )


def _read_cash(anatomy: Anatomy, step: Step) -> str:
    honest = anatomy.honest
    return (
        f"{_both(step)} Cash earned {honest.cash_words}. It returned "
        f"{honest.cash_return:+.1%} over {_span(anatomy)}. {_chance(anatomy)}"
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
    return (
        "nothing, because it hardly ever bought" if np.isnan(value) else _number(value)
    )


def _honest(step: Step) -> str:
    value = step.sharpe[NETWORK]
    if np.isnan(value):
        return "none, because the network hardly ever bought and earned the cash rate"
    return _number(value)


def _chance(anatomy: Anatomy) -> str:
    honest = anatomy.honest
    least = (
        f"With {honest.n_sessions} sessions the smallest detectable ratio is "
        f"{honest.smallest_detectable:.2f}"
    )
    if np.isnan(honest.deflated):
        return f"{least}."
    return (
        f"{least}. The probability that the ratio exceeds the best of "
        f"{honest.n_trials} models without skill is {honest.deflated:.1%}."
    )


def _scored(anatomy: Anatomy, who: str, metric: str) -> float:
    return float(anatomy.honest.scores[metric].loc[who])


def _span(anatomy: Anatomy) -> str:
    first, last = anatomy.honest.first.year, anatomy.honest.last.year
    return f"{first}" if first == last else f"{first} to {last}"


def _number(value: float) -> str:
    return format_number(value, ".2f")


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
