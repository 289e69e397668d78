"""Fit the claimed network on each version of the data and forecast.

On the claim's rows in the claim's order it is fitted as claimed. On all other versions
it is the study's v2, by the study's own training jobs: on the same rows sorted by time
and on the panel's rows, both scored in sample, then on the walk-forward years. Models
of Phase 3 are reused.
"""

from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nse_lstm.config import Training, study_document
from nse_lstm.errors import DataError
from nse_lstm.features.returns import market_sessions
from nse_lstm.features.windows import PER_WINDOW, Windows, make_windows
from nse_lstm.models.bundles import load_bundle
from nse_lstm.models.claimed_network import fit_as_claimed
from nse_lstm.models.executors import keep_processes
from nse_lstm.models.forecasting import forecast
from nse_lstm.models.jobs import TrainingJob
from nse_lstm.models.pinning import pinned_environment
from nse_lstm.models.versions import artefact_version
from nse_lstm.study.anatomy.claimed_rows import ORDERS, numbered_windows, sort_rows
from nse_lstm.study.anatomy.mechanism import N_WINDOWS, ROWS
from nse_lstm.study.core.fitting import fit_models
from nse_lstm.study.core.jobs import bundle_folder, split_stock, v2_job
from nse_lstm.study.core.study_data import StudyData

REPORTED = 0.15
"""Share of the windows, the last ones, on which the claim reports its R²."""
EPOCHS = 20
"""Largest number of epochs of the claim's network."""
SEED = 42
"""Seed of the claim's network."""
N_TRADED = N_WINDOWS * ROWS
"""Rows that the claim's Sharpe ratio rests on."""

Numbers = NDArray[np.float64]
Progress = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class StepForecasts:
    """StepForecasts of consecutive targets, adjusted KES, each array of shape (n,)."""

    place: NDArray[np.generic]
    """The target's session, or its row number where rows are not sorted by time."""
    origin: NDArray[np.datetime64]
    last_price: Numbers
    """Price of the row before the target."""
    price: Numbers
    network: Numbers
    constant: Numbers
    """Mean of all prices before the reported span."""
    reported: slice
    """Span of R² and skill."""
    windowed: slice
    """Rows of the claim's Sharpe ratio."""


def forecast_all(
    data: StudyData,
    rows: pd.DataFrame,
    *,
    ticker: str,
    progress: Progress = print,
) -> dict[str, StepForecasts]:
    """Fit the network on each version of the data and forecast with it.

    Parameters
    ----------
    data : StudyData
    rows : DataFrame
        From ``claimed_rows.read_claimed_rows``, in any order.
    ticker : str
        The stock of the rows.
    progress : callable
        Receives one line at a time.

    Returns
    -------
    dict
        ``text``: the claimed rows sorted by their dates as text. ``time``: the same
        rows sorted by time. ``rows``: the panel's rows, scored in sample. ``unseen``:
        the walk-forward years, scored out of sample.

    Raises
    ------
    DataError
        If there are too few rows.
    ArtefactError
        If a network could not be fitted.
    """
    lookback = data.study.v2.lookback
    text, time = (
        numbered_windows(sort_rows(rows, order), lookback=lookback) for order in ORDERS
    )
    with keep_processes(data.study) as pool:
        claimed = _submit(pool, data, text)
        ours = _ours(data, time, ticker, progress)
        return {"text": _claimed(text, claimed.result(), is_dated=False)} | ours


def _submit(
    pool: ProcessPoolExecutor, data: StudyData, windows: Windows
) -> "Future[Numbers]":
    """Fit as claimed, as the first job of a process: no other drew random numbers."""
    with pinned_environment():
        return pool.submit(
            fit_as_claimed,
            windows.X,
            windows.y,
            n_train=_n_train(windows),
            v2=data.study.v2,
            training=_training(data),
            seed=SEED,
        )


def _training(data: StudyData) -> Training:
    training = data.study.training
    return replace(training, max_epochs=min(EPOCHS, training.max_epochs))


def _n_train(windows: Windows) -> int:
    n_train = int((1 - REPORTED) * len(windows))
    if min(n_train, len(windows) - n_train) < N_TRADED:
        raise DataError(
            f"Expected {N_TRADED} windows before the reported span and in it. "
            f"Received: {n_train} and {len(windows) - n_train}"
        )
    return n_train


