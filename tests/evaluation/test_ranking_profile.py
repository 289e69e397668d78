"""Returns by group of ranks and rank IC by horizon, against plain loops."""

import numpy as np
import pandas as pd
import pytest
from conftest import make_tiny_panel
from scipy.stats import spearmanr

from nse_lstm.evaluation.ranking_profile import group_returns, rank_ic_decay
from nse_lstm.reporting.canvas import numbers_of, reading_of
from nse_lstm.reporting.ranking_figures import draw_decay, draw_groups

N_STOCKS, N_SESSIONS, HORIZON = 6, 40, 5


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    """Liquid shares, S0 to S5, without a split or suspension."""
    one = make_tiny_panel(N_SESSIONS).query("ticker == 'AAA'")
    draws = np.random.default_rng(5)
    walks = 20 * np.exp(draws.normal(0, 0.02, (N_STOCKS, N_SESSIONS)).cumsum(axis=1))
    blocks = [
        one.assign(ticker=f"S{place}", price=np.round(walk, 2))
        for place, walk in enumerate(walks)
    ]
    return pd.concat(blocks, ignore_index=True)


@pytest.fixture(scope="module")
def forecasts(panel: pd.DataFrame) -> pd.DataFrame:
    """Every origin whose five-session return is known, at delay 1."""
    sessions = pd.DatetimeIndex(panel["session"].unique())
    place = sessions.get_indexer(pd.DatetimeIndex(panel["session"]))
    known = place + 1 + HORIZON < len(sessions)
    place = place[known]
    return pd.DataFrame(
        {
            "ticker": panel["ticker"].to_numpy()[known],
            **{"model": "four_signals", "seed": 0, "fold": 2020, "delay": 1},
            "horizon": HORIZON,
            "origin": sessions[place],
            "entry_date": sessions[place + 1],
            "target_date": sessions[place + 1 + HORIZON],
            "price_hat": np.nan,
            "y_hat": np.random.default_rng(1).normal(size=len(place)),
        }
    )


def prices_of(panel: pd.DataFrame) -> dict[str, list[float]]:
    return {str(name): rows["price"].tolist() for name, rows in panel.groupby("ticker")}


def plain_sessions(
    panel: pd.DataFrame, forecasts: pd.DataFrame, horizon: int
) -> list[tuple[list[float], list[float]]]:
    """Forecasts and returns of every origin, stock by stock."""
    sessions, price = sorted(set(panel["session"])), prices_of(panel)
    found = []
    for origin, rows in forecasts.groupby("origin"):
        entry = sessions.index(origin) + 1
        if entry + horizon < len(sessions):
            y = [
                float(np.log(price[t][entry + horizon] / price[t][entry]))
                for t in rows["ticker"]
            ]
            found.append((rows["y_hat"].tolist(), y))
    return found


@pytest.mark.parametrize("n_groups", [2, 3])
def test_groups_earn_what_a_plain_loop_says(
    panel: pd.DataFrame, forecasts: pd.DataFrame, n_groups: int
) -> None:
    earned: dict[int, list[float]] = {n: [] for n in range(1, n_groups + 1)}
    for y_hat, y in plain_sessions(panel, forecasts, HORIZON):
        order = sorted(range(N_STOCKS), key=lambda k: y_hat[k])
        size = N_STOCKS // n_groups
        for group, rows in earned.items():
            members = order[(group - 1) * size : group * size]
            rows.append(sum(y[k] for k in members) / size - sum(y) / N_STOCKS)
    found = group_returns(forecasts, panel, n_groups=n_groups).set_index("group")
    assert found.index.tolist() == list(earned)
    for group, rows in earned.items():
        assert found.loc[group, "value"] == pytest.approx(sum(rows) / len(rows))
        assert found.loc[group, "n"] == len(rows)
    # Excess over the mean of all: equal groups sum to nothing.
    assert found["value"].sum() == pytest.approx(0, abs=1e-12)


def test_sessions_with_fewer_stocks_than_groups_are_left_out(
    panel: pd.DataFrame, forecasts: pd.DataFrame
) -> None:
    assert group_returns(forecasts, panel, n_groups=N_STOCKS + 1).empty


def test_one_forecast_is_compared_with_every_horizon(
    panel: pd.DataFrame, forecasts: pd.DataFrame
) -> None:
    found = rank_ic_decay(forecasts, panel, horizons=(1, 5, 20)).set_index("horizon")
    for horizon in (1, 5, 20):
        pairs = plain_sessions(panel, forecasts, horizon)
        each = [spearmanr(y_hat, y).statistic for y_hat, y in pairs]
        assert found.loc[horizon, "value"] == pytest.approx(np.mean(each))
        # A return that ends after the last session is left out, not cut short.
        assert found.loc[horizon, "n"] == len(pairs)
    assert found.loc[20, "n"] < found.loc[5, "n"]


def test_figures_say_their_message(
    panel: pd.DataFrame, forecasts: pd.DataFrame
) -> None:
    groups = group_returns(forecasts, panel, n_groups=3)
    own = groups.set_index("group")["value"] * 1e4
    figure = draw_groups(groups)
    title = figure.axes[0].get_title("left").replace("−", "-")
    assert f"{own[3] - own[1]:+.0f} bps" in title
    assert len(numbers_of(figure)) == 3
    decay = rank_ic_decay(forecasts, panel, horizons=(1, 5))
    best = decay.set_index("horizon")["value"].idxmax()
    figure = draw_decay(decay)
    assert f"over {best} sessions" in figure.axes[0].get_title("left")
    assert "four plain signals" in reading_of(figure)
