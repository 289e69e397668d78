"""Tables and sentences of notebook 02: the ablation and the network."""

from typing import Any

import numpy as np
import pandas as pd

from nse_lstm.pages.phrases import price_errors_phrase
from nse_lstm.pages.score_tables import metric_by_model
from nse_lstm.pages.stock_forecasts import MEDIAN, MODEL, NOT_A_PROFIT
from nse_lstm.reporting.ablation_figures import (
    CHANGE_NAMES,
    ablation_rows,
    draw_ablation,
)
from nse_lstm.reporting.display import (
    Html,
    bullets,
    picture,
    sentence,
    show_table,
)
from nse_lstm.reporting.ranking_figures import draw_decay, draw_groups
from nse_lstm.study.experiments.ablation import AblationResult
from nse_lstm.study.ranking.rank_models import RankingProfile
from nse_lstm.study.training.train import Exploration

MISSING = (
    "No ablation of this market is on disk. `make ablation`, with the same MARKET, RAW "
    "and TEST_YEAR, makes it in about a quarter of an hour. Then run this phase again."
)


def ranking_profile(profile: RankingProfile | None) -> Html:
    """Show the returns by fifth of the ranks, and the rank IC by horizon."""
    if profile is None:
        return sentence("No model ranked five sessions ahead, so there is no profile.")
    parts = [
        picture(
            draw_groups(profile.groups),
            alt="Mean excess return of each fifth of the ranked stocks.",
        ),
        picture(
            draw_decay(profile.decay),
            alt="Mean rank IC of one forecast by sessions of the return.",
        ),
    ]
    return Html("".join(part.html for part in parts))


def ablation_figure(result: AblationResult | None) -> Html:
    """Show the figure of each change's factor with its interval."""
    if result is None:
        return sentence(MISSING)
    return picture(
        draw_ablation(result.table),
        alt="Factor of the error by change of v2, added to v1 and added last.",
    )


def ablation_table(result: AblationResult | None) -> Html:
    """Show the table of each change's factor."""
    if result is None:
        return Html("")
    seeds = int(result.table["n_seeds"].max())
    return show_table(
        ablation_rows(result.table),
        caption=f"{', '.join(result.stocks)}, {seeds} seeds, at most "
        f"{result.max_windows:,} windows and {result.max_epochs} epochs per network",
    )


def ablation_findings(result: AblationResult | None) -> Html:
    """Summarise the ablation: changes that help, changes that harm, and v2."""
    if result is None:
        return Html("")
    table = result.table
    whole = table[table["form"] == "all"].iloc[0]
    parts = [
        f"In {whole['fold']} the error is {whole['loss_without']:.2f} times "
        f"persistence's for v1's network and {whole['loss_with']:.2f} times for v2.",
        f"Beyond seed noise the error falls with {_names(table, 'alone', -1)} and "
        f"rises with {_names(table, 'alone', 1)}, each added alone. Added to all the "
        f"others, it falls with {_names(table, 'removed', -1)} and rises with "
        f"{_names(table, 'removed', 1)}.",
    ]
    if not result.is_current:
        parts.append(
            "Data, settings or code have changed since: `make ablation` renews it."
        )
    return sentence(" ".join(parts))


def architecture_findings(exploration: Exploration, scores: pd.DataFrame) -> Html:
    """Summarise Phase 2: size, best epoch and error against persistence.

    Parameters
    ----------
    exploration : Exploration
    scores : DataFrame
        ``SCORES`` of the explored stock in the last walk-forward year.
    """
    mae = metric_by_model(scores, "mae").droplevel("ticker").to_dict()
    r_squared = metric_by_model(scores, "r_squared").droplevel("ticker")
    model = exploration.model
    return bullets(
        f"v2 has {exploration.n_parameters:,} parameters for "
        f"{len(exploration.split.train):,} training windows of {exploration.ticker}.",
        f"Training ran {model.epochs} epochs. The weights of epoch {model.best_epoch} "
        "had the lowest validation loss and were kept.",
        f"In {exploration.year}, a year outside its training data, its mean absolute "
        f"error is {price_errors_phrase(mae, model='v2')} and {mae['v1']:.3f} for v1, "
        "the original rebuilt. R² on price levels is "
        f"{r_squared['v2']:.3f}, {r_squared['persistence']:.3f} and "
        f"{r_squared['v1']:.3f}.",
        *_stock_lstm_finding(scores, mae),
    )


def _stock_lstm_finding(scores: pd.DataFrame, mae: dict[Any, float]) -> list[str]:
    """Summarise the stock LSTM beside v2, if it was trained."""
    if MODEL not in mae:
        return []
    skill = metric_by_model(scores, "skill").droplevel("ticker")
    return [
        f"The stock LSTM's mean absolute error is {mae[MODEL]:.3f} KES, and "
        f"{mae[MEDIAN]:.3f} with the threshold. Its skill is {skill[MODEL]:+.3f}. "
        f"{NOT_A_PROFIT}"
    ]


def _names(table: pd.DataFrame, form: str, side: int) -> str:
    """Name the changes whose interval excludes no change, on one side."""
    rows = table[table["form"] == form]
    beyond = rows["upper"] < 0 if side < 0 else rows["lower"] > 0
    chosen = set(rows.loc[np.asarray(beyond), "change"])
    names = [name for change, name in CHANGE_NAMES.items() if change in chosen]
    return ", ".join(names) or "nothing"
