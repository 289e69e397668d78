"""What the status page says of each phase and of each key improvement.

Each function reads the tables of one phase and returns sentences with their numbers.
"""

from collections import Counter
from collections.abc import Callable

import pandas as pd

from nse_lstm.deployment.registry import read_registry
from nse_lstm.json_files import read_json
from nse_lstm.pages.stock_page import read_statistics, stock_tickers
from nse_lstm.pages.summary import read_test_scores
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
    """Phase 1: what was read, who is recommended, what a person should look at."""
    facts = read_facts(workspace)
    tiers = read_statistics(workspace)["tier"].value_counts()
    jumps = unexplained_jumps(workspace)
    n_new = int((~jumps["accepted"]).sum())
    return (
        f"Analysed {facts.n_tickers} codes, {facts.n_rows:,} rows on "
        f"{facts.n_sessions:,} sessions, {facts.first_session} to "
        f"{facts.last_session}",
        f"Found {tiers.get(1, 0) + tiers.get(2, 0)} ordinary shares that trade well "
        f"enough to learn from before {facts.test_year}",
        f"Recommended {tiers.get(1, 0)}: {', '.join(stock_tickers(workspace))}",
        f"Listed {len(jumps)} price jumps without a known cause; {n_new} of them are "
        "not on the accepted list",
        "Against the last other build: " + _changed(workspace),
    )


def architecture_lines(workspace: Workspace) -> Lines:
    """Phase 2: the network, and how it did on one stock before the test year."""
    safety = read_safety(workspace)
    fold = study_folds(workspace)[-2]
    scores = read_table(SCORES, workspace.paths.evaluation / "scores.parquet")
    rows = scores[(scores["fold"] == fold.year) & (scores["metric"] == "mae")]
    names = set(rows["ticker"])
    ticker = PREFERRED if PREFERRED in names else stock_tickers(workspace)[0]
    mae = rows[rows["ticker"] == ticker].set_index("model")["value"]
    return (
        "Implemented the regularised network: "
        f"{safety['n_parameters'].max():,} parameters, one scaler a stock",
        "Built the training: resumable, one process a core, equal to the bit",
        f"Tested on {ticker} in {fold.year}, unseen: mean absolute error "
        f"{mae['v2']:.3f} KES against {mae['persistence']:.3f} for persistence",
    )


def training_lines(workspace: Workspace) -> Lines:
    """Phase 3: how many models, of how many stocks and years, in what time."""
    times, safety = read_times(workspace), read_safety(workspace)
    summary = pd.read_csv(workspace.paths.v2 / "training_summary.csv")
    summary = summary[summary["model"] == "v2"]
    years = ", ".join(map(str, sorted(summary["year"].unique())))
    return (
        f"Trained {len(summary)} stock-specific models: {summary['ticker'].nunique()} "
        f"stocks, years {years}",
        f"Time: {times['seconds'].median():.0f} s a model in the median, "
        f"{times['seconds'].sum() / 60:.1f} minutes of one thread for the "
        f"{len(times)} of the test year",
        "Validation loss over training loss: "
        f"{safety['loss_ratio'].median():.2g} in the median",
    )


def validation_lines(workspace: Workspace) -> Lines:
    """Phase 4: the test year, the comparison, the selection."""
    verdict = read_json(workspace.paths.evaluation / "verdict.json")
    scores = read_test_scores(workspace)
    wide = scores[(scores["metric"] == "mae") & (scores["ticker"] != "ALL")].pivot(
        index="ticker", columns="model", values="value"
    )
    ratio = wide["v2"] / wide["persistence"]
    chosen = read_json(workspace.paths.evaluation / "selection.json")
    counts = Counter(row["champion"] for row in chosen)
    served = ", ".join(f"{name} for {n}" for name, n in counts.most_common())
    return (
        f"Tested on {verdict['test_year']}: {verdict['look']['label']}, "
        f"{verdict['look']['meaning']}",
        f"Compared with persistence: v2's error is smaller in {int((ratio < 1).sum())} "
        f"of {len(ratio)} stocks, {ratio.median():.1f} times as large in the median",
        f"Selected on earlier years alone: {served}",
    )


def deployment_lines(workspace: Workspace) -> Lines:
    """Phase 5: who serves, who forecasts in the shadow, what was forecast."""
    folder = workspace.paths.registry
    latest = read_table(STORED_FORECASTS, folder / "latest_forecasts.parquet")
    refused = pd.read_csv(folder / "latest_refused.csv")
    chosen = read_json(workspace.paths.evaluation / "selection.json")
    registry = read_registry(folder)
    shadows = sum("challenger" in registry.get(row["ticker"], {}) for row in chosen)
    return (
        f"Promoted a champion for {len(chosen)} stocks",
        f"A/B: a challenger forecasts in the shadow of {shadows} of them",
        f"Forecast the next session: {len(latest)} forecasts, {len(refused)} refused",
    )


def scaling(workspace: Workspace) -> Improvement:
    """Stock-specific scaling: the range one stock's model was fitted on."""
    safety = read_safety(workspace).set_index("ticker")
    ticker = PREFERRED if PREFERRED in safety.index else str(safety.index[0])
    low = safety["scaler_minimum"].loc[ticker]
    high = safety["scaler_maximum"].loc[ticker]
    lowest = count_negatives(workspace).set_index("ticker")["lowest"].loc[ticker]
    return Improvement(
        name="Stock-Specific Scaling",
        lines=(
            f"{ticker}: [{low:.2f}, {high:.2f}] KES of adjusted price, fitted on the "
            "training span alone (the first page's [11.50, 21.15] is from no run)",
            f"Its lowest forecast is {lowest:.2f} KES",
        ),
        page=f"stocks/{ticker}.html",
    )


def architecture(workspace: Workspace) -> Improvement:
    """Return what the network has against overfitting, and what came of it."""
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
    """Proper validation: which years, what stops training, what a forecast earns."""
    folds, backtest = workspace.study.folds, workspace.study.backtest
    years = [str(f.year) for f in study_folds(workspace) if f.kind == "walk_forward"]
    share = folds.validation_share
    return Improvement(
        name="Proper Validation",
        lines=(
            f"Train and validation {1 - share:.0%} and {share:.0%} of the span before "
            "each year; the latter only stops the training",
            f"Walk-forward years {', '.join(years)}, fresh weights in each; choices "
            "use them, never the test year",
            f"Financial metrics one session later, at {backtest.headline_cost_bps} "
            "basis points a side",
        ),
        page="04_validation.html",
    )


def negatives(workspace: Workspace) -> Improvement:
    """Zero negative predictions: the count, and how it comes about."""
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
