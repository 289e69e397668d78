"""Checks of the study's own market: its tables, and its raw files rewritten.

Nothing here scores a forecast, so the test year stays sealed. Its raw rows are compared
with the panel's, and its forecasts with themselves.
"""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd

from nse_lstm.evaluation.strategies import strategy_returns
from nse_lstm.features.folds import Fold
from nse_lstm.features.returns import with_returns
from nse_lstm.models.baselines import forecast_baselines
from nse_lstm.models.bundles import load_bundle
from nse_lstm.models.forecasting import forecast
from nse_lstm.paths import SOURCED
from nse_lstm.study.audit import compare_reference_data
from nse_lstm.study.audit.alarms import AuditAlarm
from nse_lstm.study.audit.differences import Differences
from nse_lstm.study.audit.learners import LEARNERS
from nse_lstm.study.audit.origins import MIDDLE, find_origins
from nse_lstm.study.audit.pipeline_run import FILES, PipelineRun
from nse_lstm.study.audit.reference_cache import Split, compute_reference
from nse_lstm.study.audit.spliced_futures import (
    Splice,
    rewrite_dividends,
    rewrite_files,
    splice_study,
)
from nse_lstm.study.audit.stages import STORED_STAGES, compare_runs
from nse_lstm.study.core.jobs import bundle_folder, split_stock, training_jobs
from nse_lstm.study.core.phase_tables import read_instruments, read_recommended
from nse_lstm.study.core.study_data import StudyData, open_study_data
from nse_lstm.study.core.workspace import Workspace, sourced_path
from nse_lstm.study.data_analysis.analyse import analyse_data
from nse_lstm.tables import PANEL, SCORES, read_table

N_SAMPLED = 2
"""Stocks per fold whose windows and scalers are compared."""
MARKET_STAGES = tuple(stage for stage in STORED_STAGES if not stage.of_tabular)
"""Without the tabular models, which take a minute per run on a whole market."""


def check_tables(workspace: Workspace) -> list[AuditAlarm]:
    """Compare the tables of Phases 1 to 3 with the reference.

    Compared are every stock's panel, every fold's recommendations, and the windows and
    stored scalers of ``N_SAMPLED`` stocks per fold.

    Returns
    -------
    list of AuditAlarm
        "market: " with panel, universe, windows or scalers.
    """
    data = open_study_data(workspace)
    sample = _sampled(data)
    reference = compute_reference(workspace, sample, pooled=False)
    jobs = [j for j in training_jobs(data) if (j.ticker, j.year) in sample]
    instruments = read_instruments(workspace)
    ordinary = instruments.loc[instruments["kind"] == "ordinary", "ticker"]
    parts = {
        "panel": compare_reference_data.compare_panel(
            with_returns(_panel(workspace)), reference.market
        ),
        "universe": compare_reference_data.compare_universe(
            data.recommended,
            data.folds,
            ordinary=set(ordinary),
            market=reference.market,
            universe=workspace.study.universe,
        ),
        "windows": compare_reference_data.compare_jobs(jobs, reference),
        "scalers": _scalers(data, reference.splits),
    }
    return [
        AuditAlarm(f"market: {name}", where, detail)
        for name, found in parts.items()
        for where, detail in found
    ]


def check_futures(
    workspace: Workspace, root: Path
) -> tuple[list[AuditAlarm], list[str]]:
    """Rewrite the market's own files after one origin per fold, and compare.

    Up to that origin the tables of Phase 1, the windows, the stored models' forecasts
    and the positions must not move. One stored model per fold is fitted again.

    Parameters
    ----------
    workspace : Workspace
        With finished Phases 1 to 3.
    root : Path
        An empty folder.

    Returns
    -------
    list of AuditAlarm, list of str
        "futures: " or "refit: " alarms, and the labels of the splices.
    """
    data, labels = open_study_data(workspace), list[str]()
    base, alarms = _run_stored_models(data, data), _refit_sample(data, root)
    for number, fold in enumerate(base.folds):
        names = base.recommended[fold.year]
        seed = int(data.facts.digest[:8], 16) + fold.year
        found = find_origins(base.prices, fold, seed)
        (origin,) = [each.session for each in found if each.kind == MIDDLE]
        other = Splice("other future", origin, names[0], names[-1], seed)
        # A cut ends in its fold's year and needs a fold before that.
        cuts = [Splice("cut", origin)] if number else []
        for splice in (other, *cuts):
            folder = root / f"{number} {splice.kind}"
            raw = rewrite_files(workspace.paths.raw, folder / "raw", splice)
            payments = sourced_path(workspace, "dividends")
            rewrite_dividends(payments, raw / SOURCED, splice)
            spliced = _analyse_spliced(data, folder, raw, fold, splice)
            alarms += compare_runs(
                base,
                _run_stored_models(spliced, data),
                origin=origin,
                label=splice.label,
                stages=MARKET_STAGES,
            )
            labels.append(splice.label)
            shutil.rmtree(folder)
    return alarms, labels


