"""Each corrected step is causal, and no step reaches the test year."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import make_tiny_panel
from support.places import REAL_FILES
from support.tiny_study import tiny_workspace

from nse_lstm.features.returns import with_returns
from nse_lstm.models.claimed_network import fit_as_claimed
from nse_lstm.pages import anatomy as page
from nse_lstm.study.anatomy import mechanism
from nse_lstm.study.anatomy.claimed_rows import (
    numbered_windows,
    read_claimed_rows,
    sort_rows,
)
from nse_lstm.study.anatomy.forecasts import SEED, StepForecasts
from nse_lstm.study.anatomy.honest_backtest import HonestBacktest, backtest_honestly
from nse_lstm.study.anatomy.steps import Step, dissect, forecast_returns, span_steps
from nse_lstm.study.core.workspace import open_workspace
from nse_lstm.study.data_analysis.analyse import analyse_data
from nse_lstm.study.data_analysis.raw_files import prepare_raw

N = 30
DAYS = pd.bdate_range("2020-01-06", periods=N + 1).as_unit("us")


def made(seed: int = 0) -> StepForecasts:
    """Draw forecasts of thirty days in a row."""
    generator = np.random.default_rng(seed)
    price = 20 * np.exp(np.cumsum(generator.normal(0, 0.02, N + 1)))
    return StepForecasts(
        place=DAYS[1:].to_numpy(),
        origin=DAYS[:-1].to_numpy(),
        last_price=price[:-1],
        price=price[1:],
        network=price[:-1] * np.exp(generator.normal(0, 0.02, N)),
        constant=np.full(N, price.mean()),
        reported=slice(None),
        windowed=slice(-40, None),
    )


def steps_of(forecasts: StepForecasts) -> dict[str, Step]:
    return {step.name: step for step in span_steps(forecasts)}


def other_future(forecasts: StepForecasts, place: int) -> StepForecasts:
    """Splice in other prices from the target at ``place`` on, and what follows them."""
    other = made(seed=9)
    price, last, network = (
        array.copy()
        for array in (forecasts.price, forecasts.last_price, forecasts.network)
    )
    price[place:] = other.price[place:]
    last[place + 1 :] = other.price[place:-1]
    network[place + 1 :] = other.network[place + 1 :]
    return replace(forecasts, price=price, last_price=last, network=network)


@pytest.mark.parametrize("name", ["timely", "long"])
def test_a_timely_position_does_not_know_the_move_it_earns(name: str) -> None:
    forecasts, place = made(), 12
    before = steps_of(forecasts)[name].returns["network"]
    after = steps_of(other_future(forecasts, place))[name].returns["network"]
    assert after[:place].to_list() == before[:place].to_list()
    # The position into the changed day is the same: the return follows the new move.
    held = np.sign(forecasts.network[place] - forecasts.last_price[place])
    held = max(held, 0.0) if name == "long" else held
    other = other_future(forecasts, place)
    move = other.price[place] / other.last_price[place] - 1
    cost = after[place] - held * move
    assert cost == pytest.approx(0.0) or cost == pytest.approx(-mechanism.COST)


def test_the_claims_position_evaluations_at_the_price_of_the_forecasts_own_day() -> (
    None
):
    forecasts = made()
    span = steps_of(forecasts)["span"]
    # By hand: day i's forecast against day i's price earns the move to day i + 1.
    held = np.where(forecasts.network[:-1] > forecasts.price[:-1], 1.0, -1.0)
    move = forecasts.price[1:] / forecasts.price[:-1] - 1
    changed = np.concatenate([[1.0], (held[1:] != held[:-1]).astype(float)])
    expected = held * move - 0.001 * changed
    assert span.returns["network"].to_list() == pytest.approx(list(expected))


def test_a_move_across_missing_days_is_not_earned_by_a_stale_forecast() -> None:
    forecasts = made()
    gap = replace(
        forecasts, origin=np.delete(DAYS.to_numpy(), 10)[: N - 1],
        place=np.delete(DAYS.to_numpy(), [0, 11])[: N - 1],
        **{
            name: getattr(forecasts, name)[: N - 1]
            for name in ("last_price", "price", "network", "constant")
        },
    )  # fmt: skip
    follows = int((gap.origin[1:] == gap.place[:-1]).sum())
    assert follows < N - 2
    assert len(steps_of(gap)["span"].returns) == follows


def test_a_forecast_that_is_not_positive_has_no_return() -> None:
    forecasts = replace(made(), network=np.full(N, -1.0))
    assert forecast_returns(forecasts)["network"].isna().all()


def honest(panel: pd.DataFrame, y_hat: pd.Series) -> HonestBacktest:
    sessions = pd.DatetimeIndex(panel["session"].unique())
    return backtest_honestly(
        open_workspace().study,
        with_returns(panel),
        forecasts={"network": y_hat, "constant": -y_hat.abs()},
        ticker="AAA",
        names=["AAA", "BBB"],
        start=sessions[5],
        end=sessions[-1],
        claimed_cost_bps=10,
    )


@pytest.fixture(scope="module")
def y_hat() -> pd.Series:
    sessions = pd.DatetimeIndex(make_tiny_panel()["session"].unique())
    values = np.random.default_rng(2).normal(0, 0.01, len(sessions))
    return pd.Series(values, index=sessions)


def test_the_honest_account_never_knows_what_comes(y_hat: pd.Series) -> None:
    panel = make_tiny_panel()
    sessions = pd.DatetimeIndex(panel["session"].unique())
    cut = sessions[30]
    other = panel.copy()
    later = other["session"] >= cut
    other.loc[later, "price"] = (other.loc[later, "price"] * 1.03).round(2)
    changed = y_hat.where(y_hat.index < cut, -y_hat)
    first, second = honest(panel, y_hat), honest(other, changed)
    for step, returns in first.returns.items():
        known = returns["place"] < cut
        pd.testing.assert_frame_equal(returns[known], second.returns[step][known])


def test_each_honest_step_costs_what_it_says(y_hat: pd.Series) -> None:
    found = honest(make_tiny_panel(), y_hat)
    # A constant that is always below never buys: no ratio, and cash in the end.
    assert np.isnan(found.sharpe["cash"]["constant"])
    assert (found.returns["costs"]["constant"] == 0).all()
    assert found.returns["cash"]["constant"].to_list() == pytest.approx(
        [0.085 / 250] * found.n_sessions
    )
    cheap, dear = (found.returns[name]["network"] for name in ("next_day", "costs"))
    # Where a trade was made: (1 - 0.0066) over (1 - 0.0010).
    ratios = ((1 + dear) / (1 + cheap)).round(10)
    assert set(ratios) == {1.0, round((1 - 0.0066) / (1 - 0.0010), 10)}


@pytest.mark.slow
def test_the_whole_page_reads_its_numbers_and_stays_before_the_test_year(
    tmp_path: Path,
) -> None:
    workspace = tiny_workspace(tmp_path)
    prepare_raw(workspace)
    analyse_data(workspace)
    anatomy = dissect(workspace, progress=lambda line: None)
    assert list(anatomy.steps) == list(page.READ)
    for name, step in anatomy.steps.items():
        assert page.read_step(anatomy, name).html
        if step.is_dated:
            assert step.path["place"].max() < pd.Timestamp(2024, 1, 1)
    assert anatomy.rows["session"].max() < pd.Timestamp(2024, 1, 1)
    assert "simulated" in page.headline(anatomy).html
    again = dissect(workspace, progress=lambda line: None)
    assert page.steps_table(again).equals(page.steps_table(anatomy))
    assert page.what_it_shows(anatomy).html


@pytest.mark.slow
@pytest.mark.skipif(
    not REAL_FILES.is_dir(), reason="the exchange's files are not on this machine"
)
def test_the_claimed_network_scores_the_claimed_number() -> None:
    workspace = open_workspace()
    rows = read_claimed_rows(REAL_FILES, "SCOM", before=pd.Timestamp(2023, 1, 1))
    windows = numbered_windows(sort_rows(rows, "text"), lookback=60)
    training = replace(workspace.study.training, max_epochs=20)
    n_train = int(0.85 * len(windows))
    price_hat = fit_as_claimed(
        windows.X,
        windows.y,
        n_train=n_train,
        v2=workspace.study.v2,
        training=training,
        seed=SEED,
    )
    part = slice(n_train - 40, n_train)
    returns = mechanism.last_windows(windows.y[part], price_hat[part])
    # Published 10.67 and R2 0.13; the audit's run 12.90 and 8.44, R2 0.1278.
    assert mechanism.windowed_sharpe(returns) == pytest.approx(10.67, abs=0.005)
    y, y_hat = windows.y[n_train:], price_hat[n_train:]
    r_squared = 1 - ((y - y_hat) ** 2).sum() / ((y - y.mean()) ** 2).sum()
    assert r_squared == pytest.approx(0.1278, abs=0.002)
