"""The verdict in two lines, first on every page, from what Phase 4 wrote."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Banner:
    """What stands above every page."""

    answer: str
    """yes, no or undecided: the colour."""
    sentence: str
    beside: str
    """What could have been seen, and what the test year is worth; may be empty."""


def make_banner(document: Mapping[str, Any] | None) -> Banner:
    """Put the verdict in two lines.

    Parameters
    ----------
    document : mapping or None
        ``verdict.json``; None where Phase 4 has not run.

    Examples
    --------
    >>> make_banner(None).sentence
    'Not judged yet: Phase 4 has not run.'
    """
    if document is None:
        return Banner("undecided", "Not judged yet: Phase 4 has not run.", "")
    verdict, look = document["verdict"], document["look"]
    return Banner(
        answer=verdict["answer"],
        sentence=verdict["sentence"],
        beside=(
            "Smallest yearly Sharpe ratio that could have been seen: "
            f"{verdict['smallest_detectable_sharpe']:.1f}. "
            f"The look at the test year {document['test_year']} is {look['label']}."
        ),
    )
