"""The audit on Phase 4's page: run or not, and its measured power."""

from pathlib import Path

import pytest

from nse_lstm.json_files import read_json, write_json
from nse_lstm.pages import validation
from nse_lstm.pages.validation import show_audit, show_power
from nse_lstm.study.core.audit_result import audit_path, power_path
from nse_lstm.study.core.workspace import Workspace


@pytest.fixture
def audited(finished: Workspace, tmp_path: Path, monkeypatch) -> Path:
    """Send the audit's files to a folder of their own."""
    path = tmp_path / "audit.json"
    for module in (validation, validation.audit_table.__globals__):
        if isinstance(module, dict):
            monkeypatch.setitem(module, "audit_path", lambda workspace: path)
        else:
            monkeypatch.setattr(module, "audit_path", lambda workspace: path)
    return path


def test_an_audit_that_was_not_run_says_so(finished: Workspace) -> None:
    assert not audit_path(finished).is_file()
    assert "was not run on this study" in show_audit(finished).html


def test_the_committed_power_is_shown() -> None:
    page = show_power().html
    n = len(read_json(power_path())["defects"])
    assert f"{n} of {n} defects are caught" in page and "centred window" in page


def test_an_audit_shows_each_check(finished: Workspace, audited: Path) -> None:
    document = {"identity": {}, "clean": False, "alarms": [{"check": "placebo: a"}]}
    write_json(audited, document | {"size": "small", "changes": [], "n_placebos": 1})
    page = show_audit(finished).html
    assert "out of date" in page and "<td>placebo</td>" in page
