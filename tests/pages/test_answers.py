"""Plain answers of the first page, from tests whose numbers are written by hand."""

import pandas as pd
import pytest

from nse_lstm.pages.answers import ACCURACY, PROFIT, plain_answers
from nse_lstm.pages.claims import QUESTIONS
from nse_lstm.pages.index import _in_order
from nse_lstm.reporting.index import PlainAnswer

LATER = "out-of-sample R², a session later"
VERDICT = {
    "verdict": {
        "answer": "undecided",
        "excess_over_cash": {"mean": -0.017, "lower": -0.091, "upper": 0.049},
    }
}


def evidence(*rows: tuple[str, str, float, float, float]) -> pd.DataFrame:
    table = pd.DataFrame(
        rows, columns=["test", "model", "statistic", "lower", "upper"]
    ).assign(ticker="ALL", against="persistence", n=248)
    # The same tests of one stock and against another benchmark say nothing here.
    other = table.assign(against="historical mean", statistic=0.9, lower=0.8, upper=1.0)
    return pd.concat([other, table.assign(ticker="SCOM", statistic=0.9), table])


@pytest.mark.parametrize(
    ("lower", "upper", "answer"),
    [(0.01, 0.08, "Yes, slightly"), (-0.01, 0.08, "Not shown"), (-0.09, -0.01, "No")],
)
def test_accuracy_is_a_yes_only_where_the_whole_interval_is_above_0(
    lower: float, upper: float, answer: str
) -> None:
    value = (lower + upper) / 2
    row = ("out-of-sample R²", "stock_lstm", value, lower, upper)
    first, last = plain_answers(evidence(row), VERDICT)
    assert first.answer == answer
    side = "below" if value >= 0 else "above"
    assert f"{abs(value):.1%} {side} that of “same price as today”" in first.evidence
    assert "over 248 sessions" in first.evidence
    assert last.answer == "No evidence of it"
    assert "−1.7% per year against cash, 95 % interval −9.1% to +4.9%" in last.evidence


def test_a_strategy_that_never_traded_has_no_return_and_no_interval() -> None:
    nothing = dict.fromkeys(["mean", "lower", "upper"], 0.0)
    (last,) = plain_answers(
        evidence(), {"verdict": {"answer": "undecided", "excess_over_cash": nothing}}
    )
    assert last.evidence == "the strategy never traded and earned the return of cash"


@pytest.mark.parametrize(("lower", "left"), [(0.001, "something"), (-0.001, "none")])
def test_accuracy_a_session_later_is_never_called_a_profit(
    lower: float, left: str
) -> None:
    rows = (
        ("out-of-sample R²", "stock_lstm", 0.044, 0.012, 0.085),
        (LATER, "stock_lstm", 0.01, lower, 0.03),
    )
    _, profit, _ = plain_answers(evidence(*rows), VERDICT)
    assert profit.question == "Is that a profit?"
    assert profit.answer == "No evidence of it"
    assert f"{left} of it is" in profit.evidence


def test_v2_is_compared_with_no_change_as_a_ratio() -> None:
    row = ("out-of-sample R²", "v2", -55.09, -82.5, -39.0)
    first, _ = plain_answers(evidence(row), VERDICT)
    assert first.answer == "No"
    # 1 - R² is the ratio of the squared errors.
    assert "56 times that of “same price as today”" in first.evidence


def test_profit_stands_behind_the_claims_on_the_price_and_accuracy_once() -> None:
    def ask(*questions: str) -> list[PlainAnswer]:
        return [PlainAnswer(question, "No", "") for question in questions]

    claims = ask(QUESTIONS["price"], QUESTIONS["direction"], QUESTIONS["cash"])
    answers = ask(ACCURACY, PROFIT, "v2?")
    first, rest = _in_order(claims, answers)
    assert [each.question for each in first[1:3]] == [QUESTIONS["direction"], PROFIT]
    assert len(first) == 4 and rest == ask("v2?")
    # Without a claim on the price, the networks' answers stand as they are.
    assert _in_order(claims[2:], answers) == (claims[2:], answers)
