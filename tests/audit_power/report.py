"""The measured power as ``docs/audit_power.json`` and as its page in words."""

import json
from pathlib import Path
from typing import Any

from audit_power.defects_recount import RECOUNT_DEFECTS
from audit_power.measure import DEFECT_SEED, DEFECTS
from nse_lstm.pages.audit import power_sentences
from nse_lstm.paths import find_root, write_text
from nse_lstm.study.core.audit_result import power_path

PAGE = Path(__file__).with_name("page.md")
"""Template of the page."""
PUBLISHED = Path(__file__).with_name("published.md")
"""Template of its part on what is published."""


def write_power(measured: dict[str, Any]) -> None:
    """Write the table that pages read, and the page."""
    write_text(power_path(), json.dumps(measured, indent=1) + "\n")
    write_text(page_path(), power_page(measured))


def page_path() -> Path:
    """Return where the page lies."""
    return find_root(Path(__file__)) / "docs" / "audit_power.md"


def power_page(measured: dict[str, Any]) -> str:
    """Put the measured power in words.

    Parameters
    ----------
    measured : dict
        ``defects``, rows of ``try_defect`` with ``sharpe_clean`` and
        ``r_squared_clean``; ``published``, rows of ``try_published``; ``clean_runs``,
        rows of ``try_clean_market``; ``untouched``, see ``pages.audit``.
    """
    defects, clean_runs = measured["defects"], measured["clean_runs"]
    learners = {defect.name: defect.learner for defect in DEFECTS}
    clean = next(row for row in defects if learners[row["name"]] == "surrogate")
    alarmed = [str(row["seed"]) for row in clean_runs if row["alarms"]]
    published = measured.get("published", [])
    text = PAGE.read_text(encoding="utf-8").format(
        share="\n\n".join(power_sentences(measured)),
        seed=DEFECT_SEED,
        false=f"seeds {', '.join(alarmed)} alarmed" if alarmed else "none alarmed",
        clean_sharpe=_decimal(clean["sharpe_clean"]),
        clean_r_squared=_decimal(clean["r_squared_clean"]),
        rows="\n".join(map(_row, defects)),
    )
    if not published:
        return text
    return text + PUBLISHED.read_text(encoding="utf-8").format(
        caught=sum(bool(row["caught_by"]) for row in published),
        tried=len(published),
        rows="\n".join(map(_published_row, published)),
    )


def _published_row(row: dict[str, Any]) -> str:
    (effect,) = [d.description for d in RECOUNT_DEFECTS if d.name == row["name"]]
    files = ", ".join(name.removeprefix("recount: ") for name in row["caught_by"])
    cells = [row["name"], effect, files or "not caught", str(row["n"]), row["effect"]]
    return f"| {' | '.join(cells)} |"


def _row(row: dict[str, Any]) -> str:
    (effect,) = [d.description for d in DEFECTS if d.name == row["name"]]
    cells = [row["name"], effect, ", ".join(row["caught_by"]) or "not caught"]
    cells += [_decimal(row["sharpe"]), _decimal(row["r_squared"])]
    return f"| {' | '.join(cells)} |"


def _decimal(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}".replace("-", "−")
