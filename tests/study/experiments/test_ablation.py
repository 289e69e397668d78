"""The ablation trains, measures, resumes and stays before the test year."""

from dataclasses import replace

import pandas as pd
import pytest
from support.tiny_study import tiny_workspace

from nse_lstm.config import Ablation
from nse_lstm.models.ablation import CHANGES
from nse_lstm.study.data_analysis.analyse import analyse_data
from nse_lstm.study.data_analysis.raw_files import prepare_raw
from nse_lstm.study.experiments.ablation import ablate, mixtures, read_ablation
from nse_lstm.tables import FORECASTS, read_table


def test_every_change_is_tried_alone_and_removed() -> None:
    found = mixtures()
    assert len(found) == 2 + 2 * len(CHANGES)
    assert found["none"] == () and found["all"] == CHANGES
    for change in CHANGES:
        assert found[f"only_{change}"] == (change,)
        left = found[f"without_{change}"]
        assert change not in left and {*left, change} == set(CHANGES)


@pytest.mark.slow
def test_an_ablation_is_measured_kept_and_resumed(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    tiny = tiny_workspace(tmp_path_factory.mktemp("ablation"))
    budget = Ablation(n_seeds=2, n_stocks=1, max_epochs=1, max_windows=64)
    workspace = replace(tiny, study=replace(tiny.study, ablation=budget))
    prepare_raw(workspace)
    analyse_data(workspace)
    assert read_ablation(workspace) is None
    lines: list[str] = []
    table = ablate(workspace, progress=lines.append)
    assert lines[0].startswith("32 networks, 16 mixtures")
    assert set(table["fold"]) == {2023}
    forecasts = read_table(FORECASTS, workspace.paths.ablation / "forecasts.parquet")
    assert forecasts["target_date"].max() < pd.Timestamp(2024, 1, 1)
    assert set(forecasts["model"]) == {"persistence", *mixtures()}

    lines.clear()
    again = ablate(workspace, progress=lines.append)
    pd.testing.assert_frame_equal(again, table, check_exact=True)
    assert sum("resumed" in line for line in lines) == 32

    kept = read_ablation(workspace)
    assert kept is not None and kept.is_current
    assert kept.stocks == tuple(forecasts["ticker"].unique())
    key = ["change", "form"]
    both = (kept.table, table)
    left, right = (each.sort_values(key, ignore_index=True) for each in both)
    pd.testing.assert_frame_equal(left, right, check_exact=True)
    longer = replace(budget, max_epochs=2)
    other = replace(workspace, study=replace(workspace.study, ablation=longer))
    found = read_ablation(other)
    assert found is not None and not found.is_current
