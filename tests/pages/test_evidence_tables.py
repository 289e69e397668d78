"""Tests in words: a table of a handful of rows, each cell known."""

import numpy as np
import pandas as pd

from nse_lstm.evaluation.forecast_evidence import IN_SET, WORSE, EvidenceRow
from nse_lstm.pages.evidence_tables import (
    averaging_table,
    coverage_sentence,
    evidence_table,
    forecast_table,
    stocks_sentence,
)

R_SQUARED = "out-of-sample R²"
HOW = {"says": "something", "method": "some way", "n": 250}


def row(test: str, model: str, **more: object) -> EvidenceRow:
    return EvidenceRow(test, model, **(HOW | more))  # type: ignore[arg-type]


def make_evidence() -> pd.DataFrame:
    part = {"statistic": 0.05, "lower": 0.01, "upper": 0.09}
    gone = {"against": "a session later"}
    share = {"statistic": 0.8, "lower": 0.5, "upper": 1.25}
    best = {"against": "all", "says": IN_SET}
    worse = {"says": WORSE, "ticker": "BBB", "p_value": 0.01}
    return pd.DataFrame(
        [
            row(R_SQUARED, "ar1", **part),
            row(R_SQUARED, "v2", statistic=-271.23, lower=-300.0, upper=-250.0),
            row("Diebold-Mariano", "v2", statistic=4.567, p_value=0.0001),
            row("Diebold-Mariano", "ar1", statistic=-2.1, p_value=0.036),
            row(f"{R_SQUARED}, a session later", "ar1", statistic=-0.001),
            row("artefact of averaged prices", "ar1", **gone, **share),
            row("artefact of averaged prices", "v2", **gone),
            row("Diebold-Mariano, Holm", "v2", ticker="AAA", p_value=0.6),
            row("Diebold-Mariano, Holm", "v2", **worse),
            row("superior predictive ability", "all", p_value=0.2),
            row("minimum track record", "v2", against="cash", statistic=np.inf),
            row("model confidence set", "ar1", **best, p_value=1.0),
            row("model confidence set", "v2", against="all", p_value=0.0),
        ]
    )


def test_the_table_is_of_one_model_and_of_all_together() -> None:
    table = evidence_table(make_evidence(), model="v2").set_index("test")
    assert set(table["of"]) == {"v2 LSTM", "all"}
    assert table.loc["Diebold-Mariano", ["statistic", "p"]].to_list() == [
        "4.57",
        "< 0.001",
    ]
    assert table.loc["superior predictive ability", "p"] == "0.200"
    assert table.loc["minimum track record", "statistic"] == "none"
    # Stocks are counted elsewhere, the confidence set is one row.
    assert "Diebold-Mariano, Holm" not in table.index
    words = table.loc["model confidence set", "result"]
    assert words == "1 of 2 may be the best: AR(1)"


def test_every_model_has_a_row_and_what_was_not_tested_is_a_dash() -> None:
    table = forecast_table(make_evidence()).set_index("model")
    assert table.index.to_list() == ["v2 LSTM", "AR(1)"]
    assert table.loc["AR(1)", "R² against no change"] == "0.050 (0.010 to 0.090)"
    assert table.loc["v2 LSTM", "Diebold-Mariano (p)"] == "4.57 (< 0.001)"
    assert table.loc["AR(1)", "Clark-West (p)"] == "–"
    assert table["may be the best"].to_list() == ["no", "yes"]


def test_the_artefact_stands_beside_both_skills() -> None:
    table = averaging_table(make_evidence()).set_index("model")
    gone = table["fraction of the gain that is gone"]
    assert gone["AR(1)"] == "80% (50% to 125%)"
    assert gone["v2 LSTM"] == "no gain"
    assert table.loc["AR(1)", "R², one session later"].startswith("−0.001")


def test_stocks_are_counted_by_what_can_be_said() -> None:
    text = stocks_sentence(make_evidence(), model="v2")
    assert "in 0 of 2 stocks and larger ones in 1" in text


def test_coverage_is_counted_in_quarters_of_a_stock() -> None:
    coverage = pd.DataFrame(
        {
            "model": "v2",
            "ticker": ["AAA", "AAA", "BBB"],
            "quarter": ["2021Q1", "2021Q2", "2021Q1"],
            "coverage": [0.9, 0.5, 1.0],
            "lower": [0.8, 0.8, np.nan],
            "upper": [0.97, 0.97, np.nan],
            "n": [50, 50, 100],
        }
    )
    text = coverage_sentence(coverage, model="v2")
    # (0.9 x 50 + 0.5 x 50 + 100) / 200; one of the two that have a band is in it.
    assert "held 85.0% of the outcomes. 1 of 2 quarters" in text
    assert "AAA in 2021Q2 with 50%" in text
    assert coverage_sentence(coverage, model="v1") == "No interval could be scored."
