"""Plain answers of the first screen: a question, what was found, the evidence."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from nse_lstm.evaluation.scoring import POOL
from nse_lstm.reporting.canvas import name_of
from nse_lstm.reporting.format import format_number
from nse_lstm.reporting.index import PlainAnswer

NETWORK, LETTER = "stock_lstm", "v2"
"""The network that answers for forecasts, and the one of the first status page."""
NAIVE = "persistence"
ACCURACY = "Can a network forecast the next session's price?"
PROFIT = "Is that a profit?"
SAME_PRICE = "“same price as today”"
VERDICTS = {"yes": "Yes", "no": "No", "undecided": "No evidence of it"}


def plain_answers(
    evidence: pd.DataFrame, document: dict[str, Any]
) -> list[PlainAnswer]:
    """PlainAnswer in plain words what a reader asks first, from Phase 4's tables.

    Parameters
    ----------
    evidence : DataFrame
        ``EVIDENCE``. A model that was not trained leaves its answer out.
    document : dict
        ``verdict.json``.

    Returns
    -------
    list of PlainAnswer
        On accuracy, on profit from it, on v2's accuracy and on v2's strategy. The first
        is "yes" only where the whole 95 % interval is above no skill.
    """
    pooled = evidence[(evidence["ticker"] == POOL) & (evidence["against"] == NAIVE)]
    tests = pooled.set_index(["test", "model"])
    answers = []
    if ("out-of-sample R²", NETWORK) in tests.index:
        found = tests.loc[[("out-of-sample R²", NETWORK)]].iloc[0]
        answers.append(_accuracy(found))
    if ("out-of-sample R², a session later", NETWORK) in tests.index:
        later = tests.loc[[("out-of-sample R², a session later", NETWORK)]].iloc[0]
        answers.append(_profit(later))
    if ("out-of-sample R²", LETTER) in tests.index:
        found = tests.loc[[("out-of-sample R²", LETTER)]].iloc[0]
        answers.append(_letter(found))
    answers.append(
        PlainAnswer(
            question="Did v2's strategy earn more than cash, after costs?",
            answer=VERDICTS[document["verdict"]["answer"]],
            evidence=_over_cash(document["verdict"]["excess_over_cash"]),
        )
    )
    return answers


def _over_cash(excess: Mapping[str, float]) -> str:
    """Word an excess over cash; one without any spread is cash itself."""
    if excess["lower"] == excess["upper"] == 0:
        return "the strategy never traded and earned the return of cash"
    low, high = (format_number(excess[end], "+.1%") for end in ("lower", "upper"))
    return (
        f"{format_number(excess['mean'], '+.1%')} per year against cash, "
        f"95 % interval {low} to {high}"
    )


def _accuracy(found: pd.Series) -> PlainAnswer:
    """Say whether the network's squared error is below that of no change."""
    if found["lower"] > 0:
        answer = "Yes, slightly" if found["statistic"] < 0.25 else "Yes"
    else:
        answer = "No" if found["upper"] < 0 else "Not shown"
    return PlainAnswer(
        question=ACCURACY,
        answer=answer,
        evidence=f"the {name_of(NETWORK)}'s squared error is "
        f"{_less(found, SAME_PRICE)}, over {found['n']} sessions",
    )


def _profit(later: pd.Series) -> PlainAnswer:
    """Say what is left of the accuracy where a trade is possible: never a profit."""
    left = "something of it is left" if later["lower"] > 0 else "none of it is shown"
    return PlainAnswer(
        question=PROFIT,
        answer="No evidence of it",
        evidence="the printed price is known only after the close; "
        f"one session later, when a trade is possible, {left}",
    )


def _letter(found: pd.Series) -> PlainAnswer:
    """Say how v2's squared error compares with no change."""
    ratio = 1 - found["statistic"]
    if found["lower"] > 0:
        answer = "Yes"
    else:
        answer = "No" if found["upper"] < 0 else "Not shown"
    return PlainAnswer(
        question="And v2, the network of the first status page?",
        answer=answer,
        evidence=f"its squared error is {ratio:,.{1 if ratio < 10 else 0}f} times that "
        f"of {SAME_PRICE}: it forecasts a price level, not the change",
    )


def _less(found: pd.Series, than: str) -> str:
    """Say by how much a squared error is below another, with its interval."""
    value, low, high = (found[name] for name in ("statistic", "lower", "upper"))
    side = "below" if value >= 0 else "above"
    return (
        f"{format_number(abs(value), '.1%')} {side} that of {than} "
        f"(95 % interval of the reduction: {format_number(low, '+.1%')} to "
        f"{format_number(high, '+.1%')})"
    )
