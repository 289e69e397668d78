"""Training jobs of the stock LSTM: a fold's pool, then one fine-tuning per stock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from nse_lstm.config import study_document
from nse_lstm.errors import DataError
from nse_lstm.features.folds import Fold
from nse_lstm.features.returns import with_returns
from nse_lstm.features.stock_channels import StockChannels, build_stock_channels
from nse_lstm.features.windows import FoldSplit
from nse_lstm.models.bundles import load_bundle
from nse_lstm.models.jobs import SampleJob
from nse_lstm.models.stock_lstm import POOL, fine_tuning_job, pool_job
from nse_lstm.models.versions import artefact_version
from nse_lstm.study.core.jobs import split_stock
from nse_lstm.study.core.phase_tables import read_recommended
from nse_lstm.study.core.study_data import StudyData

MADE_BY = (__name__, "models.fitting")
"""Modules whose code makes a stock LSTM: channels, windows, and its fit."""


@dataclass(frozen=True, eq=False)
class StockFold:
    """A fold's channels and windows: all that the stock LSTM is trained on."""

    fold: Fold
    channels: StockChannels
    """Of the sessions before the fold, so that no job can hold a later one."""
    splits: dict[str, FoldSplit]
    """Windows of every stock of the pool, the forecast ones among them."""
    names: tuple[str, ...]
    """Stocks that get a network of their own."""


def open_stock_fold(
    data: StudyData,
    panel: pd.DataFrame,
    fold: Fold,
    names: Sequence[str] = (),
    *,
    beside: Sequence[str] | None = None,
) -> StockFold:
    """Cut the windows of a fold's pool and compute the channels before the fold.

    The pool holds the stocks themselves and the top-ranked tradable stocks as of the
    fold's start. A stock of the pool without windows to train on is left out.

    Parameters
    ----------
    data : StudyData
        Names the study.
    panel : DataFrame
        ``PANEL``, as far as it may be seen.
    fold : Fold
    names : sequence of str
        Stocks that get a network of their own; the recommended ones if empty.
    beside : sequence of str, optional
        Other stocks of the pool, for a year that Phase 1 recommends none for.

    Raises
    ------
    DataError
        If one of these stocks has too little history; it names both.
    """
    study = data.study
    if beside is None:
        recommended = _as_of(data.recommended, fold)
        own = tuple(names or recommended)
        pool = [*own, *recommended, *_ranked(data, fold)]
    else:
        own = tuple(names)
        pool = [*beside, *own]
    known = panel[panel["session"] < fold.start]
    prices, splits = with_returns(known), {}
    for ticker in dict.fromkeys(pool):
        try:
            splits[ticker] = split_stock(study, prices, ticker, fold)
        except DataError as error:
            if ticker in own:
                raise DataError(f"{error} ({ticker})") from None
    channels = build_stock_channels(
        known, cross_section=study.cross_section, lookback=study.stock_lstm.lookback
    )
    return StockFold(fold, channels, splits, own)


def stock_pool_job(data: StudyData, stock_fold: StockFold) -> SampleJob:
    """Describe a fold's pretraining.

    Parameters
    ----------
    data : StudyData
        Names the study and the version.
    stock_fold : StockFold
    """
    study, year = data.study, stock_fold.fold.year
    return pool_job(
        stock_fold.channels,
        {name: split.train for name, split in stock_fold.splits.items()},
        stock_lstm=study.stock_lstm,
        year=year,
        seed=study.seed,
        version=_version(data, POOL, stock_fold),
    )


def fine_tuning_jobs(
    data: StudyData, stock_fold: StockFold, folder: Path
) -> list[SampleJob]:
    """Describe the fine-tuning of each stock, from the stored pool of the fold.

    Parameters
    ----------
    data : StudyData
        Names the study and the version.
    stock_fold : StockFold
    folder : Path
        Of the pool's bundle.

    Raises
    ------
    ArtefactError
        If the pool's bundle is missing or was changed.
    """
    study, year = data.study, stock_fold.fold.year
    pool = load_bundle(folder)
    return [
        fine_tuning_job(
            stock_fold.channels,
            ticker,
            train=stock_fold.splits[ticker].train,
            validation=stock_fold.splits[ticker].validation,
            start=pool.model.weights,
            stock_lstm=study.stock_lstm,
            horizon=study.v2.horizon,
            year=year,
            seed=study.seed,
            version=_version(data, ticker, stock_fold),
        )
        for ticker in stock_fold.names
    ]


def _ranked(data: StudyData, fold: Fold) -> list[str]:
    """Return the top-ranked tradable stocks as of a fold's start."""
    ranked = read_recommended(data, "all")
    return _as_of(ranked, fold)[: data.study.stock_lstm.n_pool]


def _as_of(by_year: Mapping[int, list[str]], fold: Fold) -> list[str]:
    """Return a fold's stocks; of a fold after the last year those of that year."""
    return by_year[max(year for year in by_year if year <= fold.year)]


def _version(data: StudyData, ticker: str, stock_fold: StockFold) -> str:
    document = study_document(data.study)
    settings = {k: v for k, v in document["stock_lstm"].items() if k != "trained"}
    depends_on = {
        "stock_lstm": settings,
        "cross_section": document["cross_section"],
        "windows": [document["v2"]["lookback"], document["v2"]["horizon"]],
        "validation_share": document["folds"]["validation_share"],
        "pool": sorted(stock_fold.splits),
        "before": str(stock_fold.fold.start.date()),
    }
    return artefact_version(
        data.facts.digest,
        depends_on,
        data.study.seed,
        ticker=ticker,
        year=stock_fold.fold.year,
        made_by=MADE_BY,
    )
