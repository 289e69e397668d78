"""The seal of the untouched years, read once by all declared claims together.

``open_untouched_years`` is the only function that lets them be scored. It refuses until
everything is frozen, and writes a line into the ledger before it hands them out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from nse_lstm.config import Study
from nse_lstm.errors import ArtefactError, ConfigurationError
from nse_lstm.study.core.audit_result import AuditOutcome
from nse_lstm.study.core.ledger import append_lines, identity, read_lines
from nse_lstm.study.core.study_data import StudyData

READINGS = "untouched_readings.jsonl"


@dataclass(frozen=True)
class Reading:
    """One reading of the untouched years."""

    years: tuple[int, ...]
    study: Study
    """The same study, in which these years may be scored."""
    first: bool
    """Whether nobody had read them before: what is found is confirmatory."""


def open_untouched_years(
    data: StudyData,
    claims: pd.DataFrame,
    *,
    audit: AuditOutcome,
    name: str = "",
    now: datetime | None = None,
) -> Reading:
    """Break the seal of the untouched years, and record the reading.

    Parameters
    ----------
    data : StudyData
    claims : DataFrame
        ``CLAIMS`` of this very study on the other years.
    audit : AuditOutcome
        From ``read_audit``.
    name : str
        What names the frozen study; ``ledger.identity`` if empty.
    now : datetime, optional
        Time written into the ledger.

    Returns
    -------
    Reading
        ``first`` for the first reading of these years, and for the same study on the
        same data again.

    Raises
    ------
    ConfigurationError
        If the market keeps no untouched years, or the study declares no claims.
    ArtefactError
        If a declared claim has not been measured on the other years, a row is of an
        untouched year, or the audit is not clean.
    """
    years, family = data.study.market.untouched, data.study.claims.family
    if not years or not family:
        raise ConfigurationError(
            "Expected untouched years and declared claims to read them by. Received: "
            f"{len(years)} years and {len(family)} claims"
        )
    _require_frozen(claims, [claim.name for claim in family], audit)
    path = data.paths.ledger / READINGS
    mine = _mine(data, name)
    before = [line for line in read_lines(path) if set(line["years"]) & set(years)]
    same = [line for line in before if mine.items() <= line.items()]
    if same:
        first = bool(same[0]["first"])
    else:
        first = not before
        moment = (now or datetime.now(UTC)).isoformat(timespec="seconds")
        line = {**mine, "when": moment, "first": first, "key": _key(mine)}
        append_lines(path, [line], key=["key"])
    market = replace(data.study.market, untouched=())
    return Reading(years, replace(data.study, market=market), first)


def was_first_reading(data: StudyData, *, name: str = "") -> bool:
    """Return whether this study's reading of the untouched years was the first one.

    Parameters
    ----------
    data : StudyData
    name : str
        As for ``open_untouched_years``.

    Raises
    ------
    ArtefactError
        If this study has not opened them: nothing of them may be scored.
    """
    mine = _mine(data, name)
    lines = read_lines(data.paths.ledger / READINGS)
    same = [line for line in lines if mine.items() <= line.items()]
    if not same:
        raise ArtefactError(
            "Expected a reading of the untouched years by this study in the ledger "
            f"before anything of them is scored. Received: none ({READINGS})"
        )
    return bool(same[0]["first"])


def _mine(data: StudyData, name: str) -> dict[str, Any]:
    return {
        "data": data.facts.digest,
        "years": list(data.study.market.untouched),
        "study": name or identity(data.study, data.facts.test_year),
    }


def _require_frozen(
    claims: pd.DataFrame, names: list[str], audit: AuditOutcome
) -> None:
    whole = claims[claims["span"] == "all"] if len(claims) else claims
    known = set(whole.loc[whole["n"] > 0, "claim"]) if len(whole) else set()
    if absent := sorted(set(names) - known):
        raise ArtefactError(
            "Expected every claim to be measured on the other years before the "
            f"untouched ones are read. Received: none of {', '.join(absent)}"
        )
    if "untouched" in set(claims["span"]):
        raise ArtefactError(
            "Expected claims that no untouched year has answered. Received: rows of "
            "untouched years"
        )
    if not audit.clean:
        raise ArtefactError(
            "Expected a clean audit of this study before the untouched years are read. "
            f"Received: {audit.words}"
        )


def _key(mine: Mapping[str, object]) -> str:
    return " ".join(str(mine[name]) for name in ("data", "years", "study"))
