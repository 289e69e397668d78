import numpy as np
import pandas as pd
import pytest
from conftest import make_tiny_panel

from nse_lstm.features.returns import market_sessions, with_returns


def of(table: pd.DataFrame, ticker: str) -> pd.DataFrame:
    return table[table["ticker"] == ticker].reset_index(drop=True)


def test_a_split_does_not_move_the_adjusted_price(tiny_panel):
    stock = of(with_returns(tiny_panel), "BBB")
    # 2-for-1 at session 40: one share held from the start is two from then on.
    assert stock["shares"].tolist() == [1.0] * 40 + [2.0] * 20
    expected = 2 * stock["price"][40] / stock["price"][39] - 1
    assert np.isclose(stock["simple_return"][40], expected, rtol=1e-14)
    assert abs(stock["simple_return"][40]) < 0.1  # not the -50 % of the printed price


def test_log_and_simple_returns_are_the_same_move(tiny_panel):
    table = with_returns(tiny_panel)
    assert np.allclose(
        np.expm1(table["log_return"]), table["simple_return"], equal_nan=True
    )


def test_only_the_first_row_of_a_ticker_lacks_a_return_on_a_clean_board(tiny_panel):
    table = with_returns(tiny_panel.assign(suspended=False))
    missing = table[table["log_return"].isna()]
    first = table.groupby("ticker")["session"].min()
    assert missing.set_index("ticker")["session"].equals(first)


def test_no_return_across_a_gap_of_the_market(tiny_panel):
    sessions = tiny_panel["session"].drop_duplicates().sort_values()
    reopening = sessions.iloc[20]
    tiny_panel.loc[tiny_panel["session"] == reopening, "gap"] = True
    table = with_returns(tiny_panel)
    assert table.loc[table["session"] == reopening, "simple_return"].isna().all()
    assert (
        table.loc[table["session"] == sessions.iloc[21], "simple_return"].notna().all()
    )


def test_no_return_over_sessions_that_the_ticker_missed(tiny_panel):
    # AAA leaves the board for sessions 10 to 12: its return on 13 would span four.
    stock_sessions = tiny_panel.loc[tiny_panel["ticker"] == "AAA", "session"].tolist()
    off = tiny_panel["session"].isin(stock_sessions[10:13])
    panel = tiny_panel[~(off & (tiny_panel["ticker"] == "AAA"))]
    stock = of(with_returns(panel), "AAA").set_index("session")
    assert np.isnan(stock.loc[stock_sessions[13], "log_return"])
    assert np.isfinite(stock.loc[stock_sessions[14], "log_return"])


def test_a_missing_price_costs_its_own_return_and_the_next(tiny_panel):
    tiny_panel.loc[5, "price"] = np.nan
    stock = of(with_returns(tiny_panel), "AAA")
    assert stock.index[stock["log_return"].isna()].tolist() == [0, 5, 6]


def with_index_row(panel: pd.DataFrame, session: pd.Timestamp) -> pd.DataFrame:
    row = panel.iloc[[0]].assign(ticker="^IDX", kind="index", session=session)
    return pd.concat([panel, row], ignore_index=True)


def test_an_index_alone_makes_no_session(tiny_panel):
    sessions = market_sessions(tiny_panel)
    assert len(sessions) == 60 and sessions.is_monotonic_increasing
    friday = sessions[4]
    panel = with_index_row(tiny_panel, friday + pd.Timedelta(days=1))
    panel = with_index_row(with_index_row(panel, friday), sessions[5])
    pd.testing.assert_index_equal(market_sessions(panel), sessions)
    table = with_returns(panel)
    is_index = table["ticker"] == "^IDX"
    pd.testing.assert_frame_equal(
        table[~is_index].reset_index(drop=True), with_returns(tiny_panel)
    )
    # Saturday lies between the index's Friday and Monday: no return on either side.
    assert table.loc[is_index, "log_return"].isna().all()


def settling_panel(prices: list[float], *, ex_date: int) -> pd.DataFrame:
    """One stock with a 2-for-1 bonus, and one beside it that keeps the calendar."""
    sessions = pd.bdate_range("2020-01-06", periods=len(prices)).as_unit("us")
    stock = {"ticker": "AAA", "session": sessions, "price": prices}
    factor = np.where(np.arange(len(prices)) == ex_date, 2.0, 1.0)
    panel = pd.DataFrame(stock | {"factor": factor, "kind": "ordinary", "gap": False})
    return pd.concat([panel, panel.assign(ticker="BBB", price=1.0, factor=1.0)])


