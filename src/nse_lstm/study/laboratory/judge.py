"""`nse-lstm judge`: forecasts made elsewhere, before the judge of the study's own.

They meet the same origins, seal, costs, tests and ledger under a name of the user's.
What the model had seen before its cutoff is its author's word, so no result is
confirmatory and no verdict can be yes.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nse_lstm.errors import ConfigurationError
from nse_lstm.evaluation.conformal import (
    ERRORS,
    RATE,
    conformal_intervals,
    interval_score,
)
from nse_lstm.evaluation.forecast_evidence import (
    forecast_evidence,
    with_historical_mean,
)
from nse_lstm.evaluation.scoring import (
    POOL,
    realised,
    score_accuracy,
    score_strategies,
)
from nse_lstm.evaluation.significance import deflate_by_trials
from nse_lstm.evaluation.strategies import HOLD, strategy_returns
from nse_lstm.evaluation.verdict import Judgement, excess_moments, judge, pooled_excess
from nse_lstm.features.returns import with_returns
from nse_lstm.json_files import write_json
from nse_lstm.reporting.canvas import NAMES
from nse_lstm.reporting.display import bullets
from nse_lstm.study.core.ledger import identity
from nse_lstm.study.core.phase_tables import read_facts, read_sealed_panel
from nse_lstm.study.core.scored_years import require_scored
from nse_lstm.study.core.study_data import open_study_data
from nse_lstm.study.core.trials import read_trials, record_trials
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.laboratory.evaluations import first_counted, record_evaluation
from nse_lstm.study.laboratory.outside_forecasts import (
    OutsideForecasts,
    PlacedForecasts,
    other_prices,
    place_forecasts,
    read_outside,
    years_of,
)
from nse_lstm.tables import EVIDENCE, FORECASTS, SCORES, conform, write_table

LABEL = "exploratory"
NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")
PERSISTENCE = "persistence"
FOUNDATION = re.compile(
    r"chronos|timegpt|timesfm|moirai|moment|lag_?llama|tirex|toto|time_?moe|sundial|"
    r"granite|ttm|foundation|gpt|llm"
)
"""Names of models that are pretrained on much public data."""


@dataclass(frozen=True, repr=False)
class OutsideJudgement:
    """Everything the page shows of an outside model."""

    name: str
    outside: OutsideForecasts
    placed: tuple[PlacedForecasts, ...]
    joined: pd.DataFrame
    """``FORECASTS`` of all horizons with realised values."""
    scores: pd.DataFrame
    """``SCORES`` by horizon: a column ``horizon`` beside the schema."""
    evidence: pd.DataFrame
    """``EVIDENCE`` by horizon, likewise."""
    coverage: pd.DataFrame
    """One row per model and horizon; empty without intervals."""
    judgement: Judgement | None
    """Of the declared rule at the headline cost; None without a horizon of 1."""
    trained_through: str
    warnings: tuple[str, ...]
    n_evaluations: int
    """Evaluations of the laboratory on these years, this one included."""
    n_trials: int
    counted: tuple[int, ...]
    """Years that the study is judged on: each strategy there is a trial."""

    @property
    def years(self) -> list[int]:
        """Forecast years, in order."""
        return list(years_of(list(self.placed)))

    @property
    def summary(self) -> list[str]:
        """The result in sentences, the label first."""
        stocks = sorted(set(self.outside.rows["ticker"]))
        years = ", ".join(map(str, self.years))
        horizons = ", ".join(str(each.horizon) for each in self.placed)
        lines = [
            f"This evaluation is {LABEL}, never confirmatory. What {self.name} had "
            "seen before its cutoffs is its author's word and cannot be checked here.",
            f"The file {self.outside.file} holds forecasts of {len(stocks)} stocks in "
            f"{years}, {horizons} sessions ahead.",
            *(f"{text}." for text in self.warnings),
        ]
        left_out = sum(each.n_left_out for each in self.placed)
        if left_out:
            lines.append(
                f"{left_out:,} rows are from sessions that the study's own models do "
                "not forecast. They are left out."
            )
        if self.counted:
            lines.append(
                f"The study is judged on {', '.join(map(str, self.counted))}, so each "
                f"strategy there is a trial. The ledger holds {self.n_trials}."
            )
        n = self.n_evaluations
        return [*lines, f"Evaluations of the laboratory in one of these years: {n}."]

    def __repr__(self) -> str:
        return "\n".join(self.summary)

    def _repr_html_(self) -> str:
        return bullets(*self.summary).html


def judge_outside(
    workspace: Workspace,
    path: Path,
    *,
    name: str,
    column: str = "",
    trained_through: str = "",
) -> OutsideJudgement:
    """Judge a file of forecasts and record the evaluation.

    Writes forecasts, scores, evidence and ``about.json`` to a folder of the name under
    ``Paths.laboratory``.

    Parameters
    ----------
    workspace : Workspace
        After Phase 1.
    path : Path
        Of the forecasts, ``outside_forecasts.read_outside``.
    name : str
        Name of the model in tables and on the page.
    column : str
        The model's column, where the file has several.
    trained_through : str
        Last day in the model's training data, by its author's word, or empty.

    Raises
    ------
    ConfigurationError
        If the name or an option cannot be used.
    DataError
        If the file cannot be judged; names line and value.
    """
    _check_name(name)
    outside = read_outside(path, column=column)
    for year in sorted(set(outside.rows["target_date"].dt.year)):
        require_scored(workspace.study, int(year))
    facts, panel = read_facts(workspace), read_sealed_panel(workspace)
    study = workspace.study
    placed = place_forecasts(
        outside,
        with_returns(panel),
        study=study,
        test_year=facts.test_year,
        model=name,
    )
    joined = pd.concat([realised(each.rows, panel) for each in placed])
    joined = joined.reset_index(drop=True)
    years = list(years_of(placed))
    counted = tuple(year for year in years if year >= first_counted(workspace))
    scores, evidence, coverage = [], [], []
    judgement, returns = None, pd.DataFrame()
    for each in placed:
        own = joined[joined["horizon"] == each.horizon]
        scores.append(score_accuracy(each.rows, panel).assign(horizon=each.horizon))
        evidence.append(_evidence(workspace, own, panel))
        coverage.append(_coverage(own, outside.level))
        if each.horizon == 1:
            returns = strategy_returns(each.rows, panel, backtest=study.backtest)
            traded = score_strategies(returns, backtest=study.backtest)
            scores.append(traded.assign(horizon=1))
    n_evaluations = _record(workspace, outside, returns, name, years, counted)
    if len(returns):
        judgement = _judge(workspace, returns, name)
    result = OutsideJudgement(
        name=name,
        outside=outside,
        placed=tuple(placed),
        joined=joined,
        scores=pd.concat(scores, ignore_index=True),
        evidence=pd.concat(evidence, ignore_index=True),
        coverage=pd.concat(coverage, ignore_index=True),
        judgement=judgement,
        trained_through=trained_through,
        warnings=tuple(_warnings(outside, joined, name, trained_through)),
        n_evaluations=n_evaluations,
        n_trials=len(read_trials(workspace)),
        counted=counted,
    )
    _write(workspace, result)
    return result


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name) or name in NAMES:
        raise ConfigurationError(
            "--name must be lower-case letters, digits and underscores, at most 31, "
            f"and differ from the study's models. Received: {name!r}"
        )


def _evidence(
    workspace: Workspace, joined: pd.DataFrame, panel: pd.DataFrame
) -> pd.DataFrame:
    study = workspace.study
    rows = forecast_evidence(
        with_historical_mean(joined, panel), verdict=study.verdict, seed=study.seed
    )
    table = conform(pd.DataFrame([asdict(row) for row in rows]), EVIDENCE)
    return table.assign(horizon=int(joined["horizon"].iloc[0]))


def _coverage(joined: pd.DataFrame, level: float) -> pd.DataFrame:
    """Score the file's intervals beside persistence's conformal ones, pooled."""
    columns = ["model", "horizon", "level", "coverage", "width", "interval_score", "n"]
    if not level:
        return pd.DataFrame(columns=columns)
    alpha = 1 - level / 100
    naive = conformal_intervals(
        joined[joined["model"] == PERSISTENCE], alpha=alpha, window=ERRORS, rate=RATE
    )
    both = pd.concat([joined[joined["lower"].notna()], naive])
    known = both.dropna(subset=["y", "lower", "upper"])
    known = known[np.isfinite(known["upper"])]
    rows = []
    for (model, horizon), own in known.groupby(["model", "horizon"], sort=False):
        y, low, high = (own[each].to_numpy() for each in ("y", "lower", "upper"))
        rows.append(
            {
                "model": model,
                "horizon": horizon,
                "level": level / 100,
                "coverage": float(np.mean((y >= low) & (y <= high))),
                "width": float(np.mean(high - low)),
                "interval_score": float(
                    interval_score(y, low, high, alpha=alpha).mean()
                ),
                "n": len(own),
            }
        )
    return pd.DataFrame(rows, columns=columns)


def _record(
    workspace: Workspace,
    outside: OutsideForecasts,
    returns: pd.DataFrame,
    name: str,
    years: list[int],
    counted: tuple[int, ...],
) -> int:
    """Record trials of counted years, and one evaluation per year."""
    data = open_study_data(workspace)
    if len(returns):
        own = returns[(returns["model"] == name) & returns["fold"].isin(counted)]
        if len(own):
            named = identity(data.study, data.facts.test_year, seeded=False)
            record_trials(
                data,
                own,
                cost_bps=workspace.study.backtest.headline_cost_bps,
                study=f"outside {outside.digest[:16]} {named}",
            )
    counts = [
        record_evaluation(
            workspace,
            returns,
            ticker=POOL,
            year=year,
            model=name,
            version=outside.digest,
            settings={"file": outside.file, "column": outside.column},
            counted=False,
        )
        for year in years
    ]
    return max(counts)


def _judge(workspace: Workspace, returns: pd.DataFrame, name: str) -> Judgement:
    study = workspace.study
    at_cost = returns[returns["cost_bps"] == study.backtest.headline_cost_bps]
    own = at_cost[(at_cost["model"] == name) & (at_cost["rule"] == study.verdict.rule)]
    trials = read_trials(workspace, judged=pooled_excess(own))
    return judge(
        own,
        at_cost[at_cost["model"] == HOLD],
        backtest=study.backtest,
        verdict=study.verdict,
        seed=study.seed,
        deflated_sharpe=deflate_by_trials(
            excess_moments(own), trials.loc[~trials["own"], "sharpe"]
        ),
        # Nobody can audit what an outside model had seen, so the answer is never yes.
        audit_clean=None,
    )


def _warnings(
    outside: OutsideForecasts, joined: pd.DataFrame, name: str, trained_through: str
) -> list[str]:
    found = []
    first = outside.rows["origin"].min()
    if trained_through:
        try:
            through = pd.Timestamp(date.fromisoformat(trained_through))
        except ValueError:
            raise ConfigurationError(
                f"--trained-through must be a day as 2022-12-31. "
                f"Received: {trained_through!r}"
            ) from None
        if through > first:
            found.append(
                f"The training data reach {through:%Y-%m-%d}, by the author's word, "
                f"and the first cutoff is {first:%Y-%m-%d}. Forecasts up to "
                f"{through:%Y-%m-%d} may repeat what the model has read"
            )
    elif FOUNDATION.search(name):
        found.append(
            "The name is that of a pretrained model. Its training data may hold these "
            "very prices, and then small errors are no evidence of skill. State "
            "the last day of its training data with --trained-through"
        )
    n_other, n = other_prices(outside, joined[joined["model"] == name])
    if n_other:
        found.append(
            f"{n_other:,} of {n:,} realised prices in the file differ from the "
            "market's by more than 0.5 %. The model may have seen other prices"
        )
    return found


def _write(workspace: Workspace, result: OutsideJudgement) -> None:
    folder = workspace.paths.laboratory / f"judged-{result.name}"
    write_table(
        result.joined[list(FORECASTS.columns)], FORECASTS, folder / "forecasts.parquet"
    )
    for horizon, own in result.scores.groupby("horizon"):
        table = own.drop(columns="horizon").reset_index(drop=True)
        write_table(table, SCORES, folder / f"scores_{horizon}.parquet")
    for horizon, own in result.evidence.groupby("horizon"):
        table = own.drop(columns="horizon").reset_index(drop=True)
        write_table(table, EVIDENCE, folder / f"evidence_{horizon}.parquet")
    write_json(folder / "about.json", _about(result))


def _about(result: OutsideJudgement) -> Mapping[str, Any]:
    judged = result.judgement
    return {
        "name": result.name,
        "label": LABEL,
        "file": result.outside.file,
        "column": result.outside.column,
        "digest": result.outside.digest,
        "years": result.years,
        "horizons": [each.horizon for each in result.placed],
        "trained_through": result.trained_through,
        "warnings": list(result.warnings),
        "answer": judged.answer if judged else "",
        "n_trials": result.n_trials,
    }
