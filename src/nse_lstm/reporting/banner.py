"""The banner: the verdict in two lines, first on every page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Banner:
    """The lines above every page."""

    answer: str
    """yes, no or undecided; sets the colour."""
    sentence: str
    beside: str
    """The smallest detectable Sharpe ratio and the test year's label; may be empty."""


def make_banner(document: Mapping[str, Any] | None) -> Banner:
    """Summarise the verdict in two lines.

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
    verdict = document["verdict"]
    return Banner(
        answer=verdict["answer"],
        sentence=verdict["sentence"],
        beside=(
            "Smallest detectable yearly Sharpe ratio: "
            f"{verdict['smallest_detectable_sharpe']:.1f}. "
            f"The evaluation of the test year {document['test_year']} is "
            f"{document['evaluation']['label']}."
        ),
    )


def describe_evaluation(document: Mapping[str, Any]) -> str:
    """Return the label of the test year's evaluation and its meaning, without a stop.

    Parameters
    ----------
    document : mapping
        ``verdict.json``.
    """
    evaluation = document["evaluation"]
    return (
        f"The evaluation of the test year {document['test_year']} is "
        f"{evaluation['label']}: {evaluation['meaning']}"
    )
