from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.finished_study import stocks

from nse_lstm.deployment.latency import Latency
from nse_lstm.json_files import write_json
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.tools.reproducibility import artefact_digests
from nse_lstm.study.training import model_checks
from nse_lstm.study.training.model_checks import (
    count_negatives,
    measure_safety,
    safety_card,
)
from nse_lstm.tables import FORECASTS, SAFETY, read_table, write_table


def v2_prices(workspace: Workspace) -> pd.Series:
    table = read_table(FORECASTS, workspace.paths.evaluation / "forecasts.parquet")
    return table.loc[table["model"] == "v2", "price_hat"]


def test_no_negative_is_found_and_it_is_said_how_that_comes_about(
    finished: Workspace,
) -> None:
    row = safety_card(finished).set_index("target").loc["No negative predictions"]
    counts = count_negatives(finished)
    assert row["met"]
    assert row["found"] == f"0 of {counts['n_forecasts'].sum():,}"
    assert "Forecasts are not clipped" in row["comment"]
    lowest = counts.loc[counts["lowest"].idxmin()]
    assert lowest["lowest"] == v2_prices(finished).min() > 1
    assert row["comment"].endswith(
        "No forecast came near zero. "
        f"The lowest is {lowest['lowest']:.2f} KES ({lowest['ticker']})."
    )


def test_negative_forecasts_are_counted_and_their_stock_named(
    own_study: Workspace,
) -> None:
    workspace = own_study
    path = workspace.paths.evaluation / "forecasts.parquet"
    table = read_table(FORECASTS, path)
    (ticker, _) = stocks(workspace)
    mine = np.flatnonzero((table["model"] == "v2") & (table["ticker"] == ticker))
    table.loc[mine[:3], "price_hat"] = [-1.0, 0.0, np.nan]
    write_table(table, FORECASTS, path)
    counts = count_negatives(workspace).set_index("ticker")
    # Zero counts, a missing forecast does not.
    assert counts.loc[ticker, "n_negative"] == 2
    assert counts.loc[ticker, "n_forecasts"] == len(mine) - 1
    row = safety_card(workspace).iloc[0]
    assert not row["met"]
    assert row["comment"].endswith(f"Stocks: {ticker}.")


def test_the_card_holds_the_plans_limits_against_what_was_measured(
    finished: Workspace,
) -> None:
    card = safety_card(finished).set_index("target")
    assert card.loc["Model below 50 MB", "found"] == "2.00 MB"
    assert card.loc["Prediction in less than 100 ms", "found"] == "2 ms"
    assert (
        "300 ms in the median" in card.loc["Prediction in less than 100 ms", "comment"]
    )
    # 2 stocks, 20 s each.
    time = card.loc["Training time per stock"]
    assert time["found"] == "20 s in the median"
    assert "all 2 models of the test year 0.7 minutes" in time["comment"]
    ratio = card.loc["Validation loss near the training loss"]
    assert ratio["found"] == "1.5 times in the median"
    assert pd.isna(ratio["met"])


def test_the_card_names_the_extremes_and_the_limits_themselves_are_not_met(
    own_study: Workspace,
) -> None:
    folder, (first, last) = own_study.paths.v2, stocks(own_study)
    models = read_table(SAFETY, folder / "safety.csv").assign(
        n_parameters=[4321, 123], n_bytes=[50_000_000, 2], loss_ratio=[1.5, 4.5]
    )
    write_table(models, SAFETY, folder / "safety.csv")
    times = [(20.0, 300.0, 100.0), (100.0, 900.0, 2.0)]
    rows = [dict(zip(model_checks.TIMES, row, strict=True)) for row in times]
    write_json(folder / "run.json", dict(zip([first, last], rows, strict=True)))
    card = safety_card(own_study).set_index("target")
    size = card.loc["Model below 50 MB"]
    assert (size["found"], size["met"]) == ("50.00 MB", False)
    assert "4,321 parameters" in size["comment"]
    latency = card.loc["Prediction in less than 100 ms"]
    assert (latency["found"], latency["met"]) == ("100 ms", False)
    assert "took 600 ms in the median" in latency["comment"]
    ratio = card.loc["Validation loss near the training loss"]
    assert ratio["found"] == "3 times in the median"
    assert ratio["comment"].startswith(f"Largest 4.5 ({models['ticker'].iloc[1]}).")
    time = card.loc["Training time per stock"]
    assert time["found"] == "60 s in the median"
    assert time["comment"].startswith(f"Longest 100 s ({last}); all 2 models")


def test_what_a_machine_measures_is_in_no_digest(
    own_study: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = own_study
    monkeypatch.setattr(
        model_checks, "measure_latency", lambda folder: Latency(500.0, 250.0)
    )
    before = artefact_digests(workspace.paths.root)
    measured = measure_safety(workspace)
    after = artefact_digests(workspace.paths.root)
    changed = {name for name in before if before[name] != after[name]}
    assert {Path(name).name for name in changed} == {"safety.csv"}
    assert measured["next_ms"].to_list() == [250.0, 250.0]
    # 0.03 / 0.02, from the bundle's own metadata.
    assert measured["loss_ratio"].to_list() == pytest.approx([1.5, 1.5])
    assert measured["train_loss"].to_list() == [0.02, 0.02]
    assert measured["validation_loss"].to_list() == [0.03, 0.03]
    assert (
        not safety_card(workspace)
        .set_index("target")
        .loc["Prediction in less than 100 ms", "met"]
    )
    monkeypatch.setattr(
        model_checks, "measure_latency", lambda folder: Latency(1.0, 1.0)
    )
    measure_safety(workspace)
    assert artefact_digests(workspace.paths.root) == after
