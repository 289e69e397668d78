"""The stages of a run that must not move by a bit under another future.

``STAGES`` is the list; a stage that is added to it is checked everywhere. Each compares
two runs whose files agree up to an origin, and gives one line per difference.
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
from nse_lstm.study.audit.alarms import AuditAlarm
from nse_lstm.study.audit.pipeline_run import PipelineRun

ORIGIN_KEY = ["ticker", "model", "seed", "fold", "delay", "horizon", "origin"]
QUANTILE_KEY = ["ticker", "model", "fold", "horizon", "origin"]
PORTFOLIO_KEY = ["model", "rule", "start", "cost_bps", "capital_kes", "session"]
ACCOUNT_KEY = ["ticker", "model", "seed", "fold", "rule", "cost_bps", "session"]

Lines = Iterator[str]


@dataclass(frozen=True, eq=False)
class RunPair:
    """Two runs whose raw files agree up to an origin, look-ahead columns left out."""

    base: PipelineRun
    other: PipelineRun
    origin: pd.Timestamp
    """Last session whose rows are the same in both."""

    @property
    def runs(self) -> tuple[PipelineRun, PipelineRun]:
        """Both runs."""
        return self.base, self.other

    @property
    def folds(self) -> list[Fold]:
        """Folds of both runs whose training span ends at the origin or before."""
        years = {fold.year for fold in self.other.folds}
        return [
            fold
            for fold in self.base.folds
            if fold.year in years and last_before(self.base, fold.start) <= self.origin
        ]

    @property
    def is_sealed(self) -> bool:
        """True where both runs share all that lies before the base's test year."""
        test = self.base.folds[-1]
        return test in self.folds and self.other.folds[-1] == test

    @property
    def years(self) -> list[int]:
        """Years of ``folds``."""
        return [fold.year for fold in self.folds]


@dataclass(frozen=True)
class Stage:
    """One stage of the study, and the function that compares two runs there."""

    name: str
    compare: Callable[[RunPair], Lines]
    of_tabular: bool = False
    """Whether the tabular models' tables are needed."""


def compare_runs(
    base: PipelineRun,
    other: PipelineRun,
    *,
    origin: pd.Timestamp,
    label: str,
    stages: tuple[Stage, ...] = (),
) -> list[AuditAlarm]:
    """Return one alarm per difference between two runs up to an origin.

    Parameters
    ----------
    base, other : PipelineRun
        Runs whose raw files agree up to ``origin``, the columns with look-ahead left
        out. Folds that are in both are compared.
    origin : Timestamp
        Last session whose rows are the same in both.
    label : str
        Splice of the second run's files.
    stages : tuple of Stage
        Those to compare; all of ``STAGES`` if none is given.
    """
    pair = RunPair(base, other, origin)
    return [
        AuditAlarm(f"futures: {stage.name}", label, line)
        for stage in stages or STAGES
        for line in stage.compare(pair)
    ]


def last_before(run: PipelineRun, start: pd.Timestamp) -> pd.Timestamp:
    """Return the last session before a day.

    Parameters
    ----------
    run : PipelineRun
    start : Timestamp
    """
    sessions = run.prices["session"]
    return pd.Timestamp(sessions[sessions < start].max())


