"""The mutation score as ``docs/mutation.json`` and as its page in words."""

import json
import tomllib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from scipy.stats import binomtest

PAGE = Path(__file__).with_name("page.md")
"""Template of the page."""
JUDGED = Path(__file__).with_name("judged.toml")
"""Survivors that were read, each with what was found."""
KILLED = "killed"
STRATA = {
    "evaluation": "evaluation: scores, tests, intervals, verdict",
    "backtest": "backtest: fills, costs, accounts, portfolios",
    "folds": "folds, windows and targets",
    "wiring": "the study's wiring",
}

Row = dict[str, Any]


def write_report(root: Path, folder: Path) -> None:
    """Write the table and the page from a run's results.

    Parameters
    ----------
    root : Path
        The project.
    folder : Path
        Where ``mutation.measure`` left its results.
    """
    from mutation.measure import read_results
    from nse_lstm.paths import write_text

    rows = [judged(asdict(result)) for result in read_results(folder)]
    rows.sort(key=lambda row: (row["module"], row["line"], row["operator"]))
    text = json.dumps(rows, indent=1, ensure_ascii=False) + "\n"
    write_text(root / "docs" / "mutation.json", text)
    write_text(root / "docs" / "mutation.md", mutation_page(rows))


def judged(row: Row) -> Row:
    """Add what was found when the survivor was read; empty where nobody has."""
    for found in tomllib.loads(JUDGED.read_text(encoding="utf-8"))["survivor"]:
        if all(found[name] == row[name] for name in ("module", "before", "after")):
            return {**row, "found": found["found"], "reason": found["reason"]}
    return {**row, "found": "", "reason": ""}


def mutation_page(rows: list[Row]) -> str:
    """Put the results in words.

    Parameters
    ----------
    rows : list of dict
        Fields of ``mutation.measure.Result``, with ``found`` and ``reason``.
    """
    alive = [row for row in rows if not _killed_now(row)]
    written = [row for row in rows if _killed_now(row) and not _killed_first(row)]
    strata = [(text, _of(rows, name)) for name, text in STRATA.items()]
    return PAGE.read_text(encoding="utf-8").format(
        size=len(rows),
        first=_score(rows, _killed_first),
        equivalent=sum(map(_is_equivalent, rows)),
        since=_since(rows, len(written)),
        strata="\n".join(
            f"| {name} | {len(some)} | {sum(map(_is_equivalent, some))} | "
            f"{_score(some, _killed_first)} | {_score(some, _killed_now)} |"
            for name, some in [*strata, ("all", rows)]
        ),
        survivors="\n".join(map(_line, alive)) or "None.",
    )


def _since(rows: list[Row], n_written: int) -> str:
    if not n_written:
        return "The survivors were not run again yet."
    return (
        f"With the tests written since, they kill {_score(rows, _killed_now)}. Tests "
        f"were written for {n_written}, so this does not estimate the next sample's "
        "score."
    )


def _of(rows: list[Row], stratum: str) -> list[Row]:
    return [row for row in rows if row["stratum"] == stratum]


def _is_equivalent(row: Row) -> bool:
    return bool(not _killed_now(row) and row["found"] == "equivalent")


def _killed_first(row: Row) -> bool:
    return bool(row["first"] == KILLED or _by_audit(row))


def _killed_now(row: Row) -> bool:
    return bool(row["latest"] == KILLED or _by_audit(row))


def _by_audit(row: Row) -> bool:
    return bool(row["audit"] not in {"", "none"})


def _score(rows: list[Row], killed: Callable[[Row], bool]) -> str:
    """Return killed of those that change something, with the exact 95 % interval."""
    changing = [row for row in rows if not _is_equivalent(row)]
    n, k = len(changing), sum(map(killed, changing))
    if n == 0:
        return "–"
    interval = binomtest(k, n).proportion_ci(method="exact")
    low, high = 100 * interval.low, 100 * interval.high
    return f"{k} of {n}, {100 * k / n:.1f} % ({low:.1f} to {high:.1f})"


def _line(row: Row) -> str:
    found = row["found"] or "not read yet"
    return (
        f"| `{row['module']}:{row['line']}` | {_code(row['before'])} | "
        f"{_code(row['after'])} | {found}: {row['reason']} |"
    )


def _code(text: str) -> str:
    short = text if len(text) <= 90 else text[:88] + " …"
    return f"`{short}`".replace("|", "\\|") if short else "–"
