"""The search under another future: it may see only years before the first fold."""

import shutil
from dataclasses import replace
from pathlib import Path

from nse_lstm.study.audit.alarms import AuditAlarm
from nse_lstm.study.audit.learners import learning_with
from nse_lstm.study.audit.markets import FIRST_RANKED, open_audit
from nse_lstm.study.audit.origins import LAST_TRAINING, find_origins
from nse_lstm.study.audit.pipeline_run import PipelineRun
from nse_lstm.study.audit.spliced_futures import Splice, rewrite_files
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.data_analysis import prepare
from nse_lstm.study.experiments import search

SEARCHED = ("ridge", "rank_lstm")


def compare_searches(base: PipelineRun, root: Path, seed: int) -> list[AuditAlarm]:
    """Search twice, the second time with another future after the searched years.

    Parameters
    ----------
    base : PipelineRun
        Its first fold begins a year after the ranking models' first year.
    root : Path
        A folder that does not exist yet; it is removed.
    seed : int
        Of the rewritten rows.
    """
    (origin,) = [
        each
        for each in find_origins(base.prices, base.folds[0], seed)
        if each.kind == LAST_TRAINING
    ]
    names = base.recommended[base.folds[0].year]
    splice = Splice("other future", origin.session, names[0], names[-1], seed)
    plain = base.workspace.paths.raw
    other = rewrite_files(plain, root / "raw", splice)
    found = [
        _search(base, root / str(number), raw)
        for number, raw in enumerate([plain, other])
    ]
    shutil.rmtree(root)
    return [
        AuditAlarm("futures: search", name, f"{found[0][name]} became {found[1][name]}")
        for name in SEARCHED
        if found[0][name] != found[1][name]
    ]


def _search(base: PipelineRun, root: Path, raw: Path) -> dict[str, str]:
    """Return what each search found, in words; the searched year is the first one."""
    study, later = base.workspace.study, FIRST_RANKED + 1
    study = replace(
        study,
        tabular=replace(study.tabular, first_year=later),
        rank_lstm=replace(study.rank_lstm, first_year=later, n_seeds=1),
        search=replace(study.search, n_trials=3, rank_lstm_trials=1, n_years=1),
    )
    workspace: Workspace = open_audit(study, root, raw)
    prepare.prepare_data(workspace)
    with learning_with("network"):
        return {
            name: repr(search.search(workspace, name, progress=_silent))
            for name in SEARCHED
        }


def _silent(line: str) -> None:
    """Say nothing."""
