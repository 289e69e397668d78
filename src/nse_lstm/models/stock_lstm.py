"""The stock LSTM: pretrained on liquid stocks, then fine-tuned per stock.

Its target is the next log return in units of the stock's own volatility. Every kernel
in front of an output starts at zero, so that an untrained network forecasts no change;
the pretrained network, before any fine-tuning, is a candidate too. The forecast is
P(t) exp(sigma f), which cannot be negative.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nse_lstm.config import StockLstm, Training
from nse_lstm.errors import DataError
from nse_lstm.features.stock_channels import (
    StockChannels,
    scaled_targets,
)
from nse_lstm.features.windows import Windows
from nse_lstm.models.architectures import describe_stock_lstm
from nse_lstm.models.baselines import forecast_rows
from nse_lstm.models.bundles import Bundle
from nse_lstm.models.forecasting import predict
from nse_lstm.models.jobs import SampleJob
from nse_lstm.models.samples import Samples

STOCK_LSTM = "stock_lstm"
THRESHOLDED = "stock_lstm_median"
"""The same networks' forecast of the median: moved towards no change."""
POOL = "ALL"
"""In place of a ticker: the pretrained network."""

Numbers = NDArray[np.float64]


def pool_job(
    channels: StockChannels,
    stocks: Mapping[str, Windows],
    *,
    stock_lstm: StockLstm,
    year: int,
    seed: int,
    version: str,
) -> SampleJob:
    """Describe the pretraining on the training windows of several stocks.

    Every epoch is run: nothing is validated.

    Parameters
    ----------
    channels : StockChannels
        As far as they may be seen.
    stocks : mapping of str to Windows
        Training windows by ticker, all with targets before the year's validation spans.
    stock_lstm : StockLstm
    year : int
        The fold's.
    seed : int
        The study's.
    version : str

    Raises
    ------
    DataError
        If there is no stock.
    """
    if not stocks:
        raise DataError(
            f"Expected stocks to pretrain on before {year}. Received: none with a "
            "history that is long enough"
        )
    parts = [stock_samples(channels, name, own) for name, own in stocks.items()]
    train = Samples(
        channels.sequences.table,
        np.concatenate([part.last for part in parts]),
        np.concatenate([part.y for part in parts]),
    )
    return SampleJob(
        ticker=POOL,
        year=year,
        seed=seed,
        network=describe_stock_lstm(stock_lstm, channels=channels.width),
        training=Training(
            batch_size=stock_lstm.pool_batch_size,
            max_epochs=stock_lstm.pool_epochs,
            learning_rate=stock_lstm.pool_learning_rate,
            warm_up_steps=stock_lstm.pool_warm_up_steps,
            decays=True,
        ),
        train=train,
        validation=None,
        version=version,
        about={"stocks": sorted(stocks), "train": _span(stocks)},
    )


def fine_tuning_job(
    channels: StockChannels,
    ticker: str,
    *,
    train: Windows,
    validation: Windows,
    start: tuple[NDArray[np.floating], ...],
    stock_lstm: StockLstm,
    horizon: int,
    year: int,
    seed: int,
    version: str,
) -> SampleJob:
    """Describe the fine-tuning of the pretrained network on one stock.

    The optimiser starts afresh. The best epoch by the validation windows is kept, and
    the pretrained network itself is epoch 0.

    Parameters
    ----------
    channels : StockChannels
        As far as they may be seen.
    ticker : str
    train, validation : Windows
        Of the stock and fold.
    start : tuple of arrays
        Weights of the pretrained network.
    stock_lstm : StockLstm
    horizon : int
        Sessions from origin to target.
    year : int
        The fold's.
    seed : int
        The study's.
    version : str
    """
    return SampleJob(
        ticker=ticker,
        year=year,
        seed=seed,
        network=describe_stock_lstm(stock_lstm, channels=channels.width),
        training=Training(
            batch_size=stock_lstm.batch_size,
            max_epochs=stock_lstm.max_epochs,
            learning_rate=stock_lstm.learning_rate,
            warm_up_steps=stock_lstm.warm_up_steps,
            decays=True,
            keeps_start=True,
            stopping_patience=stock_lstm.max_epochs,
            plateau_patience=stock_lstm.max_epochs,
        ),
        train=stock_samples(channels, ticker, train),
        validation=stock_samples(channels, ticker, validation),
        version=version,
        about={
            "horizon": horizon,
            "threshold": stock_lstm.threshold,
            "train": _span({ticker: train}),
            "validation": _span({ticker: validation}),
        },
        start=start,
    )


def stock_samples(channels: StockChannels, ticker: str, windows: Windows) -> Samples:
    """Return a stock's windows as samples of the channels, with scaled targets.

    Parameters
    ----------
    channels : StockChannels
    ticker : str
    windows : Windows
        Of the stock; only origins, prices and targets are used.
    """
    sigma = channels.sigma_at(ticker, windows.origin)
    return Samples(
        table=channels.sequences.table,
        last=_last(channels, ticker, windows),
        y=scaled_targets(windows, sigma).astype(np.float32)[:, np.newaxis],
    )


def forecast_stock_lstm(
    bundle: Bundle, channels: StockChannels, windows: Windows, *, year: int
) -> pd.DataFrame:
    """Forecast the next price from each window: its mean, and its median.

    The median's forecast moves f towards 0 by the threshold: sign(f) max(|f| - h, 0).
    Many sessions end where they began, which holds the median near no change.

    Parameters
    ----------
    bundle : Bundle
        From ``bundles.load_bundle``, fine-tuned or pretrained alone.
    channels : StockChannels
        As far as they may be seen.
    windows : Windows
        Of the bundle's stock; only origins and prices are used.
    year : int
        The fold that the rows belong to.

    Returns
    -------
    DataFrame
        ``FORECASTS`` rows of "stock_lstm", then of "stock_lstm_median".
    """
    about = bundle.metadata
    ticker = str(about["ticker"])
    sigma = channels.sigma_at(ticker, windows.origin)
    samples = Samples(
        channels.sequences.table,
        _last(channels, ticker, windows),
        np.empty((len(windows), 1)),
    )
    f = predict(bundle.model, samples)[:, 0]
    near = np.sign(f) * np.maximum(np.abs(f) - about["threshold"], 0)
    blocks = [
        forecast_rows(
            windows,
            windows.last_price * np.exp(sigma * move),
            ticker=ticker,
            model=model,
            seed=about["seed"],
            year=year,
            horizon=about["horizon"],
        )
        for model, move in ((STOCK_LSTM, f), (THRESHOLDED, near))
    ]
    return pd.concat(blocks, ignore_index=True)


def _last(channels: StockChannels, ticker: str, windows: Windows) -> NDArray[np.intp]:
    tickers = pd.Series(ticker, index=range(len(windows)))
    return channels.sequences.last(tickers, pd.Series(windows.origin))


def _span(stocks: Mapping[str, Windows]) -> dict[str, Any]:
    """Return the dates that some windows reach over, and how many there are."""
    return {
        "first_origin": str(min(own.origin[0] for own in stocks.values()))[:10],
        "last_origin": str(max(own.origin[-1] for own in stocks.values()))[:10],
        "last_target": str(max(own.target_date[-1] for own in stocks.values()))[:10],
        "n_windows": sum(len(own) for own in stocks.values()),
    }
