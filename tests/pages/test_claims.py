"""The claims on a page: one sentence each, nothing left out, and no promise."""

import re
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from nse_lstm.config import load_study
from nse_lstm.evaluation.claims import ClaimSeries, judge_claims
from nse_lstm.pages.claims import (
    ANSWERS,
    MEASURES,
    NAMES,
    QUESTIONS,
    USES,
    claim_answers,
    draw_family,
    fund_sentences,
    show_claims,
)
from nse_lstm.paths import find_root
from nse_lstm.tables import CLAIMS, empty_table

STUDY = load_study(find_root() / "study.toml", "nse")
FAMILY = replace(STUDY.claims, bootstrap_reps=1000)


def own_series(mean: float, spread: float, *, against: str, model: str) -> ClaimSeries:
    generator = np.random.default_rng(3)
    sessions = pd.bdate_range("2019-01-01", periods=250)
    noise = generator.normal(0, spread, 250)
    gain = pd.Series(mean + noise - noise.mean(), sessions)
    return ClaimSeries(gain, pd.Series(1.0, sessions), against=against, model=model)


@pytest.fixture(scope="module")
def claims() -> pd.DataFrame:
    series = {
        "price": own_series(0.08, 0.02, against="persistence", model="stock_lstm"),
        "direction": own_series(0.063, 0.02, against="ar1", model="stock_lstm"),
        "ranking": own_series(
            -0.02, 0.02, against="four_signals", model="ensemble_equal"
        ),
        "risk": own_series(0.01, 0.2, against="garch", model="stock_lstm"),
        "execution": own_series(-70, 5, against="placebo", model="ensemble_equal"),
    }
    return judge_claims(FAMILY, series, market=STUDY.market, seed=1)


def test_every_claim_has_a_question_an_answer_and_its_benchmark(
    claims: pd.DataFrame,
) -> None:
    answers = claim_answers(claims)
    assert [each.question for each in answers] == list(QUESTIONS.values())
    price, direction, ranking, risk, tilt, execution, cash = answers
    assert price.answer == direction.answer == "Not yet"
    assert re.fullmatch(
        r"8\.0% \[7\.\d%, 8\.\d%\] less squared error, against persistence",
        price.evidence,
    )
    assert "+6.3 points [" in direction.evidence and "AR(1)" in direction.evidence
    assert (ranking.answer, execution.answer) == ("No", "No")
    assert "\u22120.020 [" in ranking.evidence
    assert "\u221270.0 bps [" in execution.evidence
    assert risk.answer == "No evidence of it"
    assert tilt.answer == cash.answer == "Not measured in this build"
    assert tilt.evidence == "against equal weight or buy and hold"


def test_the_picture_holds_every_claim_and_says_what_not_yet_means(
    claims: pd.DataFrame,
) -> None:
    shown = draw_family(claims).html
    alt = re.search(r'alt="([^"]*)"', shown)
    assert alt is not None
    for name in QUESTIONS:
        assert f"{name}: " in alt[1]
    assert alt[1].count("not measured in this build") == 2
    assert "untouched years have not been read" in shown


def test_the_table_shows_labels_and_the_smallest_effects(claims: pd.DataFrame) -> None:
    shown = show_claims(claims).html
    assert "replication" in shown and shown.count("known years") == 6
    assert "Not measured in this build: cash, tilt." in shown
    assert "5.0 bps" in shown and "2.0 points" in shown
    assert "ensemble_equal" not in shown and "ar1" not in shown


def test_a_fund_reads_what_it_may_do_and_what_it_must_not_conclude(
    claims: pd.DataFrame,
) -> None:
    tried, profit, bill = fund_sentences(claims)
    assert "without money until the untouched years are read" in tried
    assert USES["price"] in tried and USES["ranking"] not in tried
    assert "must not conclude" in profit and "Treasury bill" in bill
    nothing = judge_claims(FAMILY, {}, market=STUDY.market, seed=1)
    assert "no" in fund_sentences(nothing)[0].lower()
    assert "Monday" in fund_sentences(nothing)[0]


def test_a_study_without_claims_says_so() -> None:
    none = empty_table(CLAIMS)
    assert claim_answers(none) == [] and fund_sentences(none) == []
    assert "declares no claims" in draw_family(none).html
    assert "declares no claims" in show_claims(none).html


def test_every_declared_claim_and_answer_has_its_words() -> None:
    assert FAMILY.declared == date(2026, 11, 30)
    names = [claim.name for claim in FAMILY.family]
    assert list(QUESTIONS) == list(USES) == names
    assert {claim.statistic for claim in FAMILY.family} == set(MEASURES)
    known = {"", "yes", "no", "undecided", "not yet", "not measured"}
    assert known == {"", *ANSWERS}
    assert "placebo" in NAMES
