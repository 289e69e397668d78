"""Sentences of the status page about each phase and each key improvement.

Each function reads the tables of one phase and returns sentences with their numbers.
"""

from collections.abc import Callable

import pandas as pd

from nse_lstm.deployment.registry import read_registry
from nse_lstm.json_files import read_json
from nse_lstm.pages.phrases import (
    error_ratios,
    errors_phrase,
    price_errors_phrase,
    scaler_phrase,
    selection_phrase,
    tradable_phrase,
    trained_phrase,
    years_phrase,
)
from nse_lstm.pages.stock_page import read_statistics, stock_tickers
from nse_lstm.pages.summary import read_test_scores
from nse_lstm.reporting.banner import describe_evaluation
from nse_lstm.reporting.status import Improvement
from nse_lstm.study.core.phase_tables import read_facts, study_folds
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.data_analysis.jump_review import unexplained_jumps
from nse_lstm.study.data_analysis.panel_diff import changes_table, read_changes
from nse_lstm.study.training.model_checks import (
    count_negatives,
    read_safety,
    read_times,
    safety_card,
)
from nse_lstm.tables import SCORES, STORED_FORECASTS, read_table

Lines = tuple[str, ...]
PREFERRED = "SCOM"
"""The stock the first status page was about."""


def data_lines(workspace: Workspace) -> Lines:
    """Summarise Phase 1: rows read, recommended stocks, price moves to review."""
    facts = read_facts(workspace)
    statistics, names = read_statistics(workspace), stock_tickers(workspace)
    jumps = unexplained_jumps(workspace)
    n_new = int((~jumps["accepted"]).sum())
    return (
        f"Analysed {facts.n_tickers} codes, {facts.n_rows:,} rows on "
        f"{facts.n_sessions:,} sessions, {facts.first_session} to "
        f"{facts.last_session}",
        f"Found {tradable_phrase(statistics, year=facts.test_year)}",
        f"Recommended {len(names)}: {', '.join(names)}",
        f"Listed {len(jumps)} price moves without a known cause, {n_new} of them not "
        "on the accepted list",
        "Changes since the last other build: " + _changed(workspace),
    )


def architecture_lines(workspace: Workspace) -> Lines:
    """Summarise Phase 2: the network and its error on one stock."""
    safety = read_safety(workspace)
    fold = study_folds(workspace)[-2]
    scores = read_table(SCORES, workspace.paths.evaluation / "scores.parquet")
    rows = scores[(scores["fold"] == fold.year) & (scores["metric"] == "mae")]
    names = set(rows["ticker"])
    ticker = PREFERRED if PREFERRED in names else stock_tickers(workspace)[0]
    mae = rows[rows["ticker"] == ticker].set_index("model")["value"]
    return (
        "Implemented the regularised network: "
        f"{safety['n_parameters'].max():,} parameters, one scaler per stock",
        "Built the training: resumable, one process per core, reproducible to the bit",
        f"Tested on {ticker} in {fold.year}, outside its training data: mean absolute "
        f"error {price_errors_phrase(mae.to_dict(), model='v2')}",
    )


def training_lines(workspace: Workspace) -> Lines:
    """Summarise Phase 3: the models trained, their time and losses."""
    times, safety = read_times(workspace), read_safety(workspace)
    summary = pd.read_csv(workspace.paths.v2 / "training_summary.csv")
    summary = summary[summary["model"] == "v2"]
    return (
        f"Trained v2 as {trained_phrase(summary)}",
        f"Time: {times['seconds'].median():.0f} s per model in the median, "
        f"{times['seconds'].sum() / 60:.1f} minutes of one thread for the "
        f"{len(times)} of the test year",
        "Validation loss over training loss: "
        f"{safety['loss_ratio'].median():.2g} in the median",
    )


def validation_lines(workspace: Workspace) -> Lines:
    """Summarise Phase 4: the test year, the errors and the selection."""
    folder = workspace.paths.evaluation
    errors = error_ratios(read_test_scores(workspace), model="v2")
    champions = pd.DataFrame(read_json(folder / "selection.json"))["champion"]
    return (
        describe_evaluation(read_json(folder / "verdict.json")),
        f"Compared with persistence: {errors_phrase(errors, model='v2')}",
        f"Selected on earlier years alone: {selection_phrase(champions)}",
    )


