"""Sentences of notebook 04: the verdict, the test year and the leak audit."""

import pandas as pd

from nse_lstm.evaluation.strategies import EQUAL_WEIGHT
from nse_lstm.pages.score_tables import (
    metric_by_model,
    pooled_scores,
    random_comparison,
)
from nse_lstm.reporting.canvas import NAMES, name_of
from nse_lstm.reporting.display import Html, bullets, sentence, show_table
from nse_lstm.study.core.audit_result import (
    audit_path,
    audit_table,
    audit_words,
    power_table,
)
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.validation.validate import Validation


def show_audit(workspace: Workspace) -> Html:
    """Show what the audit found, and each of its checks if it has been run."""
    words = sentence(audit_words(workspace))
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
    """Say what the verdict rests on, and what could have been seen at all."""
    judged, year = validation.judgement, validation.look.test_year
    return bullets(
        *judged.reasons,
        f"A yearly Sharpe ratio below {judged.smallest_detectable_sharpe:.1f} could "
        f"not have been told from zero in the {judged.n_sessions} sessions before "
        f"{year}; {validation.n_trials} strategies have been scored on this market so "
        "far, by the ledger.",
    )


def validation_findings(validation: Validation) -> Html:
    """Read Phase 4: error against persistence, money against chance, the choice."""
    mae = (
        metric_by_model(validation.test.scores, "mae")
        .unstack("model")
        .drop(index="ALL")
    )
    better = int((mae["v2"] < mae["persistence"]).sum())
    chosen = validation.selection["champion"].value_counts()
    words = ", ".join(f"{name} for {n}" for name, n in chosen.items())
    look = validation.look
    return bullets(
        f"In the test year {look.test_year} v2 has a smaller mean absolute error than "
        f"persistence in {better} of {len(mae)} stocks; in the median its error is "
        f"{(mae['v2'] / mae['persistence']).median():.1f} times persistence's.",
        _against_yardsticks(validation),
        f"Chosen on the walk-forward forecasts alone: {words}; this look at "
        f"{look.test_year} is labelled {look.label}: {look.meaning}.",
    )


def _against_yardsticks(validation: Validation) -> str:
    """Say what the declared strategy earned beside equal weight and chance."""
    judged = validation.strategy
    scores = validation.test.scores
    money = pooled_scores(scores, cost_bps=judged.cost_bps)
    net = money.set_index(["strategy", "rule"])["net_return"]
    equal = net[NAMES[EQUAL_WEIGHT]].iloc[0]
    luck = random_comparison(scores, model=judged.model, cost_bps=judged.cost_bps)
    beaten = luck.set_index("rule")["random_beaten"][judged.rule]
    own = net[name_of(judged.model), judged.rule]
    chance = (
        "chance cannot be told, as its random positions all earn the same"
        if pd.isna(beaten)
        else f"it beat {beaten:.0%} of random positions with its turnover and exposure"
    )
    return (
        f"After {judged.cost_bps} basis points a side, {judged.model} by the "
        f"{judged.rule} rule made {own:+.1%}, equal weight {equal:+.1%}; {chance}."
    )
