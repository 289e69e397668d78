"""All checks of the small market, in the order in which they run."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from nse_lstm.config import Study
from nse_lstm.study.audit.activity import find_idle
from nse_lstm.study.audit.alarms import AuditAlarm, run_guarded
from nse_lstm.study.audit.compare_reference import compare_with_reference, reference_for
from nse_lstm.study.audit.futures import (
    compare_future,
    list_futures,
    refit_under_future,
)
from nse_lstm.study.audit.markets import (
    open_audit,
    shrink_for_networks,
    shrink_study,
    write_small_market,
)
from nse_lstm.study.audit.pipeline_run import PipelineRun, run_pipeline
from nse_lstm.study.audit.placebos import Placebo, run_placebos
from nse_lstm.study.audit.prefixes import compare_prefixes
from nse_lstm.study.audit.refits import check_refits
from nse_lstm.study.audit.repeated_walk import resume_walk, walk_again
from nse_lstm.study.audit.rules import check_rules
from nse_lstm.study.audit.search_check import compare_searches
from nse_lstm.study.audit.step_log import StepLog

About = dict[str, Any]
"""Plain values of a step for the audit's result."""
N_DRAWS = 3
"""Markets that are drawn at most until every path acts."""
NEXT_MARKET = 1000
"""Added to the seed for each further market."""


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
    log: StepLog | None = None,
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
        One of ``learners.LEARNERS``. The ranking models run beside the surrogate only.
    futures : str
        "all": one origin of each kind in every fold, placebos, repeated walks and the
        search. "few": the small audit's part of them. "fits": networks fitted again
        under another future. "search": the search alone. "none": neither. The
        reference, the refits, the rules and the paths that must act are always checked.
    log : StepLog, optional
        Keeps each step for a killed audit. None keeps nothing.
    """
    small, log = shrink_study(study), log or StepLog()
    if learner == "network":
        small = shrink_for_networks(small)
    first = len(log.steps)
    base, failed = _draw_market(small, root, seed=seed, learner=learner)
    if base is None:
        log.run(f"{learner} {seed}: pipeline", lambda: (failed, {}))
        return Examination(learner, failed, [], [], None)

    def step(
        name: str, work: Callable[[], list[AuditAlarm]], *, traced: bool = False
    ) -> None:
        check = name.split(" after ")[0].split(" (")[0]
        full_name = f"{learner} {seed}: {name}"

        def guarded() -> tuple[list[AuditAlarm], About]:
            found, broken = run_guarded(check, work)
            return [*(found or []), *broken], {}

        log.run(full_name, guarded, traced=traced)

    splices = []
    if futures in ("all", "few"):
        listed = list_futures(base, seed, full=futures == "all")
        for number, future in enumerate(listed):
            splices.append(future.splice.label)
            folder = root / f"future {number}"
            work = partial(compare_future, base, future, folder, learner)
            # A trace slows a run down, and whole runs hold all that the others run.
            step(f"futures: {future.splice.label}", work, traced=future.whole)
        step("repeated walk", partial(walk_again, base, root / "again", learner))
    if futures == "all":
        step("repeated walk, resumed", partial(resume_walk, base, learner))
    if futures in ("all", "search") and base.ranking:
        work = partial(compare_searches, base, root / "search", seed)
        step("search", work, traced=True)
    if futures == "fits":
        work = partial(refit_under_future, base, seed, root / "fits", learner)
        step("futures: fits", work, traced=True)
    for name, check in _checks(base, learner, root / "scratch").items():
        step(name, check)
    placebos = list[Placebo]()
    if futures in ("all", "few"):
        placebos = _placebos(small, root / "random", seed, learner, log)
    alarms = [
        alarm for taken in list(log.steps.values())[first:] for alarm in taken.alarms
    ]
    return Examination(learner, alarms, splices, placebos, base)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Give a temporary folder and remove it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="nse-lstm-audit-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _draw_market(
    small: Study, root: Path, *, seed: int, learner: str
) -> tuple[PipelineRun | None, list[AuditAlarm]]:
    """Run markets until one has every path act, ``N_DRAWS`` at most.

    Networks of few epochs may stay out of the market, so one market of theirs is taken
    as it is.
    """
    base, failed = None, list[AuditAlarm]()
    for draw in range(N_DRAWS):
        folder = root / f"market {draw}"
        write_small_market(folder / "raw", seed + NEXT_MARKET * draw)
        workspace = open_audit(small, folder / "base", folder / "raw")
        rankings = learner == "surrogate"
        work = partial(run_pipeline, workspace, learner, rankings=rankings)
        base, failed = run_guarded("pipeline", work)
        if base is None or not rankings or not find_idle(base):
            break
    return base, failed


def _checks(
    base: PipelineRun, learner: str, scratch: Path
) -> dict[str, Callable[[], list[AuditAlarm]]]:
    """Return the checks of one run: its figures again, its fits again, its rules."""
    reference, failed = run_guarded("reference", lambda: reference_for(base))
    if reference is None:
        return {"reference": lambda: failed}
    return {
        "reference": partial(compare_with_reference, base, reference),
        "refit": partial(
            check_refits, base, learner, reference=reference, scratch=scratch
        ),
        "rule": partial(check_rules, base),
        # Features do not depend on the learner, so one of the two markets will do.
        **(_once(base) if base.ranking else {}),
    }


def _once(base: PipelineRun) -> dict[str, Callable[[], list[AuditAlarm]]]:
    return {
        "early sessions": partial(compare_prefixes, base),
        "acts": partial(find_idle, base),
    }


def _placebos(
    small: Study, root: Path, seed: int, learner: str, log: StepLog
) -> list[Placebo]:
    def work() -> tuple[list[AuditAlarm], About]:
        tested, failed = run_guarded(
            "placebo", lambda: run_placebos(small, root, seed=seed, learner=learner)
        )
        placebos, skilled = tested or ([], [])
        return [*skilled, *failed], {"placebos": [asdict(each) for each in placebos]}

    taken = log.run(f"{learner} {seed}: placebo", work)
    return [Placebo(**row) for row in taken.about["placebos"]]
