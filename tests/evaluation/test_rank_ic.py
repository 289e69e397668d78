"""Rank IC and its error against hand, scipy, statsmodels and a plain loop."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from conftest import make_tiny_panel
from scipy.stats import spearmanr

from nse_lstm.evaluation.hac import newey_west
from nse_lstm.evaluation.rank_ic import (
    ALL_YEARS,
    compare_rank_ic,
    daily_rank_ic,
    score_rank_ic,
    summarise_rank_ic,
)
from nse_lstm.evaluation.scoring import realised
from nse_lstm.tables import FORECASTS, RANK_IC, SCORES, check


def wide_panel(n_stocks: int = 6, n_sessions: int = 40) -> pd.DataFrame:
    """Liquid shares, S0 to S5, without a split or suspension."""
    one = make_tiny_panel(n_sessions).query("ticker == 'AAA'")
    generator = np.random.default_rng(5)
    blocks = [
        one.assign(
            ticker=f"S{k}",
            price=np.round(
                20 * np.exp(generator.normal(0, 0.02, n_sessions).cumsum()), 2
            ),
        )
        for k in range(n_stocks)
    ]
    return pd.concat(blocks, ignore_index=True)


def forecast_rows(
    panel: pd.DataFrame, y_hat: np.ndarray, *, model: str = "m", horizon: int = 1
) -> pd.DataFrame:
    """Forecast every origin at delay 1; y_hat has a number for each row kept."""
    sessions = pd.DatetimeIndex(panel["session"].unique())
    place = sessions.get_indexer(pd.DatetimeIndex(panel["session"]))
    kept = panel[place < len(sessions) - 1 - horizon]
    place = place[place < len(sessions) - 1 - horizon]
    table = pd.DataFrame(
        {
            "ticker": kept["ticker"].to_numpy(),
            "model": model,
            "seed": 0,
            "fold": 2020,
            "origin": sessions[place],
            "delay": 1,
            "horizon": horizon,
            "entry_date": sessions[place + 1],
            "target_date": sessions[place + 1 + horizon],
            "price_hat": np.nan,
            "y_hat": y_hat[: len(kept)],
            "lower": np.nan,
            "upper": np.nan,
        }
    )
    return check(table, FORECASTS)


def test_a_hand_example() -> None:
    panel = wide_panel(4, 4)
    # Sessions 1 to 2 are what origin 0 is judged on; ranks of returns 4, 1, 3, 2.
    returns = [0.04, 0.01, 0.03, 0.02]
    for k, simple in enumerate(returns):
        own = panel["ticker"] == f"S{k}"
        panel.loc[own, "price"] = [10.0, 100.0, 100 * (1 + simple), 50.0]
    table = forecast_rows(panel, np.repeat([3.0, 1.0, 4.0, 2.0], 2))
    daily = daily_rank_ic(table, panel)
    first = daily[daily["origin"] == panel["session"].iloc[0]]
    # Forecast ranks 3, 1, 4, 2: d = 1, 0, 1, 0, so 1 - 6 * 2 / (4 * 15) = 0.8.
    assert first["rank_ic"].item() == pytest.approx(0.8)
    assert first["n"].item() == 4


def test_each_session_is_scipys_spearman_ties_and_missing_ones_included() -> None:
    panel = wide_panel()
    generator = np.random.default_rng(1)
    y_hat = generator.integers(0, 3, len(panel)).astype(float)
    y_hat[generator.uniform(size=len(y_hat)) < 0.1] = np.nan
    table = forecast_rows(panel, y_hat, horizon=3)
    daily = daily_rank_ic(table, panel)
    check(daily, RANK_IC)
    joined = realised(table, panel).dropna(subset=["y", "y_hat"])
    n_checked = 0
    for origin, rows in joined.groupby("origin"):
        found = daily[daily["origin"] == origin]
        if len(rows) < 3 or len(set(rows["y_hat"])) == 1:
            assert found.empty
            continue
        expected = spearmanr(rows["y"], rows["y_hat"]).statistic
        assert found["rank_ic"].item() == pytest.approx(expected, abs=1e-12)
        assert found["n"].item() == len(rows)
        n_checked += 1
    assert n_checked > 25


def test_a_forecast_that_ranks_nothing_has_no_rank_ic() -> None:
    panel = wide_panel()
    daily = daily_rank_ic(forecast_rows(panel, np.zeros(len(panel))), panel)
    assert daily.empty
    assert summarise_rank_ic(daily).empty
    assert score_rank_ic(daily).empty


def plain_newey_west(values: list[float], lags: int) -> float:
    n = len(values)
    mean = sum(values) / n
    total = 0.0
    for i in range(n):
        for j in range(n):
            if abs(i - j) <= lags:
                weight = 1 - abs(i - j) / (lags + 1)
                total += weight * (values[i] - mean) * (values[j] - mean)
    return float(np.sqrt(total) / n)


@pytest.mark.parametrize("lags", [0, 2, 10])
def test_the_error_is_a_plain_loops_and_statsmodels(lags: int) -> None:
    noise = np.random.default_rng(2).normal(0.05, 0.2, 90)
    values = np.convolve(noise, np.ones(5) / 5, mode="valid")
    mean, error = newey_west(values, lags=lags)
    assert mean == pytest.approx(values.mean())
    assert error == pytest.approx(plain_newey_west(values.tolist(), lags), rel=1e-10)
    fit = sm.OLS(values, np.ones_like(values)).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags}
    )
    assert error == pytest.approx(fit.bse[0], rel=1e-10)


def test_overlap_makes_the_error_larger() -> None:
    noise = np.random.default_rng(3).normal(0, 1, 2000)
    overlapping = np.convolve(noise, np.ones(5), mode="valid")
    _, naive = newey_west(overlapping, lags=0)
    _, honest = newey_west(overlapping, lags=10)
    # The variance of a mean of 5-session sums is 5 times the naive one; lags of twice
    # the overlap find most of it.
    assert 1.8 < honest / naive < 2.4


def test_too_short_a_series_has_no_error() -> None:
    assert newey_west([0.5], lags=1)[0] == 0.5
    assert np.isnan(newey_west([0.5], lags=1)[1])
    assert np.isnan(newey_west([], lags=1)[0])


def daily_rows(values: dict[str, list[float]], *, seed: int = 0) -> pd.DataFrame:
    rows = [
        (
            model,
            seed,
            2019 + i // 3,
            1,
            5,
            pd.Timestamp(2019 + i // 3, 1, 1 + i),
            value,
            9,
        )
        for model, series in values.items()
        for i, value in enumerate(series)
    ]
    table = pd.DataFrame(rows, columns=list(RANK_IC.columns))
    return check(table.astype({"origin": "datetime64[us]"}), RANK_IC)


def test_years_are_averaged_apart_and_together_with_sessions_as_observations() -> None:
    daily = daily_rows({"m": [0.1, 0.2, 0.3, 0.5, 0.5, 0.8]})
    summary = summarise_rank_ic(daily).set_index("fold")
    assert summary["value"].to_dict() == pytest.approx(
        {2019: 0.2, 2020: 0.6, ALL_YEARS: 0.4}
    )
    assert summary["n"].to_dict() == {2019: 3, 2020: 3, ALL_YEARS: 6}
    # Horizon 5: ten lags.
    _, error = newey_west(daily["rank_ic"], lags=10)
    pooled = summary.loc[ALL_YEARS]
    assert pooled["t_statistic"] == pytest.approx(0.4 / error)
    assert pooled["upper"] - pooled["lower"] == pytest.approx(2 * 1.959964 * error)


def test_scores_are_rows_of_the_one_table() -> None:
    scores = score_rank_ic(daily_rows({"m": [0.1, 0.2, 0.3, 0.5]}))
    check(scores, SCORES)
    assert set(scores["metric"]) == {"rank_ic_5"}
    assert set(scores["ticker"]) == {"ALL"}


def test_seeds_are_averaged_session_by_session() -> None:
    two = pd.concat(
        [daily_rows({"m": [0.1, 0.3]}), daily_rows({"m": [0.3, 0.7]}, seed=1)]
    )
    summary = summarise_rank_ic(two).set_index("fold")
    assert summary.loc[2019, "value"] == pytest.approx(0.35)
    assert summary.loc[2019, "n"] == 2


def test_two_models_are_compared_on_the_sessions_they_share() -> None:
    daily = daily_rows({"a": [0.5, 0.1, 0.4, 0.9], "b": [0.1, 0.1, 0.2]})
    gap = compare_rank_ic(daily, "a", "b")
    # 0.4, 0.0 and 0.2; the fourth session is a's alone.
    assert gap["value"].item() == pytest.approx(0.2)
    assert gap["n"].item() == 3
    assert compare_rank_ic(daily, "a", "nobody").empty
