"""Each figure of a stock's year beside a plain loop over its rows."""

import itertools
import math
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from conftest import make_tiny_panel

from nse_lstm.data.market_statistics.spreads import (
    high_low_spread,
    roll_spread,
    tick_share,
)
from nse_lstm.data.market_statistics.stock_years import (
    dimson_beta,
    longest_run,
    stock_years,
    tails,
)
from nse_lstm.data.market_statistics.wide_panel import WidePanel, make_wide_panel
from nse_lstm.errors import DataError

N = 300
SPLIT = 40


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    """A year and a bit; one stale copy of the board, one limit day, one idle ticker."""
    panel = make_tiny_panel(N, seed=3)
    sessions = panel["session"].unique()
    panel.loc[panel["session"] == sessions[100], "stale"] = True
    panel.loc[5, "limit"] = True
    return panel


@pytest.fixture(scope="module")
def boards(panel: pd.DataFrame) -> WidePanel:
    return make_wide_panel(panel)


def rows_of_year(panel: pd.DataFrame, ticker: str, year: int) -> pd.DataFrame:
    is_own = (panel["ticker"] == ticker) & (panel["session"].dt.year == year)
    return panel[is_own].reset_index(drop=True)


def plain_returns(panel: pd.DataFrame, ticker: str) -> dict[pd.Timestamp, float]:
    """Log returns by session, one row after the other."""
    found, before, shares = {}, math.nan, 1.0
    for row in panel[panel["ticker"] == ticker].itertuples():
        shares *= row.factor
        now = math.nan if row.stale else row.price * shares
        found[row.session] = math.log(now / before)
        before = now
    return found


def by_year(panel: pd.DataFrame) -> Iterator[tuple[str, int]]:
    for ticker in ("AAA", "BBB", "CCC"):
        for year in (2020, 2021):
            yield ticker, year


