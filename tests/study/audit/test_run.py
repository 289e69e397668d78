"""Walks side by side find what walks one after the other find."""

from pathlib import Path

import pytest
from audit_power.measure import STUDY

from nse_lstm.study.audit import run
from nse_lstm.study.audit.markets import open_audit
from nse_lstm.study.audit.run import Walk


@pytest.mark.slow
def test_two_processes_find_what_one_finds(tmp_path: Path) -> None:
    workspace = open_audit(STUDY, tmp_path, tmp_path)
    walks = [Walk("surrogate", "none", seed) for seed in (1, 2)]
    lines = list[str]()
    found = []
    for workers in (1, 2):
        kept = tmp_path / f"{workers}" / "small.jsonl"
        kept.parent.mkdir()
        walked = run._walk_all(
            workspace, walks, kept, workers=workers, progress=lines.append
        )
        found.append(
            [
                # In words, since a missing number equals none.
                repr(
                    (
                        {name: step.alarms for name, step in each.steps.items()},
                        each.recount,
                        each.lag1_copies,
                    )
                )
                for each in walked
            ]
        )
        assert len(list(kept.parent.glob("small-*.jsonl"))) == 2
    assert found[0] == found[1]
    assert found[0][0] != found[0][1]
    assert any(line.startswith("surrogate 2: reference: 0 alarms") for line in lines)
