"""The audit's page says what was measured, and nothing of what was not."""

import re

from nse_lstm.pages.audit import (
    not_walked_table,
    power_curve,
    power_sentences,
    recount_sentence,
    unchecked_table,
)

DEFECT = {"name": "a", "caught_by": ["placebo"]}


def test_the_untouched_run_is_shown_once_it_was_measured() -> None:
    listed = {"defects": [DEFECT, DEFECT], "clean_runs": []}
    (words,) = power_sentences(listed)
    # Two of two: the lower bound is 0.025 ** (1 / 2).
    assert "2 of 2 (95 % interval 16% to 100%)" in words
    assert "untouched" not in words
    untouched = {"n": 30, "caught": 27, "caught_with_tests": 30}
    first, second = power_sentences({**listed, "untouched": untouched})
    assert second == words
    assert re.findall(r"\d+ of \d+", first) == ["27 of 30", "30 of 30"]


def test_false_alarms_are_counted_over_clean_markets() -> None:
    clean = [{"seed": seed, "alarms": []} for seed in range(100)]
    (words,) = power_sentences({"clean_runs": clean})
    # None of 100: the upper bound is 1 - 0.025 ** (1 / 100).
    assert "0 of 100 (95 % interval 0% to 4%)" in words
    assert power_sentences({}) == []


def test_what_has_no_second_check_is_named_with_its_reason() -> None:
    found = {
        "n": 7433,
        "unchecked": [{"kinds": ["a", "b"], "n": 12, "reason": "no second model"}],
    }
    assert recount_sentence(found).startswith("7,433 published numbers")
    assert unchecked_table(found).to_dict("records") == [
        {"published numbers": "a, b", "how many": 12, "reason": "no second model"}
    ]
    assert unchecked_table({}).empty and not_walked_table({}).empty
    assert not_walked_table({"search": "minutes"})["reason"].tolist() == ["minutes"]


def test_the_committed_power_curve_is_on_the_page() -> None:
    curve = power_curve()
    assert curve is not None and "<img" in curve.html and "oracle" in curve.html
