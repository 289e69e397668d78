"""What averaging prices makes forecastable, and what is left a session later."""

import numpy as np
import pandas as pd
import pytest
from conftest import make_tiny_panel

from nse_lstm.evaluation.averaging import LATER, a_session_later, score_later
from nse_lstm.evaluation.scoring import score_accuracy
from nse_lstm.tables import SCORES, check


def test_entry_and_target_move_a_session_and_the_last_one_falls_out(forecasts_of):
    panel = make_tiny_panel(start="2019-11-04")
    forecasts = forecasts_of(
        panel, model="m", y_hat=lambda r: r["ahead"] * 0, fold=2020
    )
    sessions = pd.DatetimeIndex(panel["session"].unique())
    moved = a_session_later(forecasts, sessions)
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
        moved = check(score_later(part, panel), SCORES)
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
