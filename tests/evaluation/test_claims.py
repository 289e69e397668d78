"""Claims: effects by a slow plain loop, Holm by hand, answers as they were declared."""

import math
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.multitest import multipletests

from nse_lstm.config import Claim, Claims, Market
from nse_lstm.errors import StudyError
from nse_lstm.evaluation.claims import (
    ClaimSeries,
    Effect,
    answer_claim,
    bootstrap_effect,
    hac_effect,
    judge_claims,
    label_of,
    smallest_detectable,
    span_of,
)
from nse_lstm.evaluation.comparison import holm
from nse_lstm.tables import CLAIMS, check

NSE = Market(
    name="nse",
    label="NSE",
    results_known_through=2023,
    untouched=(2011, 2012, 2013),
    chosen_on=(2014, 2015, 2016),
)
SIMULATED = Market(name="simulated", label="Simulated", simulated=True)
PRICE = Claim(
    name="price",
    model="stock_lstm",
    against=("persistence",),
    statistic="skill",
    delay=0,
    smallest=0.02,
)
CASH = Claim(
    name="cash", model="best", against=("cash",), statistic="best_return", smallest=0.01
)
FAMILY = Claims(declared=date(2026, 11, 30), family=(PRICE, CASH), bootstrap_reps=500)


def series(
    gain: list[float] | np.ndarray,
    base: list[float] | np.ndarray | float = 1.0,
    *,
    first: str = "2018-01-01",
    **more: float,
) -> ClaimSeries:
    sessions = pd.bdate_range(first, periods=len(gain))
    return ClaimSeries(
        pd.Series(gain, sessions, dtype=float),
        pd.Series(base, sessions, dtype=float),
        against="persistence",
        model="stock_lstm",
        **more,
    )


def plain_error(values: list[float], lags: int) -> float:
    """Newey and West's standard error of a mean, by loops."""
    n = len(values)
    mean = sum(values) / n
    total = 0.0
    for lag in range(lags + 1):
        products = [
            (values[t] - mean) * (values[t - lag] - mean) for t in range(lag, n)
        ]
        weight = 1.0 if lag == 0 else 2 * (1 - lag / (lags + 1))
        total += weight * sum(products) / n
    return math.sqrt(total / n)


def test_an_effect_and_its_hac_interval_are_those_of_a_plain_loop() -> None:
    generator = np.random.default_rng(3)
    base = generator.uniform(1, 3, 150)
    noise = generator.normal(0, 0.5, 151)
    gain = 0.1 * base + noise[1:] + 0.6 * noise[:-1]
    found = hac_effect(series(gain, base), horizon=5, confidence=0.95)
    ratio = sum(gain) / sum(base)
    scale = sum(base) / len(base)
    rest = [(g - ratio * b) / scale for g, b in zip(gain, base, strict=True)]
    error = plain_error(rest, lags=10)
    assert found.value == pytest.approx(ratio)
    assert found.error == pytest.approx(error)
    assert found.lower == pytest.approx(ratio - 1.959964 * error)
    assert found.upper == pytest.approx(ratio + 1.959964 * error)
    z = (sum(gain) / 150) / plain_error(list(gain), lags=10)
    assert found.p_value == pytest.approx(0.5 * math.erfc(z / math.sqrt(2)))


def test_few_lags_of_one_session_grow_with_the_series() -> None:
    generator = np.random.default_rng(4)
    gain = generator.normal(0.1, 1, 400)
    found = hac_effect(series(gain), horizon=1, confidence=0.95)
    # 4 (400 / 100) ** (2 / 9) = 5.4
    assert found.error == pytest.approx(plain_error(list(gain), lags=5))


def plain_bootstrap(
    gain: np.ndarray, base: np.ndarray, *, block: int, reps: int
) -> list[float]:
    """Politis and Romano's bootstrap: a block goes on with probability 1 - 1/block."""
    generator = np.random.default_rng(77)
    n, draws = len(gain), []
    for _ in range(reps):
        place, own, of = int(generator.integers(n)), 0.0, 0.0
        for _ in range(n):
            own, of = own + gain[place], of + base[place]
            new = generator.random() < 1 / block
            place = int(generator.integers(n)) if new else (place + 1) % n
        draws.append(own / of)
    return draws


