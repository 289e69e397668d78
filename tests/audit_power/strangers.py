"""Try the strangers' defects: which check of the small audit alarms first?

    cd tests; PYTHONPATH=../src python -m audit_power.strangers FILE

Checks run in the order of their cost and stop at the first alarm, with networks and
with the surrogate as the small audit has both. FILE gets one JSON line per defect, and
a second call goes on where the first stopped.
"""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from audit_power.defects import Defect
from audit_power.defects_strangers import STRANGER_DEFECTS
from audit_power.defects_worth import WORTH_DEFECTS
from audit_power.measure import DEFECT_SEED, STUDY
from nse_lstm.study.audit import examine
from nse_lstm.study.audit.alarms import AuditAlarm, run_guarded
from nse_lstm.study.audit.futures import (
    compare_future,
    list_futures,
    refit_under_future,
)
from nse_lstm.study.audit.markets import shrink_for_networks, shrink_study
from nse_lstm.study.audit.repeated_walk import walk_again
from nse_lstm.study.audit.step_log import StepLog

Step = tuple[str, list[AuditAlarm]]


def first_alarm(defect: Defect) -> dict[str, Any]:
    """Return the first check that alarms on a market with a defect in place."""
    others = {"network": "surrogate", "surrogate": "network"}
    for learner in (defect.learner, others[defect.learner]):
        with examine.scratch_folder() as root, defect.patch():
            for _, alarms in _steps(root, learner):
                if alarms:
                    where = f"{alarms[0].where}: {alarms[0].detail}"
                    by = sorted({alarm.check for alarm in alarms})
                    return {"name": defect.name, "caught_by": by, "first": where}
    return {"name": defect.name, "caught_by": [], "first": ""}


def _steps(root: Path, learner: str) -> Iterator[Step]:
    small, seed = shrink_study(STUDY), DEFECT_SEED
    if learner == "network":
        small = shrink_for_networks(small)
    base, failed = examine._draw_market(small, root, seed=seed, learner=learner)
    yield "pipeline", failed
    if base is None:
        return
    for name, check in examine._checks(base, learner, root / "scratch").items():
        yield name, _guarded(check)
    if learner == "network":
        yield "fits", _guarded(refit_under_future, base, seed, root / "fits", learner)
        return
    log = StepLog()
    examine._placebos(small, root / "random", seed, learner, log)
    yield "placebo", log.alarms
    futures = sorted(list_futures(base, seed, full=False), key=lambda f: f.whole)
    for number, future in enumerate(futures):
        folder = root / f"future {number}"
        yield (
            future.splice.label,
            _guarded(compare_future, base, future, folder, learner),
        )
    yield "repeated walk", _guarded(walk_again, base, root / "again", learner)


def _guarded(
    check: Callable[..., list[AuditAlarm]], *given: object
) -> list[AuditAlarm]:
    """Return a check's alarms; an error of it is one, as in the audit."""
    found, failed = run_guarded(
        getattr(check, "__name__", "check"), lambda: check(*given)
    )
    return [*(found or []), *failed]


def main(path: Path) -> None:
    """Try every defect that the file does not name yet."""
    text = path.read_text("utf-8") if path.is_file() else ""
    known = {json.loads(line)["name"] for line in text.splitlines()}
    for defect in (*STRANGER_DEFECTS, *WORTH_DEFECTS):
        if defect.name not in known:
            line = json.dumps(first_alarm(defect))
            with path.open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")
            print(line, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
