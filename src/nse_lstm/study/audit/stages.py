"""What must not move by a bit when another future is put after an origin.

``STAGES`` is the list; a stage that is added to it is checked everywhere. Each takes
what two walks hold and an origin up to which their files are the same, and returns one
line for every difference.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from nse_lstm.evaluation.strategies import INDEX
from nse_lstm.features.folds import Fold
from nse_lstm.features.windows import Windows
from nse_lstm.models.jobs import TrainingJob
from nse_lstm.study.audit.alarms import Alarm
from nse_lstm.study.audit.pipeline_run import PipelineRun

ORIGIN_KEY = ["ticker", "model", "seed", "fold", "origin"]
BOOK_KEY = ["ticker", "model", "seed", "fold", "rule", "cost_bps", "session"]

Differences = Iterator[str]


@dataclass(frozen=True)
class Stage:
    """One stage of the study, and how two walks are compared there."""

    name: str
    what: str
    """For the table: what is compared."""
    compare: Callable[[PipelineRun, PipelineRun, pd.Timestamp], Differences]
    of_ranking: bool = False
    """Whether the tabular models' tables are made for it."""


def compare_walks(
    base: PipelineRun,
    other: PipelineRun,
    *,
    origin: pd.Timestamp,
    label: str,
    stages: tuple["Stage", ...] = (),
) -> list[Alarm]:
    """Return an alarm for each difference between two walks up to an origin.

    Parameters
    ----------
    base, other : Walk
        Walks whose raw files agree up to ``origin``, the columns that look ahead left
        out. Their folds may differ; those in both are compared.
    origin : Timestamp
        Last session that both have as it was.
    label : str
        What was done to the second walk's files.
    stages : tuple of Stage
        Those to compare; all of ``STAGES`` if none is given.
    """
    return [
        Alarm(f"futures: {stage.name}", label, line)
        for stage in stages or STAGES
        for line in stage.compare(base, other, origin)
    ]


