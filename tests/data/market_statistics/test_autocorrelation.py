"""Autocorrelations and their tests beside plain loops, and a known size."""

import math

import numpy as np
import pandas as pd
import pytest
from conftest import make_tiny_panel
from scipy import stats
from statsmodels.stats.diagnostic import acorr_ljungbox

from nse_lstm.data.market_statistics.autocorrelation import (
    LAGS,
    autocorrelations,
    dependence,
    group_autocorrelations,
    stock_autocorrelations,
)
from nse_lstm.data.market_statistics.stock_years import stock_years
from nse_lstm.data.market_statistics.wide_panel import WidePanel, make_wide_panel


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    return make_tiny_panel(300, seed=5)


@pytest.fixture(scope="module")
def boards(panel: pd.DataFrame) -> WidePanel:
    return make_wide_panel(panel)


def plain(moves: list[float], lag: int) -> tuple[float, float]:
    """Autocorrelation and Taylor's (1984) standard error, one pair at a time."""
    known = [r for r in moves if not math.isnan(r)]
    mean = sum(known) / len(known)
    total = squares = 0.0
    for t in range(lag, len(moves)):
        product = (moves[t] - mean) * (moves[t - lag] - mean)
        if not math.isnan(product):
            total += product
            squares += product**2
    power = sum((r - mean) ** 2 for r in known)
    return total / power, math.sqrt(squares) / power


@pytest.mark.parametrize("lag", LAGS)
def test_values_and_errors_are_those_of_a_loop(boards, lag):
    value, error = autocorrelations(boards.moves, span=boards.span, lag=lag)
    for column in range(3):
        expected = plain(list(boards.moves[:, column]), lag)
        assert (value[column], error[column]) == pytest.approx(expected)


def test_no_pair_is_taken_across_a_gap():
    moves = np.random.default_rng(0).normal(size=(80, 1))
    span = (np.arange(80) >= 30).astype(int)
    kept = np.vstack([moves[:30], np.full((5, 1), np.nan), moves[30:]])
    for lag in LAGS:
        found = autocorrelations(moves, span=span, lag=lag)
        apart = autocorrelations(kept, span=np.zeros(85, int), lag=lag)
        assert found[0] == pytest.approx(apart[0])
        assert found[1] == pytest.approx(apart[1])


def test_a_flat_price_has_no_autocorrelation():
    value, error = autocorrelations(np.zeros((99, 1)), span=np.zeros(99, int), lag=1)
    assert np.isnan(value).all() and np.isnan(error).all()


def with_moves(boards: WidePanel, moves: np.ndarray) -> WidePanel:
    """Give a board of as many tickers and sessions other moves, all in one span."""
    n_sessions, n_tickers = moves.shape
    sessions = pd.bdate_range("2015-01-01", periods=n_sessions)
    whole = np.ones(moves.shape)
    return WidePanel(
        sessions=sessions,
        tickers=tuple(f"T{i:03d}" for i in range(n_tickers)),
        kinds=("ordinary",) * n_tickers,
        span=np.zeros(n_sessions, np.int64),
        listed=whole > 0,
        price=whole,
        low=whole,
        high=whole,
        turnover=2e6 * whole,
        returns=moves,
        moves=moves,
        limit=whole < 0,
    )


