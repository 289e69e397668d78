"""Ridge, boosted trees and four plain signals: benchmarks of the rank LSTM.

All are fitted to the rank of a stock's return among the session's universe, on every
tradable ordinary stock, in the universe or not. They forecast ranks. The training
span's own slope of excess return on rank turns these into returns. Nothing here depends
on the number of threads.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from nse_lstm.config import CrossSection, Tabular
from nse_lstm.errors import DataError
from nse_lstm.features.folds import Fold
from nse_lstm.tables import FORECASTS, MARKET_FEATURES, RANKED_FEATURES, conform

Numbers = NDArray[np.float64]

RULES = {
    "rule_range_position": ("range_position_1", -1.0),
    "rule_reversal": ("reversal_5", 1.0),
}
"""One feature each and its sign; nothing is fitted but the unit."""

FOUR_SIGNALS = "four_signals"
SIGNALS = ("volatility_60", "turnover_level_60", "momentum_250", "reversal_5")
"""Low volatility, turnover, 12-1 momentum and one-week reversal: signals that need no
learning beyond four coefficients."""


@dataclass(frozen=True, eq=False)
class FoldRows:
    """Training and forecast rows of one fold: features beside targets."""

    train: pd.DataFrame
    """Usable rows whose return is known ``purge`` sessions before the fold."""
    forecast: pd.DataFrame
    """Usable members of the universe whose origin lies in the fold."""


def split_rows(
    features: pd.DataFrame, targets: pd.DataFrame, fold: Fold, *, purge: int
) -> FoldRows:
    """Join features and targets, and cut them by a fold.

    Parameters
    ----------
    features : DataFrame
        ``FEATURES``.
    targets : DataFrame
        ``TARGETS`` of one delay and horizon.
    fold : Fold
        Trained on all before it.
    purge : int
        Sessions between the last training target and the fold.

    Raises
    ------
    DataError
        If nothing is left to train on.
    """
    rows = targets.merge(
        features[features["usable"]],
        left_on=["ticker", "origin"],
        right_on=["ticker", "session"],
        validate="one_to_one",
    )
    sessions = np.unique(features["session"].to_numpy())
    first = np.searchsorted(sessions, np.datetime64(fold.start, "us"))
    known = rows["y_rank"].notna()
    if first > purge:
        # Without a purge, and with features cut at the fold, no session follows.
        last = sessions[first - 1 - purge]
        known &= rows["target_date"] <= last
    if first <= purge or not known.any():
        raise DataError(
            f"Expected returns to train on, {purge} sessions before {fold.year}. "
            f"Received: none of {len(rows)} rows"
        )
    inside = (rows["origin"] >= fold.start) & (rows["origin"] < fold.end)
    return FoldRows(train=rows[known], forecast=rows[inside & rows["member"]])


def forecast_tabular(
    features: pd.DataFrame,
    targets: pd.DataFrame,
    fold: Fold,
    *,
    cross_section: CrossSection,
    tabular: Tabular,
    seed: int,
    only: Collection[str] | None = None,
) -> pd.DataFrame:
    """Fit every tabular model on all rows before a fold and forecast the fold.

    ``ridge`` and ``boosting`` are one model of all stocks, ``ridge_per_stock`` is one
    per stock, ``four_signals`` is least squares on ``SIGNALS`` alone. Beside them the
    two ``RULES``. Linear models take a missing feature as the middle rank, to the trees
    it is missing.

    Parameters
    ----------
    features : DataFrame
        ``FEATURES``, as far as they may be seen.
    targets : DataFrame
        ``TARGETS`` of one delay and horizon.
    fold : Fold
    cross_section : CrossSection
        Its ``purge`` counts beside delay and horizon.
    tabular : Tabular
    seed : int
        Of the features that the trees may split by.
    only : collection of str, optional
        The models that are wanted; all of them if not given.

    Returns
    -------
    DataFrame
        ``FORECASTS``: one row per model and member whose target lies on the calendar.
        ``y_hat`` is the log return beyond the universe's mean; no price, no interval. A
        stock with too few rows has none of ``ridge_per_stock``.

    Raises
    ------
    DataError
        If nothing is left to train on.
    """
    rows = split_rows(features, targets, fold, purge=cross_section.purge)
    train, ahead = rows.train, rows.forecast
    fits: dict[str, Callable[[], Numbers]] = {
        "ridge": partial(_ridge, train, ahead, alpha=tabular.ridge_alpha),
        "boosting": partial(boosted_ranks, train, ahead, tabular=tabular, seed=seed),
        "ridge_per_stock": partial(_ridge_per_stock, train, ahead, tabular=tabular),
        FOUR_SIGNALS: partial(_four_signals, train, ahead),
        **{model: partial(_rule, ahead, model) for model in RULES},
    }
    wanted = fits if only is None else only
    ranks = {model: fit() for model, fit in fits.items() if model in wanted}
    unit = return_per_rank(train["y_rank"].to_numpy(), train["y_excess"].to_numpy())
    seeds = dict.fromkeys(ranks, 0) | {"boosting": seed}
    blocks = [
        ahead.assign(model=model, seed=seeds[model], y_hat=unit * rank)
        for model, rank in ranks.items()
    ]
    table = pd.concat(blocks, ignore_index=True).dropna(subset="y_hat")
    table = table.assign(fold=fold.year, price_hat=np.nan, lower=np.nan, upper=np.nan)
    return conform(table, FORECASTS)


def fit_ridge(X: Numbers, y: Numbers, *, alpha: float) -> tuple[Numbers, float]:
    """Return the coefficients and the constant of a ridge; the constant is not shrunk.

    Parameters
    ----------
    X, y : arrays of shape (n, n_features) and (n,)
        None missing.
    alpha : float
        Weight of the squared coefficients beside the squared errors' sum.
    """
    centre, mean = X.mean(axis=0), float(y.mean())
    gram, product = _centred_products(X - centre, y - mean)
    coefficients = np.linalg.solve(gram + alpha * np.eye(X.shape[1]), product)
    return np.asarray(coefficients, float), mean - float(
        np.einsum("j,j->", centre, coefficients)
    )


def fit_least_squares(X: Numbers, y: Numbers) -> tuple[Numbers, float]:
    """Return the coefficients and the constant of ordinary least squares (OLS).

    A column that is constant or a combination of others leaves many solutions. The
    result is the one with the smallest coefficients, so a constant column has 0.

    Parameters
    ----------
    X, y : arrays of shape (n, n_features) and (n,)
        None missing.
    """
    centre, mean = X.mean(axis=0), float(y.mean())
    gram, product = _centred_products(X - centre, y - mean)
    coefficients, *_ = np.linalg.lstsq(gram, product)
    return np.asarray(coefficients, float), mean - float(
        np.einsum("j,j->", centre, coefficients)
    )


def _centred_products(X: Numbers, y: Numbers) -> tuple[Numbers, Numbers]:
    """Return X'X and X'y of centred columns."""
    both = np.column_stack([X, y])
    # Not by BLAS, whose sums depend on the number of its threads.
    products = np.einsum("ij,ik->jk", both, both)
    return products[:-1, :-1], products[:-1, -1]


def boosted_ranks(
    train: pd.DataFrame, ahead: pd.DataFrame, *, tabular: Tabular, seed: int
) -> Numbers:
    """Fit boosted trees on some rows and forecast the ranks of others.

    Parameters
    ----------
    train, ahead : DataFrame
        Rows of ``FEATURES`` beside ``TARGETS``; of ``ahead`` only the features count.
    tabular : Tabular
    seed : int
        Of the features that a split may choose from.

    Returns
    -------
    array of shape (len(ahead),)
    """
    columns = [*RANKED_FEATURES, *MARKET_FEATURES]
    model = HistGradientBoostingRegressor(
        learning_rate=tabular.learning_rate,
        max_iter=tabular.boosting_rounds,
        max_leaf_nodes=tabular.max_leaves,
        min_samples_leaf=tabular.min_leaf_rows,
        max_features=tabular.feature_share,
        l2_regularization=tabular.leaf_l2,
        early_stopping=False,
        random_state=seed,
    )
    if ahead.empty:
        return np.empty(0)
    known = train[columns].to_numpy(copy=True)
    # The binning needs a value in every column; no split is on a constant.
    known[:, np.isnan(known).all(axis=0)] = 0.0
    # The result is that of many threads, which on a busy machine wait for each other.
    with threadpool_limits(1, user_api="openmp"):
        model.fit(known, train["y_rank"].to_numpy())
        return np.asarray(model.predict(ahead[columns].to_numpy()), float)


def _ridge(train: pd.DataFrame, ahead: pd.DataFrame, *, alpha: float) -> Numbers:
    coefficients, constant = fit_ridge(
        _filled(train), train["y_rank"].to_numpy(), alpha=alpha
    )
    return np.asarray(np.einsum("ij,j->i", _filled(ahead), coefficients) + constant)


def _four_signals(train: pd.DataFrame, ahead: pd.DataFrame) -> Numbers:
    X = _filled(train, SIGNALS)
    coefficients, constant = fit_least_squares(X, train["y_rank"].to_numpy())
    X_ahead = _filled(ahead, SIGNALS)
    return np.asarray(np.einsum("ij,j->i", X_ahead, coefficients) + constant)


def _ridge_per_stock(
    train: pd.DataFrame, ahead: pd.DataFrame, *, tabular: Tabular
) -> Numbers:
    ranks = pd.Series(np.nan, index=ahead.index)
    own_rows = dict(list(train.groupby("ticker")))
    for ticker, rows in ahead.groupby("ticker"):
        own = own_rows.get(ticker, train[:0])
        if len(own) >= tabular.min_stock_rows:
            ranks[rows.index] = _ridge(own, rows, alpha=tabular.stock_ridge_alpha)
    return np.asarray(ranks.to_numpy(), np.float64)


def _rule(ahead: pd.DataFrame, model: str) -> Numbers:
    feature, sign = RULES[model]
    return np.asarray(sign * ahead[feature].to_numpy(), np.float64)


def _filled(rows: pd.DataFrame, columns: Sequence[str] = RANKED_FEATURES) -> Numbers:
    """Put the middle rank where a feature is missing.

    Market features are left out: they are one number per session, and so is their
    part of a linear forecast.
    """
    return np.nan_to_num(rows[list(columns)].to_numpy())


def return_per_rank(x: Numbers, y: Numbers) -> float:
    """Return the slope of y on x by least squares through the origin.

    Parameters
    ----------
    x, y : arrays of shape (n,)
        Ranks and excess returns, none missing.
    """
    return float((x * y).sum() / (x * x).sum())
