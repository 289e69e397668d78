"""The audit's page: what was tried and found, what was not, and the measured power."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from nse_lstm.errors import ArtefactError
from nse_lstm.json_files import read_json
from nse_lstm.pages.calibration import power_points
from nse_lstm.reporting.calibration_figures import draw_power
from nse_lstm.reporting.canvas import reading_of
from nse_lstm.reporting.display import Html, picture
from nse_lstm.study.core.audit_result import (
    audit_path,
    audit_table,
    power_path,
    power_table,
    read_audit,
)
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.experiments.calibration.counts import calibration_counts, share_of


def audit_card(workspace: Workspace) -> dict[str, Any]:
    """Gather the values of the audit page, whether or not it has been run."""
    ran = audit_path(workspace).is_file()
    found = read_json(audit_path(workspace)) if ran else {}
    outcome = read_audit(workspace)
    clean = outcome.clean
    recount = found.get("recount")
    return {
        "tone": "undecided" if clean is None else "yes" if clean else "no",
        "words": outcome.words,
        "checks": audit_table(workspace) if ran else None,
        "alarms": found.get("alarms", []),
        "changes": found.get("changes", []),
        "recounted": None if recount is None else recount_sentence(recount),
        "unchecked": unchecked_table(recount or {}),
        "not_walked": not_walked_table(found.get("not_walked", {})),
        "power_words": power_sentences(
            read_json(power_path()) if power_path().is_file() else {}
        ),
        "power": power_table(),
        "curve": power_curve(),
    }


def power_sentences(measured: Mapping[str, Any]) -> list[str]:
    """Say how many defects the audit caught, with intervals.

    Parameters
    ----------
    measured : mapping
        ``docs/audit_power.json``: ``defects`` and ``clean_runs``. ``untouched``, once
        it was measured, counts a first run on defects by people who had read neither
        the audit nor its list: ``n`` defects, ``caught`` by the audit alone, and
        ``caught_with_tests`` by the audit and the fast tests together.
    """
    words = []
    untouched = measured.get("untouched")
    if untouched:
        n = untouched["n"]
        words.append(
            f"On a first, untouched run the audit alone caught "
            f"{_share(untouched['caught'], n)} of the defects that were invented by "
            "people who had read neither the audit nor its list. Audit and fast tests "
            f"together caught {_share(untouched['caught_with_tests'], n)}."
        )
    defects = measured.get("defects", [])
    if defects:
        caught = sum(bool(row["caught_by"]) for row in defects)
        words.append(
            f"Of the listed defects it caught {_share(caught, len(defects))}. Their "
            "authors knew the audit, and a missed defect was mended by its kind. So "
            "this share is no estimate for a defect that nobody has thought of."
        )
    clean = measured.get("clean_runs", [])
    if clean:
        alarmed = sum(bool(row["alarms"]) for row in clean)
        words.append(
            f"On clean markets {_share(alarmed, len(clean))} runs raised an alarm."
        )
    return words


def recount_sentence(found: Mapping[str, Any]) -> str:
    """Say how many published numbers plain code found again.

    Parameters
    ----------
    found : mapping
        ``recount`` of ``audit.json``.
    """
    where = found.get("where", "the small market")
    return (
        f"{found['n']:,} published numbers of {where} were read from disk and computed "
        "a second time."
    )


def unchecked_table(found: Mapping[str, Any]) -> pd.DataFrame:
    """Return one row per reason why published numbers have no second computation.

    Parameters
    ----------
    found : mapping
        ``recount`` of ``audit.json``.
    """
    rows = [
        {
            "published numbers": ", ".join(row["kinds"]),
            "how many": row["n"],
            "reason": row["reason"],
        }
        for row in found.get("unchecked", [])
    ]
    return pd.DataFrame(rows, columns=["published numbers", "how many", "reason"])


def not_walked_table(found: Mapping[str, str]) -> pd.DataFrame:
    """Return one row per part of the code that no other future was given.

    Parameters
    ----------
    found : mapping
        ``not_walked`` of ``audit.json``: reasons by name.
    """
    rows = [{"code": name, "reason": reason} for name, reason in found.items()]
    return pd.DataFrame(rows, columns=["code", "reason"])


def power_curve() -> Html | None:
    """Return the verdict's power curve, None where nothing was calibrated."""
    try:
        points = power_points(calibration_counts())
    except ArtefactError:
        return None
    if points.empty:
        return None
    figure = draw_power(points)
    return picture(figure, alt=reading_of(figure))


def _share(count: int, n: int) -> str:
    lower, upper = share_of(count, n)
    return f"{count} of {n} (95 % interval {lower:.0%} to {upper:.0%})"
