from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import make_tiny_panel

from nse_lstm.config import V2
from nse_lstm.errors import DataError
from nse_lstm.features.returns import with_returns
from nse_lstm.features.scaling import MinMaxScaler
from nse_lstm.features.windows import Windows, make_windows
from nse_lstm.models.architectures import build, describe_v2
from nse_lstm.models.bundles import Bundle, load_bundle, save_bundle
from nse_lstm.models.forecasting import forecast, next_window
from nse_lstm.models.runtime import keras
from nse_lstm.tables import FORECASTS, check

LOOKBACK = 10
SMALL = V2(lookback=LOOKBACK, units=2, dense_units=2)
SCALER = MinMaxScaler(20.0, 60.0)
ABOUT = {
    "ticker": "BBB",
    "seed": 5,
    "architecture": "v2",
    "lookback": LOOKBACK,
    "horizon": 1,
}


def store(folder: Path, network: "keras.Model", sizes: V2 = SMALL) -> Bundle:
    about = {"architecture": describe_v2(sizes), "scaler": SCALER}
    save_bundle(folder, network, **about, metadata=ABOUT, history=[], run={})
    return load_bundle(folder)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    keras.utils.set_random_seed(3)
    sizes = V2(lookback=LOOKBACK, units=8)
    folder = tmp_path_factory.mktemp("stored") / "BBB"
    return store(folder, build(describe_v2(sizes)), sizes)


@pytest.fixture(scope="module")
def stock() -> pd.DataFrame:
    table = with_returns(make_tiny_panel(120))
    return table[table["ticker"] == "BBB"].reset_index(drop=True)


def calendar(stock: pd.DataFrame) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(stock["session"])


def windows_of(stock: pd.DataFrame) -> Windows:
    return make_windows(stock, calendar(stock), lookback=LOOKBACK, horizon=1)


def latest(
    bundle: Bundle, stock: pd.DataFrame, sessions: pd.DatetimeIndex
) -> pd.DataFrame:
    window = next_window(stock, sessions, lookback=LOOKBACK, horizon=1)
    year = pd.Timestamp(window.target_date[0]).year
    return forecast(bundle, window, year=year)


def constant_network(output: float) -> "keras.Model":
    """Make a network whose scaled output is one number, whatever comes in."""
    network = build(describe_v2(SMALL))
    kernel, bias = network.layers[-1].get_weights()
    network.layers[-1].set_weights([0 * kernel, bias + output])
    return network


def test_a_forecast_is_unscaled_and_in_shares_of_the_origin(stock, tmp_path):
    bundle = store(tmp_path / "BBB", constant_network(0.5))
    rows = forecast(bundle, windows_of(stock), year=2020)
    # 0.5 of the range 20 to 60 is 40 adjusted; after the 2-for-1 split that is 20.
    split = stock["session"][40]
    expected = np.where(rows["origin"] < split, 40.0, 20.0)
    assert rows["price_hat"].tolist() == expected.tolist()
    printed = stock.set_index("session")["price"].loc[rows["origin"]].to_numpy()
    assert np.allclose(rows["y_hat"], np.log(expected / printed), rtol=1e-12)


def test_a_negative_forecast_has_a_price_and_no_return(stock, tmp_path):
    # -1 of the range 20 to 60 is -20.
    bundle = store(tmp_path / "BBB", constant_network(-1.0))
    rows = forecast(bundle, windows_of(stock), year=2020)
    assert (rows["price_hat"] < 0).all() and rows["y_hat"].isna().all()


def test_rows_say_what_forecast_them(bundle, stock):
    windows = windows_of(stock)
    rows = forecast(bundle, windows, year=2020)
    identity = rows[["ticker", "model", "seed", "fold", "delay", "horizon"]]
    assert identity.drop_duplicates().to_numpy().tolist() == [
        ["BBB", "v2", 5, 2020, 0, 1]
    ]
    assert (rows["target_date"].to_numpy() == windows.target_date).all()
    assert (rows["entry_date"] == rows["origin"]).all()
    assert rows[["lower", "upper"]].isna().all(axis=None)


def test_one_window_gives_the_same_bits_as_the_whole_batch(bundle, stock):
    windows = windows_of(stock)
    whole = forecast(bundle, windows, year=2020)
    truncated = calendar(stock)
    for place in (0, 1, 31, 32, 70, len(windows) - 1):
        end = truncated.get_loc(windows.origin[place]) + 1
        alone = latest(bundle, stock.iloc[:end], truncated[:end])
        for column in ("price_hat", "y_hat"):
            assert alone[column].to_numpy() == whole[column].to_numpy()[[place]]


def test_another_future_moves_no_forecast_by_a_bit(bundle, stock):
    windows = windows_of(stock)
    cut = np.datetime64(stock["session"][60])
    other = stock.copy()
    other.loc[stock["session"] > cut, "adjusted"] *= 3
    here, there = (
        forecast(bundle, each, year=2020).loc[lambda rows: rows["origin"] <= cut]
        for each in (windows, windows_of(other))
    )
    pd.testing.assert_frame_equal(here, there, check_exact=True)


def test_the_latest_forecast_targets_the_next_weekday(bundle, stock):
    friday = stock[stock["session"] <= "2020-05-15"]
    row = latest(bundle, friday, calendar(friday))
    assert row["origin"].tolist() == [pd.Timestamp("2020-05-15")]
    assert row["target_date"].tolist() == [pd.Timestamp("2020-05-18")]
    assert row["fold"].tolist() == [2020]
    check(row, FORECASTS)


def test_no_windows_give_no_rows(bundle, stock):
    windows = windows_of(stock.iloc[:LOOKBACK])
    assert len(windows) == 0
    check(forecast(bundle, windows, year=2020), FORECASTS)


def test_windows_of_another_lookback_are_refused(bundle, stock):
    windows = windows_of(stock)
    shorter = replace(windows, lookback=windows.lookback - 1)
    with pytest.raises(DataError, match="10 sessions for BBB"):
        forecast(bundle, shorter, year=2020)
