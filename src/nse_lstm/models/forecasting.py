"""Forecast with a stored network: from a bundle and windows to forecast rows."""

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nse_lstm.data.trading_days import WEEKDAYS, TradingDays
from nse_lstm.errors import DataError
from nse_lstm.features.scaling import scale, unscale
from nse_lstm.features.windows import Windows, latest_window
from nse_lstm.models.baselines import forecast_rows
from nse_lstm.models.bundles import Bundle
from nse_lstm.models.inference import StoredNetwork, network_of
from nse_lstm.models.samples import Samples, gather, open_table

BATCH = 8
"""Windows per call; a fixed number, see ``predict``. So few that one forecast alone is
quick, and that no matrix library shares the work among threads."""

Numbers = NDArray[np.float64]


def forecast(
    bundle: Bundle, windows: Windows, *, year: int, ticker: str = ""
) -> pd.DataFrame:
    """Forecast the target's price from each window.

    A forecast depends on its own window only: asking for one or for a year's gives the
    same bits.

    Parameters
    ----------
    bundle : Bundle
        From ``bundles.load_bundle``.
    windows : Windows
        Of the bundle's stock and lookback, unscaled; possibly none.
    year : int
        The fold that the rows belong to.
    ticker : str
        The windows' stock, for a model of all stocks; the bundle's own if empty.

    Returns
    -------
    DataFrame
        ``FORECASTS`` rows of the bundle's architecture.

    Raises
    ------
    DataError
        If the windows have another lookback than the network.
    """
    about = bundle.metadata
    if windows.lookback != about["lookback"]:
        raise DataError(
            f"Expected windows of {about['lookback']} sessions for {about['ticker']}. "
            f"Received: {windows.lookback}"
        )
    scaled = Samples(
        table=scale(bundle.scaler, windows.prices).astype(np.float32)[:, np.newaxis],
        last=windows.last,
        y=windows.y[:, np.newaxis],
    )
    return forecast_rows(
        windows,
        unscale(bundle.scaler, predict(bundle.model, scaled)[:, 0]),
        ticker=ticker or about["ticker"],
        model=about["architecture"],
        seed=about["seed"],
        year=year,
        horizon=about["horizon"],
    )


def next_window(
    stock: pd.DataFrame,
    sessions: pd.DatetimeIndex,
    calendar: TradingDays = WEEKDAYS,
    *,
    lookback: int,
    horizon: int,
) -> Windows:
    """Cut the window of the market's last session, with its expected target date.

    Parameters
    ----------
    stock : DataFrame
        Rows of one stock of ``with_returns``.
    sessions : DatetimeIndex
        The market's calendar; its last session is the origin.
    calendar : TradingDays
        Of the sessions to come: the target is ``horizon`` trading days on.
    lookback, horizon : int
        Sessions.

    Raises
    ------
    DataError
        If that session cannot be forecast from.
    """
    window = latest_window(stock, sessions, lookback=lookback)
    expected = pd.Timestamp(calendar.shift(sessions[-1].date(), horizon))
    return replace(window, target_date=np.array([expected], "datetime64[us]"))


def predict(model: StoredNetwork, samples: Samples) -> Numbers:
    """Apply a network in batches of one size, the last one filled up.

    The kernels that multiply matrices depend on their size, and with them the last
    bits; so one window is computed like many.

    Parameters
    ----------
    model : StoredNetwork
        From ``bundles.load_bundle``.
    samples : Samples
        Scaled as the model was trained; targets are not used.

    Returns
    -------
    array of shape (n, n_outputs)
    """
    lookback, table = model.architecture.lookback, open_table(samples)
    apply = network_of(model, n_windows=BATCH)
    chosen = np.arange(len(samples) + -len(samples) % BATCH)
    chosen[len(samples) :] = 0
    outputs = [np.empty((0, model.architecture.n_outputs), np.float32)]
    for rows in chosen.reshape(-1, BATCH):
        x, _ = gather(samples, table, rows, lookback=lookback)
        outputs.append(apply(x).T)
    return np.concatenate(outputs)[: len(samples)].astype(np.float64)
