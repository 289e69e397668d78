"""The gate says in a sentence what a model failed to show."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from nse_lstm.config import Deployment
from nse_lstm.deployment.gate import Case, LossDifference, find_refusals, loss_interval

LIMITS = Deployment()
GOOD = Case(
    ticker="SCOM",
    model="v2",
    version="1" * 64,
    champion="persistence",
    champion_version="persistence",
    source="the walk-forward forecasts",
    audit="",
    difference=LossDifference(-0.002, -0.003, -0.001, 500),
    coverage=0.9,
    age=250,
)


def test_a_model_with_every_proof_passes():
    assert find_refusals(GOOD, LIMITS) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"audit": "The leak audit found 2 leaks."}, "found 2 leaks"),
        (
            {"difference": LossDifference(-0.001, -0.002, 0.0, 500)},
            r"not significantly smaller than persistence's: .* -0.001 "
            r"\(from -0.002 to \+0 ",
        ),
        (
            {"difference": LossDifference(-0.002, -0.003, -0.001, 59)},
            "59 sessions.*60 are",
        ),
        ({"difference": None}, "Only 0 sessions"),
        ({"coverage": 0.84}, "held 84.0% .* 85% to 95%"),
        ({"coverage": 0.96}, "held 96.0%"),
        ({"coverage": None}, "No interval"),
        ({"age": 271}, "271 weekdays before"),
        ({"age": None}, "do not say"),
    ],
)
def test_each_missing_proof_is_refused_in_one_sentence(change, words):
    refusals = find_refusals(replace(GOOD, **change), LIMITS)
    assert len(refusals) == 1
    assert pd.Series(refusals).str.contains(words).all()
    assert refusals[0].endswith(".")


def test_every_missing_proof_is_named_at_once():
    worst = replace(GOOD, audit="Leaks.", difference=None, coverage=0.1, age=999)
    assert len(find_refusals(worst, LIMITS)) == 4


def test_persistence_is_refused_only_where_the_champion_was_better():
    case = replace(GOOD, model="persistence", champion="v2", audit="Never run.")
    for gap in (None, LossDifference(0.001, 0.0, 0.002, 500), GOOD.difference):
        assert find_refusals(replace(case, difference=gap, age=None), LIMITS) == []
    worse = replace(case, difference=LossDifference(0.002, 0.001, 0.003, 500))
    assert "v2 is significantly better" in find_refusals(worse, LIMITS)[0]


def test_the_interval_is_the_mean_and_its_standard_error():
    # Mean 0.02; squares about it 0.01 of 4 sessions: variance 0.0025 (over n),
    # standard error sqrt(0.0025 / 3) = 0.0288675; 1.959964 of them are 0.0565793.
    values = pd.Series([0.07, -0.03, 0.07, -0.03])
    found = loss_interval(values, ahead=1, confidence=0.95)
    assert found.mean == pytest.approx(0.02)
    assert found.lower == pytest.approx(0.02 - 0.0565793, abs=1e-6)
    assert found.upper == pytest.approx(0.02 + 0.0565793, abs=1e-6)
    assert found.n == 4


def test_equal_losses_are_no_proof_and_too_few_are_none():
    flat = loss_interval(pd.Series(np.zeros(100)), ahead=1, confidence=0.95)
    assert (flat.lower, flat.upper) == (0, 0)
    assert len(find_refusals(replace(GOOD, difference=flat), LIMITS)) == 1
    assert loss_interval(pd.Series([0.1]), ahead=1, confidence=0.95) is None
