"""What can be known to be wrong with a job before anything is fitted."""

from typing import TYPE_CHECKING

import numpy as np

from nse_lstm.config import Study
from nse_lstm.features.windows import Windows

if TYPE_CHECKING:
    from nse_lstm.models.training import TrainingJob

__all__ = ["ARCHITECTURES", "find_fault"]

ARCHITECTURES = ("v1", "v2")

LARGEST = float(np.finfo(np.float32).max)
"""A price beyond this is not finite in the network's single precision."""


def find_fault(job: "TrainingJob", study: Study) -> str | None:
    """Return why a job cannot be fitted, if that can be seen from its input.

    It must name a known architecture and hold windows of the study's lookback with as
    many targets, all finite: at least one batch to train on, and, for v2, at least one
    window to validate with; v1 takes no validation.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> find_fault(SimpleNamespace(architecture="v9"), None)
    "Expected an architecture of ('v1', 'v2'). Received: 'v9'"
    """
    if job.architecture not in ARCHITECTURES:
        return (
            f"Expected an architecture of {ARCHITECTURES}. "
            f"Received: {job.architecture!r}"
        )
    spans = {"train": (job.train, study.training.batch_size)}
    if job.architecture == "v2":
        spans["validation"] = (job.validation, 1)
    faults = (
        _fault(windows, name, at_least=at_least, lookback=study.v2.lookback)
        for name, (windows, at_least) in spans.items()
    )
    return next((fault for fault in faults if fault), None)


def _fault(windows: Windows, name: str, *, at_least: int, lookback: int) -> str | None:
    X, y = windows.X, windows.y
    if X.ndim != 2 or X.shape[1] != lookback or y.shape != X.shape[:1]:
        return (
            f"Expected `{name}` windows of {lookback} sessions with one target each. "
            f"Received: X {X.shape}, y {y.shape}"
        )
    if len(X) < at_least:
        return (
            f"Expected at least {at_least} `{name}` windows. Received: {len(X)} windows"
        )
    # A missing value compares as False.
    wrong = sum(int((~(np.abs(part) <= LARGEST)).sum()) for part in (X, y))
    if wrong:
        return (
            f"Expected finite prices in the `{name}` windows. "
            f"Received: {wrong} values that are missing or beyond single precision"
        )
    return None
