"""The rank LSTM: training ends before the fold, and nothing looks ahead."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.odd_panel import SMALL, odd_panel

from nse_lstm.config import Market, RankLstm, Study, Tabular
from nse_lstm.features.folds import make_folds
from nse_lstm.features.indicators import build_features
from nse_lstm.features.targets import build_targets
from nse_lstm.models.bundles import bundle_digest, load_bundle
from nse_lstm.models.jobs import SampleJob
from nse_lstm.models.rank_lstm import (
    forecast_rank_lstm,
    rank_lstm_job,
)
from nse_lstm.models.tabular_models import split_rows
from nse_lstm.models.training import train
from nse_lstm.tables import FORECASTS, check

# Sessions of 2020 from 6 January on: 254 of them; the fold is 2021.
N_SESSIONS = 420
(FOLD, _) = make_folds(2022, 1)
TINY = RankLstm(lookback=4, units=3, deep_units=4, batch_size=64, max_epochs=2)
SMALL_TREES = Tabular(boosting_rounds=3, min_leaf_rows=20)
HORIZONS = (1, 5)

Tables = tuple[pd.DataFrame, list[pd.DataFrame]]


def tables_of(panel: pd.DataFrame) -> Tables:
    features = build_features(panel, cross_section=SMALL)
    targets = [
        build_targets(panel, cross_section=SMALL, delay=1, horizon=horizon)
        for horizon in HORIZONS
    ]
    return features, targets


def job_of(tables: Tables, **changes: object) -> SampleJob:
    given = {"rank_lstm": TINY, "cross_section": SMALL, "tabular": SMALL_TREES}
    given |= {"seed": 1, "version": "1"}
    return rank_lstm_job(*tables, FOLD, **{**given, **changes})


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    return odd_panel(N_SESSIONS)


@pytest.fixture(scope="module")
def spliced(panel: pd.DataFrame) -> tuple[pd.DataFrame, pd.Timestamp]:
    """The same past up to a session of the fold, another future."""
    sessions = pd.DatetimeIndex(panel["session"].unique())
    cut_at = sessions[sessions.year == 2021][60]
    other = odd_panel(N_SESSIONS, seed=9)
    halves = [panel[panel["session"] <= cut_at], other[other["session"] > cut_at]]
    joined = pd.concat(halves).sort_values(["ticker", "session"], ignore_index=True)
    return joined, cut_at


@pytest.fixture(scope="module")
def tables(panel: pd.DataFrame) -> Tables:
    return tables_of(panel)


@pytest.mark.parametrize("place", [0, 1])
def test_training_ends_before_the_fold(
    panel: pd.DataFrame, tables: Tables, place: int
) -> None:
    job = job_of(tables, cross_section=replace(SMALL, purge=4))
    sessions = pd.DatetimeIndex(panel["session"].unique())
    first = int((sessions < FOLD.start).sum())
    # An origin's target lies 1 + horizon sessions on; four more are left out.
    last_origin = first - 4 - 1 - (1 + HORIZONS[place])
    rows = job.train.last[~np.isnan(job.train.y[:, place])]
    padded = first + TINY.lookback - 1
    assert (rows % padded).max() - (TINY.lookback - 1) == last_origin
    assert len(rows) > 100


def test_each_window_carries_its_own_places(tables: Tables) -> None:
    features, targets = tables
    job = job_of(tables, rank_lstm=replace(TINY, distilled_share=0.0))
    # By hand: the last training window of BBB, in its own row of the table.
    table = targets[1]
    rows = split_rows(features, table, FOLD, purge=SMALL.purge).train
    own = rows[rows["ticker"] == "BBB"].iloc[-1]
    sessions = np.unique(features.loc[features["session"] < FOLD.start, "session"])
    session = int(np.searchsorted(sessions, own["origin"].to_datetime64()))
    row = 1 * (len(sessions) + TINY.lookback - 1) + session + TINY.lookback - 1
    found = job.train.y[job.train.last == row, 1]
    assert found == pytest.approx(12**0.5 * own["y_rank"], rel=1e-6)


def test_another_future_moves_no_sample(
    tables: Tables, spliced: tuple[pd.DataFrame, pd.Timestamp]
) -> None:
    one, two = job_of(tables), job_of(tables_of(spliced[0]))
    for name in ("table", "last", "y"):
        np.testing.assert_array_equal(
            getattr(one.train, name), getattr(two.train, name)
        )
    assert one.about == two.about


@pytest.mark.slow
def test_another_future_moves_no_weight_and_no_earlier_forecast(
    tables: Tables,
    spliced: tuple[pd.DataFrame, pd.Timestamp],
    tmp_path: Path,
) -> None:
    study = Study(market=Market(name="tiny", label="Tiny"))
    moved, cut_at = tables_of(spliced[0]), spliced[1]
    digests, early, late = [], [], []
    for name, given in (("one", tables), ("again", tables), ("other", moved)):
        folder = tmp_path / name
        (model,) = train([job_of(given)], study=study, folder_of=lambda _, f=folder: f)
        assert model.failure is None
        digests.append(bundle_digest(folder))
        table = check(forecast_rank_lstm(load_bundle(folder), *given, FOLD), FORECASTS)
        key = ["ticker", "horizon", "origin"]
        table = table.sort_values(key, ignore_index=True)
        known = table["origin"] <= cut_at
        early.append(table[known].reset_index(drop=True))
        late.append(table[~known]["y_hat"].to_numpy())
    assert len(set(digests)) == 1
    assert len(early[0]) > 100
    pd.testing.assert_frame_equal(early[0], early[1], check_exact=True)
    pd.testing.assert_frame_equal(early[0], early[2], check_exact=True)
    assert not np.array_equal(late[0], late[2])
    # Members of the fold only, at both horizons.
    assert set(early[0]["horizon"]) == set(HORIZONS)
    assert (early[0]["origin"].dt.year == FOLD.year).all()


def test_training_may_be_thinned(tables: Tables) -> None:
    whole, thinned = job_of(tables), job_of(tables, rank_lstm=replace(TINY, every=3))
    np.testing.assert_array_equal(thinned.train.last, whole.train.last[::3])
