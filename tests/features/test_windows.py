import numpy as np
import pandas as pd
import pytest
from conftest import make_tiny_panel
from hypothesis import given, settings
from hypothesis import strategies as st

from nse_lstm.errors import DataError
from nse_lstm.features.folds import Fold, make_folds
from nse_lstm.features.returns import with_returns
from nse_lstm.features.scaling import fit_min_max
from nse_lstm.features.windows import (
    PER_WINDOW,
    Windows,
    latest_window,
    make_windows,
    split_fold,
)

FLAGS = ("stale", "suspended", "gap")


def make_stock(n_sessions: int = 40, **flags: list[int]) -> pd.DataFrame:
    """Prices 10, 11, 12, ... so that every expected value can be counted off."""
    table = pd.DataFrame(
        {
            "ticker": "AAA",
            "session": pd.bdate_range("2020-01-06", periods=n_sessions).as_unit("us"),
            "price": 10.0 + np.arange(n_sessions),
            "factor": 1.0,
        }
    )
    for flag in FLAGS:
        table[flag] = np.isin(np.arange(n_sessions), flags.get(flag, []))
    settling = np.isin(np.arange(n_sessions), flags.get("settling", []))
    return with_returns(table).assign(settling=settling)


def calendar(stock: pd.DataFrame) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(stock["session"])


def origins(windows: Windows, stock: pd.DataFrame) -> list[int]:
    """Origins as places on the calendar."""
    return calendar(stock).get_indexer(pd.DatetimeIndex(windows.origin)).tolist()


def select(windows: Windows, kept: np.ndarray) -> dict[str, np.ndarray]:
    return {name: getattr(windows, name)[kept] for name in (*PER_WINDOW, "X")}


