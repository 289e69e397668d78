"""Checks of a training job's inputs before anything is fitted."""

import numpy as np

from nse_lstm.config import Study
from nse_lstm.features.windows import Windows
from nse_lstm.models.architectures import weight_shapes
from nse_lstm.models.jobs import Job, SampleJob
from nse_lstm.models.samples import Samples, open_table

ARCHITECTURES = ("v1", "v2")

LARGEST = float(np.finfo(np.float32).max)
"""A price beyond this is not finite in the network's single precision."""


def find_fault(job: Job, study: Study) -> str | None:
    """Return why a job cannot be fitted, if that can be seen from its input.

    It must name a known architecture and hold windows of the study's lookback with as
    many targets, all finite: at least one batch to train on, and at least one window
    to validate with, but for v1, which takes no validation. Samples must fit their
    network, and may lack some targets.

    Parameters
    ----------
    job : TrainingJob or SampleJob
    study : Study
        Its lookback and batch size count for a TrainingJob.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> find_fault(SimpleNamespace(architecture="v9"), None)
    "Expected an architecture of ('v1', 'v2'). Received: 'v9'"
    """
    if isinstance(job, SampleJob):
        return _network_fault(job)
    if job.architecture not in ARCHITECTURES:
        return (
            f"Expected an architecture of {ARCHITECTURES}. "
            f"Received: {job.architecture!r}"
        )
    spans = {"train": (job.train, study.training.batch_size)}
    if job.architecture != "v1":
        spans["validation"] = (job.validation, 1)
    faults = (
        _fault(windows, name, at_least=at_least, lookback=study.v2.lookback)
        for name, (windows, at_least) in spans.items()
    )
    return next((fault for fault in faults if fault), None)


def _fault(windows: Windows, name: str, *, at_least: int, lookback: int) -> str | None:
    if windows.lookback != lookback or windows.y.ndim != 1:
        return (
            f"Expected `{name}` windows of {lookback} sessions with one target each. "
            f"Received: {windows.lookback} sessions, y {windows.y.shape}"
        )
    samples = Samples(windows.prices[:, np.newaxis], windows.last, windows.y[:, None])
    return _sample_fault(samples, name, at_least=at_least, lookback=lookback) or (
        f"Expected a known target for every one of the `{name}` windows. Received: "
        f"{int(np.isnan(windows.y).sum())} missing"
        if np.isnan(windows.y).any()
        else None
    )


def _start_fault(job: SampleJob) -> str | None:
    """Check the weights that a network starts from, if the job has any."""
    expected, received = weight_shapes(job.network), [w.shape for w in job.start]
    if not job.start or expected == received:
        return None
    return (
        f"Expected {len(expected)} weights of {job.network.name} to start from. "
        f"Received: {len(received)}, or others in shape"
    )


def _network_fault(job: SampleJob) -> str | None:
    """Check samples against the network that they train."""
    if fault := _start_fault(job):
        return fault
    spans = {"train": (job.train, job.training.batch_size)}
    if job.validation is not None:
        spans["validation"] = (job.validation, 1)
    for name, (samples, at_least) in spans.items():
        table = open_table(samples)
        shapes = (table.shape[1:], samples.y.shape[1:])
        if shapes != ((job.network.channels,), (job.network.n_outputs,)):
            return (
                f"Expected a `{name}` table of {job.network.channels} channels and "
                f"{job.network.n_outputs} targets per window. Received: table "
                f"{table.shape}, y {samples.y.shape}"
            )
        lookback = job.network.lookback
        if fault := _sample_fault(samples, name, at_least=at_least, lookback=lookback):
            return fault
    return None


def _sample_fault(
    samples: Samples, name: str, *, at_least: int, lookback: int
) -> str | None:
    table, last, y = open_table(samples), samples.last, samples.y
    if len(last) != len(y):
        return (
            f"Expected `{name}` windows of {lookback} sessions with one target each. "
            f"Received: {len(last)} windows, y {y.shape}"
        )
    if len(last) < at_least:
        return (
            f"Expected at least {at_least} `{name}` windows. "
            f"Received: {len(last)} windows"
        )
    if last.min() < lookback - 1 or last.max() >= len(table):
        return (
            f"Expected every one of the `{name}` windows within its table. Received: "
            f"windows that end in rows {last.min()} to {last.max()} of {len(table)}"
        )
    # A missing value compares as False.
    wrong = np.cumsum(~(np.abs(table) <= LARGEST).all(axis=1))
    wrong = np.append(0, wrong)
    n_inputs = int((wrong[last + 1] > wrong[last + 1 - lookback]).sum())
    n_targets = int((np.abs(y) > LARGEST).sum())
    if n_inputs or n_targets or np.isnan(y).all():
        return (
            f"Expected finite values in the `{name}` windows. Received: {n_inputs} "
            "windows with a value that is missing or beyond single precision, "
            f"{n_targets} such targets of {y.size}, {int(np.isnan(y).sum())} missing"
        )
    return None