def windows_digest(windows: Windows) -> str:
    """Return the SHA-256 of every array of some windows."""
    digest = hashlib.sha256()
    for field in fields(windows):
        values = np.ascontiguousarray(getattr(windows, field.name))
        digest.update(f"{field.name} {values.dtype} {values.shape}\n".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()


def _panel(base: PipelineRun, other: PipelineRun, origin: pd.Timestamp) -> Differences:
    known = [w.prices[w.prices["session"] <= origin] for w in (base, other)]
    yield from _differing(*known, key=["ticker", "session"])


def _universe(
    base: PipelineRun, other: PipelineRun, origin: pd.Timestamp
) -> Differences:
    for fold in _begun(base, other, origin):
        for name in ("recommended", "tradable"):
            one, two = (getattr(walk, name)[fold.year] for walk in (base, other))
            if one != two:
                yield f"{fold.year}: {name} {one} became {two}"


def _windows(
    base: PipelineRun, other: PipelineRun, origin: pd.Timestamp
) -> Differences:
    years = {fold.year for fold in _begun(base, other, origin)}
    one, two = (_job_digests(walk.jobs, years) for walk in (base, other))
    yield from _unequal(one, two, "training or validation windows")


def _files(
    *names: str,
) -> Callable[[PipelineRun, PipelineRun, pd.Timestamp], Differences]:
    def compare(
        base: PipelineRun, other: PipelineRun, origin: pd.Timestamp
    ) -> Differences:
        years = {fold.year for fold in _begun(base, other, origin)}
        for name in names:
            one, two = (
                {key: f[name] for key, f in w.bundles.items() if key[1] in years}
                for w in (base, other)
            )
            yield from _unequal(one, two, name)

    return compare


def _forecasts(
    base: PipelineRun, other: PipelineRun, origin: pd.Timestamp
) -> Differences:
    years = [fold.year for fold in _begun(base, other, origin)]
    tables = [w.forecasts[w.forecasts["fold"].isin(years)] for w in (base, other)]
    yield from _differing_forecasts(tables, origin)


def _features(
    base: PipelineRun, other: PipelineRun, origin: pd.Timestamp
) -> Differences:
    tables = [w.ranked.features for w in (base, other)]
    known = [table[table["session"] <= origin] for table in tables]
    yield from _differing(*known, key=["ticker", "session"])


def _targets(
    base: PipelineRun, other: PipelineRun, origin: pd.Timestamp
) -> Differences:
    tables = [w.ranked.targets for w in (base, other)]
    known = [table[table["target_date"] <= origin] for table in tables]
    yield from _differing(*known, key=["ticker", "origin"])


def _tabular(
    base: PipelineRun, other: PipelineRun, origin: pd.Timestamp
) -> Differences:
    years = [fold.year for fold in _begun(base, other, origin)]
    tables = [w.ranked.forecasts for w in (base, other)]
    begun = [table[table["fold"].isin(years)] for table in tables]
    yield from _differing_forecasts(begun, origin)


def _differing_forecasts(
    tables: list[pd.DataFrame], origin: pd.Timestamp
) -> Differences:
    known = [table[table["target_date"] <= origin] for table in tables]
    yield from _differing(*known, key=ORIGIN_KEY)
    # The last origins' targets lie beyond; whether they exist may differ, not what
    # is forecast from them.
    last = [
        table[(table["origin"] <= origin) & (table["target_date"] > origin)]
        for table in tables
    ]
    columns = [*ORIGIN_KEY, "price_hat", "y_hat"]
    both = last[0][ORIGIN_KEY].merge(last[1][ORIGIN_KEY])
    shared = [table[columns].merge(both) for table in last]
    yield from _differing(*shared, key=ORIGIN_KEY)


def _positions(
    base: PipelineRun, other: PipelineRun, origin: pd.Timestamp
) -> Differences:
    years = [fold.year for fold in _begun(base, other, origin)]
    # The index as a yardstick is allowed a look one session ahead.
    books = [
        w.returns[w.returns["fold"].isin(years) & (w.returns["model"] != INDEX)]
        for w in (base, other)
    ]
    known = [book[book["session"] <= origin] for book in books]
    yield from _differing(*known, key=BOOK_KEY)
    # What is held into the next session was dealt at the origin at the latest.
    columns = [*BOOK_KEY, "position"]
    following = [book[book["session"] > origin][columns] for book in books]
    first = [book[book["session"] == book["session"].min()] for book in following]
    if all(len(book) for book in first):
        names = [set(book["ticker"]) for book in first]
        kept = [b[b["ticker"].isin(names[0] & names[1] - {"ALL"})] for b in first]
        yield from _differing(*kept, key=BOOK_KEY)


def _choices(
    base: PipelineRun, other: PipelineRun, origin: pd.Timestamp
) -> Differences:
    over = [f for f in _begun(base, other, origin) if f.end <= origin]
    years = [fold.year for fold in over]
    scores = [w.scores[w.scores["fold"].isin(years)] for w in (base, other)]
    key = ["ticker", "model", "fold", "rule", "metric", "cost_bps"]
    yield from _differing(*scores, key=key)
    test = base.folds[-1]
    if test.start <= origin and other.folds[-1] == test:
        if len(base.selection):
            yield from _differing(base.selection, other.selection, key=["ticker"])
        if repr(base.judgement) != repr(other.judgement):
            yield "the verdict and its numbers moved with the test year"


STAGES: tuple[Stage, ...] = (
    Stage("panel", "prices, flags and returns of every row", _panel),
    Stage("universe", "recommended and tradable stocks of each fold", _universe),
    Stage("windows", "training and validation windows", _windows),
    Stage("scalers", "scaler.json", _files("scaler.json")),
    Stage("weights", "weights and history", _files("model.keras", "history.csv")),
    Stage("forecasts", "every model's forecasts", _forecasts),
    Stage("positions", "positions, turnover and returns", _positions),
    Stage("choices", "scores, selection and verdict before the test year", _choices),
    Stage("features", "the tabular models' features", _features, of_ranking=True),
    Stage("targets", "the tabular models' targets", _targets, of_ranking=True),
    Stage("tabular", "the tabular models' forecasts", _tabular, of_ranking=True),
)


def _begun(base: PipelineRun, other: PipelineRun, origin: pd.Timestamp) -> list[Fold]:
    """Return the folds of both walks whose models were fitted before the origin."""
    years = {fold.year for fold in other.folds}
    return [f for f in base.folds if f.year in years and f.start <= origin]


def _job_digests(jobs: list[TrainingJob], years: set[int]) -> dict[Any, str]:
    return {
        (job.ticker, job.year, name): windows_digest(getattr(job, name))
        for job in jobs
        for name in ("train", "validation")
        if job.year in years
    }


def _unequal(one: dict[Any, Any], two: dict[Any, Any], what: str) -> Differences:
    for key in sorted(one.keys() | two.keys()):
        if one.get(key) != two.get(key):
            yield f"{what} of {' '.join(map(str, key))} changed"


def _differing(one: pd.DataFrame, two: pd.DataFrame, *, key: list[str]) -> Differences:
    """Say how two tables differ, if they do, by the first row and column."""
    one, two = (t.sort_values(key).reset_index(drop=True) for t in (one, two))
    if len(one) != len(two):
        yield f"{len(one)} rows became {len(two)}"
        return
    for name in one.columns:
        if name not in two.columns:
            yield f"column {name} is gone"
            continue
        left, right = one[name], two[name]
        differs = (left != right) & ~(left.isna() & right.isna())
        if differs.any():
            at = int(np.asarray(differs).argmax())
            place = " ".join(str(one[k].iloc[at]) for k in key)
            yield (
                f"{name} differs in {int(differs.sum())} rows, first {place}: "
                f"{left.iloc[at]} became {right.iloc[at]}"
            )
            return
