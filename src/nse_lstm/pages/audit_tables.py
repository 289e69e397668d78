"""The leak audit as Phase 4 shows it, whether or not it has been run."""

from nse_lstm.reporting.display import Html, sentence, show_table
from nse_lstm.study.core.audit_result import (
    audit_path,
    audit_table,
    audit_words,
    power_table,
)
from nse_lstm.study.core.workspace import Workspace


def show_audit(workspace: Workspace) -> Html:
    """Show what the audit found, and each of its checks if it has been run."""
    words = sentence(audit_words(workspace))
    if not audit_path(workspace).is_file():
        return words
    return Html(words.html + show_table(audit_table(workspace)).html)


def show_power(workspace: Workspace) -> Html:
    """Show which injected defects the audit catches, if that has been measured."""
    table = power_table(workspace)
    if table.empty:
        return sentence(
            "Which injected defects it would catch has not been measured on this "
            "market; make audit-power does it, in an hour."
        )
    missed = int((table["caught by"] == "not caught").sum())
    return show_table(
        table, caption=f"{len(table) - missed} of {len(table)} defects are caught"
    )
