"""Training jobs of the study: every model it needs, with its windows and its folder."""

from functools import partial
from pathlib import Path

import pandas as pd

from nse_lstm.config import Study, study_document
from nse_lstm.features.folds import Fold
from nse_lstm.features.pooling import pool_windows
from nse_lstm.features.returns import market_sessions
from nse_lstm.features.windows import FoldSplit, make_windows, split_fold
from nse_lstm.models.jobs import TrainingJob
from nse_lstm.models.stock_lstm import STOCK_LSTM
from nse_lstm.models.versions import artefact_version
from nse_lstm.study.core.phase_tables import ALL_STOCKS
from nse_lstm.study.core.study_data import StudyData

NETWORK = (__name__, "models.fitting")
"""Modules whose code makes a network of one stock: its windows, and its fit."""


def served_model(study: Study) -> str:
    """Return the price model that may serve beside persistence.

    It is the stock LSTM. A study without one tries the deployment with v2.
    """
    return STOCK_LSTM if study.stock_lstm.trained else "v2"


def split_stock(
    study: Study, prices: pd.DataFrame, ticker: str, fold: Fold
) -> FoldSplit:
    """Cut one ticker's history into train, validation and forecast windows of a fold.

    Parameters
    ----------
    study : Study
        Its ``v2`` and the share of the validation span.
    prices : DataFrame
        PANEL with ``with_returns`` columns, as far as it may be seen.
    ticker : str
    fold : Fold
    """
    v2, stock = study.v2, prices[prices["ticker"] == ticker]
    windows = make_windows(
        stock, market_sessions(prices), lookback=v2.lookback, horizon=v2.horizon
    )
    return split_fold(
        windows,
        fold,
        validation_share=study.folds.validation_share,
        purge=v2.horizon,
    )


def bundle_folder(
    data: StudyData, ticker: str, year: int, architecture: str = "v2"
) -> Path:
    """Return the folder of a trained model: a stock's, or v1's for ``ALL_STOCKS``.

    Parameters
    ----------
    data : StudyData
    ticker : str
        A stock, or ``ALL_STOCKS``.
    year : int
        First year that the model forecasts.
    architecture : str
        "v1", "v2" or ``STOCK_LSTM``, whose ``ALL_STOCKS`` is the pretrained network.
    """
    paths, is_test = data.paths, year == data.facts.test_year
    if architecture == STOCK_LSTM:
        return paths.stock_lstm / str(year) / ticker
    if ticker == ALL_STOCKS:
        return paths.v1 / ("test_year" if is_test else f"walk_forward_{year}")
    return (paths.v2 if is_test else paths.v2_walk_forward / str(year)) / ticker


def training_jobs(data: StudyData) -> list[TrainingJob]:
    """List every model the study needs, fold by fold: v1, then v2 of every stock.

    Only the sealed panel is read, so that no job can hold a test session.

    Raises
    ------
    DataError
        If a stock has too little history for a fold; it names both.
    """
    return [
        job
        for fold in data.folds
        for job in (
            v1_job(data, data.prices, fold),
            *(
                v2_job(data, data.prices, ticker, fold)
                for ticker in data.recommended[fold.year]
            ),
        )
    ]


def v1_job(data: StudyData, prices: pd.DataFrame, fold: Fold) -> TrainingJob:
    """Pool the windows of all ordinary shares before a fold; nothing is validated.

    Parameters
    ----------
    data : StudyData
        Names the study and the version.
    prices : DataFrame
        PANEL with ``with_returns`` columns, sealed.
    fold : Fold
    """
    study = data.study
    cut = partial(
        make_windows,
        sessions=market_sessions(prices),
        lookback=study.v2.lookback,
        horizon=study.v2.horizon,
    )
    ordinary = prices[prices["kind"] == "ordinary"]
    stocks = [cut(rows) for _, rows in ordinary.groupby("ticker")]
    pool = partial(pool_windows, stocks, before=fold.start)
    depends_on = {"v1": study_document(study)["v1"], "lookback": study.v2.lookback}
    return TrainingJob(
        ticker=ALL_STOCKS,
        year=fold.year,
        seed=study.seed,
        architecture="v1",
        train=pool(at_most=study.v1.max_windows),
        validation=pool(at_most=1),
        version=_version(data, ALL_STOCKS, fold, depends_on),
    )


def v2_job(
    data: StudyData, prices: pd.DataFrame, ticker: str, fold: Fold
) -> TrainingJob:
    """Cut one stock's windows for one fold of v2.

    Parameters
    ----------
    data, prices, fold
        As in ``v1_job``.
    ticker : str
    """
    split = split_stock(data.study, prices, ticker, fold)
    return TrainingJob(
        ticker=ticker,
        year=fold.year,
        seed=data.study.seed,
        architecture="v2",
        train=split.train,
        validation=split.validation,
        version=_version(data, ticker, fold, _v2_document(data.study)),
    )


def _v2_document(study: Study) -> dict[str, object]:
    """Return the settings a v2 depends on; verdict and costs never retrain a model."""
    document = study_document(study)
    return {
        "v2": document["v2"],
        "training": document["training"],
        "validation_share": document["folds"]["validation_share"],
    }


def _version(
    data: StudyData, ticker: str, fold: Fold, depends_on: dict[str, object]
) -> str:
    return artefact_version(
        data.facts.digest,
        depends_on,
        data.study.seed,
        ticker=ticker,
        year=fold.year,
        made_by=NETWORK,
    )
