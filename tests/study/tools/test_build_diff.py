"""Which numbers moved between two builds: on tables of a few rows."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nse_lstm.errors import ArtefactError
from nse_lstm.paths import Paths
from nse_lstm.study.tools.build_diff import build_differences
from nse_lstm.tables import FORECASTS, SCORES, write_table

MARKET = "tiny"


def scores(values: dict[str, tuple[float, float, float]]) -> pd.DataFrame:
    rows = [
        {
            "ticker": "ALL",
            "model": "v2",
            "fold": 2023,
            "rule": "gate",
            "metric": metric,
            "cost_bps": 66,
            "value": value,
            "n": 250,
            "lower": lower,
            "upper": upper,
        }
        for metric, (value, lower, upper) in values.items()
    ]
    return pd.DataFrame(rows).astype(
        {name: str(column.dtype) for name, column in SCORES.columns.items()}
    )


def forecasts(y_hat: float) -> pd.DataFrame:
    day = pd.Timestamp(2023, 1, 4).as_unit("us")
    row = {
        "ticker": "AAA",
        "model": "v2",
        "seed": 1,
        "fold": 2023,
        "origin": day,
        "delay": 0,
        "horizon": 1,
        "entry_date": day,
        "target_date": day + pd.Timedelta(days=1),
        "price_hat": 10.0,
        "y_hat": y_hat,
        "lower": np.nan,
        "upper": np.nan,
    }
    types = {name: str(column.dtype) for name, column in FORECASTS.columns.items()}
    return pd.DataFrame([row]).astype(types)


def build(
    root: Path,
    values: dict[str, tuple[float, float, float]],
    *,
    answer: str = "no",
    mean: float = -0.1,
    y_hat: float = 0.01,
) -> Path:
    folder = Paths(root, MARKET).evaluation
    write_table(scores(values), SCORES, folder / "scores.parquet")
    write_table(forecasts(y_hat), FORECASTS, folder / "forecasts.parquet")
    excess = {"mean": mean, "lower": -0.2, "upper": 0.0}
    verdict = {"verdict": {"answer": answer, "excess": excess, "sentence": str(mean)}}
    (folder / "verdict.json").write_text(json.dumps(verdict))
    selection = [{"ticker": "AAA", "champion": "v2"}]
    (folder / "selection.json").write_text(json.dumps(selection))
    return root


OLD = {
    "net_return": (0.10, 0.00, 0.20),
    "turnover": (2.0, np.nan, np.nan),
    "sharpe_ratio": (np.nan, np.nan, np.nan),
    "max_drawdown": (-0.3, -0.5, -0.2),
}


def test_the_same_build_moved_nothing(tmp_path: Path) -> None:
    first, second = build(tmp_path / "a", OLD), build(tmp_path / "b", OLD)
    assert build_differences(first, second, market=MARKET).empty


def test_a_move_is_measured_by_the_interval_on_its_side(tmp_path: Path) -> None:
    new = {
        # Up by 0.25, and 0.10 from the upper bound: 2.5 of it.
        "net_return": (0.35, 0.2, 0.4),
        # No interval: told, not judged.
        "turnover": (3.0, np.nan, np.nan),
        "sharpe_ratio": (np.nan, np.nan, np.nan),
        # Down by 0.1, and 0.2 from the lower bound: half of it.
        "max_drawdown": (-0.4, -0.6, -0.3),
    }
    first, second = build(tmp_path / "a", OLD), build(tmp_path / "b", new)
    table = build_differences(first, second, market=MARKET)
    assert [name.split(": ")[1] for name in table["name"]] == [
        "net_return",
        "max_drawdown",
        "turnover",
    ]
    assert table["half_widths"].to_list()[:2] == [2.5, 0.5]
    assert table["result"].to_list() == ["more than noise", "within noise", "moved"]
    assert table["change"].to_list() == pytest.approx([0.25, -0.1, 1.0])


def test_verdict_selection_and_forecasts_are_compared(tmp_path: Path) -> None:
    first = build(tmp_path / "a", OLD)
    # The mean is up by 0.05 of 0.1; its sentence only repeats that.
    second = build(tmp_path / "b", OLD, answer="undecided", mean=-0.05, y_hat=0.03)
    table = build_differences(first, second, market=MARKET).set_index("name")
    assert table.loc["verdict.excess", "half_widths"] == 0.5
    words = table.loc["verdict.answer"]
    assert (words["first"], words["second"]) == ("no", "undecided")
    assert words["result"] == "changed"
    (forecast,) = [name for name in table.index if "y_hat" in name]
    assert "AAA 2023-01-04" in forecast
    assert table.loc[forecast, "change"] == pytest.approx(0.02)
    assert len(table) == 3


def test_what_one_build_lacks_is_named(tmp_path: Path) -> None:
    fewer = {name: OLD[name] for name in ("net_return", "turnover", "max_drawdown")}
    first, second = build(tmp_path / "a", OLD), build(tmp_path / "b", fewer)
    (row,) = build_differences(first, second, market=MARKET).itertuples()
    assert row.result == "only in the first" and row.name.endswith("sharpe_ratio")


def test_two_empty_folders_are_no_builds(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="neither has an evaluation"):
        build_differences(tmp_path / "a", tmp_path / "b", market=MARKET)