def test_activity_is_what_a_loop_over_the_rows_counts(panel, boards):
    found = stock_years(boards).set_index(["ticker", "year"])
    assert len(found) == 6
    for ticker, year in by_year(panel):
        rows = [
            r for r in rows_of_year(panel, ticker, year).itertuples() if not r.stale
        ]
        own = found.loc[(ticker, year)]
        assert own["n_sessions"] == len(rows)
        dealt = [row for row in rows if row.volume == row.volume]
        assert own["traded_share"] == pytest.approx(len(dealt) / len(rows))
        turnover = sorted(
            row.price * row.volume if row.volume == row.volume else 0.0 for row in rows
        )
        middle = (turnover[(len(rows) - 1) // 2] + turnover[len(rows) // 2]) / 2
        assert own["median_turnover"] == pytest.approx(middle)
        assert own["n_limit"] == sum(row.limit for row in rows)
        assert own["first_session"] == rows[0].session
        assert own["last_session"] == rows[-1].session


def test_zero_returns_and_runs_are_counted_one_by_one(panel, boards):
    found = stock_years(boards).set_index(["ticker", "year"])
    for ticker, year in by_year(panel):
        returns = [
            value
            for session, value in plain_returns(panel, ticker).items()
            if session.year == year
        ]
        known = [value for value in returns if value == value]
        zero = [abs(value) <= 1e-12 for value in known]
        own = found.loc[(ticker, year)]
        assert own["zero_return_share"] == pytest.approx(sum(zero) / len(known))
        longest = run = 0
        for value in returns:
            run = run + 1 if abs(value) <= 1e-12 else 0
            longest = max(longest, run)
        assert own["longest_unchanged"] == longest
    # CCC stands still for 14 sessions.
    assert found.loc[("CCC", 2020), "longest_unchanged"] >= 14


def test_volatility_and_tails_leave_suspended_sessions_out(panel, boards):
    found = stock_years(boards).set_index(["ticker", "year"])
    is_idle = set(panel.loc[panel["suspended"], "session"])
    assert len(is_idle) == 3
    sessions = sorted(panel["session"].unique())
    # Nor did anybody earn what the first price after it had moved by.
    is_idle |= {b for a, b in itertools.pairwise(sessions) if a in is_idle}
    returns = [
        value
        for session, value in plain_returns(panel, "CCC").items()
        if session.year == 2020 and value == value and session not in is_idle
    ]
    mean = sum(returns) / len(returns)
    second = sum((r - mean) ** 2 for r in returns) / len(returns)
    fourth = sum((r - mean) ** 4 for r in returns) / len(returns)
    beyond = sum(abs(r - mean) > 3 * math.sqrt(second) for r in returns)
    own = found.loc[("CCC", 2020)]
    unbiased = second * len(returns) / (len(returns) - 1)
    assert own["volatility"] == pytest.approx(math.sqrt(unbiased))
    assert own["excess_kurtosis"] == pytest.approx(fourth / second**2 - 3)
    assert own["beyond_three_share"] == pytest.approx(beyond / len(returns))


def test_a_split_is_no_move_but_halves_the_tick_table_price(panel, boards):
    place = boards.tickers.index("BBB")
    assert abs(boards.returns[SPLIT, place]) < 0.1
    before, after = boards.price[SPLIT - 1, place], boards.price[SPLIT, place]
    assert after < 0.7 * before
    # 20 to 50 KES steps by 0.05 since November 2018, 10 to 50 likewise.
    assert tick_share(boards)[SPLIT, place] == pytest.approx(0.05 / after)


def test_the_tick_changes_with_the_table_of_november_2018():
    panel = make_tiny_panel(4, start="2018-11-22").query("ticker == 'AAA'")
    boards = make_wide_panel(panel.assign(price=40.0))
    # 22 and 23 November: 0.25 between 20 and 50 KES; from the 26th: 0.05.
    expected = [0.25 / 40, 0.25 / 40, 0.05 / 40, 0.05 / 40]
    assert tick_share(boards)[:, 0] == pytest.approx(expected)


def test_a_year_is_not_moved_by_the_years_after_it(panel):
    other = panel.copy()
    is_late = other["session"].dt.year == 2021
    other.loc[is_late, ["price", "volume"]] *= 7.0
    other.loc[is_late, "suspended"] = True
    cut = panel[~is_late]
    tables = [
        stock_years(make_wide_panel(each)).query("year == 2020").reset_index(drop=True)
        for each in (panel, other, cut)
    ]
    pd.testing.assert_frame_equal(tables[0], tables[1], check_exact=True)
    pd.testing.assert_frame_equal(tables[0], tables[2], check_exact=True)


def test_a_short_year_has_no_movement(panel):
    found = stock_years(make_wide_panel(panel[panel["session"] < "2020-03-01"]))
    columns = [
        "volatility",
        "excess_kurtosis",
        "spread_roll",
        "spread_high_low",
        "beta",
    ]
    assert found[columns].isna().all(axis=None)
    assert found["traded_share"].notna().all()


def test_indices_are_left_out_and_a_panel_of_them_refused(panel):
    is_own = panel["ticker"] == "AAA"
    boards = make_wide_panel(panel.assign(kind=np.where(is_own, "index", "ordinary")))
    assert boards.tickers == ("BBB", "CCC")
    with pytest.raises(DataError, match="rows of a stock"):
        make_wide_panel(panel.assign(kind="index"))


def test_roll_finds_the_spread_of_a_price_that_only_bounces():
    # One price, bought at 1 + s/2 and sold at 1 - s/2, sides at random: 4 % wide.
    sides = np.random.default_rng(0).choice([-1.0, 1.0], 40_000)
    moves = np.diff(np.log(1 + 0.02 * sides))[:, None]
    assert roll_spread(moves)[0] == pytest.approx(0.04, rel=0.03)


def test_roll_is_a_loops_covariance_and_undefined_where_it_is_positive():
    moves = np.random.default_rng(1).normal(size=(200, 2))
    moves[7, 0] = np.nan
    moves[1:, 1] += 0.9 * moves[:-1, 1]
    pairs = [
        (moves[t, 0], moves[t - 1, 0])
        for t in range(1, 200)
        if not math.isnan(moves[t, 0]) and not math.isnan(moves[t - 1, 0])
    ]
    now, before = (sum(each) / len(pairs) for each in zip(*pairs, strict=True))
    covariance = sum((a - now) * (b - before) for a, b in pairs) / len(pairs)
    found = roll_spread(moves)
    if covariance < 0:
        assert found[0] == pytest.approx(2 * math.sqrt(-covariance))
    else:
        assert math.isnan(found[0])
    assert math.isnan(found[1])
    assert np.isnan(roll_spread(moves[:60])).all()


def plain_high_low(low: list[float], high: list[float]) -> float:
    """Corwin and Schultz (2012), equations 14 and 18, pair by pair."""
    total, n = 0.0, 0
    k = 3 - 2 * math.sqrt(2)
    for t in range(1, len(low)):
        beta = math.log(high[t] / low[t]) ** 2 + math.log(high[t - 1] / low[t - 1]) ** 2
        top, floor = max(high[t], high[t - 1]), min(low[t], low[t - 1])
        gamma = math.log(top / floor) ** 2
        alpha = (math.sqrt(2 * beta) - math.sqrt(beta)) / k - math.sqrt(gamma / k)
        total += max(0.0, 2 * (math.exp(alpha) - 1) / (1 + math.exp(alpha)))
        n += 1
    return total / n


def test_the_high_low_spread_is_that_of_the_paper_pair_by_pair():
    generator = np.random.default_rng(2)
    middle = 50 * np.exp(np.cumsum(generator.normal(0, 0.005, 100)))
    low = (middle * (1 - generator.uniform(0.005, 0.02, 100)))[:, None]
    high = (middle * (1 + generator.uniform(0.005, 0.02, 100)))[:, None]
    span = np.zeros(100, int)
    expected = plain_high_low(list(low[:, 0]), list(high[:, 0]))
    assert high_low_spread(low, high, span=span)[0] == pytest.approx(expected)
    # A range that is all spread: the same bid and ask, session after session.
    same = np.full((100, 1), 98.0), np.full((100, 1), 102.0)
    found = high_low_spread(*same, span=span)[0]
    assert found == pytest.approx(0.04, abs=2e-5)


def test_no_pair_of_ranges_is_taken_across_a_gap():
    low, high = np.full((100, 1), 98.0), np.full((100, 1), 102.0)
    low[50:], high[50:] = low[50:] * 9, high[50:] * 9
    span = (np.arange(100) >= 50).astype(int)
    whole = high_low_spread(low, high, span=np.zeros(100, int))[0]
    assert high_low_spread(low, high, span=span)[0] == pytest.approx(0.04, abs=2e-5)
    assert whole < 0.0399


def test_the_longest_run_is_that_of_each_column():
    columns = np.array([[1, 0], [1, 0], [0, 1], [1, 0]], bool)
    assert longest_run(columns).tolist() == [2, 1]


def test_tails_of_two_points_and_of_a_flat_line():
    # Half at -1, half at +1: the smallest kurtosis there is, 1, so an excess of -2.
    moves = np.column_stack([np.tile([-1.0, 1.0], 50), np.zeros(100)])
    kurtosis, beyond = tails(moves)
    assert kurtosis[0] == pytest.approx(-2) and beyond[0] == 0
    assert np.isnan(kurtosis[1]) and np.isnan(beyond[1])


def test_beta_adds_the_slopes_on_the_other_shares_early_and_late():
    generator = np.random.default_rng(4)
    market = generator.normal(0, 0.01, 2000)
    late = 0.5 * market + 0.8 * np.roll(market, 1)
    moves = np.column_stack([late, market, market, 9 * market])
    betas = dimson_beta(moves, np.array([True, True, True, False]))
    # Its market is the mean of the two that are ordinary beside it.
    assert betas[0] == pytest.approx(1.3, abs=1e-2)
    # Not ordinary: it is no part of the market, but has a beta to it, of all three.
    rest = (late + 2 * market) / 3
    design = [np.ones(1998), rest[:-2], rest[1:-1], rest[2:]]
    slopes = np.linalg.lstsq(np.column_stack(design), 9 * market[1:-1], rcond=None)[0]
    assert betas[3] == pytest.approx(slopes[1:].sum())
