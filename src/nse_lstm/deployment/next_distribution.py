"""Quantiles of the price over the sessions to come, for every stock LSTM in use.

The network's forecast is the stored one. Chance, size and shape of a move are fitted to
all that is known at the origin, so nothing but the panel is needed.
"""

import numpy as np
import pandas as pd

from nse_lstm.config import Study
from nse_lstm.data.trading_days import trading_days_of
from nse_lstm.features.returns import market_sessions, with_returns
from nse_lstm.features.risk_features import build_risk_features
from nse_lstm.models.stock_distribution import (
    HORIZONS,
    fit_stock_distribution,
    forecast_quantiles,
    horizon_windows,
)
from nse_lstm.models.stock_lstm import STOCK_LSTM
from nse_lstm.tables import NEXT_QUANTILES, conform, empty_table


def forecast_next_quantiles(
    forecasts: pd.DataFrame, panel: pd.DataFrame, *, study: Study
) -> pd.DataFrame:
    """Forecast the distribution behind every stock LSTM's stored forecast.

    Parameters
    ----------
    forecasts : DataFrame
        ``STORED_FORECASTS`` of one origin. Rows of other models have no distribution.
    panel : DataFrame
        ``PANEL`` of the whole market; nothing after the origin is read.
    study : Study

    Returns
    -------
    DataFrame
        ``NEXT_QUANTILES``: one row per stock, stage and horizon. Target dates are
        trading days by the public holidays known ahead.
    """
    own = forecasts[(forecasts["model"] == STOCK_LSTM) & forecasts["y_hat"].notna()]
    if own.empty:
        return empty_table(NEXT_QUANTILES)
    origin = own["origin"].iloc[0]
    known = panel[panel["session"] <= origin]
    prices, calendar = with_returns(known), trading_days_of(study.market)
    risk = build_risk_features(known, cross_section=study.cross_section)
    last = prices[prices["session"] == market_sessions(prices)[-1]]
    last_price = last.set_index("ticker")["price"]
    tickers = sorted(own["ticker"].unique())
    blocks = []
    for horizon in HORIZONS:
        stocks = horizon_windows(
            prices, tickers, lookback=study.v2.lookback, horizon=horizon
        )
        distribution = fit_stock_distribution(stocks, risk, horizon=horizon)
        target = pd.Timestamp(calendar.shift(origin.date(), horizon))
        for row in own.itertuples(index=False):
            quantiles = forecast_quantiles(
                distribution,
                risk,
                ticker=str(row.ticker),
                origins=np.array([origin], "datetime64[us]"),
                targets=np.array([target], "datetime64[us]"),
                mean=np.array([row.y_hat], float),
                model=STOCK_LSTM,
                year=target.year,
            )
            blocks.append(
                quantiles.assign(
                    stage=str(row.stage),
                    version=str(row.version),
                    last_price=float(last_price[str(row.ticker)]),
                )
            )
    return conform(pd.concat(blocks, ignore_index=True), NEXT_QUANTILES)
