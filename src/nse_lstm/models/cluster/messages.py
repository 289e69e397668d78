"""Messages that carry jobs to a cluster's workers; arrays travel through the store.

So a message is small, however long a history is. Arrays that several jobs share, such
as the samples of a network's seeds, are written once.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from nse_lstm.config import Study
from nse_lstm.features.windows import Windows
from nse_lstm.models.cluster.shared_store import (
    Array,
    array_digest,
    local_path,
    read_arrays,
    write_array,
    write_arrays,
)
from nse_lstm.models.jobs import Job, SampleJob
from nse_lstm.models.samples import Samples, open_table

SPANS = ("train", "validation")
START = "start."
"""Begins the names of the weights that a job starts from."""
NOTHING = np.empty(0)
"""In place of an array that lies in the store."""


@dataclass(frozen=True, eq=False)
class JobMessage:
    """One job as a worker receives it."""

    job: Job
    """Without its arrays."""
    study: Study
    store: str
    inputs: str
    """The ``.npz`` in the store that holds the arrays."""
    tables: Mapping[str, str]
    """Tables of samples by span: a ``.npy`` each, which workers map."""
    bundle: str
    """The archive in the store that the bundle becomes."""
    expected: Mapping[str, Any]
    """Facts that the worker must share, see ``worker.worker_facts``."""


@dataclass(frozen=True, eq=False)
class JobMessages:
    """Turns jobs into messages and writes their arrays into the store."""

    study: Study
    store: str
    expected: Mapping[str, Any]
    _known: dict[int, tuple[Any, str]] = field(default_factory=dict)
    """Tables in the store with their names, by identity: seeds share one table."""

    def write(self, job: Job) -> JobMessage:
        """Put a job's arrays into the store and return the message without them."""
        arrays: dict[str, Array] = {}
        tables: dict[str, str] = {}
        light: dict[str, Any] = {}
        for span in SPANS:
            part: Windows | Samples | None = getattr(job, span)
            if part is None:
                continue
            own = _arrays(part)
            emptied: dict[str, Any] = dict.fromkeys(own, NOTHING)
            if isinstance(part, Samples):
                own.pop("table", None)
                tables[span] = self._table(part)
                emptied["table"] = NOTHING
            arrays.update({f"{span}.{name}": array for name, array in own.items()})
            light[span] = replace(part, **emptied)
        if isinstance(job, SampleJob) and job.start:
            arrays |= {_start_name(n): weight for n, weight in enumerate(job.start)}
            light["start"] = ()
        inputs = _name("inputs", array_digest(arrays), ".npz")
        write_arrays(self.store, inputs, arrays)
        return JobMessage(
            job=replace(job, **light),
            study=self.study,
            store=self.store,
            inputs=inputs,
            tables=tables,
            bundle=_name("bundles", _key(job, inputs, tables), ".zip"),
            expected=self.expected,
        )

    def _table(self, samples: Samples) -> str:
        own = id(samples.table)
        if own not in self._known:
            table = open_table(samples)
            name = _name("tables", array_digest({"table": table}), ".npy")
            write_array(self.store, name, table)
            # Kept with its name, so that no other table gets its identity.
            self._known[own] = samples.table, name
        return self._known[own][1]


def restore_job(message: JobMessage) -> Job:
    """Return a message's job with its arrays, the tables as files to be mapped.

    Raises
    ------
    ArtefactError
        If the store does not hold them.
    """
    arrays = read_arrays(message.store, message.inputs)
    whole: dict[str, Any] = {}
    for span in SPANS:
        part = getattr(message.job, span)
        if part is None:
            continue
        found: dict[str, Any] = {
            name.removeprefix(f"{span}."): array
            for name, array in arrays.items()
            if name.startswith(f"{span}.")
        }
        if span in message.tables:
            found["table"] = local_path(message.store, message.tables[span])
        whole[span] = replace(part, **found)
    start = [arrays[name] for name in sorted(arrays) if name.startswith(START)]
    if start:
        whole["start"] = tuple(start)
    return replace(message.job, **whole)


def _start_name(place: int) -> str:
    """Name a weight so that names sort by place."""
    return f"{START}{place:04d}"


def _arrays(part: Windows | Samples) -> dict[str, Array]:
    values = {each.name: getattr(part, each.name) for each in fields(part)}
    return {n: value for n, value in values.items() if isinstance(value, np.ndarray)}


def _name(kind: str, digest: str, suffix: str) -> str:
    """Spread files over 256 folders: none is to hold a million."""
    return f"{kind}/{digest[:2]}/{digest}{suffix}"


def _key(job: Job, inputs: str, tables: Mapping[str, str]) -> str:
    """Name a bundle by all that it is of: the version stands for data and settings."""
    named = [job.version, job.ticker, job.year, job.seed, job.architecture]
    text = json.dumps([*named, inputs, sorted(tables.items())])
    return hashlib.sha256(text.encode()).hexdigest()
