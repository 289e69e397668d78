"""The ablation on Phase 2's page: its figure, table and reading, or how to make it."""

import numpy as np
import pandas as pd

from nse_lstm.reporting.ablation_figures import (
    CHANGE_NAMES,
    ablation_rows,
    draw_ablation,
)
from nse_lstm.reporting.display import Html, picture, sentence, show_table
from nse_lstm.study.experiments.ablation import AblationResult

MISSING = (
    "No ablation of this market is on disk. `make ablation`, with the same MARKET, RAW "
    "and TEST_YEAR, makes it in about a quarter of an hour; then run this phase again."
)


def ablation_figure(result: AblationResult | None) -> Html:
    """Show each change's factor with its interval."""
    if result is None:
        return sentence(MISSING)
    return picture(
        draw_ablation(result.table),
        alt="Factor of the error by change of v2, added to v1 and added last.",
    )


def ablation_table(result: AblationResult | None) -> Html:
    """Show the numbers of the figure."""
    if result is None:
        return Html("")
    seeds = int(result.table["n_seeds"].max())
    return show_table(
        ablation_rows(result.table),
        caption=f"{', '.join(result.stocks)}; {seeds} seeds; at most "
        f"{result.max_windows:,} windows and {result.max_epochs} epochs a network",
    )


def ablation_findings(result: AblationResult | None) -> Html:
    """Read the ablation: what helps, what harms, and where v2 stands."""
    if result is None:
        return Html("")
    table = result.table
    whole = table[table["form"] == "all"].iloc[0]
    parts = [
        f"In {whole['fold']} the error is {whole['loss_without']:.2f} times "
        f"persistence's for v1's network and {whole['loss_with']:.2f} times for v2.",
        f"Beyond the luck of the seed it falls by {_names(table, 'alone', -1)} and "
        f"rises by {_names(table, 'alone', 1)} added alone; added to all the others it "
        f"falls by {_names(table, 'removed', -1)} and rises by "
        f"{_names(table, 'removed', 1)}.",
    ]
    if not result.is_current:
        parts.append(
            "Data, settings or sources have changed since: `make ablation` renews it."
        )
    return sentence(" ".join(parts))


def _names(table: pd.DataFrame, form: str, side: int) -> str:
    """Name the changes whose whole interval lies on one side of no change."""
    rows = table[table["form"] == form]
    beyond = rows["upper"] < 0 if side < 0 else rows["lower"] > 0
    chosen = set(rows.loc[np.asarray(beyond), "change"])
    names = [name for change, name in CHANGE_NAMES.items() if change in chosen]
    return ", ".join(names) or "nothing"
