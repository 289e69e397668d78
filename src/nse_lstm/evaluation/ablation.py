"""Ablation: the effect of each change between two models, added alone and removed.

The loss is the mean absolute error of the price over persistence's on the same
forecasts: 1 is persistence. A price forecast below zero, which has no return, counts
too. Losses differ by orders of magnitude, so their logarithms are subtracted within a
stock and seed, then averaged over stocks. Seeds are the observations: the interval
covers the variation of training on these stocks in this year, not other years.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t

from nse_lstm.errors import TableError
from nse_lstm.evaluation.comparison import NAIVE
from nse_lstm.evaluation.scoring import POOL, score_accuracy
from nse_lstm.tables import ABLATION, conform

NONE, ALL = "none", "all"
"""Mixtures without any change (v1's network) and with all of them (v2's)."""

CONFIDENCE = 0.95


def mixture_name(change: str, form: str) -> str:
    """Name the mixture with one change, or with all but one.

    Parameters
    ----------
    change : str
        One of those between ``NONE`` and ``ALL``.
    form : {"alone", "removed"}
        Whether the mixture has only this change, or all but it.

    Examples
    --------
    >>> mixture_name("l2", "alone"), mixture_name("l2", "removed")
    ('only_l2', 'without_l2')
    """
    return f"only_{change}" if form == "alone" else f"without_{change}"


def seed_losses(forecasts: pd.DataFrame, panel: pd.DataFrame) -> pd.DataFrame:
    """Return the relative loss of every mixture, seed and stock.

    Parameters
    ----------
    forecasts : DataFrame
        ``FORECASTS`` of mixtures by their names, and of persistence, all on the same
        origins of one fold.
    panel : DataFrame
        ``PANEL``, reaching at least through the fold.

    Returns
    -------
    DataFrame
        ``ticker model seed fold value n``: mean absolute error over persistence's.
    """
    naive = forecasts["model"] == NAIVE
    benchmark = _errors(forecasts[naive], panel).set_index("ticker")["value"]
    blocks = [
        _errors(rows, panel).assign(seed=seed)
        for seed, rows in forecasts[~naive].groupby("seed")
    ]
    losses = pd.concat(blocks, ignore_index=True)
    losses["value"] /= losses["ticker"].map(benchmark)
    return losses[["ticker", "model", "seed", "fold", "value", "n"]]


def _errors(forecasts: pd.DataFrame, panel: pd.DataFrame) -> pd.DataFrame:
    scores = score_accuracy(forecasts, panel)
    return scores[(scores["metric"] == "mae") & (scores["ticker"] != POOL)]


def measure_changes(losses: pd.DataFrame, changes: Sequence[str]) -> pd.DataFrame:
    """Measure the effect of each change on the loss.

    Parameters
    ----------
    losses : DataFrame
        From ``seed_losses``: one fold, every mixture on the same stocks and seeds.
    changes : sequence of str
        The changes between ``NONE`` and ``ALL``.

    Returns
    -------
    DataFrame
        ``ABLATION`` with Student's 95 % interval over the seeds. Losses of several
        seeds and stocks are averaged geometrically.

    Raises
    ------
    TableError
        If a mixture lacks a stock's loss under a seed, or there is only one seed.
    """
    wide = losses.pivot_table(
        index=["seed", "ticker"], columns="model", values="value", dropna=False
    )
    pairs = {
        (change, form): _pair(change, form) for change in changes for form in FORMS
    }
    pairs[ALL, ALL] = (ALL, NONE)
    names = {name for pair in pairs.values() for name in pair}
    missing = sorted(names - set(wide.columns))
    n_seeds = wide.index.get_level_values("seed").nunique()
    if missing or wide[sorted(names)].isna().any(axis=None) or n_seeds < 2:
        raise TableError(
            "Expected every mixture's loss on every stock under two seeds or more. "
            f"Received: {n_seeds} seeds, no {missing or 'complete table'}"
        )
    rows = [
        {"change": change, "form": form, **_effect(wide[[with_it, without]])}
        for (change, form), (with_it, without) in pairs.items()
    ]
    table = pd.DataFrame(rows).assign(fold=int(losses["fold"].iloc[0]))
    return conform(table, ABLATION)


FORMS = ("alone", "removed")


def _pair(change: str, form: str) -> tuple[str, str]:
    """Return the mixtures with and without a change."""
    name = mixture_name(change, form)
    return (name, NONE) if form == "alone" else (ALL, name)


def _effect(pair: pd.DataFrame) -> dict[str, float]:
    with_it, without = pair.iloc[:, 0], pair.iloc[:, 1]
    difference = np.log(with_it) - np.log(without)
    by_seed = difference.groupby("seed").mean().to_numpy()
    reach = _reach(by_seed)
    better = (difference < 0).groupby("seed").all()
    return {
        "loss_with": float(np.exp(np.log(with_it).mean())),
        "loss_without": float(np.exp(np.log(without).mean())),
        "value": float(by_seed.mean()),
        "lower": float(by_seed.mean() - reach),
        "upper": float(by_seed.mean() + reach),
        "n_seeds_better": int(better.sum()),
        "n_seeds": len(by_seed),
        "n_stocks": len(difference) // len(by_seed),
    }


def _reach(values: NDArray[np.float64]) -> float:
    """Return the half width of Student's interval: t * s / sqrt(n)."""
    error = values.std(ddof=1) / np.sqrt(values.size)
    return float(t(values.size - 1).ppf(0.5 + CONFIDENCE / 2) * error)
