"""All checks of the small market, in the order in which they are run."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pandas as pd

from nse_lstm.config import Study
from nse_lstm.study.audit.alarms import Alarm, refused
from nse_lstm.study.audit.compare_reference import compare_with_reference, reference_of
from nse_lstm.study.audit.markets import audit_study, open_audit, write_small
from nse_lstm.study.audit.pipeline_run import PipelineRun, run_pipeline
from nse_lstm.study.audit.placebos import Placebo, run_placebos
from nse_lstm.study.audit.refits import check_refits
from nse_lstm.study.audit.rules import check_rules
from nse_lstm.study.audit.spliced_futures import Change, rewrite
from nse_lstm.study.audit.stages import compare_walks


@dataclass(frozen=True, eq=False)
class Examination:
    """What the checks of one small market found."""

    learner: str
    alarms: list[Alarm]
    changes: list[str]
    """The futures that were put after an origin, in words."""
    placebos: list[Placebo]
    walk: PipelineRun | None
    """The undisturbed walk; None where the library refused it."""


def examine(
    study: Study,
    root: Path,
    *,
    seed: int,
    learner: str = "stand-in",
    futures: str = "all",
) -> Examination:
    """Walk a small market of its own seed and hold it against every check.

    Parameters
    ----------
    study : Study
        Whose rules are audited; ``markets.audit_study`` shrinks it.
    root : Path
        An empty folder.
    seed : int
        Of the market, of the origins and of the other futures.
    learner : str
        One of ``pipeline_run.LEARNERS``.
    futures : str
        "all": another future in every fold, a cut in the test year, and the placebos.
        "test year": another future there only. "none": everything is held against the
        same by hand only.
    """
    small = audit_study(study)
    write_small(root / "raw", seed)
    base, alarms = refused(
        "walk",
        lambda: run_pipeline(open_audit(small, root / "base", root / "raw"), learner),
    )
    if base is None:
        return Examination(learner, alarms, [], [], None)
    changes = list(_changes(base, seed, futures)) if futures != "none" else []
    for number, change in enumerate(changes):
        work = partial(_disturb, base, change, root / str(number), learner)
        found, failed = refused("futures", work)
        alarms += [*(found or []), *failed]
    alarms += _by_hand(base, learner, root / "scratch")
    placebos: list[Placebo] = []
    if futures == "all":
        found_there, failed = refused(
            "placebo",
            lambda: run_placebos(small, root / "coins", seed=seed, learner=learner),
        )
        placebos, skilled = found_there or ([], [])
        alarms += [*skilled, *failed]
    return Examination(learner, alarms, [c.label for c in changes], placebos, base)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Give a folder that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="nse-lstm-audit-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def pick_origin(base: PipelineRun, year: int, seed: int) -> pd.Timestamp:
    """Draw a session from the middle of a year, none that is stale or after one."""
    rows = base.prices[base.prices["session"].dt.year == year]
    stale = rows.groupby("session")["stale"].any()
    sessions = stale.index[~(stale | stale.shift(-1, fill_value=True))]
    middle = sessions[len(sessions) // 4 : -len(sessions) // 4]
    return pd.Timestamp(middle[seed % len(middle)])


def _changes(base: PipelineRun, seed: int, futures: str) -> Iterator[Change]:
    every = futures == "all"
    for fold in base.folds:
        is_test = fold.kind == "test"
        names = base.recommended[fold.year]
        origin = pick_origin(base, fold.year, 37 * seed + fold.year)
        if every or is_test:
            yield Change(
                "other future", origin, split=names[0], delisted=names[-1], seed=seed
            )
        if every and is_test:
            yield Change("cut", origin)


def _disturb(
    base: PipelineRun, change: Change, root: Path, learner: str
) -> list[Alarm]:
    """Walk the rewritten files and compare."""
    raw = rewrite(base.workspace.paths.raw, root / "raw", change)
    study = base.workspace.study
    if change.kind == "cut":
        study = replace(study, test_year=change.origin.year)
    other = run_pipeline(open_audit(study, root, raw), learner)
    shutil.rmtree(root)
    return compare_walks(base, other, origin=change.origin, label=change.label)


def _by_hand(base: PipelineRun, learner: str, scratch: Path) -> list[Alarm]:
    alarms: list[Alarm] = []
    hand, failed = refused("recount", lambda: reference_of(base))
    if hand is None:
        return failed
    checks: dict[str, Callable[[], list[Alarm]]] = {
        "recount": partial(compare_with_reference, base, hand),
        "refit": partial(check_refits, base, learner, hand=hand, scratch=scratch),
        "rule": partial(check_rules, base),
    }
    for name, check in checks.items():
        found, failed = refused(name, check)
        alarms += [*(found or []), *failed]
    return alarms