def _ours(
    data: StudyData,
    time: Windows,
    ticker: str,
    progress: Progress,
) -> dict[str, StepForecasts]:
    """Fit or reuse the study's own networks and forecast with them."""
    prices, lookback = data.prices, data.study.v2.lookback
    calendar, stock = market_sessions(prices), prices[prices["ticker"] == ticker]
    windows = make_windows(stock, calendar, lookback=lookback, horizon=1)
    in_sample = {"time": time, "rows": windows}
    folds = data.walk_forward
    jobs = [v2_job(data, prices, ticker, fold) for fold in folds]
    jobs += [
        _in_sample_job(data, each, ticker, name) for name, each in in_sample.items()
    ]
    folders = [_folder(data, ticker, fold.year) for fold in folds]
    folders += [data.paths.models / "anatomy" / name for name in in_sample]
    places = {job.version: folder for job, folder in zip(jobs, folders, strict=True)}
    fit_models(
        jobs,
        study=data.study,
        folder_of=lambda job: places[job.version],
        progress=progress,
        locks=data.paths.locks,
    )
    parts = [split_stock(data.study, prices, ticker, fold).forecast for fold in folds]
    hats = map(_forecast, folders, [*parts, *in_sample.values()])
    unseen = [_unseen(windows, part, next(hats)) for part in parts]
    return {
        "time": _claimed(time, next(hats), is_dated=False),
        "rows": _claimed(windows, next(hats), is_dated=True),
        "unseen": _joined(unseen),
    }


def _folder(data: StudyData, ticker: str, year: int) -> Path:
    """Return Phase 3's folder of the model, or one of this page's own."""
    if ticker in data.recommended[year]:
        return bundle_folder(data, ticker, year)
    return data.paths.models / "anatomy" / str(year)


def _in_sample_job(
    data: StudyData, windows: Windows, ticker: str, name: str
) -> TrainingJob:
    """Split the windows as claimed: the reported span also stops the training."""
    study, facts, n_train = data.study, data.facts, _n_train(windows)
    document = study_document(study)
    depends_on = {name: document[name] for name in ("v2", "training")}
    return TrainingJob(
        ticker=ticker,
        year=facts.test_year,
        seed=study.seed,
        train=_part(windows, slice(n_train)),
        validation=_part(windows, slice(n_train, None)),
        version=artefact_version(
            facts.digest,
            depends_on | {"anatomy": name},
            study.seed,
            ticker=ticker,
            year=facts.test_year,
            made_by=(__name__, "models.fitting"),
        ),
    )


def _forecast(folder: Path, windows: Windows) -> Numbers:
    bundle = load_bundle(folder)
    table = forecast(bundle, windows, year=bundle.metadata["year"])
    return np.asarray(table["price_hat"].to_numpy() * windows.shares)


def _claimed(windows: Windows, price_hat: Numbers, *, is_dated: bool) -> StepForecasts:
    """Keep the traded windows of the training span, then the reported span."""
    n_train = _n_train(windows)
    kept = slice(n_train - N_TRADED, None)
    known = np.append(windows.X[0], windows.y[:n_train])
    place = windows.target_date if is_dated else np.arange(len(windows))
    return StepForecasts(
        place=place[kept],
        origin=windows.origin[kept],
        last_price=windows.last_price[kept],
        price=windows.y[kept],
        network=price_hat[kept],
        constant=np.full(len(windows.y[kept]), known.mean()),
        reported=slice(N_TRADED, None),
        windowed=slice(N_TRADED),
    )


def _unseen(windows: Windows, part: Windows, price_hat: Numbers) -> StepForecasts:
    before = windows.y[windows.target_date < part.target_date[0]]
    return StepForecasts(
        place=part.target_date,
        origin=part.origin,
        last_price=part.last_price,
        price=part.y,
        network=price_hat,
        constant=np.full(len(part), np.append(windows.X[0], before).mean()),
        reported=slice(None),
        windowed=slice(-N_TRADED, None),
    )


def _joined(parts: list[StepForecasts]) -> StepForecasts:
    return StepForecasts(
        place=np.concatenate([part.place for part in parts]),
        origin=np.concatenate([part.origin for part in parts]),
        last_price=np.concatenate([part.last_price for part in parts]),
        price=np.concatenate([part.price for part in parts]),
        network=np.concatenate([part.network for part in parts]),
        constant=np.concatenate([part.constant for part in parts]),
        reported=parts[0].reported,
        windowed=parts[0].windowed,
    )


def _part(windows: Windows, part: slice) -> Windows:
    """Take consecutive windows, without the count of dropped ones."""
    taken = {name: getattr(windows, name)[part] for name in PER_WINDOW}
    none = {
        name: getattr(windows, name)[:0]
        for name in ("dropped_target", "dropped_reason")
    }
    return replace(windows, **taken, **none)
