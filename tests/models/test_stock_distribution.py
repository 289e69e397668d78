"""The stock LSTM's distribution sees its training span alone."""

import numpy as np
import pandas as pd
import pytest
from conftest import make_tiny_panel

from nse_lstm.config import CrossSection
from nse_lstm.errors import DataError
from nse_lstm.features.returns import with_returns
from nse_lstm.features.risk_features import build_risk_features
from nse_lstm.models.stock_distribution import (
    HORIZONS,
    fit_stock_distribution,
    forecast_quantiles,
    horizon_windows,
    quantile_rows,
    windows_before,
)
from nse_lstm.tables import QUANTILE_COLUMNS, QUANTILE_LEVELS

RULE = CrossSection(size=2, liquidity_sessions=20, min_traded_share=0.5)
NAMES = ("AAA", "BBB")
START = pd.Timestamp("2021-01-01")
COLUMNS = list(QUANTILE_COLUMNS)


def forecast(panel: pd.DataFrame, *, horizon: int) -> pd.DataFrame:
    """Fit before the start, forecast from every session from its eve on."""
    risk, prices = build_risk_features(panel, cross_section=RULE), with_returns(panel)
    stocks = horizon_windows(prices, NAMES, lookback=5, horizon=horizon)
    before = {name: windows_before(own, START) for name, own in stocks.items()}
    distribution = fit_stock_distribution(before, risk, horizon=horizon)
    blocks = []
    for name, own in stocks.items():
        later = own.origin >= np.datetime64(START)
        blocks.append(
            forecast_quantiles(
                distribution,
                risk,
                ticker=name,
                origins=own.origin[later],
                targets=own.target_date[later],
                mean=np.zeros(later.sum()),
                model="stock_lstm",
                year=2021,
            )
        )
    return pd.concat(blocks, ignore_index=True)


@pytest.mark.parametrize("horizon", HORIZONS)
def test_another_future_leaves_the_quantiles_before_it(horizon: int):
    panel = make_tiny_panel(330)
    cut = pd.Timestamp("2021-02-15")
    other = panel.copy()
    later = other["session"] > cut
    other.loc[later, ["price", "low", "high"]] *= 1.04
    other.loc[later, "volume"] *= 3
    one, two = (forecast(each, horizon=horizon) for each in (panel, other))
    known = one["origin"] <= cut
    assert known.sum() > 40
    pd.testing.assert_frame_equal(one[known], two[known])
    after = one["origin"] > cut + pd.Timedelta(days=5)
    assert not np.allclose(one.loc[after, COLUMNS], two.loc[after, COLUMNS])


def test_training_targets_lie_before_the_fold():
    panel = make_tiny_panel(330)
    prices = with_returns(panel)
    for horizon in HORIZONS:
        stocks = horizon_windows(prices, NAMES, lookback=5, horizon=horizon)
        for windows in stocks.values():
            own = windows_before(windows, START)
            assert own.target_date.max() < np.datetime64(START)
            assert len(own) < len(windows)


def test_longer_horizons_are_wider():
    panel = make_tiny_panel(330)
    widths = [
        (found["q950"] - found["q050"]).mean()
        for found in (forecast(panel, horizon=horizon) for horizon in HORIZONS)
    ]
    # Independent returns: the root of time.
    assert widths[1] / widths[0] == pytest.approx(np.sqrt(5), rel=0.3)
    assert widths[2] / widths[0] == pytest.approx(np.sqrt(10), rel=0.3)


def test_crossing_quantiles_are_refused():
    falling = np.zeros((1, len(QUANTILE_LEVELS)))
    falling[0, 3] = 1.0
    day = np.array(["2021-01-04"], "datetime64[us]")
    about = {"ticker": "AAA", "model": "m", "year": 2021, "horizon": 1}
    with pytest.raises(DataError, match="2021-01-04"):
        quantile_rows(falling, origins=day, targets=day, **about)
