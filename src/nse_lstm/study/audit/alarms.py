"""An alarm of the audit: the check, the place and the difference."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from nse_lstm.errors import StudyError

T = TypeVar("T")


@dataclass(frozen=True)
class AuditAlarm:
    """One violation that a check found."""

    check: str
    """Family and stage of the check, such as "futures: weights"."""
    where: str
    """Stock, fold, origin or strategy."""
    detail: str
    """The expected and the received value."""


def run_guarded(check: str, work: Callable[[], T]) -> tuple[T | None, list[AuditAlarm]]:
    """Call a function and turn any error into an alarm.

    A defect may break a table's schema or leave no row, so every error counts.

    Parameters
    ----------
    check : str
        Name of the check that the alarm belongs to.
    work : callable
        Without arguments.

    Returns
    -------
    result or None, list of AuditAlarm
        None with one alarm where the function raised.
    """
    try:
        return work(), []
    except StudyError as error:
        return None, [AuditAlarm(check, "the library refused", _first_line(error))]
    except Exception as error:  # a defect fails wherever it happens to
        text = f"{type(error).__name__}: {_first_line(error)}"
        return None, [AuditAlarm(check, "the library failed", text)]


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:200]
