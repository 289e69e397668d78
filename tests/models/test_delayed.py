"""v2 at delay 1: what its target is, and what it may know."""

import numpy as np
import pandas as pd
from conftest import make_tiny_panel

from nse_lstm.features.folds import make_folds
from nse_lstm.features.returns import market_sessions, with_returns
from nse_lstm.features.windows import make_windows, open_windows, split_fold
from nse_lstm.models.baselines import forecast_rows
from nse_lstm.models.delayed import STALE_ENTRY, aim_at_trades, date_trades

NONE = np.array([], "datetime64[us]")


def windows_of(stock: pd.DataFrame, stale: np.ndarray = NONE):
    cut = make_windows(stock, market_sessions(stock), lookback=4, horizon=1, delay=1)
    return cut, aim_at_trades(cut, stale, delay=1)


def one_stock(n_sessions: int = 160) -> pd.DataFrame:
    panel = with_returns(make_tiny_panel(n_sessions, start="2019-11-04"))
    return panel[panel["ticker"] == panel["ticker"].iloc[0]]


def test_the_target_is_the_origins_price_moved_by_the_return_dealt() -> None:
    stock = one_stock()
    _, aimed = windows_of(stock)
    prices = dict(zip(stock["session"], stock["adjusted"], strict=True))
    dates = zip(aimed.origin, aimed.entry_date, aimed.target_date, strict=True)
    expected = [
        prices[pd.Timestamp(t)] * prices[pd.Timestamp(end)] / prices[pd.Timestamp(deal)]
        for t, deal, end in dates
    ]
    assert len(expected) > 50
    np.testing.assert_allclose(aimed.y, expected, rtol=1e-12)
    calendar = list(market_sessions(stock))
    for t, deal, end in zip(
        aimed.origin, aimed.entry_date, aimed.target_date, strict=True
    ):
        place = calendar.index(pd.Timestamp(t))
        assert calendar[place + 1 : place + 3] == [deal, end]


def test_a_window_entered_at_a_stale_copy_is_dropped_and_counted() -> None:
    stock = one_stock()
    cut, aimed = windows_of(stock)
    stale = cut.entry_date[10:12]
    _, fewer = windows_of(stock, stale)
    assert len(fewer) == len(aimed) - 2
    assert fewer.dropped[STALE_ENTRY] == 2
    assert not np.isin(fewer.entry_date, stale).any()


def test_no_price_of_the_fold_enters_what_is_trained_on() -> None:
    stock, fold = one_stock(), make_folds(2020, 0)[0]
    other = stock.copy()
    late = other["session"] >= fold.start
    other.loc[late, "adjusted"] *= 1 + other.loc[late, "session"].dt.day / 10
    first, second = (
        split_fold(windows_of(rows)[1], fold, validation_share=0.15, purge=2)
        for rows in (stock, other)
    )
    for span in ("train", "validation"):
        one, two = getattr(first, span), getattr(second, span)
        assert len(one) > 0
        np.testing.assert_array_equal(one.y, two.y)
        np.testing.assert_array_equal(one.X, two.X)
        assert (one.target_date < np.datetime64(fold.start)).all()
    assert not np.array_equal(first.forecast.y, second.forecast.y)


def test_its_forecast_is_a_return_and_no_price() -> None:
    _, aimed = windows_of(one_stock())
    rows = forecast_rows(
        aimed, aimed.last_price * 1.02, ticker="AAA", model="v2_delay1", seed=1,
        year=2020, horizon=1, delay=1,
    )  # fmt: skip
    assert (rows["delay"] == 1).all() and rows["price_hat"].isna().all()
    np.testing.assert_allclose(rows["y_hat"], np.log(1.02))


def test_a_trade_is_dated_on_the_calendar_whatever_becomes_of_its_target() -> None:
    """Origin, entry one session later, target two later; the last two have none."""
    sessions = pd.bdate_range("2024-01-01", periods=6).as_unit("us")
    stock = pd.DataFrame(
        {"ticker": "AAA", "session": sessions, "adjusted": [10.0, 11, 12, 13, 14, 15]}
    ).assign(shares=1.0, stale=False, suspended=False, gap=False, settling=False)
    # The target of the second origin repeats the price before it.
    stock.loc[3, "stale"] = True
    windows = open_windows(stock, sessions, lookback=1)
    dated = date_trades(windows, sessions, delay=1, horizon=1)
    # A stale session is no origin, though it may be a target.
    assert pd.DatetimeIndex(dated.origin).tolist() == sessions[[0, 1, 2]].tolist()
    assert pd.DatetimeIndex(dated.entry_date).tolist() == sessions[[1, 2, 3]].tolist()
    assert pd.DatetimeIndex(dated.target_date).tolist() == sessions[[2, 3, 4]].tolist()