def test_for_moves_of_one_size_the_statistic_is_ljung_and_box_s(boards):
    # With returns of +-1 the robust variance at lag k is (n - k) / n^2, so that the
    # statistic is theirs times n / (n + 2).
    n = 600
    half = np.repeat([-1.0, 1.0], n // 2)
    moves = np.random.default_rng(3).permutation(half)[:, None]
    found = dependence(with_moves(boards, moves)).loc[0, "statistic"]
    theirs = acorr_ljungbox(moves[:, 0], lags=[5])["lb_stat"].iloc[0]
    assert found == pytest.approx(theirs * n / (n + 2))


def test_the_level_holds_when_variance_comes_and_goes(boards):
    # No autocorrelation, but calm and wild spells: 5 % of 400 is 20, s.d. 4.4. The
    # textbook test rejects far more often.
    generator = np.random.default_rng(6)
    noise = generator.normal(size=(1000, 400))
    wild = np.repeat(generator.uniform(size=(50, 400)) < 0.2, 20, axis=0)
    moves = noise * np.where(wild, 5.0, 1.0)
    found = dependence(with_moves(boards, moves))
    assert 7 <= (found["p_value"] < 0.05).sum() <= 33
    plain_box = [
        acorr_ljungbox(moves[:, i], lags=[5])["lb_pvalue"].iloc[0] for i in range(60)
    ]
    assert sum(p < 0.05 for p in plain_box) > 12
    assert (found["p_holm"] < 0.05).sum() <= 2


def test_averages_of_a_random_walk_are_found_and_their_lag_is_one(boards):
    # Working (1960): averages of m prices a day, correlation (m^2-1) / (2(2m^2+1)).
    steps = np.random.default_rng(7).normal(size=(4001 * 30, 1))
    average = np.cumsum(steps).reshape(4001, 30).mean(axis=1)
    found = dependence(with_moves(boards, np.diff(average)[:, None])).loc[0]
    assert found["autocorrelation"] == pytest.approx(899 / (2 * 1801), abs=0.05)
    assert found["lower"] > 0.15 and found["p_holm"] < 1e-6


def test_corrections_are_those_of_the_textbook(boards):
    moves = np.random.default_rng(8).normal(size=(400, 6))
    moves[1:, 0] += 0.3 * moves[:-1, 0]
    found = dependence(with_moves(boards, moves)).sort_values("p_value")
    p = list(found["p_value"])
    m = len(p)
    holm, so_far = [], 0.0
    for i, value in enumerate(p):
        so_far = max(so_far, min(1.0, (m - i) * value))
        holm.append(so_far)
    fdr, least = [], 1.0
    for i in reversed(range(m)):
        least = min(least, p[i] * m / (i + 1))
        fdr.insert(0, least)
    assert list(found["p_holm"]) == pytest.approx(holm)
    assert list(found["p_fdr"]) == pytest.approx(fdr)


def test_too_few_returns_are_not_tested(panel):
    short = make_wide_panel(panel[panel["session"] < "2020-11-01"])
    assert dependence(short).empty


def test_only_ordinary_shares_are_tested(panel):
    is_own = panel["ticker"] == "BBB"
    boards = make_wide_panel(panel.assign(kind=np.where(is_own, "etf", "ordinary")))
    assert dependence(boards)["ticker"].tolist() == ["AAA", "CCC"]
    assert set(stock_autocorrelations(boards)["ticker"]) == {"AAA", "CCC"}


def test_a_year_stands_by_itself(panel, boards):
    found = stock_autocorrelations(boards).query("year == 2020").reset_index(drop=True)
    other = panel.copy()
    other.loc[other["session"].dt.year == 2021, "price"] *= 3
    again = stock_autocorrelations(make_wide_panel(other)).query("year == 2020")
    pd.testing.assert_frame_equal(found, again.reset_index(drop=True), check_exact=True)
    of_year = boards.sessions.year == 2020
    value, error = plain(list(boards.moves[of_year, 0]), 2)
    row = found.set_index(["ticker", "lag"]).loc[("AAA", 2)]
    half = 1.959964 * error
    assert tuple(row[["value", "lower", "upper"]]) == pytest.approx(
        (value, value - half, value + half), rel=1e-6
    )


def test_a_group_is_the_mean_of_its_years_and_the_year_its_unit(boards):
    rows = pd.DataFrame(
        {
            "ticker": ["A", "B", "C", "A", "B", "A", "B"],
            "year": [2013, 2013, 2013, 2014, 2014, 2015, 2015],
            "lag": 1,
            "value": [0.1, 0.3, -0.5, 0.4, -0.1, 0.0, -0.2],
        }
    )
    # C is thin; B is thin from 2014 on.
    turnover = [1e6, 5e6, 9.9e5, 1e6, 0.0, 3e6, 10.0]
    years = rows[["ticker", "year"]].assign(median_turnover=turnover)
    found = group_autocorrelations(rows, years).set_index("group")
    liquid = [0.2, 0.4, 0.0]
    mean = sum(liquid) / 3
    half = stats.t.ppf(0.975, 2) * math.sqrt(0.04 / 3)
    own = found.loc["liquid"]
    assert tuple(own[["value", "lower", "upper"]]) == pytest.approx(
        (mean, mean - half, mean + half)
    )
    assert (own["n_years"], own["n_stock_years"]) == (3, 4)
    assert found.loc["thin", "value"] == pytest.approx((-0.5 - 0.1 - 0.2) / 3)


def test_one_year_has_no_interval(panel):
    boards = make_wide_panel(panel[panel["session"].dt.year == 2020])
    groups = group_autocorrelations(stock_autocorrelations(boards), stock_years(boards))
    assert groups["lower"].isna().all() and groups["value"].notna().all()
