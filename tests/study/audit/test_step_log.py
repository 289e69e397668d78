"""A killed audit resumes: finished steps are taken, not run again."""

from pathlib import Path

import pytest

from nse_lstm.study.audit.alarms import AuditAlarm
from nse_lstm.study.audit.step_log import StepLog

ALARM = AuditAlarm("rule: seal", "2024", "a test session")


def test_a_second_log_takes_what_the_first_kept(tmp_path: Path) -> None:
    path, lines = tmp_path / "log.jsonl", list[str]()
    first = StepLog(path)
    first.run("one", lambda: ([ALARM], {"n": 1}))
    with pytest.raises(KeyboardInterrupt):
        first.run("two", killed)
    second = StepLog(path, lines.append)
    taken = second.run("one", killed)
    assert (taken.alarms, taken.about) == ([ALARM], {"n": 1})
    second.run("two", lambda: ([], {}))
    assert second.alarms == [ALARM]
    assert lines == ["one: 1 alarms, kept", "two: 0 alarms, 0 s"]


def test_steps_of_another_log_stand_after_ones_own(tmp_path: Path) -> None:
    log, other = StepLog(), StepLog(tmp_path / "other.jsonl")
    log.run("market", lambda: ([], {}))
    other.run("walk", lambda: ([ALARM], {}))
    log.take(other.steps)
    assert list(log.steps) == ["market", "walk"] and log.alarms == [ALARM]


def killed() -> tuple[list[AuditAlarm], dict[str, object]]:
    raise KeyboardInterrupt
