"""Who is in a month's universe, and where a share stands in it."""

import numpy as np
import pandas as pd
import pytest

from nse_lstm.config import CrossSection
from nse_lstm.features.cross_sectional_rank import (
    above_mean,
    cross_sectional_rank,
    monthly_universe,
)

RULE = CrossSection(size=2, liquidity_sessions=20, min_traded_share=0.6)


def turnover_of(n: int = 70) -> pd.DataFrame:
    """AAA 100 and BBB 90 a session; CCC deals 1,000 every second one; DDD 80."""
    sessions = pd.bdate_range("2020-01-01", periods=n).as_unit("us")
    odd = np.arange(n) % 2
    values = {"DDD": 80.0, "CCC": 1000.0 * odd, "BBB": 90.0, "AAA": 100.0}
    return pd.DataFrame(values, index=sessions)


def members(member: pd.DataFrame, month: str) -> list[str]:
    rows = member.loc[month]
    # A month has one universe.
    assert (rows == rows.iloc[0]).all(axis=None)
    return sorted(rows.columns[rows.iloc[0]])


def test_the_most_dealt_that_trade_often_are_in() -> None:
    turnover = turnover_of()
    sessions = pd.DatetimeIndex(turnover.index)
    member = monthly_universe(turnover, sessions, RULE)
    # January and its 23 sessions are the first month with 20 sessions of history
    # behind the next; CCC trades on half of them only.
    assert members(member, "2020-01") == []
    assert members(member, "2020-02") == ["AAA", "BBB"]


def test_a_month_knows_nothing_of_itself() -> None:
    turnover = turnover_of()
    turnover.loc["2020-03":, "DDD"] = 1e6
    sessions = pd.DatetimeIndex(turnover.index)
    member = monthly_universe(turnover, sessions, RULE)
    assert members(member, "2020-03") == ["AAA", "BBB"]
    assert members(member, "2020-04") == ["AAA", "DDD"]


def test_ties_go_by_ticker_and_a_missing_row_is_no_deal() -> None:
    turnover = turnover_of().assign(DDD=90.0)
    sessions = pd.DatetimeIndex(turnover.index)
    assert members(monthly_universe(turnover, sessions, RULE), "2020-02") == [
        "AAA",
        "BBB",
    ]
    turnover.loc["2020-01-10":"2020-01-31", "AAA"] = np.nan
    member = monthly_universe(turnover, sessions, RULE)
    assert members(member, "2020-02") == ["BBB", "DDD"]


def test_a_place_is_a_share_of_members() -> None:
    columns = list("ABCDEF")
    values = pd.DataFrame([[1.0, 2.0, 2.0, 5.0, 3.0, np.nan]], columns=columns)
    member = pd.DataFrame([[True, True, True, True, False, True]], columns=columns)
    # Of the members 1, 2, 2, 5: (below + equal / 2) / 4 - 1/2. E's 3 has 3 of 4 below.
    expected = [-0.375, 0.0, 0.0, 0.375, 0.25, np.nan]
    np.testing.assert_allclose(cross_sectional_rank(values, member).iloc[0], expected)


def test_rounding_is_no_difference_and_one_member_gives_no_place() -> None:
    values = pd.DataFrame([[0.3, 0.1 + 0.2], [1.0, 2.0]], columns=["A", "B"])
    member = pd.DataFrame([[True, True], [True, False]], columns=["A", "B"])
    placed = cross_sectional_rank(values, member)
    assert placed.iloc[0].tolist() == [0.0, 0.0]
    assert placed.iloc[1].isna().all()


def test_the_mean_is_the_members() -> None:
    values = pd.DataFrame([[1.0, 3.0, 10.0]], columns=["A", "B", "C"])
    member = pd.DataFrame([[True, True, False]], columns=["A", "B", "C"])
    assert above_mean(values, member).iloc[0].tolist() == [-1.0, 1.0, 8.0]


def test_a_universe_of_one_is_refused() -> None:
    with pytest.raises(ValueError, match="greater than or equal to 2"):
        CrossSection(size=1)