def test_a_bootstrap_is_that_of_a_plain_loop() -> None:
    generator = np.random.default_rng(5)
    noise = generator.normal(0, 1, 121)
    gain = 0.35 + noise[1:] + 0.5 * noise[:-1]
    base = generator.uniform(0.5, 1.5, 120)
    own = series(gain, base)
    found = bootstrap_effect(own, block=10, reps=2000, confidence=0.95, seed=1)
    draws = np.array(plain_bootstrap(gain, base, block=10, reps=2000))
    value = gain.sum() / base.sum()
    assert found.value == pytest.approx(value)
    assert found.error == pytest.approx(draws.std(), rel=0.08)
    assert found.lower == pytest.approx(np.quantile(draws, 0.025), abs=0.05)
    assert found.upper == pytest.approx(np.quantile(draws, 0.975), abs=0.05)
    p_value = (draws - value >= value).mean()
    assert 0.02 < p_value < 0.3
    assert found.p_value == pytest.approx(p_value, abs=0.03)
    again = bootstrap_effect(own, block=10, reps=2000, confidence=0.95, seed=1)
    assert again == found


def test_the_smallest_p_value_counts_the_estimate_itself() -> None:
    generator = np.random.default_rng(6)
    own = series(generator.normal(5, 1, 60))
    found = bootstrap_effect(own, block=5, reps=199, confidence=0.95, seed=1)
    assert found.p_value == 1 / 200
    late = replace(own, least_p=0.3)
    assert bootstrap_effect(
        late, block=5, reps=199, confidence=0.95, seed=1
    ).p_value == pytest.approx(0.3)


@pytest.mark.parametrize("gain", [[0.3], [0.2] * 40, []])
def test_a_series_that_never_varies_is_not_tested(gain: list[float]) -> None:
    own = series(gain)
    effects = (
        hac_effect(own, horizon=1, confidence=0.95),
        bootstrap_effect(own, block=10, reps=50, confidence=0.95, seed=1),
    )
    for found in effects:
        assert found.p_value == 1.0
        assert math.isnan(found.lower) and math.isnan(found.error)


def test_holm_of_seven_by_hand() -> None:
    p_values = pd.Series([0.001, 0.5, 0.004, 1, 0.01, 0.0004, 1], list("abcdefg"))
    # Ordered: .0004 x 7, .001 x 6, .004 x 5, .01 x 4, .5 x 3, each at least the last.
    assert holm(p_values).to_dict() == pytest.approx(
        {"f": 0.0028, "a": 0.006, "c": 0.02, "e": 0.04, "b": 1, "d": 1, "g": 1}
    )
    assert holm(pd.Series(dtype=float)).empty
    theirs = multipletests(p_values.to_numpy(), method="holm")[1]
    assert holm(p_values).tolist() == theirs.tolist()


def effect(value: float, upper: float) -> Effect:
    return Effect(value, value - 1, upper, 0.1, 0.0, 100)


@pytest.mark.parametrize(
    ("value", "upper", "adjusted", "kept", "on_untouched", "answer"),
    [
        (0.08, 0.10, 0.001, True, 0.03, "yes"),
        (0.08, 0.10, 0.010, True, 0.03, "yes"),
        (0.08, 0.10, 0.011, True, 0.03, "undecided"),
        (0.08, 0.10, 0.001, True, -0.03, "undecided"),
        (0.08, 0.10, 0.001, True, None, "not yet"),
        (0.08, 0.10, 0.001, False, None, "yes"),
        (0.01, 0.019, 0.5, True, None, "no"),
        (0.01, 0.021, 0.5, True, None, "undecided"),
        (-0.5, -0.1, 1.0, False, None, "no"),
        (-0.5, math.nan, 1.0, False, None, "undecided"),
    ],
)
def test_an_answer_is_that_of_the_declaration(
    value: float,
    upper: float,
    adjusted: float,
    kept: bool,
    on_untouched: float | None,
    answer: str,
) -> None:
    found = answer_claim(
        effect(value, upper),
        adjusted=adjusted,
        smallest=0.02,
        level=0.01,
        has_untouched=kept,
        on_untouched=on_untouched,
    )
    assert found == answer


def test_the_smallest_detectable_effect_is_that_of_holms_first_step() -> None:
    # z(1 - .01 / 7) = 2.9827 and z(.8) = .8416, by tables of the normal distribution
    found = smallest_detectable(0.5, level=0.01, n=7, power=0.8)
    assert found == pytest.approx(0.5 * (2.9827 + 0.8416), abs=2e-4)