def test_a_price_settles_until_it_is_back_within_the_limits_of_the_one_before():
    # Adjusted: 100, 200, 160, 114, 114. log 1.6 is 0.47; log 1.14 is 0.131, within.
    panel = settling_panel([100.0, 100.0, 80.0, 57.0, 57.0], ex_date=1)
    stock = of(with_returns(panel), "AAA")
    assert stock["settling"].tolist() == [False, True, True, False, False]
    # Neither the leap nor the way back is a return; the session after is one.
    assert stock["log_return"].isna().tolist() == [True, True, True, True, False]
    assert stock["simple_return"].isna().equals(stock["log_return"].isna())
    assert stock["adjusted"].tolist() == [100.0, 200.0, 160.0, 114.0, 114.0]


def test_a_price_that_does_not_come_back_is_believed_after_forty_sessions():
    panel = settling_panel([100.0] * 50, ex_date=2)
    stock = of(with_returns(panel), "AAA").reset_index(drop=True)
    assert stock.index[stock["settling"]].tolist() == list(range(2, 42))
    assert stock.index[stock["log_return"].isna()].tolist() == [0, *range(2, 43)]


def test_a_break_of_the_market_begins_no_settling():
    panel = settling_panel([100.0] * 5, ex_date=2).reset_index(drop=True)
    panel.loc[[2, 7], "gap"] = True
    assert not with_returns(panel)["settling"].any()


def test_a_missing_ex_date_price_lets_the_first_one_after_it_settle():
    panel = settling_panel([100.0, np.nan, 100.0, 50.0, 50.0], ex_date=1)
    stock = of(with_returns(panel), "AAA")
    assert stock["settling"].tolist() == [False, False, True, False, False]


@pytest.mark.parametrize("n_known", range(1, 8))
def test_settling_is_known_in_each_sessions_own_evening(n_known):
    prices = [100.0, 100.0, 95.0, 90.0, 55.0, 52.0, 51.0, 50.0]
    whole = of(with_returns(settling_panel(prices, ex_date=2)), "AAA")
    other = [*prices[:n_known], *[1.0] * (len(prices) - n_known)]
    for known in (prices[:n_known], other):
        panel = settling_panel(known, ex_date=2).dropna(subset="price")
        part = of(with_returns(panel), "AAA")
        pd.testing.assert_frame_equal(part[:n_known], whole[:n_known])


def test_a_jump_without_an_ex_date_is_a_return(tiny_panel):
    plain = with_returns(tiny_panel)
    assert not plain["settling"].any()
    tiny_panel.loc[10, "price"] *= 2
    table = with_returns(tiny_panel)
    assert not table["settling"].any()
    assert np.isclose(
        table.loc[10, "simple_return"] + 1, 2 * (plain.loc[10, "simple_return"] + 1)
    )


def test_another_future_does_not_move_what_was_adjusted_before():
    panel = make_tiny_panel()
    sessions = panel["session"].drop_duplicates().sort_values()
    cut = sessions.iloc[35]
    other = make_tiny_panel(seed=1)
    spliced = pd.concat([panel[panel["session"] <= cut], other[other["session"] > cut]])
    truncated = panel[panel["session"] <= cut]
    here, spliced_here, alone = (
        with_returns(table)
        .loc[lambda rows: rows["session"] <= cut]
        .reset_index(drop=True)
        for table in (panel, spliced, truncated)
    )
    pd.testing.assert_frame_equal(here, spliced_here, check_exact=True)
    pd.testing.assert_frame_equal(here, alone, check_exact=True)


def test_a_suspension_is_no_flat_return(tiny_panel):
    idle = (tiny_panel["ticker"] == "AAA") & tiny_panel.index.isin(range(20, 25))
    tiny_panel["suspended"] = idle
    tiny_panel.loc[idle, "price"] = tiny_panel.loc[19, "price"]
    table = with_returns(tiny_panel)
    # Neither while it lasts nor on the session that ends it.
    assert table.loc[20:25, ["log_return", "simple_return"]].isna().all(axis=None)
    assert table.loc[[19, 26], "log_return"].notna().all()
