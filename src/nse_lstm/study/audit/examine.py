"""All checks of the small market, in the order in which they run."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pandas as pd

from nse_lstm.config import Study
from nse_lstm.study.audit.alarms import AuditAlarm, run_guarded
from nse_lstm.study.audit.compare_reference import compare_with_reference, reference_for
from nse_lstm.study.audit.markets import open_audit, shrink_study, write_small_market
from nse_lstm.study.audit.pipeline_run import PipelineRun, run_pipeline
from nse_lstm.study.audit.placebos import Placebo, run_placebos
from nse_lstm.study.audit.refits import check_refits
from nse_lstm.study.audit.rules import check_rules
from nse_lstm.study.audit.spliced_futures import (
    Splice,
    rewrite_dividends,
    rewrite_files,
    splice_study,
)
from nse_lstm.study.audit.stages import compare_runs
from nse_lstm.study.core.workspace import sourced_path


@dataclass(frozen=True, eq=False)
class Examination:
    """Result of all checks of one small market."""

    learner: str
    alarms: list[AuditAlarm]
    splices: list[str]
    """Labels of the futures that were put after an origin."""
    placebos: list[Placebo]
    run: PipelineRun | None
    """The run on the files as they are; None where the library refused it."""


def examine(
    study: Study,
    root: Path,
    *,
    seed: int,
    learner: str = "surrogate",
    futures: str = "all",
) -> Examination:
    """Run the pipeline on a small market of its own seed and apply every check.

    Parameters
    ----------
    study : Study
        Whose rules are audited; ``markets.shrink_study`` shrinks it.
    root : Path
        An empty folder.
    seed : int
        Of the market, of the origins and of the other futures.
    learner : str
        One of ``pipeline_run.LEARNERS``.
    futures : str
        "all": another future in every fold, a cut in the test year, and the placebos.
        "test year": another future in the test year only. "none": neither. The
        reference, the refits and the rules are always checked.
    """
    small = shrink_study(study)
    write_small_market(root / "raw", seed)
    base, alarms = run_guarded(
        "pipeline",
        lambda: run_pipeline(open_audit(small, root / "base", root / "raw"), learner),
    )
    if base is None:
        return Examination(learner, alarms, [], [], None)
    splices = list(_splices(base, seed, futures)) if futures != "none" else []
    for number, splice in enumerate(splices):
        work = partial(_compare_spliced, base, splice, root / str(number), learner)
        found, failed = run_guarded("futures", work)
        alarms += [*(found or []), *failed]
    alarms += _check_run(base, learner, root / "scratch")
    placebos: list[Placebo] = []
    if futures == "all":
        tested, failed = run_guarded(
            "placebo",
            lambda: run_placebos(small, root / "random", seed=seed, learner=learner),
        )
        placebos, skilled = tested or ([], [])
        alarms += [*skilled, *failed]
    return Examination(learner, alarms, [s.label for s in splices], placebos, base)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Give a temporary folder and remove it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="nse-lstm-audit-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def pick_origin(base: PipelineRun, year: int, seed: int) -> pd.Timestamp:
    """Draw a session of a year's middle half, neither stale nor before a stale one.

    Parameters
    ----------
    base : PipelineRun
        Whose sessions are drawn from.
    year, seed : int
        The seed's remainder picks the session.
    """
    rows = base.prices[base.prices["session"].dt.year == year]
    stale = rows.groupby("session")["stale"].any()
    sessions = stale.index[~(stale | stale.shift(-1, fill_value=True))]
    middle = sessions[len(sessions) // 4 : -len(sessions) // 4]
    return pd.Timestamp(middle[seed % len(middle)])


def _splices(base: PipelineRun, seed: int, futures: str) -> Iterator[Splice]:
    every = futures == "all"
    for fold in base.folds:
        is_test = fold.kind == "test"
        names = base.recommended[fold.year]
        origin = pick_origin(base, fold.year, 37 * seed + fold.year)
        if every or is_test:
            yield Splice(
                "other future", origin, split=names[0], delisted=names[-1], seed=seed
            )
        if every and is_test:
            yield Splice("cut", origin)


def _compare_spliced(
    base: PipelineRun, splice: Splice, root: Path, learner: str
) -> list[AuditAlarm]:
    """Run the pipeline on rewritten files and compare it with the first run."""
    raw = rewrite_files(base.workspace.paths.raw, root / "raw", splice)
    payments = sourced_path(base.workspace, "dividends")
    rewrite_dividends(payments, raw / "sourced", splice)
    study = splice_study(base.workspace.study, splice)
    if splice.kind == "cut":
        study = replace(study, test_year=splice.origin.year)
    other = run_pipeline(open_audit(study, root, raw), learner)
    shutil.rmtree(root)
    return compare_runs(base, other, origin=splice.origin, label=splice.label)


def _check_run(base: PipelineRun, learner: str, scratch: Path) -> list[AuditAlarm]:
    """Compare a run with the reference, fit one model again, and apply the rules."""
    alarms: list[AuditAlarm] = []
    reference, failed = run_guarded("reference", lambda: reference_for(base))
    if reference is None:
        return failed
    checks: dict[str, Callable[[], list[AuditAlarm]]] = {
        "reference": partial(compare_with_reference, base, reference),
        "refit": partial(
            check_refits, base, learner, reference=reference, scratch=scratch
        ),
        "rule": partial(check_rules, base),
    }
    for name, check in checks.items():
        found, failed = run_guarded(name, check)
        alarms += [*(found or []), *failed]
    return alarms