@pytest.mark.parametrize(
    ("year", "span", "first", "again"),
    [
        (2012, "untouched", "confirmatory", "exploratory"),
        (2015, "chosen_on", "exploratory", "exploratory"),
        (2020, "known", "replication", "replication"),
        (2024, "other", "exploratory", "exploratory"),
    ],
)
def test_a_year_has_a_span_and_a_span_a_label(
    year: int, span: str, first: str, again: str
) -> None:
    assert span_of(year, NSE) == span
    assert label_of(span, first_reading=True) == first
    assert label_of(span, first_reading=False) == again


def strong(first: str, n: int = 300) -> ClaimSeries:
    generator = np.random.default_rng(8)
    return series(generator.normal(0.05, 0.1, n), 1.0, first=first)


def judged(own: ClaimSeries, market: Market, **how: bool) -> pd.DataFrame:
    table = judge_claims(FAMILY, {"price": own}, market=market, seed=1, **how)
    check(table, CLAIMS)
    return table.set_index(["claim", "span"])


def test_a_claim_that_was_not_measured_is_shown_and_counts_in_the_family() -> None:
    generator = np.random.default_rng(9)
    weak = series(generator.normal(0.2, 1, 200))
    table = judged(weak, SIMULATED)
    row = table.loc[("cash", "all")]
    assert (row["answer"], row["n"]) == ("not measured", 0)
    assert math.isnan(row["effect"]) and math.isnan(row["p_value"])
    price = table.loc[("price", "all")]
    assert 0 < price["p_value"] < 0.5
    assert price["adjusted"] == pytest.approx(min(2 * price["p_value"], 1))


def test_before_the_untouched_years_are_read_no_claim_is_yes() -> None:
    table = judged(strong("2018-01-01"), NSE)
    assert table.loc[("price", "all"), "answer"] == "not yet"
    assert table.loc[("price", "known"), "label"] == "replication"
    assert ("price", "untouched") not in table.index


def test_with_the_untouched_years_it_is_yes_by_the_sign_there() -> None:
    late, early = strong("2018-01-01"), strong("2011-01-03", n=200)
    gain = pd.concat([early.gain, late.gain])
    base = pd.concat([early.base, late.base])
    both = replace(late, gain=gain, base=base)
    table = judged(both, NSE, first_reading=True)
    assert table.loc[("price", "all"), "answer"] == "yes"
    assert table.loc[("price", "all"), "n"] == 500
    assert table.loc[("price", "untouched"), "label"] == "confirmatory"
    turned = gain.where(gain.index >= "2018", -0.2 * gain)
    table = judged(replace(both, gain=turned), NSE)
    assert table.loc[("price", "all"), "adjusted"] < 0.01
    assert table.loc[("price", "untouched"), "effect"] < 0
    assert table.loc[("price", "untouched"), "label"] == "exploratory"
    assert table.loc[("price", "all"), "answer"] == "undecided"


def test_a_market_without_untouched_years_decides_without_them() -> None:
    table = judged(strong("2022-01-03"), SIMULATED)
    assert table.loc[("price", "all"), "answer"] == "yes"
    assert table.loc[("price", "other"), "label"] == "exploratory"


def test_money_has_a_second_interval_with_longer_blocks() -> None:
    own = strong("2018-01-01")
    table = judge_claims(FAMILY, {"cash": own}, market=NSE, seed=1)
    row = table.set_index(["claim", "span"]).loc[("cash", "all")]
    second = bootstrap_effect(own, block=20, reps=500, confidence=0.95, seed=1)
    assert (row["lower_long"], row["upper_long"]) == (second.lower, second.upper)
    assert row["lower"] != row["lower_long"]


def test_chance_answers_yes_no_more_often_than_declared() -> None:
    generator = np.random.default_rng(10)
    n_yes = 0
    for _ in range(200):
        own = series(generator.normal(0, 1, 250))
        found = hac_effect(own, horizon=1, confidence=0.95)
        adjusted = holm(pd.Series([found.p_value, 1.0])).iloc[0]
        n_yes += "yes" == answer_claim(
            found,
            adjusted=adjusted,
            smallest=0.02,
            level=0.2,
            has_untouched=False,
            on_untouched=None,
        )
    # At .2 / 2 one-sided: 20 of 200, standard deviation 4.2.
    assert 8 <= n_yes <= 34


def test_a_series_of_no_declared_claim_is_an_error() -> None:
    with pytest.raises(StudyError, match=r"declared claims.*'luck'"):
        judge_claims(FAMILY, {"luck": series([1, 2])}, market=NSE, seed=1)


def test_a_missing_gain_is_an_error() -> None:
    with pytest.raises(StudyError, match="1 and 0 missing"):
        hac_effect(series([1.0, math.nan, 2.0]), horizon=1, confidence=0.95)
