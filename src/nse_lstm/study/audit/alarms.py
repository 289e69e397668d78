"""What an audit's check says when something is wrong."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from nse_lstm.errors import StudyError

T = TypeVar("T")


@dataclass(frozen=True)
class Alarm:
    """One thing that is not as it must be."""

    check: str
    """Which check: its family and stage, such as "futures: weights"."""
    where: str
    """Stock, fold, origin or strategy."""
    detail: str
    """What was expected and what came."""


def refused(check: str, work: Callable[[], T]) -> tuple[T | None, list[Alarm]]:
    """Do some work; what makes the library itself refuse is an alarm, not a crash.

    A defect may break a table's schema or leave no row: any error counts.
    """
    try:
        return work(), []
    except StudyError as error:
        return None, [Alarm(check, "the library refused", _first_line(error))]
    except Exception as error:  # a defect fails wherever it happens to
        text = f"{type(error).__name__}: {_first_line(error)}"
        return None, [Alarm(check, "the library failed", text)]


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:200]