def windows_digest(windows: Windows) -> str:
    """Return the SHA-256 of every array of some windows."""
    digest = hashlib.sha256()
    for field in fields(windows):
        values = np.ascontiguousarray(getattr(windows, field.name))
        digest.update(f"{field.name} {values.dtype} {values.shape}\n".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()


def _panel(pair: RunPair) -> Lines:
    known = [r.prices[r.prices["session"] <= pair.origin] for r in pair.runs]
    yield from compare_tables(*known, key=["ticker", "session"])


def _universe(pair: RunPair) -> Lines:
    for year in pair.years:
        for name in ("recommended", "tradable"):
            one, two = (getattr(run, name)[year] for run in pair.runs)
            if one != two:
                yield f"{year}: {name} {one} became {two}"


def _windows(pair: RunPair) -> Lines:
    one, two = (_job_digests(run.jobs, set(pair.years)) for run in pair.runs)
    yield from _compare_values(one, two, "training or validation windows")


def _files(*names: str) -> Callable[[RunPair], Lines]:
    def compare(pair: RunPair) -> Lines:
        years = set(pair.years)
        for name in names:
            one, two = (
                {key: f[name] for key, f in r.bundles.items() if key[1] in years}
                for r in pair.runs
            )
            yield from _compare_values(one, two, name)

    return compare


def _forecasts(pair: RunPair) -> Lines:
    yield from _compare_forecasts(pair, [r.forecasts for r in pair.runs])


def _quantiles(pair: RunPair) -> Lines:
    one, two = (r.quantiles for r in pair.runs)
    if one is not None and two is not None:
        tables = [t[t["fold"].isin(pair.years)] for t in (one, two)]
        known = [table[table["target_date"] <= pair.origin] for table in tables]
        yield from compare_tables(*known, key=QUANTILE_KEY)
        # As for forecasts: a target after the origin may be another day.
        last = [table.drop(columns="target_date") for table in tables]
        open_ = [
            rows[(rows["origin"] <= pair.origin) & (table["target_date"] > pair.origin)]
            for rows, table in zip(last, tables, strict=True)
        ]
        both = open_[0][QUANTILE_KEY].merge(open_[1][QUANTILE_KEY])
        yield from compare_tables(
            *(rows.merge(both) for rows in open_), key=QUANTILE_KEY
        )


def _tabular(pair: RunPair) -> Lines:
    yield from _compare_forecasts(pair, [r.tabular.forecasts for r in pair.runs])


def _ranked_before(pair: RunPair) -> list[int]:
    """Return years that only the ranking models forecast, before the first fold."""
    tables = [r.ranking.forecasts for r in pair.runs if r.ranking]
    return _years_before(pair, tables)


def _years_before(pair: RunPair, tables: list[pd.DataFrame]) -> list[int]:
    known = last_before(pair.base, pair.base.folds[0].start) <= pair.origin
    years = {year for table in tables for year in table["fold"]}
    return sorted(y for y in years if known and y < pair.base.folds[0].year)


def _compare_forecasts(
    pair: RunPair, tables: list[pd.DataFrame], years: list[int] | None = None
) -> Lines:
    folds = pair.years if years is None else years
    tables = [table[table["fold"].isin(folds)] for table in tables]
    known = [table[table["target_date"] <= pair.origin] for table in tables]
    yield from compare_tables(*known, key=ORIGIN_KEY)
    # Targets after the origin may exist in one run only. Where both have one, the
    # forecasts must agree.
    last = [
        table[(table["origin"] <= pair.origin) & (table["target_date"] > pair.origin)]
        for table in tables
    ]
    columns = [*ORIGIN_KEY, "price_hat", "y_hat"]
    both = last[0][ORIGIN_KEY].merge(last[1][ORIGIN_KEY])
    shared = [table[columns].merge(both) for table in last]
    yield from compare_tables(*shared, key=ORIGIN_KEY)


def _features(pair: RunPair) -> Lines:
    tables = [r.tabular.features for r in pair.runs]
    known = [table[table["session"] <= pair.origin] for table in tables]
    yield from compare_tables(*known, key=["ticker", "session"])


def _targets(pair: RunPair) -> Lines:
    tables = [r.tabular.targets for r in pair.runs]
    known = [table[table["target_date"] <= pair.origin] for table in tables]
    yield from compare_tables(*known, key=["ticker", "origin"])


def _positions(pair: RunPair) -> Lines:
    # The index is a benchmark that may look one session ahead.
    tables = [
        r.returns[r.returns["fold"].isin(pair.years) & (r.returns["model"] != INDEX)]
        for r in pair.runs
    ]
    known = [table[table["session"] <= pair.origin] for table in tables]
    yield from compare_tables(*known, key=ACCOUNT_KEY)
    # The position held into the next session was traded at the origin or before.
    columns = [*ACCOUNT_KEY, "position"]
    following = [table[table["session"] > pair.origin][columns] for table in tables]
    first = [table[table["session"] == table["session"].min()] for table in following]
    if all(len(table) for table in first):
        names = [set(table["ticker"]) for table in first]
        kept = [t[t["ticker"].isin(names[0] & names[1] - {"ALL"})] for t in first]
        yield from compare_tables(*kept, key=ACCOUNT_KEY)


def _choices(pair: RunPair) -> Lines:
    base, other = pair.runs
    years = [f.year for f in pair.folds if last_before(base, f.end) <= pair.origin]
    scores = [r.scores[r.scores["fold"].isin(years)] for r in pair.runs]
    key = ["ticker", "model", "fold", "rule", "metric", "cost_bps"]
    yield from compare_tables(*scores, key=key)
    if pair.is_sealed:
        if len(base.selection):
            yield from compare_tables(base.selection, other.selection, key=["ticker"])
        if repr(base.judgement) != repr(other.judgement):
            yield "the verdict and its numbers moved with the test year"


def _rank_samples(pair: RunPair) -> Lines:
    for name in ("samples", "spans"):
        one, two = (
            {y: v for y, v in getattr(r.tabular, name).items() if y in pair.years}
            for r in pair.runs
        )
        yield from _compare_values(one, two, f"the rank LSTM's {name}")


def _blend_weights(pair: RunPair) -> Lines:
    tables = [[r.tabular.weights for r in pair.runs]]
    if all(r.ranking for r in pair.runs):
        tables.append([r.ranking.weights for r in pair.runs if r.ranking])
    for both in tables:
        flat = [table.reset_index() for table in both]
        known = [table[table["fold"].isin(pair.years)] for table in flat]
        yield from compare_tables(*known, key=["fold", "delay", "horizon"])


def _rankings(pair: RunPair) -> Lines:
    one, two = (r.ranking for r in pair.runs)
    if one and two:
        yield from _compare_forecasts(
            pair,
            [one.forecasts, two.forecasts],
            years=[*pair.years, *_ranked_before(pair)],
        )


def _rank_lstm(pair: RunPair) -> Lines:
    one, two = (r.rank_lstm for r in pair.runs)
    if one is not None and two is not None:
        years = [*pair.years, *_years_before(pair, [one, two])]
        yield from _compare_forecasts(pair, [one, two], years=years)


def _portfolios(pair: RunPair) -> Lines:
    one, two = (r.ranking.portfolios if r.ranking else r.portfolios for r in pair.runs)
    if one is not None and two is not None:
        known = last_before(pair.base, pair.base.folds[0].start) <= pair.origin
        first = pair.base.folds[0].year
        years = {year for year in one["session"].dt.year if known and year < first}
        tables = [
            table[
                (table["session"] <= pair.origin)
                & table["session"].dt.year.isin(years.union(pair.years))
            ]
            for table in (one, two)
        ]
        yield from compare_tables(*tables, key=PORTFOLIO_KEY)


def _sealed(pair: RunPair) -> Lines:
    """Compare what is published of the years before the test year."""
    one, two = (r.ranking for r in pair.runs)
    if pair.is_sealed and one and two:
        for name in ("summary", "differences", "recommended"):
            tables = [getattr(ranking, name) for ranking in (one, two)]
            yield from compare_tables(*tables, key=list(tables[0].columns[:4]))
        yield from compare_tables(one.timing, two.timing, key=TIMING_KEY)


STAGES: tuple[Stage, ...] = (
    Stage("panel", _panel),
    Stage("universe", _universe),
    Stage("windows", _windows),
    Stage("scalers", _files("scaler.json")),
    Stage("weights", _files("model.keras", "history.csv")),
    Stage("forecasts", _forecasts),
    Stage("quantiles", _quantiles),
    Stage("positions", _positions),
    Stage("choices", _choices),
    Stage("features", _features, of_tabular=True),
    Stage("targets", _targets, of_tabular=True),
    Stage("tabular", _tabular, of_tabular=True),
    Stage("rank samples", _rank_samples, of_tabular=True),
    Stage("blend weights", _blend_weights, of_tabular=True),
    Stage("rankings", _rankings),
    Stage("rank LSTM", _rank_lstm),
    Stage("portfolios", _portfolios),
    Stage("rank summaries", _sealed),
)
"""``core.audit_result.CHECKS`` describes each in words."""

TIMING_KEY = ["signal", "against", "wait", "side", "part"]

OF_WHOLE_RUNS = (
    *("scalers", "weights", "quantiles", "choices"),
    *("rankings", "rank summaries"),
)
"""Stages that need models and scores of both runs' own."""
STORED_STAGES = tuple(stage for stage in STAGES if stage.name not in OF_WHOLE_RUNS)
"""Stages of a run that forecasts with another run's models."""


def _job_digests(jobs: list[TrainingJob], years: set[int]) -> dict[Any, str]:
    return {
        (job.ticker, job.year, job.architecture, name): windows_digest(
            getattr(job, name)
        )
        for job in jobs
        for name in ("train", "validation")
        if job.year in years
    }


def _compare_values(one: dict[Any, Any], two: dict[Any, Any], what: str) -> Lines:
    for key in sorted(one.keys() | two.keys()):
        if one.get(key) != two.get(key):
            parts = key if isinstance(key, tuple) else (key,)
            yield f"{what} of {' '.join(map(str, parts))} changed"


def compare_tables(one: pd.DataFrame, two: pd.DataFrame, *, key: list[str]) -> Lines:
    """Give the first column and row in which two tables differ, in words.

    Parameters
    ----------
    one, two : DataFrame
        Of the first run and of the other one.
    key : list of str
        Columns that name a row.
    """
    one, two = (t.sort_values(key).reset_index(drop=True) for t in (one, two))
    if len(one) != len(two):
        yield f"{len(one)} rows became {len(two)}"
        return
    for name in one.columns:
        if name not in two.columns:
            yield f"column {name} is missing"
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
