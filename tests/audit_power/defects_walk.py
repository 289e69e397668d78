"""Defects on paths, at origins and in states that the audit once did not walk."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from audit_power.defects import Defect
from nse_lstm.errors import ArtefactError
from nse_lstm.evaluation import portfolio_backtest
from nse_lstm.features import market_panel
from nse_lstm.models import outcomes, rank_lstm, tabular_models, training
from nse_lstm.models.jobs import Job, TrainedModel
from nse_lstm.models.tabular_models import FoldRows
from nse_lstm.study.audit import tabular_run
from nse_lstm.study.audit.patching import patched
from nse_lstm.study.core import versioned_folder
from nse_lstm.study.core.phase_tables import read_sealed_panel
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.experiments import search
from nse_lstm.study.ranking import rank_models

MONTH = pd.Timedelta(days=31)


@contextmanager
def unpurged_rank_labels() -> Iterator[None]:
    """Train the ranking models on labels that end in the fold's first sessions."""
    before = tabular_models.split_rows

    def split(features: Any, targets: Any, fold: Any, *, purge: int) -> FoldRows:
        rows = before(features, targets, fold, purge=purge)
        late = fold.start + pd.Timedelta(days=7)
        known = targets[(targets["target_date"] < late) & targets["y_rank"].notna()]
        train = known.merge(
            features[features["usable"]],
            left_on=["ticker", "origin"],
            right_on=["ticker", "session"],
        )
        return replace(rows, train=train[rows.train.columns])

    with (
        patched(tabular_models, split_rows=split),
        patched(rank_lstm, split_rows=split),
    ):
        yield


@contextmanager
def weights_of_the_fold() -> Iterator[None]:
    """Learn the blend's weights from the year that they are used in, too."""
    before = rank_models.fit_ensemble_weights

    def fit(joined: pd.DataFrame, members: Any) -> pd.DataFrame:
        later = joined.assign(
            **{
                name: joined[name] - pd.DateOffset(years=1)
                for name in ("origin", "entry_date", "target_date")
            }
        )
        return before(later, members)

    with (
        patched(rank_models, fit_ensemble_weights=fit),
        patched(tabular_run, fit_ensemble_weights=fit),
    ):
        yield


@contextmanager
def teacher_of_the_fold() -> Iterator[None]:
    """Let the trees that teach the rank LSTM be fitted with the fold's returns."""
    before, distil = rank_lstm.split_rows, rank_lstm.distil
    seen: list[pd.DataFrame] = []

    def split(features: Any, targets: Any, fold: Any, *, purge: int) -> FoldRows:
        rows = before(features, targets, fold, purge=purge)
        inside = (targets["origin"] >= fold.start) & (targets["origin"] < fold.end)
        seen[:] = [targets[inside].dropna(subset="y_rank")]
        return rows

    def teach(rows: pd.DataFrame, **how: Any) -> Any:
        mean = seen[-1].groupby("ticker")["y_rank"].mean() if seen else pd.Series()
        return distil(rows, **how) + rows["ticker"].map(mean).fillna(0.0).to_numpy()

    with patched(rank_lstm, split_rows=split, distil=teach):
        yield


@contextmanager
def universe_of_the_month() -> Iterator[None]:
    """Choose each month's universe by the turnover of that month itself."""
    before = market_panel.monthly_universe

    def choose(turnover: pd.DataFrame, sessions: Any, cross_section: Any) -> Any:
        early = turnover.set_axis(pd.DatetimeIndex(turnover.index) - MONTH)
        return before(early, sessions, cross_section)

    with patched(market_panel, monthly_universe=choose):
        yield


@contextmanager
def resumed_by_name() -> Iterator[None]:
    """Take any bundle and any forecasts that are there, whatever their version."""

    def find(job: Job, folder: Path) -> TrainedModel | None:
        try:
            return outcomes.describe_model(job, folder)
        except (ArtefactError, KeyError):
            return None

    def is_current(folder: Path, about: Any) -> bool:
        return (folder / versioned_folder.FILE).is_file()

    with ExitStack() as stack:
        stack.enter_context(patched(training, find_model=find))
        stack.enter_context(patched(versioned_folder, _is_current=is_current))
        yield


@contextmanager
def rule_that_never_decides() -> Iterator[None]:
    """Send no order for a portfolio rule: none of its sessions is one that decides."""
    before = portfolio_backtest._decisions

    def decisions(name: str, *given: Any, **how: Any) -> Any:
        found = before(name, *given, **how)
        return np.zeros_like(found) if name == "buffer" else found

    with patched(portfolio_backtest, _decisions=decisions):
        yield


@contextmanager
def search_of_later_years() -> Iterator[None]:
    """Search settings on a panel that is not cut before the walk-forward years."""

    def read(workspace: Workspace, *, before: int = 0) -> pd.DataFrame:
        return read_sealed_panel(workspace)

    ranked = search.mean_rank_ic

    def score(task: Any, forecaster: Any, settings: Any, place: int) -> float:
        later = replace(task.folds[place], year=task.folds[place].year + 1)
        later = replace(
            later,
            start=later.start + pd.DateOffset(years=1),
            end=later.end + pd.DateOffset(years=1),
        )
        return ranked(replace(task, folds=(later,)), forecaster, settings, 0)

    with patched(search, read_sealed_panel=read, mean_rank_ic=score):
        yield


WALK_DEFECTS = (
    Defect(
        "rank labels without a purge",
        "the ranking models' labels end in the fold's first week",
        unpurged_rank_labels,
    ),
    Defect(
        "blend weights of the fold",
        "the blend's weights are learnt from the year they are used in",
        weights_of_the_fold,
    ),
    Defect(
        "teacher of the fold",
        "the rank LSTM's teacher knows the fold's mean ranks",
        teacher_of_the_fold,
    ),
    Defect(
        "universe of the month",
        "a month's universe is chosen by that month's turnover",
        universe_of_the_month,
    ),
    Defect(
        "resumed by name",
        "a model of another version is taken where it lies",
        resumed_by_name,
    ),
    Defect(
        "rule that never decides",
        "the account of one portfolio rule never trades",
        rule_that_never_decides,
    ),
    Defect(
        "search of later years",
        "settings are searched on a walk-forward year",
        search_of_later_years,
        futures="search",
    ),
)
