"""The verdict on the declared strategy in the walk-forward years, and its sentences."""

from dataclasses import asdict
from typing import Any

import pandas as pd

from nse_lstm.config import Study
from nse_lstm.evaluation.cash import describe_cash
from nse_lstm.evaluation.significance import deflate_by_trials
from nse_lstm.evaluation.strategies import HOLD
from nse_lstm.evaluation.total_return import ReturnBasis
from nse_lstm.evaluation.verdict import Judgement, excess_moments, judge
from nse_lstm.json_files import read_json
from nse_lstm.models.bundles import read_metadata
from nse_lstm.study.core.audit_result import AuditOutcome
from nse_lstm.study.core.jobs import bundle_folder
from nse_lstm.study.core.sealed_year import YearEvaluation
from nse_lstm.study.core.study_data import StudyData
from nse_lstm.study.core.workspace import Workspace


def declared_returns(study: Study, returns: pd.DataFrame) -> pd.DataFrame:
    """Return the declared strategy's rows at the headline cost.

    Parameters
    ----------
    study : Study
    returns : DataFrame
        STRATEGY_RETURNS.
    """
    return returns[
        (returns["cost_bps"] == study.backtest.headline_cost_bps)
        & (returns["model"] == study.verdict.model)
        & (returns["rule"] == study.verdict.rule)
    ]


def judge_declared(
    study: Study,
    returns: pd.DataFrame,
    *,
    trials: pd.DataFrame,
    audit_clean: bool | None,
    basis: ReturnBasis,
) -> Judgement:
    """Judge the declared strategy; never yes but with a clean audit of this very study.

    Parameters
    ----------
    study : Study
    returns : DataFrame
        STRATEGY_RETURNS of the walk-forward years.
    trials : DataFrame
        From ``read_trials`` with the judged strategy's returns, whose own ratio stays
        out of the trials' variance (``deflate_by_trials``).
    audit_clean : bool or None
        From ``read_audit``.
    basis : ReturnBasis
        Of the walk-forward years and their stocks.
    """
    declared = declared_returns(study, returns)
    moments = excess_moments(declared)
    deflated = deflate_by_trials(moments, trials.loc[~trials["own"], "sharpe"])
    at_headline = returns["cost_bps"] == study.backtest.headline_cost_bps
    return judge(
        declared,
        returns[at_headline & (returns["model"] == HOLD)],
        backtest=study.backtest,
        verdict=study.verdict,
        seed=study.seed,
        deflated_sharpe=deflated,
        audit_clean=audit_clean,
        basis=basis,
    )


def verdict_document(
    data: StudyData,
    judgement: Judgement,
    *,
    audit: AuditOutcome,
    evaluation: YearEvaluation,
    n_trials: int,
) -> dict[str, Any]:
    """Return the words and numbers that the index shows beside the report card.

    Parameters
    ----------
    data : StudyData
    judgement : Judgement
    audit : AuditOutcome
    evaluation : YearEvaluation
        Of the test year.
    n_trials : int
        Strategies scored on this market so far.
    """
    return {
        "verdict": asdict(judgement),
        "basis": _basis(data),
        "evidence": [
            *judgement.reasons,
            f"A yearly Sharpe ratio below {judgement.smallest_detectable_sharpe:.1f} "
            f"could not be detected in {judgement.n_sessions} sessions.",
            audit.words,
        ],
        "test_year": evaluation.test_year,
        "evaluation": asdict(evaluation) | {"meaning": evaluation.meaning},
        "n_trials": n_trials,
        "cautions": [
            f"Walk-forward years: {len(_years(data))}, seeds: 1. Chance is hardly "
            "averaged out.",
            *_hardly_fitted(data),
            f"{n_trials} strategies have been scored on this market so far, the "
            "baselines' included (the trial ledger); the best of many looks better "
            "than it is.",
            "The printed price is known only after the close: nobody can trade at it "
            "after seeing it, so a good forecast of it is not yet a profit.",
        ],
    }


def read_verdict(workspace: Workspace) -> dict[str, Any] | None:
    """Return the content of ``verdict.json``; None where Phase 4 has not run."""
    path = workspace.paths.evaluation / "verdict.json"
    return dict(read_json(path)) if path.is_file() else None


def _basis(data: StudyData) -> str:
    study, backtest = data.study, data.study.backtest
    last = data.walk_forward[-1].end - pd.Timedelta(days=1)
    span = data.walk_forward[0].start, last
    rule = {
        "sign": "bought when the forecast is up and else sold",
        "gate": "bought when the forecast gain is above "
        f"{backtest.gate_multiple:g} times the cost per side, sold when it is below 0",
    }[study.verdict.rule]
    return (
        f"The strategy: {study.verdict.model}, {rule}, equal capital in every "
        "recommended stock, traded one session after the forecast at "
        f"{backtest.headline_cost_bps} basis points per side. Judged on the "
        f"walk-forward {_years_words(data)}, against cash and against "
        f"holding the same stocks. Cash earns {describe_cash(*span, backtest)}."
    )


def _years_words(data: StudyData) -> str:
    years = _years(data)
    return f"{'year' if len(years) == 1 else 'years'} {', '.join(years)}"


def _years(data: StudyData) -> list[str]:
    return [str(f.year) for f in data.walk_forward]


def _hardly_fitted(data: StudyData) -> list[str]:
    """Warn of the test year's networks whose first epoch was the best, if any."""
    year = data.folds[-1].year
    best = [
        read_metadata(bundle_folder(data, ticker, year))["best_epoch"]
        for ticker in data.recommended[year]
    ]
    if not (n_first := sum(epoch == 1 for epoch in best)):
        return []
    return [
        f"{n_first} of {len(best)} v2 networks of {year} kept the weights of their "
        "first epoch: more training raised the validation loss. Their figures are "
        "those of hardly fitted networks."
    ]
