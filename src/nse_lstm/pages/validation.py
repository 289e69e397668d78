"""Sentences of notebook 04: the verdict, the test year and the leak audit."""

import pandas as pd

from nse_lstm.evaluation.strategies import EQUAL_WEIGHT
from nse_lstm.pages.phrases import error_ratios, errors_phrase, selection_phrase
from nse_lstm.pages.score_tables import (
    pooled_scores,
    random_comparison,
)
from nse_lstm.reporting.banner import describe_evaluation
from nse_lstm.reporting.canvas import NAMES, name_of
from nse_lstm.reporting.display import Html, bullets, sentence, show_table
from nse_lstm.study.core.audit_result import (
    audit_path,
    audit_table,
    power_table,
    read_audit,
)
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.validation.validate import Validation


def show_audit(workspace: Workspace) -> Html:
    """Show the result of the leak audit, and its checks if it has been run."""
    words = sentence(read_audit(workspace).words)
    if not audit_path(workspace).is_file():
        return words
    return Html(words.html + show_table(audit_table(workspace)).html)


def show_power() -> Html:
    """Show which injected defects the audit catches on its simulated market."""
    table = power_table()
    if table.empty:
        return sentence(
            "The audit's power was not measured: make audit-power does it, in an hour."
        )
    missed = int((table["caught by"] == "not caught").sum())
    return show_table(
        table, caption=f"{len(table) - missed} of {len(table)} defects are caught"
    )


def verdict_findings(validation: Validation) -> Html:
    """Summarise the reasons of the verdict and the smallest detectable ratio."""
    judged, year = validation.judgement, validation.year_evaluation.test_year
    return bullets(
        *judged.reasons,
        f"The {judged.n_sessions} sessions before {year} are too few to detect a "
        f"yearly Sharpe ratio below {judged.smallest_detectable_sharpe:.1f}. The "
        f"ledger counts {validation.n_trials} strategies that have been scored on "
        "this market so far.",
    )


def validation_findings(validation: Validation) -> Html:
    """Summarise Phase 4: errors, net return against chance, and selection."""
    evaluation, scores = validation.year_evaluation, validation.test.scores
    errors = errors_phrase(error_ratios(scores, model="v2"), model="v2")
    return bullets(
        f"In the test year {evaluation.test_year} {errors}.",
        _against_benchmarks(validation),
        "Selected on the walk-forward forecasts alone: "
        f"{selection_phrase(validation.selection['champion'])}.",
    )


def evaluation_sentence(validation: Validation) -> Html:
    """Show the label of the test year's evaluation and its meaning."""
    evaluation = validation.year_evaluation
    document = {
        "test_year": evaluation.test_year,
        "evaluation": {"label": evaluation.label, "meaning": evaluation.meaning},
    }
    return sentence(f"{describe_evaluation(document)}.")


def _against_benchmarks(validation: Validation) -> str:
    """Summarise the declared strategy's return beside equal weight and chance."""
    judged = validation.strategy
    scores = validation.test.scores
    money = pooled_scores(scores, cost_bps=judged.cost_bps)
    net = money.set_index(["strategy", "rule"])["net_return"]
    equal = net[NAMES[EQUAL_WEIGHT]].iloc[0]
    luck = random_comparison(scores, model=judged.model, cost_bps=judged.cost_bps)
    beaten = luck.set_index("rule")["random_beaten"][judged.rule]
    own = net[name_of(judged.model), judged.rule]
    chance = (
        "Its random positions all earn the same, so chance cannot be measured"
        if pd.isna(beaten)
        else f"It beat {beaten:.0%} of random positions with its turnover and exposure"
    )
    return (
        f"After {judged.cost_bps} basis points per side, {judged.model} by the "
        f"{judged.rule} rule returned {own:+.1%}, equal weight {equal:+.1%}. "
        f"{chance}."
    )
