"""The second look: accuracy on the sessions that somebody traded in."""

import numpy as np
import pandas as pd
import pytest
from conftest import make_tiny_panel

from nse_lstm.evaluation.scoring import realised
from nse_lstm.evaluation.traded import TRADED, on_traded, score_traded
from nse_lstm.tables import SCORES, check


@pytest.fixture
def panel() -> pd.DataFrame:
    return make_tiny_panel(start="2019-11-04")


def test_targets_without_a_trade_or_on_a_stale_copy_are_left_out(panel, forecasts_of):
    forecasts = forecasts_of(panel, model="m", y_hat=lambda r: r["ahead"], fold=2020)
    key = ["ticker", "target_date"]
    silent = forecasts.iloc[[0, 7]][key].apply(tuple, axis=1).tolist()
    places = panel[["ticker", "session"]].apply(tuple, axis=1)
    panel.loc[places == silent[0], "volume"] = np.nan
    panel.loc[places == silent[1], "stale"] = True
    traded = {
        (row.ticker, row.session)
        for row in panel.itertuples()
        if row.volume > 0 and not row.stale
    }
    kept = on_traded(forecasts, panel)
    expected = [
        place for place in forecasts[key].apply(tuple, axis=1) if place in traded
    ]
    assert kept[key].apply(tuple, axis=1).tolist() == expected
    assert not set(silent) & set(expected)


def test_scores_carry_the_name_and_are_those_of_the_traded_rows(panel, forecasts_of):
    forecasts = forecasts_of(
        panel, model="m", y_hat=lambda r: r["ahead"] * 0 + 0.001, fold=2020
    )
    panel.loc[panel["ticker"] == "AAA", "volume"] = np.nan
    found = check(score_traded(forecasts, panel), SCORES)
    assert "AAA" not in set(found["ticker"])
    rows = realised(on_traded(forecasts, panel), panel).dropna(subset="y")
    rows = rows[rows["ticker"] == "BBB"]
    traded = found[found["ticker"] == "BBB"].set_index("metric")
    error = (rows["level"] - rows["price_hat"]).abs()
    assert traded.loc["mae" + TRADED, "value"] == pytest.approx(error.mean())
    assert traded.loc["skill" + TRADED, "n"] == len(rows) > 0
    assert found["metric"].str.endswith(TRADED).all()


def test_where_nothing_traded_there_is_no_score(panel, forecasts_of):
    forecasts = forecasts_of(panel, model="m", y_hat=lambda r: r["ahead"], fold=2020)
    assert score_traded(forecasts, panel.assign(volume=np.nan)).empty