def assert_same_bits(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    for name, values in one.items():
        assert values.tobytes() == other[name].tobytes(), name
        assert values.shape == other[name].shape, name


def test_a_window_ends_at_its_origin_and_its_target_is_the_horizon_ahead():
    stock = make_stock(8)
    windows = make_windows(stock, calendar(stock), lookback=3, horizon=2)
    # 8 sessions - 3 back + 1 - 2 ahead = 4 windows, origins 2 to 5.
    assert origins(windows, stock) == [2, 3, 4, 5]
    assert windows.X[0].tolist() == [10.0, 11.0, 12.0]
    assert windows.y.tolist() == [14.0, 15.0, 16.0, 17.0]
    assert windows.last_price.tolist() == [12.0, 13.0, 14.0, 15.0]
    assert (windows.entry_date == windows.origin).all()
    assert windows.dropped == {}


def test_a_delay_moves_entry_and_target_together():
    stock = make_stock(8)
    sessions = calendar(stock).to_numpy()
    windows = make_windows(stock, calendar(stock), lookback=3, horizon=2, delay=1)
    assert (windows.entry_date == sessions[3:6]).all()
    assert (windows.target_date == sessions[5:8]).all()
    assert windows.y.tolist() == [15.0, 16.0, 17.0]


def test_prices_are_adjusted_and_shares_lead_back_to_the_printed_price(tiny_panel):
    stock = with_returns(tiny_panel).query("ticker == 'BBB'")
    windows = make_windows(stock, calendar(stock), lookback=5, horizon=1)
    printed = windows.last_price / windows.shares
    assert np.allclose(printed, stock["price"].to_numpy()[4:-1], rtol=1e-15)
    assert set(windows.shares) == {1.0, 2.0}


@pytest.mark.parametrize(
    ("flags", "dropped", "places"),
    [
        # 12 sessions, lookback 3, horizon 1: origins 2 to 10 without any flag.
        ({"stale": [6]}, {"stale origin": 1, "stale target": 1}, {5, 6}),
        ({"suspended": [6]}, {"suspended origin": 1}, {6}),
        # The return into 6 is inside windows of origins 6 and 7, and ahead of 5; the
        # window of origin 8 begins at 6, after the break.
        ({"gap": [6]}, {"gap": 2, "gap before target": 1}, {5, 6, 7}),
        # A settling price itself is no input: origins 6, 7 and 8 see it.
        (
            {"settling": [6]},
            {"settling price": 3, "settling target": 1},
            {5, 6, 7, 8},
        ),
    ],
)
def test_flagged_sessions_cost_the_windows_they_spoil(flags, dropped, places):
    stock = make_stock(12, **flags)
    windows = make_windows(stock, calendar(stock), lookback=3, horizon=1)
    assert windows.dropped == dropped
    assert set(range(2, 11)) - set(origins(windows, stock)) == places


def test_the_market_calendar_decides_what_a_session_off_the_board_costs():
    stock = make_stock(12)
    sessions = calendar(stock)
    windows = make_windows(stock.drop(index=6), sessions, lookback=3, horizon=1)
    # Session 6 is no origin itself; 5 has no target; 7 and 8 have it as an input.
    assert origins(windows, stock) == [2, 3, 4, 9, 10]
    assert windows.dropped == {"missing price": 2, "missing target": 1}


def test_a_missing_price_on_a_listed_session_is_counted():
    stock = make_stock(12)
    stock.loc[6, "adjusted"] = np.nan
    windows = make_windows(stock, calendar(stock), lookback=3, horizon=1)
    assert windows.dropped == {"missing price": 3, "missing target": 1}


def test_a_mended_price_is_an_input_as_soon_as_it_is_known():
    stock = make_stock(12, stale=[6])
    windows = make_windows(stock, calendar(stock), lookback=3, horizon=1)
    place = origins(windows, stock).index(7)
    assert windows.X[place].tolist() == [15.0, 16.0, 17.0]


def slow_windows(stock, sessions, *, lookback, horizon, delay):
    """The same by one plain loop over origins."""
    rows = stock.set_index("session")
    kept = []
    for place in range(lookback - 1, len(sessions) - delay - horizon):
        inputs = sessions[place - lookback + 1 : place + 1]
        after = sessions[place + 1 : place + delay + horizon + 1]
        if not all(session in rows.index for session in [*inputs, *after]):
            continue
        if rows.loc[[*inputs, *after], "adjusted"].isna().any():
            continue
        if rows.loc[[*inputs[1:], *after], "gap"].any():
            continue
        if rows.loc[[*inputs, *after], "settling"].any():
            continue
        here, target = rows.loc[inputs[-1]], rows.loc[after[-1]]
        if here["stale"] or here["suspended"] or target["stale"]:
            continue
        kept.append((rows.loc[inputs, "adjusted"].tolist(), target["adjusted"]))
    return kept


places = st.lists(st.integers(0, 24), max_size=4, unique=True)


@settings(max_examples=60)
@given(
    stale=places,
    suspended=places,
    gap=places,
    settling=places,
    off=places,
    lookback=st.integers(1, 6),
    horizon=st.integers(1, 3),
    delay=st.integers(0, 2),
)
def test_windows_are_those_of_a_plain_loop(
    stale, suspended, gap, settling, off, lookback, horizon, delay
):
    flags = {"stale": stale, "suspended": suspended, "gap": gap, "settling": settling}
    whole = make_stock(25, **flags)
    sessions = calendar(whole)
    stock = whole.drop(index=off)
    lengths = {"lookback": lookback, "horizon": horizon, "delay": delay}
    windows = make_windows(stock, sessions, **lengths)
    expected = slow_windows(stock, sessions, **lengths)
    assert windows.X.tolist() == [inputs for inputs, _ in expected]
    assert windows.y.tolist() == [target for _, target in expected]


def test_another_future_moves_no_window_that_was_complete_before_it():
    cut = make_tiny_panel()["session"].unique()[45]
    panel = make_tiny_panel()
    other = make_tiny_panel(seed=1).assign(stale=True, gap=True)
    spliced = pd.concat([panel[panel["session"] <= cut], other[other["session"] > cut]])
    parts = []
    for table in (panel, spliced, panel[panel["session"] <= cut]):
        sessions = pd.DatetimeIndex(table["session"].unique())
        stock = with_returns(table).query("ticker == 'BBB'")
        windows = make_windows(stock, sessions, lookback=10, horizon=2)
        parts.append(select(windows, windows.target_date <= np.datetime64(cut)))
    assert len(parts[0]["y"]) == 35  # origins 9 to 43, targets up to 45
    assert_same_bits(parts[0], parts[1])
    assert_same_bits(parts[0], parts[2])


def fold_from(stock: pd.DataFrame, first: int, last: int) -> Fold:
    sessions = stock["session"]
    return Fold(2020, "test", sessions[first], sessions[last])


@pytest.mark.parametrize(("purge", "end"), [(0, 36), (1, 36), (2, 36), (5, 33)])
def test_spans_of_a_fold_do_not_touch_each_other(purge, end):
    stock = make_stock(60)
    windows = make_windows(stock, calendar(stock), lookback=5, horizon=2)
    fold = fold_from(stock, 46, 56)
    split = split_fold(windows, fold, validation_share=0.15, purge=purge)
    # Origins 4 to 43 have their targets before session 46: 40 windows, 6 validate
    # (origins 38 to 43); 36 and 37 have targets 38 and 39 and are purged, however
    # small the purge that was asked for.
    assert origins(split.train, stock) == list(range(4, end))
    assert origins(split.validation, stock) == list(range(38, 44))
    assert split.train.dropped == {"purged": 38 - end}
    assert split.train.target_date.max() < split.validation.origin.min()
    assert split.validation.target_date.max() < np.datetime64(fold.start)


def test_the_first_forecast_targets_the_first_session_of_the_fold():
    stock = make_stock(60)
    windows = make_windows(stock, calendar(stock), lookback=5, horizon=2)
    split = split_fold(
        windows, fold_from(stock, 46, 56), validation_share=0.15, purge=2
    )
    assert origins(split.forecast, stock) == list(range(44, 54))
    assert split.forecast.target_date[0] == np.datetime64(stock["session"][46])
    assert split.forecast.y[0] == 10.0 + 46


def test_drops_are_counted_in_the_span_they_fall_into():
    stock = make_stock(60, stale=[20, 50])
    windows = make_windows(stock, calendar(stock), lookback=5, horizon=1)
    split = split_fold(
        windows, fold_from(stock, 46, 56), validation_share=0.15, purge=1
    )
    assert split.train.dropped == {"stale origin": 1, "stale target": 1, "purged": 1}
    assert split.forecast.dropped == {"stale origin": 1, "stale target": 1}
    assert split.validation.dropped == {}


@settings(max_examples=40)
@given(
    stale=st.lists(st.integers(0, 59), max_size=8),
    horizon=st.integers(1, 4),
    start=st.integers(30, 50),
)
def test_no_target_of_one_span_reaches_the_next(stale, horizon, start):
    stock = make_stock(60, stale=stale)
    windows = make_windows(stock, calendar(stock), lookback=3, horizon=horizon)
    split = split_fold(
        windows, fold_from(stock, start, 59), validation_share=0.15, purge=horizon
    )
    assert split.train.target_date.max() < split.validation.origin.min()
    assert split.validation.target_date.max() < np.datetime64(stock["session"][start])
    assert (split.forecast.target_date >= np.datetime64(stock["session"][start])).all()


def test_another_future_moves_neither_split_nor_scaler_of_a_fold():
    start = pd.Timestamp("2021-01-01")
    panel = make_tiny_panel(400)
    other = make_tiny_panel(400, seed=1).assign(stale=True)
    spliced = pd.concat(
        [panel[panel["session"] < start], other[other["session"] >= start]]
    )
    parts = []
    for table in (panel, spliced, panel[panel["session"] < start]):
        stock = with_returns(table).query("ticker == 'BBB'")
        sessions = pd.DatetimeIndex(table["session"].unique())
        windows = make_windows(stock, sessions, lookback=10, horizon=1)
        fold = make_folds(2021, 0)[0]
        split = split_fold(windows, fold, validation_share=0.15, purge=1)
        parts.append((split, fit_min_max(np.append(split.train.X, split.train.y))))
    (split, scaler), *others = parts
    everything = slice(None)
    for other_split, other_scaler in others:
        assert other_scaler == scaler
        assert other_split.train.dropped == split.train.dropped
        for part in ("train", "validation"):
            assert_same_bits(
                select(getattr(split, part), everything),
                select(getattr(other_split, part), everything),
            )
            prices = (getattr(each, part).prices for each in (split, other_split))
            np.testing.assert_array_equal(*prices)


def test_a_fold_without_history_is_refused():
    stock = make_stock(20)
    windows = make_windows(stock, calendar(stock), lookback=5, horizon=1)
    with pytest.raises(DataError, match="Received: 0 windows"):
        split_fold(windows, fold_from(stock, 2, 10), validation_share=0.15, purge=1)


def test_the_latest_window_ends_at_the_last_session_and_has_no_target():
    stock = make_stock(12)
    window = latest_window(stock, calendar(stock), lookback=3)
    assert window.X.tolist() == [[19.0, 20.0, 21.0]]
    assert window.origin[0] == window.entry_date[0] == stock["session"].iloc[-1]
    assert np.isnan(window.y[0]) and np.isnat(window.target_date[0])


@pytest.mark.parametrize(
    ("stock", "reason"),
    [
        (make_stock(12, stale=[11]), "stale origin"),
        (make_stock(12, suspended=[11]), "suspended origin"),
        (make_stock(12, gap=[11]), "gap"),
        (make_stock(12, settling=[11]), "settling price"),
        (make_stock(12).drop(index=10), "missing price"),
        (make_stock(12).drop(index=11), "no row there"),
        (make_stock(12).iloc[10:], "too short a history"),
    ],
)
def test_a_last_session_that_cannot_be_forecast_from_says_why(stock, reason):
    sessions = calendar(make_stock(12))
    with pytest.raises(DataError, match=rf"AAA.*2020-01-21.*{reason}"):
        latest_window(stock, sessions, lookback=3)


def test_a_stock_shorter_than_one_window_has_none():
    stock = make_stock(3)
    windows = make_windows(stock, calendar(stock), lookback=5, horizon=1)
    assert (len(windows), windows.X.shape, windows.dropped) == (0, (0, 5), {})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lookback": 0}, "lookback=0"),
        ({"horizon": 0}, "horizon=0"),
        ({"delay": -1}, "delay=-1"),
    ],
)
def test_lengths_that_make_no_window_are_refused(change, message):
    stock = make_stock(12)
    with pytest.raises(DataError, match=message):
        make_windows(stock, calendar(stock), **({"lookback": 3, "horizon": 1} | change))


def test_two_tickers_at_once_are_refused(tiny_panel):
    sessions = pd.DatetimeIndex(tiny_panel["session"].unique())
    with pytest.raises(DataError, match="one ticker"):
        make_windows(with_returns(tiny_panel), sessions, lookback=3, horizon=1)


def test_a_session_off_the_calendar_is_refused():
    stock = make_stock(12)
    with pytest.raises(DataError, match="1 of them off the calendar"):
        make_windows(stock, calendar(stock)[:-1], lookback=3, horizon=1)
