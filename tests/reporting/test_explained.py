"""A sentence says no more than the intervals of its table."""

import numpy as np
import pandas as pd

from nse_lstm.reporting.explained import (
    curve_reading,
    curve_rows,
    hidden_reading,
    hidden_rows,
    shuffled_reading,
    shuffled_rows,
)

COLUMNS = ["form", "what", "loss", "error", "control", "control_error"]


def hidden(before: float) -> pd.DataFrame:
    rows = [
        ("everything", "", 0.08, 0.01, 0.002, 0.01),
        ("feature", "range_width_20", 0.01, 0.005, -0.003, 0.001),
        ("feature", "beta_120", 0.001, 0.001, 0.0, 0.001),
        ("lag", "0", 0.07, 0.01, 0.001, 0.001),
        ("lag", "1", 0.0, 0.001, 0.0, 0.001),
        ("older", "1", before, 0.01, 0.0, 0.001),
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def test_what_the_window_carries_is_said_by_its_interval() -> None:
    # 1.96 errors are 0.0196.
    for before, verdict in (
        (0.019, "not significantly different from zero"),
        (0.02, "more than zero"),
        (-0.02, "less than zero"),
    ):
        text = hidden_reading(hidden(before))
        assert f": {verdict}. Single" in text
    assert "rank IC is 0.080" in text
    assert "own session carries +0.0700 (+0.0504 to +0.0896)" in text
    # Only one of the two features is above 1.96 of its errors.
    assert "of 2 features 1 lose significantly and 0 gain" in text
    assert "control of everything is +0.0020, the largest other one −0.0030" in text
    names = hidden_rows(hidden(0.0))[""].tolist()
    assert names == [
        "everything: the rank IC itself",
        "the origin's own session",
        "1 session before the origin",
        "1 session before the origin and all before",
        "feature: range width 20",
        "feature: beta 120",
    ]


def test_a_control_that_was_not_made_is_a_dash() -> None:
    table = pd.DataFrame(
        {
            "feature": ["a_b", "c"],
            "loss": [0.01, -0.01],
            "error": [0.002, 0.002],
            "control": [0.001, np.nan],
            "control_error": [0.003, np.nan],
        }
    )
    rows = shuffled_rows(table)
    assert rows[""].tolist() == ["a b", "c"]
    assert rows["control"].tolist() == ["+0.0010", "–"]
    assert rows["its error"].tolist() == ["0.0030", "–"]
    text = shuffled_reading(table, model="ridge")
    assert "of 2 features 1 lose significantly and 1 gain" in text
    assert "The largest of 1 controls is +0.0010." in text


def test_a_cut_is_worse_only_where_its_interval_is_below_zero() -> None:
    rows = [
        ("all", 0, 1, 0.05, 0.0, 0.0, 0.0),
        ("all", 0, 5, 0.06, 0.0, 0.0, 0.0),
        ("years", 1, 1, 0.03, -0.02, -0.03, -0.01),
        ("years", 1, 5, 0.05, -0.01, -0.03, 0.01),
        ("stocks", 10, 1, 0.06, 0.01, 0.005, 0.015),
        ("stocks", 10, 5, 0.06, 0.0, -0.01, 0.01),
    ]
    names = ["cut", "number", "horizon", "value", "change"]
    columns = [*names, "change_lower", "change_upper"]
    table = pd.DataFrame(rows, columns=columns).assign(model="rank_lstm")
    assert curve_reading(table) == (
        "With less data: rank LSTM worse on 1 year (horizon 1), better on 10 stocks "
        "(horizon 1), level with all data in 2 of 4 cases."
    )
    found = curve_rows(table)
    assert found["trained on"].tolist() == ["all data", "1 year", "10 stocks"]
    assert found["horizon 1"].tolist() == [
        "0.050",
        "−0.020 (−0.030 to −0.010)",
        "+0.010 (+0.005 to +0.015)",
    ]
