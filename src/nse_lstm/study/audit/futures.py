"""Other futures of the small market: which origins, and how much is run on each."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from nse_lstm.features.returns import with_returns
from nse_lstm.models import forecasting
from nse_lstm.models.bundles import load_bundle
from nse_lstm.models.inference import WEIGHTS
from nse_lstm.models.stock_lstm import STOCK_LSTM
from nse_lstm.paths import SOURCED
from nse_lstm.study.audit.alarms import AuditAlarm
from nse_lstm.study.audit.learners import learning_with
from nse_lstm.study.audit.markets import open_audit
from nse_lstm.study.audit.origins import KINDS, LAST_TRAINING, MIDDLE, find_origins
from nse_lstm.study.audit.pipeline_run import (
    FILES,
    PipelineRun,
    fit_jobs,
    list_jobs,
    run_pipeline,
)
from nse_lstm.study.audit.spliced_futures import (
    Splice,
    rewrite_dividends,
    rewrite_files,
    splice_study,
)
from nse_lstm.study.audit.stages import (
    QUANTILE_KEY,
    STAGES,
    STORED_STAGES,
    compare_runs,
    compare_tables,
)
from nse_lstm.study.audit.stored_run import at_headline_cost, run_stored
from nse_lstm.study.core.jobs import bundle_folder, split_stock
from nse_lstm.study.core.phase_tables import ALL_STOCKS
from nse_lstm.study.core.study_data import StudyData, open_study_data
from nse_lstm.study.core.workspace import Workspace, sourced_path
from nse_lstm.study.data_analysis import prepare
from nse_lstm.study.training.stock_lstm import train_stock_lstm
from nse_lstm.study.validation import validate
from nse_lstm.study.validation.distribution import judge_distribution
from nse_lstm.tables import PANEL, read_table

IN_A_YEAR = tuple(kind for kind in KINDS if kind != LAST_TRAINING)


@dataclass(frozen=True)
class OtherFuture:
    """One rewriting of the files, and whether models are fitted again on it."""

    splice: Splice
    whole: bool
    """Whether every phase is run; else the first run's models forecast."""


def list_futures(base: PipelineRun, seed: int, *, full: bool) -> list[OtherFuture]:
    """List the other futures of an audit.

    Parameters
    ----------
    base : PipelineRun
    seed : int
        Of the origins, and of the rewritten rows.
    full : bool
        One origin of every kind in every fold, with fits where a training span ends
        and in the middle of the year, and a cut. Else: the end of each training span,
        with fits before the test year; the middle of the test year; and one of the
        other kinds per fold, which the seed picks.
    """
    return list(_all_futures(base, seed) if full else _few_futures(base, seed))


def compare_future(
    base: PipelineRun, future: OtherFuture, root: Path, learner: str
) -> list[AuditAlarm]:
    """Run rewritten files and compare them with the first run up to the origin.

    Parameters
    ----------
    base : PipelineRun
    future : OtherFuture
    root : Path
        A folder that does not exist yet; it is removed.
    learner : str
        The one of ``learners.LEARNERS`` that fitted the base's models.
    """
    splice = future.splice
    workspace = _open_spliced(base, splice, root)
    study, raw = workspace.study, workspace.paths.raw
    if future.whole:
        if splice.kind == "cut":
            study = replace(study, test_year=splice.origin.year)
        rankings = base.ranking is not None
        other = run_pipeline(open_audit(study, root, raw), learner, rankings=rankings)
        first, stages = base, STAGES
    else:
        other = run_stored(base, workspace, learner, origin=splice.origin)
        first, stages = at_headline_cost(base), STORED_STAGES
    alarms = compare_runs(
        first, other, origin=splice.origin, label=splice.label, stages=stages
    )
    shutil.rmtree(root)
    return alarms


def refit_under_future(
    base: PipelineRun, seed: int, root: Path, learner: str
) -> list[AuditAlarm]:
    """Fit networks again under another future, and forecast with them.

    They are the last fold's v1, v2 of one stock, and stock LSTM with its pool. The
    first fold's stock LSTM is fitted again beside the later folds', whose training
    spans then hold the other future: no later fold's network may reach it.

    Parameters
    ----------
    base : PipelineRun
    seed : int
        Of the rewritten rows.
    root : Path
        A folder that does not exist yet; it is removed.
    learner : str
        The one of ``learners.LEARNERS`` that fitted the base's models.
    """
    fold = base.folds[-1]
    splice = _splice(base, fold.year, seed, kind=MIDDLE)
    workspace = _open_spliced(base, splice, root)
    prepare.prepare_data(workspace)
    here, there = open_study_data(base.workspace), open_study_data(workspace)
    names = {ALL_STOCKS, base.recommended[fold.year][0]}
    jobs = [
        j for j in list_jobs(workspace) if j.year == fold.year and j.ticker in names
    ]
    fit_jobs(workspace, jobs, learner)
    folders = [(j.ticker, j.architecture) for j in jobs]
    if workspace.study.stock_lstm.trained:
        with learning_with(learner):
            train_stock_lstm(there, [fold], progress=lambda line: None)
        own = [ALL_STOCKS, *there.recommended[fold.year]]
        folders += [(ticker, STOCK_LSTM) for ticker in own]
    alarms = [
        AuditAlarm("futures: weights", splice.label, f"{name} of {model} {ticker}")
        for ticker, model in folders
        for name in (*FILES, WEIGHTS)
        if _bytes(here, (ticker, model), name) != _bytes(there, (ticker, model), name)
    ]
    moved = list(_compare_networks(base, there, splice, names))
    shutil.rmtree(root)
    alarms += [AuditAlarm("futures: forecasts", splice.label, m) for m in moved]
    if workspace.study.stock_lstm.trained:
        alarms += _refit_first_fold(base, seed, root, learner)
    return alarms


