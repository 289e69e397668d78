"""Calibrate the verdict: its false-positive rate and power on simulated markets.

Hundreds of simulated markets are judged by the study's own code. Without a planted
signal every yes is a false positive. With one, the share of yes is the verdict's power.
A market's result depends only on study, signal and seed, so a run can stop, resume and
use any number of processes.
"""

import hashlib
import json
import math
import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from nse_lstm.config import Study, study_document
from nse_lstm.json_files import write_json
from nse_lstm.models.versions import code_version
from nse_lstm.study.core.ledger import append_lines, read_lines
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.experiments.calibration import market
from nse_lstm.study.experiments.calibration.claims import judge_market_claims
from nse_lstm.study.experiments.calibration.counts import (
    CLAIMS_DOCUMENT,
    DOCUMENT,
    count_answers,
    count_claims,
    false_yes,
)
from nse_lstm.study.experiments.calibration.market import judge_market

Job = tuple[float, int]
Judge = Callable[..., dict[str, Any]]
"""Judges the market of a signal and a seed, both by keyword."""
Progress = Callable[[str], None]

SIGNALS = (0.06, 0.12, 0.2, 0.3)
"""Planted signals of the power curve. A market without a signal is a null market."""
FIRST_POWER_SEED = 1001
FALSE_YES_LIMIT = 0.02
"""Largest accepted share of null markets with a yes: twice the design level."""
CLAIMS_LIMIT = 8 / 300
KEY = ["version", "signal", "seed"]


@dataclass(frozen=True)
class Calibration:
    """Counts of a calibration."""

    counts: pd.DataFrame
    """``counts.count_answers``."""
    false_yes: tuple[int, ...]
    """Seeds of the null markets with a yes at the headline cost."""
    limit: int
    """Largest accepted number of these markets."""


def run_calibration(
    workspace: Workspace, *, n_null: int, n_power: int, progress: Progress = print
) -> Calibration:
    """Judge every market and write the counts to ``docs/calibration.json``.

    Parameters
    ----------
    workspace : Workspace
    n_null, n_power : int
        Markets without a signal, at least 1, and with each of ``SIGNALS``.
    progress : callable
        Receives a line after every ten markets.
    """
    study = workspace.study
    lines = judge_markets(
        study,
        _jobs(n_null, n_power),
        workspace.paths.models / "calibration" / "markets.jsonl",
        workers=study.training.workers,
        progress=progress,
    )
    found = Calibration(
        counts=count_answers(lines),
        false_yes=tuple(false_yes(lines, cost_bps=study.backtest.headline_cost_bps)),
        limit=math.floor(FALSE_YES_LIMIT * n_null),
    )
    path = workspace.paths.root / DOCUMENT
    document = {
        "counts": found.counts.to_dict(orient="records"),
        "false_yes": found.false_yes,
        "headline_cost_bps": study.backtest.headline_cost_bps,
        "limit": found.limit,
        "n_null": n_null,
    }
    write_json(path, document)
    return found


def calibrate_claims(
    workspace: Workspace, *, n_null: int, n_power: int, progress: Progress = print
) -> pd.DataFrame:
    """Judge the claims of every market and write ``docs/calibration_claims.json``.

    Parameters
    ----------
    workspace : Workspace
    n_null, n_power, progress
        As for ``run_calibration``.

    Returns
    -------
    DataFrame
        ``counts.count_claims``.
    """
    study = workspace.study
    lines = judge_markets(
        study,
        _jobs(n_null, n_power),
        workspace.paths.models / "calibration" / "claims.jsonl",
        judge=judge_market_claims,
        workers=study.training.workers,
        progress=progress,
    )
    counts = count_claims(lines)
    document = {"counts": counts.to_dict(orient="records"), "n_null": n_null}
    write_json(workspace.paths.root / CLAIMS_DOCUMENT, document)
    return counts


def claims_limit(n: int) -> int:
    """Return how many of n null markets may have any yes: 8 of 300, as declared."""
    return math.floor(CLAIMS_LIMIT * n)


def _jobs(n_null: int, n_power: int) -> list[Job]:
    power = range(FIRST_POWER_SEED, FIRST_POWER_SEED + n_power)
    jobs = [(0.0, seed) for seed in range(1, n_null + 1)]
    return jobs + [(signal, seed) for signal in SIGNALS for seed in power]


def judge_markets(
    study: Study,
    jobs: list[Job],
    path: Path,
    *,
    judge: Judge | None = None,
    workers: int = 0,
    progress: Progress = print,
) -> list[dict[str, Any]]:
    """Judge markets, except those that a file already holds for this study.

    Parameters
    ----------
    study : Study
        Its settings that a result depends on name it.
    jobs : list of (signal, seed)
        Arguments of ``judge``.
    path : Path
        JSON lines, one per market, appended when a market is done.
    judge : callable, optional
        ``claims.judge_market_claims``; ``market.judge_market`` if not given.
    workers : int
        Processes; 0 is one per core. Results do not depend on it.
    progress : callable
        Receives a line after every ten markets.

    Returns
    -------
    list of dict
        The lines of ``jobs``, in their order.
    """
    judge = judge or judge_market
    version = _version(study, of_claims=judge is judge_market_claims)
    done = {(line["signal"], line["seed"]) for line in _lines(path, version)}
    waiting = [job for job in jobs if job not in done]
    for number, line in enumerate(_judge_all(study, judge, waiting, workers), start=1):
        append_lines(path, [{"version": version, **line}], key=KEY)
        if number % 10 == 0 or number == len(waiting):
            progress(f"{number} of {len(waiting)} markets judged")
    found = {(line["signal"], line["seed"]): line for line in _lines(path, version)}
    return [found[job] for job in jobs]


def _judge_all(
    study: Study, judge: Judge, jobs: list[Job], workers: int
) -> Iterator[dict[str, Any]]:
    one = partial(_judge_job, study, judge)
    workers = min(workers or os.cpu_count() or 1, len(jobs))
    if workers < 2:
        yield from map(one, jobs)
        return
    # A spawned process inherits no state, so results cannot depend on their order.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        yield from pool.map(one, jobs)


def _judge_job(study: Study, judge: Judge, job: Job) -> dict[str, Any]:
    signal, seed = job
    return judge(study, signal=signal, seed=seed)


def _lines(path: Path, version: str) -> list[dict[str, Any]]:
    return [line for line in read_lines(path) if line["version"] == version]


def _version(study: Study, *, of_claims: bool) -> str:
    document, module = study_document(study), market.__name__
    names = ["universe", "cross_section", "backtest", "verdict", "seed"]
    if of_claims:
        module = judge_market_claims.__module__
        names += ["portfolio", "tabular", "claims"]
    parts = [{name: document[name] for name in names}, code_version(module)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
