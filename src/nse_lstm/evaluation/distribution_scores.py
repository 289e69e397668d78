"""Score forecast distributions by stock, year and horizon, and test them.

All models have the same origins. CRPS is compared by date, stocks averaged first, so
one session is one observation (``comparison``).
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from nse_lstm.errors import StudyError
from nse_lstm.evaluation.comparison import diebold_mariano
from nse_lstm.evaluation.conformal import score_coverage
from nse_lstm.evaluation.quantile_scores import (
    COLUMNS,
    LEVELS,
    crps,
    pinball_loss,
    pit,
    pit_distance,
    value_at_risk_test,
)
from nse_lstm.evaluation.scoring import POOL, realised
from nse_lstm.tables import COVERAGE, DISTRIBUTION_SCORES, conform

ALL_YEARS = 0
"""The ``fold`` of scores over all walk-forward years."""
RISK_LEVELS = {"95": 0.05, "99": 0.01}
"""Probability of a breach by the name of the value at risk."""
BAND = (0.05, 0.95)
"""Levels of the band whose coverage is measured."""
MANY = 100_000
"""Errors behind a quantile that is taken as known: its own error is left out."""

Row = tuple[str, str, int, int, str, float, int]


def realised_quantiles(quantiles: pd.DataFrame, panel: pd.DataFrame) -> pd.DataFrame:
    """Join the realised return ``y`` and the CRPS to forecast distributions.

    Parameters
    ----------
    quantiles : DataFrame
        ``QUANTILES`` of any models.
    panel : DataFrame
        ``PANEL`` as far as it is known.

    Returns
    -------
    DataFrame
        Rows with a realised return, with ``y`` and ``crps``.
    """
    dated = quantiles.assign(entry_date=quantiles["origin"], delay=0)
    joined = realised(dated, panel).dropna(subset="y").reset_index(drop=True)
    return joined.assign(crps=crps(joined["y"], joined[list(COLUMNS)]))


def score_distributions(
    joined: pd.DataFrame, *, model: str, years: int | None = None, seed: int
) -> pd.DataFrame:
    """Score each model's distribution, by stock and over all stocks.

    Metrics: ``crps`` and ``pinball_05`` and ``pinball_01`` (log return),
    ``coverage_90``, ``below_05`` and ``below_01`` (fraction of outcomes below the
    value at risk), ``pit_distance``, at one session ahead ``kupiec_95``,
    ``christoffersen_95`` and those of 99 (p-values, single stocks only). Over all
    stocks ``dm_statistic`` and ``dm_p_value`` compare the CRPS of ``model`` with that
    of each other: below 0 favours ``model``.

    Parameters
    ----------
    joined : DataFrame
        From ``realised_quantiles``.
    model : str
        Compared with every other.
    years : int, optional
        The fold that the scores are written under, all rows together. Each fold alone
        if not given.
    seed : int
        Of the PIT's draws within an atom.

    Returns
    -------
    DataFrame
        ``DISTRIBUTION_SCORES``.
    """
    folds = joined["fold"] if years is None else pd.Series(years, joined.index)
    rows: list[Row] = []
    for (fold, horizon), block in joined.groupby([folds, "horizon"]):
        place = (int(str(fold)), int(str(horizon)))
        for (name, ticker), own in block.groupby(["model", "ticker"]):
            rows += _rows(own, str(ticker), str(name), place, seed)
        for name, own in block.groupby("model"):
            rows += _rows(own, POOL, str(name), place, seed)
        rows += _compared(block, model, place)
    table = pd.DataFrame(rows, columns=list(DISTRIBUTION_SCORES.columns))
    return conform(table, DISTRIBUTION_SCORES)


def quarterly_coverage(joined: pd.DataFrame, *, confidence: float) -> pd.DataFrame:
    """Return the coverage of each model's 90 % band by stock and quarter.

    Parameters
    ----------
    joined : DataFrame
        From ``realised_quantiles``, one horizon.
    confidence : float
        Probability of the range that chance leaves.

    Returns
    -------
    DataFrame
        ``COVERAGE``. The range is that of independent sessions and known quantiles.
    """
    low, high = (joined[COLUMNS[_place(level)]] for level in BAND)
    bands = joined.assign(lower=low, upper=high, y_hat=0.0, n_errors=MANY)
    misses = 1 - (BAND[1] - BAND[0])
    return conform(
        score_coverage(bands, alpha=round(misses, 9), confidence=confidence), COVERAGE
    )


def _rows(
    own: pd.DataFrame, ticker: str, model: str, place: tuple[int, int], seed: int
) -> Iterator[Row]:
    fold, horizon = place
    ordered = own.sort_values(["target_date", "ticker"])
    for metric, value in _measure(ordered, seed).items():
        yield ticker, model, fold, horizon, metric, value, len(own)
    if horizon > 1 or ticker == POOL or len(own) < 2:
        return
    for name, level in RISK_LEVELS.items():
        breaches = ordered["y"] < ordered[COLUMNS[_place(level)]]
        found = value_at_risk_test(breaches, level=level)
        yield ticker, model, fold, horizon, f"kupiec_{name}", found.kupiec, found.n
        yield (
            *(ticker, model, fold, horizon),
            *(f"christoffersen_{name}", found.christoffersen, found.n),
        )


def _measure(own: pd.DataFrame, seed: int) -> dict[str, float]:
    y, quantiles = own["y"].to_numpy(), own[list(COLUMNS)].to_numpy()
    losses = pinball_loss(y, quantiles).mean(axis=0)
    low, high = (quantiles[:, _place(level)] for level in BAND)
    found = {
        "crps": float(own["crps"].mean()),
        "coverage_90": float(((y >= low) & (y <= high)).mean()),
        "pit_distance": pit_distance(pit(y, quantiles, seed=seed)),
    }
    for level in RISK_LEVELS.values():
        place, name = _place(level), f"{level:.2f}"[2:]
        found[f"pinball_{name}"] = float(losses[place])
        found[f"below_{name}"] = float((y < quantiles[:, place]).mean())
    return found


def _compared(block: pd.DataFrame, model: str, place: tuple[int, int]) -> Iterator[Row]:
    """Compare a model's CRPS with every other's, by date."""
    fold, horizon = place
    wide = block.pivot(
        index=["target_date", "ticker"], columns="model", values="crps"
    ).dropna()
    losses = wide.groupby("target_date").mean().sort_index()
    for other in losses.columns.drop(model, errors="ignore"):
        if model in losses and len(losses) > horizon:
            found = diebold_mariano(losses[model], losses[other], ahead=horizon)
            for metric in ("statistic", "p_value"):
                value = getattr(found, metric)
                yield POOL, other, fold, horizon, f"dm_{metric}", value, found.n


def _place(level: float) -> int:
    """Return the place of a level among ``LEVELS``."""
    found = np.flatnonzero(np.isclose(LEVELS, level))
    if len(found) != 1:
        raise StudyError(f"Expected a level of the quantiles. Received: {level}")
    return int(found[0])
