import numpy as np
import pandas as pd
import pytest
from conftest import make_tiny_panel

from nse_lstm.errors import DataError
from nse_lstm.features.pooling import pool_windows
from nse_lstm.features.returns import with_returns
from nse_lstm.features.windows import Windows, make_windows

BEFORE = pd.Timestamp("2020-03-02")


@pytest.fixture
def stocks() -> list[Windows]:
    table = with_returns(make_tiny_panel())
    sessions = pd.DatetimeIndex(table["session"].unique()).sort_values()
    return [
        make_windows(rows.reset_index(drop=True), sessions, lookback=5, horizon=1)
        for _, rows in table.groupby("ticker")
    ]


def test_every_window_with_an_earlier_target_is_there_and_no_other(
    stocks: list[Windows],
) -> None:
    pooled = pool_windows(stocks, before=BEFORE, at_most=1000)
    expected = sum(int((s.target_date < np.datetime64(BEFORE)).sum()) for s in stocks)
    assert len(pooled) == len(pooled.X) == len(pooled.y) == expected
    assert pooled.target_date.max() < np.datetime64(BEFORE)
    assert "thinned" not in pooled.dropped


@pytest.mark.parametrize("at_most", [1, 7, 50])
def test_thinning_keeps_every_kth_and_counts_the_rest(
    stocks: list[Windows], at_most: int
) -> None:
    whole = pool_windows(stocks, before=BEFORE, at_most=1000)
    thin = pool_windows(stocks, before=BEFORE, at_most=at_most)
    step = int(np.ceil(len(whole) / at_most))
    np.testing.assert_array_equal(thin.X, whole.X[::step])
    np.testing.assert_array_equal(thin.y, whole.y[::step])
    assert len(thin) <= at_most
    assert len(thin) + thin.dropped["thinned"] == len(whole)


def test_another_future_moves_nothing(stocks: list[Windows]) -> None:
    table = with_returns(make_tiny_panel())
    late = table["session"] >= BEFORE
    table["adjusted"] = table["adjusted"].where(~late, 1.0)
    sessions = pd.DatetimeIndex(table["session"].unique()).sort_values()
    other = [
        make_windows(rows.reset_index(drop=True), sessions, lookback=5, horizon=1)
        for _, rows in table.groupby("ticker")
    ]
    one = pool_windows(stocks, before=BEFORE, at_most=20)
    two = pool_windows(other, before=BEFORE, at_most=20)
    np.testing.assert_array_equal(one.X, two.X)
    np.testing.assert_array_equal(one.y, two.y)


def test_no_window_at_all_is_refused(stocks: list[Windows]) -> None:
    with pytest.raises(DataError, match="none in 3 stocks"):
        pool_windows(stocks, before=pd.Timestamp("2019-01-01"), at_most=10)