def _analyse_spliced(
    data: StudyData, root: Path, raw: Path, fold: Fold, splice: Splice
) -> StudyData:
    """Run Phase 1 on other files under another root; a cut ends in its fold's year."""
    study, test_year = splice_study(data.study, splice), data.facts.test_year
    if splice.kind == "cut":
        n_before = study.folds.n_walk_forward - (test_year - fold.year)
        folds = replace(study.folds, n_walk_forward=n_before)
        study, test_year = replace(study, folds=folds), fold.year
    study = replace(
        study, test_year=test_year, market=replace(study.market, simulated=False)
    )
    other = Workspace(study, replace(data.paths, root=root, raw_folder=raw))
    analyse_data(other)
    return open_study_data(other)


def _run_stored_models(there: StudyData, stored: StudyData) -> PipelineRun:
    """Return the tables that the stages compare, with the stored models' forecasts."""
    panel = _panel(there)
    prices, folds = with_returns(panel), there.folds
    known = {fold.year for fold in stored.folds}
    blocks = [
        block
        for fold in folds
        if fold.year in known
        for block in _forecast(there, stored, prices, fold)
    ]
    forecasts = pd.concat(blocks, ignore_index=True)
    headline = there.study.backtest.headline_cost_bps
    backtest = replace(there.study.backtest, cost_bps=(headline,))
    none = pd.DataFrame(columns=list(SCORES.columns))
    return PipelineRun(
        workspace=there,
        prices=prices,
        folds=folds,
        recommended=there.recommended,
        tradable=read_recommended(there, "all"),
        jobs=[job for job in training_jobs(there) if job.year in known],
        bundles={},
        forecasts=forecasts,
        returns=strategy_returns(forecasts, panel, backtest=backtest),
        scores=none,
        selection=none,
        judgement=None,
    )


def _forecast(
    there: StudyData, stored: StudyData, prices: pd.DataFrame, fold: Fold
) -> Iterator[pd.DataFrame]:
    """Forecast the fold's stocks that have a stored model."""
    for ticker in there.recommended[fold.year]:
        folder = bundle_folder(stored, ticker, fold.year)
        if not (folder / "metadata.json").is_file():
            continue  # only the other future recommends it
        split = split_stock(there.study, prices, ticker, fold)
        yield forecast(load_bundle(folder), split.forecast, year=fold.year)
        horizon = there.study.v2.horizon
        yield forecast_baselines(split, ticker=ticker, year=fold.year, horizon=horizon)


def _refit_sample(data: StudyData, root: Path) -> list[AuditAlarm]:
    """Fit one stock's model of each fold again and compare its bytes."""
    sampled = {year: ticker for ticker, year in reversed(_sampled(data))}
    alarms = []
    for job in training_jobs(data):
        if sampled.get(job.year) != job.ticker:
            continue
        again, stored = root / "again", bundle_folder(data, job.ticker, job.year)
        LEARNERS["network"](job, data.study, again)
        for name in FILES:
            if (again / name).read_bytes() != (stored / name).read_bytes():
                where = f"{job.ticker} {job.year}"
                alarms.append(AuditAlarm("refit: bytes", where, f"{name} is another"))
    return alarms


def _sampled(data: StudyData) -> list[tuple[str, int]]:
    """Draw stocks of each fold by the data's digest, not by a person."""
    digest, pairs = data.facts.digest, []
    for year, names in sorted(data.recommended.items()):
        start = int(digest[:8], 16) + year
        chosen = {(start + 3 * i) % len(names) for i in range(N_SAMPLED)}
        pairs += [(names[place], year) for place in sorted(chosen)]
    return pairs


def _scalers(data: StudyData, splits: dict[tuple[str, int], Split]) -> Differences:
    for (ticker, year), parts in splits.items():
        stored = (bundle_folder(data, ticker, year) / "scaler.json").read_bytes()
        where = f"{ticker} {year}"
        yield from compare_reference_data.compare_scaler(
            stored, parts["train"], where=where
        )


def _panel(workspace: Workspace) -> pd.DataFrame:
    return read_table(PANEL, workspace.paths.processed / "panel.parquet")