def _refit_first_fold(
    base: PipelineRun, seed: int, root: Path, learner: str
) -> list[AuditAlarm]:
    """Fit every fold's stock LSTM after an origin in the first fold's year."""
    fold = base.folds[0]
    splice = _splice(base, fold.year, seed, kind=MIDDLE)
    workspace = _open_spliced(base, splice, root)
    prepare.prepare_data(workspace)
    here, there = open_study_data(base.workspace), open_study_data(workspace)
    with learning_with(learner):
        train_stock_lstm(there, there.folds, progress=lambda line: None)
    names = [ALL_STOCKS, *here.recommended[fold.year]]
    alarms = [
        AuditAlarm("futures: weights", splice.label, f"{name} of {STOCK_LSTM} {ticker}")
        for ticker in names
        for name in (*FILES, WEIGHTS)
        if _bytes(here, (ticker, STOCK_LSTM), name, year=fold.year)
        != _bytes(there, (ticker, STOCK_LSTM), name, year=fold.year)
    ]
    shutil.rmtree(root)
    return alarms


def _bytes(
    data: StudyData, model: tuple[str, str], name: str, *, year: int = 0
) -> bytes:
    """Return a file of a model of a year; of the last fold's if it is 0."""
    ticker, architecture = model
    year = year or data.folds[-1].year
    return (bundle_folder(data, ticker, year, architecture) / name).read_bytes()


def _compare_distributions(
    base: PipelineRun, there: StudyData, panel: pd.DataFrame, splice: Splice
) -> Iterator[str]:
    """Forecast the last fold's distributions again, and compare up to the origin."""
    fold = base.folds[-1]
    found = judge_distribution(there, panel, [fold], pooled=True).quantiles
    if base.quantiles is None:
        return
    tables = [base.quantiles[base.quantiles["fold"] == fold.year], found]
    known = [t[t["target_date"] <= splice.origin] for t in tables]
    for line in compare_tables(*known, key=QUANTILE_KEY):
        yield f"quantiles: {line}"


def _compare_networks(
    base: PipelineRun, there: StudyData, splice: Splice, names: set[str]
) -> Iterator[str]:
    """Forecast the last fold from other files, and compare up to the origin."""
    fold, rows = base.folds[-1], []
    panel = read_table(PANEL, there.paths.processed / "panel.parquet")
    for ticker in names - {ALL_STOCKS}:
        split = split_stock(there.study, with_returns(panel), ticker, fold)
        bundle = load_bundle(bundle_folder(there, ticker, fold.year))
        rows.append(forecasting.forecast(bundle, split.forecast, year=fold.year))
    if there.study.stock_lstm.trained:
        rows.append(validate.forecast_stocks(there, panel, fold))
        yield from _compare_distributions(base, there, panel, splice)
    now, before = pd.concat(rows), base.forecasts[base.forecasts["fold"] == fold.year]
    key = ["ticker", "model", "seed", "delay", "origin"]
    both = [t[t["target_date"] <= splice.origin].set_index(key) for t in (before, now)]
    for name, own in both[1].groupby(["ticker", "model"]):
        if not both[0]["y_hat"].reindex(own.index).equals(own["y_hat"]):
            yield " ".join(map(str, name))


def _open_spliced(base: PipelineRun, splice: Splice, root: Path) -> Workspace:
    """Rewrite raw files, dividends and bill rates after an origin."""
    raw = rewrite_files(base.workspace.paths.raw, root / "raw", splice)
    payments = sourced_path(base.workspace, "dividends")
    rewrite_dividends(payments, raw / SOURCED, splice)
    return open_audit(splice_study(base.workspace.study, splice), root, raw)


def _few_futures(base: PipelineRun, seed: int) -> Iterator[OtherFuture]:
    test = base.folds[-1].year
    splice = _splice(base, test, seed, kind=LAST_TRAINING)
    yield OtherFuture(splice, whole=True)
    for number, fold in enumerate(base.folds):
        kind = IN_A_YEAR[(seed + 2 * number) % len(IN_A_YEAR)]
        if kind in {each.kind for each in find_origins(base.prices, fold, seed)}:
            splice = _splice(base, fold.year, seed, kind=kind)
            yield OtherFuture(splice, whole=False)


def _all_futures(base: PipelineRun, seed: int) -> Iterator[OtherFuture]:
    for fold in base.folds:
        for origin in find_origins(base.prices, fold, seed):
            splice = _splice(base, fold.year, seed, kind=origin.kind)
            yield OtherFuture(splice, origin.kind in (LAST_TRAINING, MIDDLE))
    middle = _splice(base, base.folds[-1].year, seed, kind=MIDDLE)
    yield OtherFuture(Splice("cut", middle.origin, condition=MIDDLE), whole=True)


def _splice(base: PipelineRun, year: int, seed: int, *, kind: str) -> Splice:
    """Split the first recommended stock and delist the last, from an origin on."""
    (fold,) = [each for each in base.folds if each.year == year]
    (origin,) = [o for o in find_origins(base.prices, fold, seed) if o.kind == kind]
    names = base.recommended[year]
    return Splice(
        "other future",
        origin.session,
        split=names[0],
        delisted=names[-1],
        seed=seed,
        condition=kind,
    )