def deployment_lines(workspace: Workspace) -> Lines:
    """Summarise Phase 5: models in use, challengers and latest forecasts."""
    folder = workspace.paths.registry
    latest = read_table(STORED_FORECASTS, folder / "latest_forecasts.parquet")
    refused = pd.read_csv(folder / "latest_refused.csv")
    chosen = read_json(workspace.paths.evaluation / "selection.json")
    registry = read_registry(folder)
    shadows = sum("challenger" in registry.get(row["ticker"], {}) for row in chosen)
    return (
        f"Promoted a champion for {len(chosen)} stocks",
        f"A/B test: a challenger runs for comparison only for {shadows} of them",
        f"Forecast the next session: {len(latest)} forecasts, {len(refused)} refused",
    )


def scaling(workspace: Workspace) -> Improvement:
    """Describe stock-specific scaling: the range one scaler was fitted on."""
    safety = read_safety(workspace).set_index("ticker")
    ticker = PREFERRED if PREFERRED in safety.index else str(safety.index[0])
    row = {str(name): value for name, value in safety.loc[ticker].items()}
    lowest = count_negatives(workspace).set_index("ticker")["lowest"].loc[ticker]
    return Improvement(
        name="Stock-Specific Scaling",
        lines=(
            f"{ticker}: {scaler_phrase(row)} (the first page's [11.50, 21.15] is from "
            "no run)",
            f"Its lowest forecast is {lowest:.2f} KES",
        ),
        page=f"stocks/{ticker}.html",
    )


def architecture(workspace: Workspace) -> Improvement:
    """Describe the network's regularisation and its ratio of losses."""
    v2, safety = workspace.study.v2, read_safety(workspace)
    return Improvement(
        name="Enhanced Architecture",
        lines=(
            f"L2 penalty {v2.l2:g}, batch normalisation, dropout {v2.dropout:g}",
            "Validation loss over training loss, the latter under dropout: "
            f"{safety['loss_ratio'].min():.2g} to {safety['loss_ratio'].max():.2g}",
        ),
        page="03_full_training.html",
    )


def validation(workspace: Workspace) -> Improvement:
    """Describe the validation: walk-forward years, early stopping, costs."""
    folds, backtest = workspace.study.folds, workspace.study.backtest
    years = [f.year for f in study_folds(workspace) if f.kind == "walk_forward"]
    share = folds.validation_share
    return Improvement(
        name="Proper Validation",
        lines=(
            f"Train and validation {1 - share:.0%} and {share:.0%} of the span before "
            "each year, the latter only stops the training",
            f"Walk-forward {years_phrase(years)}, new weights in each. All choices "
            "use only what lies before the test year",
            f"Financial metrics one session later, at {backtest.headline_cost_bps} "
            "basis points per side",
        ),
        page="04_validation.html",
    )


def negatives(workspace: Workspace) -> Improvement:
    """Count the negative predictions and explain them."""
    row = safety_card(workspace).iloc[0]
    return Improvement(
        name="Zero Negative Predictions" if row["met"] else "Negative Predictions",
        lines=(f"{row['found']} forecasts", str(row["comment"])),
        page="index.html",
    )


IMPROVEMENTS: tuple[Callable[[Workspace], Improvement], ...] = (
    scaling,
    architecture,
    validation,
    negatives,
)

PHASES: tuple[tuple[str, str, str, Callable[[Workspace], Lines]], ...] = (
    (
        "Phase 1: Data Analysis",
        "01_data_analysis.html",
        "trained_models/{market}/analysis/training_recommendations.json",
        data_lines,
    ),
    (
        "Phase 2: Enhanced Architecture",
        "02_architecture.html",
        "src/nse_lstm/models/architectures.py",
        architecture_lines,
    ),
    (
        "Phase 3: Full Training",
        "03_full_training.html",
        "trained_models/{market}/stock_specific_v2/",
        training_lines,
    ),
    (
        "Phase 4: Testing & Validation",
        "04_validation.html",
        "trained_models/{market}/evaluation/",
        validation_lines,
    ),
    (
        "Phase 5: Deployment",
        "05_deployment.html",
        "trained_models/{market}/registry/",
        deployment_lines,
    ),
)


def _changed(workspace: Workspace) -> str:
    table = changes_table(read_changes(workspace))
    seen = table[table["n"] > 0]
    if len(table) == 1:
        return "none to compare with"
    lines = [f"{row.n} {row.what}" for row in seen.itertuples()]
    return ", ".join(lines) or "nothing"
