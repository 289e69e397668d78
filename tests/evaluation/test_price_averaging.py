"""What averaging prices makes forecastable, and what is left a session later."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from conftest import make_tiny_panel

from nse_lstm.config import Verdict
from nse_lstm.errors import TableError
from nse_lstm.evaluation.price_averaging import (
    LATER,
    artefact_share,
    delay_one_session,
    score_delayed_direction,
    with_delayed_return,
)
from nse_lstm.evaluation.scoring import realised, score_accuracy
from nse_lstm.tables import SCORES, check


def test_entry_and_target_move_a_session_and_the_last_one_falls_out(forecasts_of):
    panel = make_tiny_panel(start="2019-11-04")
    forecasts = forecasts_of(
        panel, model="m", y_hat=lambda r: r["ahead"] * 0, fold=2020
    )
    sessions = pd.DatetimeIndex(panel["session"].unique())
    moved = delay_one_session(forecasts, sessions)
    last = forecasts["target_date"] == sessions[-1]
    assert len(moved) == len(forecasts) - last.sum()
    kept = forecasts[~last]
    assert (moved["origin"].to_numpy() == kept["origin"].to_numpy()).all()
    place = {session: i for i, session in enumerate(sessions)}
    for name in ("entry_date", "target_date"):
        shifted = moved[name].map(place).to_numpy() - kept[name].map(place).to_numpy()
        assert (shifted == 1).all()
    assert (moved["delay"] == 1).all()


def test_averages_of_a_random_walk_have_a_direction_that_is_gone_later(forecasts_of):
    # Working (1960): changes of averages correlate by 1/4 with the one before and by
    # 0 with those earlier, so the repeated sign is right in 1/2 + arcsin(1/4) / pi.
    n, deals = 1200, 40
    panel = make_tiny_panel(n, start="2019-01-01")
    panel = panel[panel["ticker"] == "AAA"].reset_index(drop=True)
    panel = panel.assign(suspended=False, volume=100.0, factor=1.0)
    walk = np.cumsum(np.random.default_rng(3).normal(0, 0.002, n * deals))
    panel["price"] = 20 * np.exp(walk.reshape(n, deals).mean(axis=1))

    parts = [
        forecasts_of(panel, model="m", y_hat=lambda r: r["log_return"], fold=year)
        for year in range(2020, 2023)
    ]
    found, later = [], []
    for part in parts:
        scores = score_accuracy(part, panel)
        found.append(scores[scores["metric"] == "directional_accuracy"]["value"].max())
        moved = check(score_delayed_direction(part, panel), SCORES)
        assert set(moved["metric"]) == {LATER}
        later.append(moved["value"].max())
    # A share of 780 calls has a standard error of 0.018.
    assert np.mean(found) == pytest.approx(0.5 + np.arcsin(0.25) / np.pi, abs=0.045)
    assert np.mean(later) == pytest.approx(0.5, abs=0.045)


def test_the_skill_that_averaging_gives_is_what_the_page_says() -> None:
    # Yule-Walker with a first autocorrelation of 1/4 and none beyond.
    def skill(order: int) -> float:
        first = np.zeros(order)
        first[0] = 0.25
        nearby = np.eye(order) + 0.25 * (np.eye(order, k=1) + np.eye(order, k=-1))
        return float(first @ np.linalg.solve(nearby, first))

    assert skill(1) == pytest.approx(1 / 16)
    assert round(skill(5), 2) == 0.07
    for order in (1, 5):
        right = 0.5 + np.arcsin(np.sqrt(skill(order))) / np.pi
        assert round(right, 2) == 0.58


def averaged_walk(n: int, deals: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return each session's own move, and the log of its average price."""
    steps = np.random.default_rng(seed).normal(0, 0.002, (n, deals))
    walk = np.cumsum(steps.ravel()).reshape(n, deals)
    return steps.sum(axis=1), walk.mean(axis=1)


def shares_of(y_hat: np.ndarray, average: np.ndarray) -> pd.DataFrame:
    """Lay a forecast made at session t beside the two averages' moves after it."""
    change = np.diff(average)
    n = len(change) - 2
    return pd.DataFrame(
        {
            "model": "m",
            "target_date": pd.bdate_range("2000-01-03", periods=n),
            "y_hat": y_hat[:n],
            "y": change[1 : n + 1],
            "y_later": change[2 : n + 2],
        }
    )


def test_repeating_the_last_move_of_averages_is_all_artefact() -> None:
    _, average = averaged_walk(3000, 30, seed=2)
    both = shares_of(np.diff(average), average)
    found = artefact_share(both, verdict=Verdict(), seed=1)
    # The autocorrelation is 1/4 now and 0 later (Working 1960).
    assert found.gain / both["y"].var() == pytest.approx(0.25, abs=0.04)
    assert found.share == pytest.approx(1.0, abs=0.2)
    assert found.lower < 1 < found.upper
    assert found.n == 2997


def test_knowing_the_next_sessions_move_is_no_artefact() -> None:
    # An average has half of its session's move, the next average the other half.
    own, average = averaged_walk(3000, 30, seed=3)
    both = shares_of(own[2:], average)
    found = artefact_share(both, verdict=Verdict(), seed=1)
    assert found.share == pytest.approx(0.0, abs=0.1)
    assert found.lower < 0.05 and found.upper > -0.05


def test_a_forecast_without_a_gain_has_nothing_to_share_out() -> None:
    _, average = averaged_walk(500, 10, seed=4)
    guess = np.random.default_rng(9).normal(size=499)
    found = artefact_share(shares_of(guess, average), verdict=Verdict(), seed=1)
    assert np.isnan([found.share, found.lower, found.upper]).all()
    with pytest.raises(TableError, match="one model"):
        artefact_share(shares_of(guess, average).iloc[:0], verdict=Verdict(), seed=1)


def test_both_returns_of_a_forecast_are_those_of_its_own_and_the_next_session(
    forecasts_of,
):
    panel = make_tiny_panel(start="2019-11-04")
    forecasts = forecasts_of(panel, model="m", y_hat=lambda r: r["ahead"], fold=2020)
    both = with_delayed_return(realised(forecasts, panel), panel)
    assert len(both) and both["y"].to_numpy() == pytest.approx(both["y_hat"])
    # What is later at one origin is now at the next, where both are there.
    by_target = both.set_index(["ticker", "target_date"])["y"]
    sessions = pd.DatetimeIndex(panel["session"].unique())
    after = dict(pairwise(sessions))
    places = zip(both["ticker"], both["target_date"].map(after), strict=True)
    following = by_target.reindex(pd.MultiIndex.from_tuples(list(places))).to_numpy()
    known = ~np.isnan(following)
    assert known.sum() > 5
    assert both["y_later"].to_numpy()[known] == pytest.approx(following[known])
