"""The stock LSTM in a tiny study: folders, forecasts, and what it must not see."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from support.tiny_study import tiny_workspace

from nse_lstm.config import override_study
from nse_lstm.models.bundles import load_bundle, read_metadata
from nse_lstm.models.keras_agreement import KERAS_TOLERANCE, difference_from_keras
from nse_lstm.models.stock_lstm import POOL, STOCK_LSTM, THRESHOLDED
from nse_lstm.study.core.jobs import bundle_folder, split_stock
from nse_lstm.study.core.study_data import StudyData, open_study_data
from nse_lstm.study.data_analysis.analyse import analyse_data
from nse_lstm.study.data_analysis.raw_files import prepare_raw
from nse_lstm.study.training.stock_lstm import train_stock_lstm
from nse_lstm.study.validation.validate import forecast_stocks
from nse_lstm.tables import PANEL, read_table

pytestmark = pytest.mark.slow

TRAINED = {"stock_lstm": {"trained": True}}


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> tuple[StudyData, pd.DataFrame]:
    bare = tiny_workspace(tmp_path_factory.mktemp("stock_lstm"))
    workspace = replace(bare, study=override_study(bare.study, TRAINED))
    prepare_raw(workspace)
    analyse_data(workspace)
    data = open_study_data(workspace)
    summary = train_stock_lstm(data, data.folds, progress=lambda _: None)
    return data, summary


def test_every_fold_has_its_pool_and_a_network_per_stock(trained):
    data, summary = trained
    expected = [
        (fold.year, name)
        for fold in data.folds
        for name in (POOL, *data.recommended[fold.year])
    ]
    found = list(zip(summary["year"], summary["ticker"], strict=True))
    assert found == expected
    assert (summary["model"] == STOCK_LSTM).all()
    assert summary.loc[summary["ticker"] != POOL, "best_epoch"].between(0, 1).all()
    assert np.isfinite(summary["train_loss"]).all()


def test_a_second_run_fits_nothing(trained):
    data, summary = trained
    lines: list[str] = []
    again = train_stock_lstm(data, data.folds, progress=lines.append)
    assert len(lines) == len(summary) and all("resumed" in line for line in lines)
    pd.testing.assert_frame_equal(again, summary)


def test_fine_tuning_starts_from_the_pool(trained):
    data, summary = trained
    fold = data.folds[-1]
    pool = load_bundle(bundle_folder(data, POOL, fold.year, STOCK_LSTM)).model.weights
    of_fold = summary[(summary["year"] == fold.year) & (summary["ticker"] != POOL)]
    for row in of_fold.itertuples():
        own = load_bundle(bundle_folder(data, row.ticker, fold.year, STOCK_LSTM))
        same = all(
            np.array_equal(one, other)
            for one, other in zip(own.model.weights, pool, strict=True)
        )
        assert same == (row.best_epoch == 0)
        near = [
            np.abs(a - b).max() for a, b in zip(own.model.weights, pool, strict=True)
        ]
        assert max(near) < 0.2


def test_numpy_and_keras_forecast_the_same(trained):
    data, _ = trained
    year, ticker = data.folds[0].year, data.recommended[data.folds[0].year][0]
    folder = bundle_folder(data, ticker, year, STOCK_LSTM)
    assert difference_from_keras(folder) < KERAS_TOLERANCE
    history = pd.read_csv(folder / "history.csv")
    assert history["epoch"].tolist() == [0, 1]


def test_nothing_at_or_after_the_fold_is_trained_on(trained):
    data, _ = trained
    for fold in data.folds:
        for ticker in (POOL, *data.recommended[fold.year]):
            about = read_metadata(bundle_folder(data, ticker, fold.year, STOCK_LSTM))
            spans = [about["train"], about["validation"] or about["train"]]
            assert all(pd.Timestamp(s["last_target"]) < fold.start for s in spans)


def test_forecasts_are_positive_on_v2_s_origins_and_near_the_last_price(trained):
    data, _ = trained
    panel = read_table(PANEL, data.paths.processed / "panel.parquet")
    fold = data.folds[-1]
    table = forecast_stocks(data, panel, fold)
    assert set(table["model"]) == {STOCK_LSTM, THRESHOLDED}
    assert (table["price_hat"] > 0).all()
    ticker = data.recommended[fold.year][0]
    from nse_lstm.features.returns import with_returns

    split = split_stock(data.study, with_returns(panel), ticker, fold)
    own = table[(table["ticker"] == ticker) & (table["model"] == STOCK_LSTM)]
    assert own["origin"].tolist() == pd.DatetimeIndex(split.forecast.origin).tolist()
    mean, median = (
        table[table["model"] == name].set_index(["ticker", "origin"])["y_hat"]
        for name in (STOCK_LSTM, THRESHOLDED)
    )
    # The threshold moves every forecast towards 0 and never across.
    assert (median.abs() <= mean.abs()).all() and (median * mean >= 0).all()
    moved = median != 0
    assert (mean[~moved].abs() < 0.1 * 0.2).all()


def test_a_panel_cut_after_the_origin_gives_the_same_forecast(trained):
    data, _ = trained
    panel = read_table(PANEL, data.paths.processed / "panel.parquet")
    fold = data.folds[-1]
    whole = forecast_stocks(data, panel, fold)
    keys = ["ticker", "model", "origin"]
    late = whole["origin"].drop_duplicates().sort_values().iloc[[40, 90]]
    for origin in late:
        # The target's session is needed for a window to be there at all.
        target = whole.loc[whole["origin"] == origin, "target_date"].max()
        cut = forecast_stocks(data, panel[panel["session"] <= target], fold)
        one = whole[whole["origin"] == origin].set_index(keys)["price_hat"]
        other = cut[cut["origin"] == origin].set_index(keys)["price_hat"]
        assert len(one) and one.equals(other)


def test_another_pool_is_another_version(trained):
    data, summary = trained
    from nse_lstm.study.core.stock_lstm_jobs import open_stock_fold, stock_pool_job

    fold = data.folds[0]
    smaller = replace(data.study.stock_lstm, n_pool=1)
    other = replace(data, study=replace(data.study, stock_lstm=smaller))
    job = stock_pool_job(other, open_stock_fold(other, data.panel, fold))
    first = summary[(summary["year"] == fold.year) & (summary["ticker"] == POOL)]
    assert job.version != first["version"].item()
    document = json.loads(
        (bundle_folder(data, POOL, fold.year, STOCK_LSTM) / "metadata.json").read_text()
    )
    assert len(document["stocks"]) > len(job.about["stocks"])
