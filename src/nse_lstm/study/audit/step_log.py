"""Steps of the audit with their findings, kept so that a killed audit resumes."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from time import process_time
from typing import Any

from nse_lstm.paths import write_text
from nse_lstm.study.audit.alarms import AuditAlarm
from nse_lstm.study.audit.walk_trace import WalkTrace

Progress = Callable[[str], None]
Work = Callable[[], tuple[list[AuditAlarm], dict[str, Any]]]
"""Returns a step's alarms, and plain values for the audit's result."""


@dataclass(frozen=True)
class AuditStep:
    """The findings of one step."""

    alarms: list[AuditAlarm]
    executed: set[str]
    """Functions that ran under another future."""
    about: dict[str, Any]
    """Plain values for the audit's result."""
    seconds: float
    """Processor time."""


class StepLog:
    """The audit's steps in order, in a file of one line per step.

    Parameters
    ----------
    path : Path, optional
        Of the file. Without one nothing is kept.
    progress : callable
        Receives one line per step.
    """

    def __init__(
        self, path: Path | None = None, progress: Progress = lambda line: None
    ) -> None:
        self.steps: dict[str, AuditStep] = {}
        self._path, self._progress = path, progress
        self._known = dict(_read(path)) if path and path.is_file() else {}

    def run(
        self,
        name: str,
        work: Work,
        *,
        traced: bool = False,
    ) -> AuditStep:
        """Run a step, or take what a killed audit kept of it.

        Parameters
        ----------
        name : str
            Unique.
        work : callable
        traced : bool
            Whether the step runs the walk under another future.
        """
        note = "kept"
        if name not in self._known:
            note, started, trace = "", process_time(), WalkTrace()
            if traced:
                with trace.on():
                    alarms, about = work()
            else:
                alarms, about = work()
            seconds = process_time() - started
            self._known[name] = AuditStep(alarms, trace.executed, about, seconds)
            note = f"{seconds:.0f} s"
        step = self.steps[name] = self._known[name]
        if self._path:
            _write(self._path, self.steps)
        self._progress(f"{name}: {len(step.alarms)} alarms, {note}")
        return step

    def take(self, steps: dict[str, AuditStep]) -> None:
        """Add the steps of another log after those of this one."""
        self.steps |= steps

    @property
    def alarms(self) -> list[AuditAlarm]:
        """Alarms of all steps that were run or taken, in order."""
        return [alarm for step in self.steps.values() for alarm in step.alarms]

    @property
    def executed(self) -> set[str]:
        """Functions that ran under another future in any step."""
        return {name for step in self.steps.values() for name in step.executed}


def _read(path: Path) -> list[tuple[str, AuditStep]]:
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [
        (
            row["name"],
            AuditStep(
                [AuditAlarm(**alarm) for alarm in row["alarms"]],
                set(row["executed"]),
                row["about"],
                row["seconds"],
            ),
        )
        for row in rows
    ]


def _write(path: Path, steps: dict[str, AuditStep]) -> None:
    rows = [
        {
            "name": name,
            "alarms": [asdict(alarm) for alarm in step.alarms],
            "executed": sorted(step.executed),
            "about": step.about,
            "seconds": round(step.seconds, 2),
        }
        for name, step in steps.items()
    ]
    write_text(path, "\n".join(json.dumps(row) for row in rows) + "\n")
