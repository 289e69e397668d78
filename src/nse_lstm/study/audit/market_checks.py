"""The checks of the study's own market: its tables by hand, its files rewritten.

Nothing here scores a forecast, so the test year stays sealed: its raw rows are compared
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
from nse_lstm.study.audit import compare_reference_data
from nse_lstm.study.audit.alarms import Alarm
from nse_lstm.study.audit.checks import pick_origin
from nse_lstm.study.audit.differences import Differences
from nse_lstm.study.audit.pipeline_run import FILES, LEARNERS, PipelineRun
from nse_lstm.study.audit.reference_cache import Split, compute_reference
from nse_lstm.study.audit.spliced_futures import Change, rewrite
from nse_lstm.study.audit.stages import STAGES, compare_walks
from nse_lstm.study.core.jobs import bundle_folder, split_stock, training_jobs
from nse_lstm.study.core.phase_tables import (
    read_facts,
    read_instruments,
    read_recommended,
    study_folds,
)
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.data_analysis.analyse import analyse_data
from nse_lstm.tables import PANEL, SCORES, read_table

N_SAMPLED = 2
"""Stocks a fold whose windows and scalers are cut by hand, chosen by the data."""
OWN_STAGES = tuple(stage for stage in STAGES if not stage.of_ranking)
"""The tabular models are spliced on the small market alone: here they take a minute a walk."""


def check_tables(workspace: Workspace) -> list[Alarm]:
    """Hold Phases 1 to 3 against the same by hand.

    Every share's panel and every fold's recommendations; of ``N_SAMPLED`` stocks a fold
    the windows and the stored scaler.

    Returns
    -------
    list of Alarm
        "own market: " with panel, universe, windows or scalers.
    """
    sample = _sampled(workspace)
    hand = compute_reference(workspace, sample, pooled=False)
    jobs = [j for j in training_jobs(workspace) if (j.ticker, j.year) in sample]
    instruments = read_instruments(workspace)
    ordinary = instruments.loc[instruments["kind"] == "ordinary", "ticker"]
    parts = {
        "panel": compare_reference_data.compare_panel(
            with_returns(_panel(workspace)), hand.market
        ),
        "universe": compare_reference_data.compare_universe(
            read_recommended(workspace),
            study_folds(workspace),
            ordinary=set(ordinary),
            market=hand.market,
            universe=workspace.study.universe,
        ),
        "windows": compare_reference_data.compare_jobs(jobs, hand),
        "scalers": _scalers(workspace, hand.splits),
    }
    return [
        Alarm(f"own market: {name}", where, detail)
        for name, found in parts.items()
        for where, detail in found
    ]


def check_futures(workspace: Workspace, root: Path) -> tuple[list[Alarm], list[str]]:
    """Rewrite the market's own files after an origin of every fold; cut them as well.

    Phase 1, the windows, the forecasts of the stored models and the positions must not
    move before it. One stock's model of each fold is fitted again.

    Returns
    -------
    list of Alarm, list of str
        "futures: " or "refit: " alarms, and the changes made, in words.
    """
    base, alarms, labels = _walk(workspace, workspace), _refit(workspace, root), []
    for number, fold in enumerate(base.folds):
        names = base.recommended[fold.year]
        seed = int(read_facts(workspace).digest[:8], 16) + fold.year
        origin = pick_origin(base, fold.year, seed)
        other = Change("other future", origin, names[0], names[-1], seed)
        # A cut ends in its fold's year and needs a fold before that.
        cuts = [Change("cut", origin)] if number else []
        for change in (other, *cuts):
            folder = root / f"{number} {change.kind}"
            raw = rewrite(workspace.paths.raw, folder / "raw", change)
            found = _walk(_beside(workspace, folder, raw, fold, change), workspace)
            alarms += compare_walks(
                base, found, origin=origin, label=change.label, stages=OWN_STAGES
            )
            labels.append(change.label)
            shutil.rmtree(folder)
    return alarms, labels


def _beside(
    workspace: Workspace, root: Path, raw: Path, fold: Fold, change: Change
) -> Workspace:
    """Run Phase 1 on other files under another root; a cut ends in its fold's year."""
    study, test_year = workspace.study, read_facts(workspace).test_year
    if change.kind == "cut":
        n_before = study.folds.n_walk_forward - (test_year - fold.year)
        folds = replace(study.folds, n_walk_forward=n_before)
        study, test_year = replace(study, folds=folds), fold.year
    study = replace(
        study, test_year=test_year, market=replace(study.market, simulated=False)
    )
    other = Workspace(study, replace(workspace.paths, root=root, raw_folder=raw))
    analyse_data(other)
    return other


def _walk(there: Workspace, stored: Workspace) -> PipelineRun:
    """Collect what the stages compare, forecasting with the stored models."""
    panel = _panel(there)
    prices, folds = with_returns(panel), study_folds(there)
    known = {fold.year for fold in study_folds(stored)}
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
        recommended=read_recommended(there),
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
    there: Workspace, stored: Workspace, prices: pd.DataFrame, fold: Fold
) -> Iterator[pd.DataFrame]:
    """Forecast the fold's stocks that have a stored model."""
    for ticker in read_recommended(there)[fold.year]:
        folder = bundle_folder(stored, ticker, fold.year)
        if not (folder / "metadata.json").is_file():
            continue  # the other future recommends it; nothing before it changed
        split = split_stock(there, prices, ticker, fold)
        yield forecast(load_bundle(folder), split.forecast, year=fold.year)
        horizon = there.study.v2.horizon
        yield forecast_baselines(split, ticker=ticker, year=fold.year, horizon=horizon)


def _refit(workspace: Workspace, root: Path) -> list[Alarm]:
    """Fit one stock's model of each fold again and compare its bytes."""
    sampled = {year: ticker for ticker, year in reversed(_sampled(workspace))}
    alarms = []
    for job in training_jobs(workspace):
        if sampled.get(job.year) != job.ticker:
            continue
        again, stored = root / "again", bundle_folder(workspace, job.ticker, job.year)
        LEARNERS["network"](job, workspace.study, again)
        for name in FILES:
            if (again / name).read_bytes() != (stored / name).read_bytes():
                where = f"{job.ticker} {job.year}"
                alarms.append(Alarm("refit: bytes", where, f"{name} is another"))
    return alarms


def _sampled(workspace: Workspace) -> list[tuple[str, int]]:
    """Draw stocks of each fold by the data's digest, so that nobody chooses them."""
    digest = read_facts(workspace).digest
    pairs = []
    for year, names in sorted(read_recommended(workspace).items()):
        start = int(digest[:8], 16) + year
        chosen = {(start + 3 * i) % len(names) for i in range(N_SAMPLED)}
        pairs += [(names[place], year) for place in sorted(chosen)]
    return pairs


def _scalers(workspace: Workspace, splits: dict[tuple[str, int], Split]) -> Differences:
    for (ticker, year), parts in splits.items():
        stored = (bundle_folder(workspace, ticker, year) / "scaler.json").read_bytes()
        where = f"{ticker} {year}"
        yield from compare_reference_data.compare_scaler(
            stored, parts["train"], where=where
        )


def _panel(workspace: Workspace) -> pd.DataFrame:
    return read_table(PANEL, workspace.paths.processed / "panel.parquet")
