"""Targets against arithmetic on the printed prices, and against the scorer's own."""

import numpy as np
import pandas as pd
import pytest
from support.odd_panel import GAP, SMALL, STALE, odd_panel

from nse_lstm.errors import DataError
from nse_lstm.evaluation.scoring import realised
from nse_lstm.features.targets import build_targets
from nse_lstm.tables import TARGETS, check


def targets_of(panel: pd.DataFrame, *, delay: int, horizon: int) -> pd.DataFrame:
    table = build_targets(panel, cross_section=SMALL, delay=delay, horizon=horizon)
    return check(table, TARGETS)


def pick(table: pd.DataFrame, panel: pd.DataFrame, ticker: str, t: int) -> pd.Series:
    origin = panel["session"].iloc[t]
    rows = table[(table["ticker"] == ticker) & (table["origin"] == origin)]
    (row,) = [row for _, row in rows.iterrows()]
    return row


@pytest.mark.parametrize(("delay", "horizon"), [(0, 1), (1, 1), (1, 5)])
def test_a_return_runs_from_entry_to_target(delay: int, horizon: int) -> None:
    panel = odd_panel()
    table = targets_of(panel, delay=delay, horizon=horizon)
    prices = panel[panel["ticker"] == "AAA"]["price"].to_numpy()
    row = pick(table, panel, "AAA", 3)
    expected = np.log(prices[3 + delay + horizon] / prices[3 + delay])
    assert row["y"] == pytest.approx(expected, abs=1e-12)
    sessions = panel["session"]
    assert row["entry_date"] == sessions.iloc[3 + delay]
    assert row["target_date"] == sessions.iloc[3 + delay + horizon]
    # 60 sessions less those whose target is beyond the calendar.
    assert len(table) == 3 * (60 - delay - horizon)


def test_a_split_is_no_loss() -> None:
    panel = odd_panel()
    row = pick(targets_of(panel, delay=1, horizon=5), panel, "BBB", 36)
    prices = panel[panel["ticker"] == "BBB"]["price"].to_numpy()
    # 2 shares for 1 at session 40, between entry 37 and target 42.
    assert row["y"] == pytest.approx(np.log(2 * prices[42] / prices[37]), abs=1e-12)


def test_no_target_over_a_gap_nor_at_a_stale_session() -> None:
    panel = odd_panel()
    table = targets_of(panel, delay=1, horizon=3)
    origins = panel["session"].iloc[:60]
    own = table[table["ticker"] == "AAA"].set_index("origin")["y"].reindex(origins)
    missing = set(np.flatnonzero(own.isna().to_numpy()))
    beyond = {56, 57, 58, 59}
    over_gap = set(range(GAP - 4, GAP))
    at_stale = {STALE - 1, STALE - 4}
    assert missing == beyond | over_gap | at_stale


def test_no_target_over_an_ex_date_that_the_factor_does_not_explain() -> None:
    panel = odd_panel()
    at = (panel["ticker"] == "AAA") & (panel["session"] == panel["session"].iloc[30])
    panel.loc[at, "factor"] = 3.0  # the price does not follow, and settles
    follows = (panel["ticker"] == "AAA") & (panel["session"] >= panel["session"][34])
    panel.loc[follows, "price"] /= 3.0
    table = targets_of(panel, delay=1, horizon=1)
    missing = [t for t in range(24, 38) if np.isnan(pick(table, panel, "AAA", t)["y"])]
    # Sessions 30 to 33 settle: none lies between origin and target, nor is an entry.
    assert missing == [28, 29, 30, 31, 32]


def test_a_price_that_never_follows_is_believed_after_forty_sessions() -> None:
    panel = odd_panel(90).assign(gap=False)
    at = (panel["ticker"] == "AAA") & (panel["session"] == panel["session"].iloc[30])
    panel.loc[at, "factor"] = 3.0
    table = targets_of(panel, delay=1, horizon=1)
    missing = [t for t in range(24, 80) if np.isnan(pick(table, panel, "AAA", t)["y"])]
    assert missing == list(range(28, 69))


def test_an_origin_stays_when_nothing_was_dealt_after_it() -> None:
    panel = odd_panel()
    # CCC deals nothing on sessions 30 to 43, at one price: return 0, not missing.
    assert pick(targets_of(panel, delay=1, horizon=1), panel, "CCC", 31)["y"] == 0.0


def test_excess_and_place_are_taken_among_the_origins_members() -> None:
    panel = odd_panel()
    table = targets_of(panel, delay=1, horizon=1)
    # CCC is dear and dealt often: with BBB it is the universe of two by February.
    at = table["origin"] == panel["session"].iloc[25]
    y = table[at].set_index("ticker")["y"]
    excess = table[at].set_index("ticker")["y_excess"]
    centres = (y - excess).to_numpy()
    assert centres == pytest.approx([centres[0]] * 3)
    pairs = [("AAA", "BBB"), ("AAA", "CCC"), ("BBB", "CCC")]
    (pair,) = [p for p in pairs if np.isclose(y[list(p)].mean(), centres[0])]
    places = table[at].set_index("ticker")["y_rank"]
    # Of two members the better is placed at 1/4, the other at -1/4.
    assert sorted(places[list(pair)]) == [-0.25, 0.25]
    assert (places[y[list(pair)].idxmax()]) == 0.25


@pytest.mark.parametrize(("delay", "horizon"), [(0, 1), (1, 1), (1, 5)])
def test_the_scorer_joins_the_same_returns(delay: int, horizon: int) -> None:
    panel = odd_panel()
    panel = panel[panel["ticker"] != "CCC"]  # its stale price is mended by nothing
    table = targets_of(panel, delay=delay, horizon=horizon)
    fresh = table[table["origin"] != panel["session"].iloc[STALE]]
    joined = realised(fresh.drop(columns="y").reset_index(drop=True), panel)
    np.testing.assert_allclose(joined["y"], fresh["y"], atol=1e-12)


@pytest.mark.parametrize(("delay", "horizon"), [(-1, 1), (0, 0)])
def test_lengths_that_are_too_small_are_refused(delay: int, horizon: int) -> None:
    with pytest.raises(DataError, match=f"delay={delay}, horizon={horizon}"):
        targets_of(odd_panel(), delay=delay, horizon=horizon)
