from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.plain_windows import make_history, make_windows

from nse_lstm.errors import DataError
from nse_lstm.features.windows import PER_WINDOW, FoldSplit, Windows
from nse_lstm.models.baselines import (
    BASELINES,
    forecast_baselines,
    forecast_rows,
    persistence,
    repeat_sign,
)
from nse_lstm.tables import FORECASTS, check

IDENTITY = {"ticker": "AAA", "year": 2020, "horizon": 1}


UP_DOWN_FLAT = make_windows([[10, 11], [11, 10], [10, 10]], [10, 10, 12], shares=2.0)


def test_persistence_forecasts_the_printed_price_of_the_origin():
    rows = persistence(UP_DOWN_FLAT, **IDENTITY)
    # Two shares now for one at the start: the printed price is half the adjusted one.
    assert rows["price_hat"].tolist() == [5.5, 5.0, 5.0]
    assert rows["y_hat"].tolist() == [0.0, 0.0, 0.0]
    assert set(rows["model"]) == {"persistence"}


def test_the_repeated_sign_has_the_mean_size_of_training_moves():
    train = make_windows([[1, 10], [1, 10]], [11, 10])
    found = repeat_sign(UP_DOWN_FLAT, train)
    # Mean of |log(11/10)| and |log(10/10)|; up, down and unchanged sessions.
    size = np.log(1.1) / 2
    expected = np.array([11, 10, 10]) * np.exp([size, -size, 0.0])
    assert np.allclose(found, expected, rtol=1e-12)


def make_split(train: Windows, forecast: Windows) -> FoldSplit:
    return FoldSplit(train=train, validation=train, forecast=forecast)


def test_every_baseline_is_scored_on_the_windows_own_origins():
    split = make_split(make_history(0), make_history(1))
    rows = forecast_baselines(split, **IDENTITY)
    check(rows, FORECASTS)
    assert rows["model"].unique().tolist() == list(BASELINES)
    for _, block in rows.groupby("model"):
        assert (block["origin"].to_numpy() == split.forecast.origin).all()
        assert (block["target_date"].to_numpy() == split.forecast.target_date).all()
    assert (rows["entry_date"] == rows["origin"]).all()
    assert (rows["seed"] == 0).all() and (rows["delay"] == 0).all()


def test_persistence_among_the_baselines_is_the_one_that_is_served():
    split = make_split(make_history(0), make_history(1))
    rows = forecast_baselines(split, **IDENTITY)
    listed = rows[rows["model"] == "persistence"].reset_index(drop=True)
    served = persistence(split.forecast, **IDENTITY)
    pd.testing.assert_frame_equal(listed, served, check_exact=True)


def take(windows: Windows, places: slice) -> Windows:
    return replace(windows, **{n: getattr(windows, n)[places] for n in PER_WINDOW})


@pytest.mark.parametrize("model", BASELINES)
@given(seed=st.integers(0, 1000), n=st.integers(1, 50))
@settings(max_examples=20)
def test_another_future_moves_no_forecast_by_a_bit(model, seed, n):
    train, windows = make_history(seed), make_history(seed + 1)
    whole = BASELINES[model](windows, train)
    cut = BASELINES[model](take(windows, slice(n)), train)
    assert np.array_equal(cut, whole[:n])
    # Nor do the targets of the windows that are forecast, known only afterwards.
    blind = replace(windows, y=np.full(len(windows), np.nan))
    assert np.array_equal(BASELINES[model](blind, train), whole)


@pytest.mark.parametrize("model", sorted(set(BASELINES) - {"persistence"}))
def test_the_training_windows_do_move_what_is_fitted_on_them(model):
    # Otherwise the test above would prove nothing.
    windows, train = make_history(1), make_history(0)
    other = replace(train, y=train.X[:, 0] * 1.01)
    assert not np.array_equal(
        BASELINES[model](windows, train), BASELINES[model](windows, other)
    )


def test_a_forecast_that_is_not_positive_has_no_return():
    rows = forecast_rows(
        UP_DOWN_FLAT, np.array([-1.0, 0.0, 10.0]), model="v2", seed=1, **IDENTITY
    )
    assert rows["price_hat"].tolist() == [-0.5, 0.0, 5.0]
    assert rows["y_hat"].isna().tolist() == [True, True, False]


def test_no_windows_give_an_empty_table_of_the_right_types():
    none = make_windows([], [])
    rows = persistence(none, **IDENTITY)
    assert len(rows) == 0
    check(rows, FORECASTS)


@pytest.mark.parametrize(
    ("windows", "train"),
    [
        (UP_DOWN_FLAT, make_windows([], [])),
        (make_windows([[10]], [10]), UP_DOWN_FLAT),
    ],
)
def test_a_sign_without_a_move_or_a_size_is_refused(windows, train):
    with pytest.raises(DataError, match="2 sessions at least"):
        repeat_sign(windows, train)


def test_a_refusal_names_stock_and_year():
    short = make_history(0, lookback=5)
    with pytest.raises(DataError, match=r"more than 5 sessions.*AAA 2020"):
        forecast_baselines(make_split(short, short), **IDENTITY)
