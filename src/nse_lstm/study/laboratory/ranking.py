"""Ranking models in the laboratory: fitted for one year and scored by rank IC."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from nse_lstm.config import study_document
from nse_lstm.evaluation.rank_ic import ALL_YEARS, daily_rank_ic, summarise_rank_ic
from nse_lstm.evaluation.scoring import POOL
from nse_lstm.features.folds import make_folds
from nse_lstm.models.progress import Progress, show_progress
from nse_lstm.models.versions import artefact_version
from nse_lstm.reporting.canvas import NAMES
from nse_lstm.reporting.display import bullets, show_table
from nse_lstm.study.core.phase_tables import read_facts, read_sealed_panel
from nse_lstm.study.core.scored_years import require_scored
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.laboratory.evaluations import record_evaluation
from nse_lstm.study.ranking.features_and_targets import build_tables, forecast_aims
from nse_lstm.study.ranking.rank_lstm import forecast_apart
from nse_lstm.tables import STRATEGY_RETURNS, empty_table


@dataclass(frozen=True, eq=False, repr=False)
class RankRun:
    """A ranking model's year: its forecasts of all stocks, and their rank IC."""

    name: str
    year: int
    settings: Mapping[str, Any]
    seed: int
    forecasts: pd.DataFrame
    """``FORECASTS`` of every horizon at the study's delay; returns beyond the mean of
    the universe, no price."""
    daily: pd.DataFrame
    """``RANK_IC``: one row per session and horizon."""
    rank_ic: pd.DataFrame
    """One row per horizon: mean rank IC and its interval, ``summarise_rank_ic``."""
    n_evaluations: int

    @property
    def summary(self) -> list[str]:
        """The rank IC by horizon, and what was recorded."""
        whole = self.rank_ic[self.rank_ic["fold"] == ALL_YEARS]
        found = ", ".join(
            f"{row['value']:+.3f} at {row['horizon']}"
            for row in whole.to_dict("records")
        )
        n_stocks = self.forecasts["ticker"].nunique()
        return [
            f"{NAMES.get(self.name, self.name)} {self.year}, seed {self.seed}: ranks "
            f"{n_stocks} stocks, trained on returns known before {self.year}.",
            f"Mean rank IC: {found} sessions ahead, traded one session after the "
            "origin.",
            "Rank IC is no profit, and no strategy was scored. So no trial was "
            f"recorded. Evaluation {self.n_evaluations} of {self.year}.",
        ]

    def __repr__(self) -> str:
        return "\n".join(self.summary)

    def _repr_html_(self) -> str:
        return "\n".join(
            part.html for part in (bullets(*self.summary), show_table(self.rank_ic))
        )


def rank_year(
    workspace: Workspace,
    model: str,
    year: int,
    *,
    given: Mapping[str, Any],
    progress: Progress | None = None,
) -> RankRun:
    """Fit a ranking model before a year, forecast the year, and score its rank IC.

    Parameters
    ----------
    workspace : Workspace
        With the run's own settings and seed.
    model : str
        "ridge", "ridge_per_stock", "boosting", "four_signals" or "rank_lstm".
    year : int
        Before the test year. No later row is read.
    given : mapping
        Settings that differ from the study's.
    progress : callable, optional
        Receives one line.

    Raises
    ------
    ConfigurationError
        If the year is kept untouched.
    DataError
        If there is too little history before it.
    """
    study, show = workspace.study, progress or show_progress()
    require_scored(study, year)
    fold = make_folds(year + 1, 1)[0]
    panel = read_sealed_panel(workspace, before=year + 1)
    tables = build_tables(panel, study=study)
    show(f"{model} {year}: {len(tables.targets)} horizons")
    given_tables = tables.features, tables.targets, fold
    if model == "rank_lstm":
        forecasts = forecast_apart(*given_tables, study=study)
    else:
        forecasts = forecast_aims(*given_tables, study=study, only=[model])
    daily = daily_rank_ic(forecasts, panel)
    n_evaluations = record_evaluation(
        workspace,
        empty_table(STRATEGY_RETURNS),
        ticker=POOL,
        year=year,
        model=model,
        version=_version(workspace, model, year),
        settings=given,
        counted=False,
    )
    return RankRun(
        name=model,
        year=year,
        settings=given,
        seed=study.seed,
        forecasts=forecasts,
        daily=daily,
        rank_ic=summarise_rank_ic(daily),
        n_evaluations=n_evaluations,
    )


def _version(workspace: Workspace, model: str, year: int) -> str:
    document = study_document(workspace.study)
    sections = ("cross_section", "tabular", "rank_lstm", "backtest")
    return artefact_version(
        read_facts(workspace).digest,
        {"model": model, **{name: document[name] for name in sections}},
        workspace.study.seed,
        ticker=POOL,
        year=year,
        made_by=(__name__,),
    )
