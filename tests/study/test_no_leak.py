"""Another future after an origin must not move anything known at that origin by a bit.

The whole path is walked three times: on the raw files as they are, cut after a session
in the middle of the test year, and with other prices from there on.
"""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.tiny_study import tiny_workspace

from nse_lstm.data.simulate import write_market
from nse_lstm.features.folds import Fold
from nse_lstm.features.returns import with_returns
from nse_lstm.models.bundles import load_bundle
from nse_lstm.study.core.jobs import bundle_folder, split_stock
from nse_lstm.study.core.phase_tables import study_folds
from nse_lstm.study.core.sealed_year import open_test_year
from nse_lstm.study.core.study_data import StudyData, open_study_data
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.data_analysis.analyse import analyse_data
from nse_lstm.study.deployment.deploy import deploy
from nse_lstm.study.training.train import train_all
from nse_lstm.study.validation.validate import forecast_fold, validate
from nse_lstm.tables import FORECASTS, read_table

pytestmark = pytest.mark.slow

CUT = pd.Timestamp("2024-07-10")
LAST_FILE = "NSE_data_all_stocks_2024.csv"


def run_study(root: Path, raw: Path) -> Workspace:
    workspace = tiny_workspace(root, market="files", raw=raw)
    analyse_data(workspace)
    train_all(workspace, progress=lambda _: None)
    validate(workspace)
    return workspace


def rewrite_last_file(source: Path, target: Path, *, cut: bool) -> Path:
    """Copy a raw folder; cut the last file after CUT, or double its prices there."""
    target.mkdir()
    for path in source.glob("*.csv"):
        (target / path.name).write_bytes(path.read_bytes())
    header, *lines = (source / LAST_FILE).read_text().splitlines()
    dates = pd.to_datetime([line.split(",")[0] for line in lines], format="%d-%b-%y")
    late = dates > CUT
    kept = [line for line, is_late in zip(lines, late, strict=True) if not is_late]
    if not cut:
        kept += [
            other_future(line)
            for line, is_late in zip(lines, late, strict=True)
            if is_late
        ]
    (target / LAST_FILE).write_text("\n".join([header, *kept]) + "\n")
    return target


def other_future(line: str) -> str:
    """Turn a row of the late board into one of another market: no deal at 1 KES."""
    (fields,) = csv.reader([line])
    quoted = [f'"{field}"' if "," in field else field for field in fields[:5]]
    return ",".join([*quoted, "1", "1", "1", "1", "-", "-", "-", "-"])


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Workspace]:
    folder = tmp_path_factory.mktemp("leak")
    raw = folder / "raw"
    write_market(raw, tiny_workspace(folder / "any").study.simulation)
    return {
        "whole": run_study(folder / "whole", raw),
        "cut": run_study(
            folder / "cut", rewrite_last_file(raw, folder / "raw_cut", cut=True)
        ),
        "other": run_study(
            folder / "other", rewrite_last_file(raw, folder / "raw_other", cut=False)
        ),
    }


@pytest.mark.parametrize("name", ["cut", "other"])
def test_recommendations_weights_and_scalers_keep_their_bytes(
    studies: dict[str, Workspace], name: str
) -> None:
    whole, changed = (open_study_data(studies[each]) for each in ("whole", name))
    recommended = whole.recommended
    assert changed.recommended == recommended
    for year, tickers in recommended.items():
        for ticker in tickers:
            for file in ("model.keras", "scaler.json", "history.csv"):
                one, other = (
                    (bundle_folder(study, ticker, year) / file).read_bytes()
                    for study in (whole, changed)
                )
                assert one == other, (ticker, year, file)


@pytest.mark.parametrize("name", ["cut", "other"])
def test_forecasts_up_to_the_cut_keep_their_bits(
    studies: dict[str, Workspace], name: str
) -> None:
    tables = []
    for study in (studies["whole"], studies[name]):
        table = read_table(FORECASTS, study.paths.evaluation / "forecasts.parquet")
        known = table[table["target_date"] <= CUT].reset_index(drop=True)
        tables.append(known.drop(columns=["lower", "upper"]))
    pd.testing.assert_frame_equal(*tables, check_exact=True)
    assert (tables[0]["fold"] == 2024).any()


def test_the_other_future_does_move_what_comes_after_it(
    studies: dict[str, Workspace],
) -> None:
    # Otherwise the two tests above would prove nothing.
    late = []
    for name in ("whole", "other"):
        panel, _ = open_test_year(studies[name], study="s")
        fold = study_folds(studies[name])[-1]
        table = forecast_fold(open_study_data(studies[name]), panel, fold)
        late.append(table[(table["model"] == "v2") & (table["origin"] > CUT)])
    assert len(late[0])
    assert not np.array_equal(late[0]["price_hat"], late[1]["price_hat"])


def test_no_label_touches_a_later_span(studies: dict[str, Workspace]) -> None:
    data = open_study_data(studies["whole"])
    panel, _ = open_test_year(data, study="s")
    prices = with_returns(panel)
    for fold in data.folds:
        for ticker in data.recommended[fold.year]:
            check_spans(data, prices, ticker, fold)


def check_spans(data: StudyData, prices: pd.DataFrame, ticker: str, fold: Fold) -> None:
    split = split_stock(data.study, prices, ticker, fold)
    assert split.train.target_date.max() < split.validation.origin.min()
    assert pd.Timestamp(split.validation.target_date.max()) < fold.start
    assert pd.Timestamp(split.forecast.target_date.min()) >= fold.start
    # The first forecast window targets the first session of the year.
    sessions = pd.DatetimeIndex(prices["session"].unique()).sort_values()
    first = sessions[sessions >= fold.start][0]
    assert pd.Timestamp(split.forecast.target_date.min()) == first
    bundle = load_bundle(bundle_folder(data, ticker, fold.year))
    fitted = np.append(split.train.X, split.train.y)
    assert bundle.scaler.maximum == fitted.max()
    assert bundle.scaler.minimum == fitted.min()


def test_stored_models_reproduce_the_tested_forecasts(
    studies: dict[str, Workspace],
) -> None:
    deployment = deploy(studies["whole"])
    reproduced = deployment.reproduced
    assert (reproduced["n_equal"] == reproduced["n_forecasts"]).all()
    assert len(deployment.forecasts) + len(deployment.refused) == len(
        deployment.registry
    )
    again = deploy(studies["whole"])
    pd.testing.assert_frame_equal(again.forecasts, deployment.forecasts)
    pd.testing.assert_frame_equal(again.registry, deployment.registry)
