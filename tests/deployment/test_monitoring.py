"""What is watched: signals by hand, faults injected, and nothing from the future."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import make_tiny_panel

from nse_lstm.config import Backtest, Deployment
from nse_lstm.deployment.monitoring import (
    ALARMS,
    DATA,
    DATA_ALARMS,
    MODEL_ALARMS,
    age_alerts,
    alarm_table,
    data_signals,
    detect_alerts,
    fit_detector,
    model_signals,
)
from nse_lstm.features.returns import with_returns
from nse_lstm.tables import ALERTS, FORECASTS, check

BACKTEST = Backtest(cost_bps=(66,))
YEAR = 250


def make_market(n: int = 420, seed: int = 1) -> pd.DataFrame:
    panel = make_tiny_panel(n, seed=seed)
    return panel[panel["ticker"] != "CCC"].reset_index(drop=True)


def make_forecasts(panel: pd.DataFrame, *, off: float = 0.0) -> pd.DataFrame:
    """Forecast every next session as ``off``, with a band of two deviations."""
    rows = with_returns(panel)
    target = rows.groupby("ticker")["session"].shift(-1)
    rows = rows.assign(target_date=target).dropna(subset="target_date")
    table = pd.DataFrame(
        {
            "ticker": rows["ticker"],
            "model": "v2",
            "seed": 1,
            "fold": rows["target_date"].dt.year.astype("int64"),
            "origin": rows["session"],
            "delay": 0,
            "horizon": 1,
            "entry_date": rows["session"],
            "target_date": rows["target_date"],
            "price_hat": rows["price"] * np.exp(off),
            "y_hat": off,
            "lower": off - 0.03,
            "upper": off + 0.03,
        }
    )
    return check(table.reset_index(drop=True), FORECASTS)


def signals_of(panel: pd.DataFrame, off: float = 0.001) -> pd.DataFrame:
    forecasts = make_forecasts(panel, off=off)
    return model_signals(forecasts, panel, backtest=BACKTEST, rule="sign")


def test_a_models_signals_are_what_they_are_called():
    panel = make_market(60)
    own = signals_of(panel, off=0.02).set_index(["ticker", "session"])
    returns = with_returns(panel).set_index(["ticker", "session"])["log_return"]
    for key, row in own.dropna(subset="loss").iloc[[3, 20, 70]].iterrows():
        y = returns[key]
        assert row["loss"] == pytest.approx(abs(y - 0.02) - abs(y))
        assert row["misses"] == float(not -0.01 <= y <= 0.05)
        assert row["signs"] == float(y < 0)
    # Bought at the second session, held from then on: cash less the stock's return.
    late = own.loc["AAA"].iloc[5:]
    cash = BACKTEST.cash_rate / BACKTEST.sessions_per_year
    expected = cash - np.expm1(returns["AAA"].loc[late.index])
    assert late["money"].to_numpy() == pytest.approx(expected.to_numpy())


def test_open_bands_and_unmoved_prices_say_nothing():
    panel = make_market(60)
    panel.loc[10, "price"] = panel.loc[9, "price"]
    forecasts = make_forecasts(panel, off=0.02).assign(lower=-np.inf, upper=np.inf)
    own = model_signals(forecasts, panel, backtest=BACKTEST, rule="sign")
    assert own["misses"].isna().all()
    unmoved = own[
        (own["ticker"] == "AAA") & (own["session"] == panel.loc[10, "session"])
    ]
    assert np.isnan(unmoved["signs"].item())
    assert unmoved["loss"].item() == pytest.approx(0.02)


def test_no_signal_and_no_alarm_knows_what_comes_later():
    panel = make_market()
    forecasts = make_forecasts(panel, off=0.001)
    cut = panel["session"].unique()[350]
    known = panel[panel["session"] <= cut]
    came = forecasts[forecasts["target_date"] <= cut]
    whole = model_signals(forecasts, panel, backtest=BACKTEST, rule="gate")
    early = model_signals(came, known, backtest=BACKTEST, rule="gate")
    prefix = whole[whole["session"] <= cut].reset_index(drop=True)
    pd.testing.assert_frame_equal(early, prefix, check_exact=True)
    data = data_signals(panel, tickers=["AAA", "BBB"])
    before = data_signals(known, tickers=["AAA", "BBB"])
    pd.testing.assert_frame_equal(
        before, data[data["session"] <= cut].reset_index(drop=True), check_exact=True
    )
    start = panel["session"].unique()[200]
    detector = fit_detector(
        whole[whole["session"] < start], model="v2", sessions_per_year=YEAR, seed=1
    )
    since = whole[whole["session"] >= start].assign(loss=lambda t: t["loss"] + 0.02)
    rang = detect_alerts(detector, since)
    assert len(rang)
    sooner = detect_alerts(detector, since[since["session"] <= cut])
    prefix = rang[rang["session"] <= cut].reset_index(drop=True)
    pd.testing.assert_frame_equal(sooner, prefix, check_exact=True)


def watch_data(panel: pd.DataFrame, start: int) -> pd.DataFrame:
    first = panel["session"].unique()[start]
    signals = data_signals(panel, tickers=["AAA", "BBB"])
    detector = fit_detector(
        signals[signals["session"] < first], model=DATA, sessions_per_year=YEAR, seed=1
    )
    return detect_alerts(detector, signals[signals["session"] >= first])


def sessions_until(rang: pd.DataFrame, panel: pd.DataFrame, alarm: str, at: int) -> int:
    own = rang[(rang["alarm"] == alarm) & (rang["ticker"] == "AAA")]
    sessions = pd.Index(panel["session"].unique())
    return int(sessions.get_loc(own["session"].min()) - at + 1)


def test_an_injected_fault_is_caught_at_once():
    panel = make_market()
    assert "faults" not in set(watch_data(panel, 300)["alarm"])
    sessions = panel["session"].unique()
    hit = (panel["ticker"] == "AAA") & panel["session"].isin(sessions[350:354])
    panel.loc[hit, "stale"] = True
    rang = watch_data(panel, 300)
    assert set(rang.loc[rang["alarm"] == "faults", "ticker"]) == {"AAA"}
    assert sessions_until(rang, panel, "faults", 350) <= 2


def test_an_injected_drift_is_caught_within_a_month():
    panel = make_market()
    sessions = panel["session"].unique()
    late = (panel["ticker"] == "AAA") & (panel["session"] >= sessions[350])
    zigzag = np.where(np.arange(late.sum()) % 2, 1.06, 0.95)
    panel.loc[late, "price"] = panel.loc[late, "price"] * zigzag
    rang = watch_data(panel, 300)
    found = sessions_until(rang, panel, "moves", 350)
    print("moves of 6 % in place of 1.5 %, found after", found, "sessions")
    assert 1 <= found <= 20


def test_a_prices_that_stops_moving_is_caught():
    panel = make_market()
    sessions = panel["session"].unique()
    late = (panel["ticker"] == "AAA") & (panel["session"] >= sessions[350])
    panel.loc[late, "price"] = 20.0
    rang = watch_data(panel, 300)
    assert sessions_until(rang, panel, "unchanged", 350) <= 5


def test_ages_are_counted_in_weekdays_and_have_the_scorings_limits():
    limits = Deployment(max_panel_age=2, max_model_age=10)
    day = pd.Timestamp("2024-03-15")  # a Friday
    trained = {"AAA": pd.Timestamp("2024-03-01"), "BBB": pd.Timestamp("2024-02-29")}
    fresh = age_alerts(
        day, last_session=pd.Timestamp("2024-03-13"), trained={}, limits=limits
    )
    assert fresh.empty
    found = age_alerts(
        day, last_session=pd.Timestamp("2024-03-12"), trained=trained, limits=limits
    )
    # Three weekdays after Tuesday; ten after 1 March, eleven after 29 February.
    rows = found[["alarm", "ticker", "value"]].to_numpy().tolist()
    assert rows == [["stale_panel", "ALL", 3.0], ["stale_model", "BBB", 11.0]]
    check(found, ALERTS)


def test_every_alarm_has_a_name_of_its_own_and_advice():
    names = [alarm.name for alarm in ALARMS]
    assert len(set(names)) == len(names)
    calibrated = {alarm.name for alarm in ALARMS if alarm.calibrated}
    assert calibrated == {*MODEL_ALARMS, *DATA_ALARMS}
    table = alarm_table()
    assert table["alarm"].tolist() == names
    assert table["advice"].str.endswith(".").all()


def test_the_page_says_of_every_alarm_what_the_code_does():
    page = Path(__file__).resolve().parents[2] / "docs" / "monitoring.md"
    text = page.read_text(encoding="utf-8")
    for row in alarm_table().itertuples():
        line = f"| {row.alarm} | {row.watches} | {row.threshold} | "
        assert f"{line}{row.advice} |" in text
