"""Rivals: what they are fitted on, the closed form, and no look ahead."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from support.odd_panel import SMALL, odd_panel
from threadpoolctl import threadpool_limits

from nse_lstm.config import Tabular
from nse_lstm.errors import DataError
from nse_lstm.features.folds import make_folds
from nse_lstm.features.indicators import build_features
from nse_lstm.features.targets import build_targets
from nse_lstm.models.tabular_models import (
    FOUR_SIGNALS,
    RULES,
    SIGNALS,
    fit_least_squares,
    fit_ridge,
    forecast_tabular,
    split_rows,
)
from nse_lstm.tables import FORECASTS, RANKED_FEATURES, check

# Sessions of 2020 from 6 January on: 254 of them; the fold is 2021.
N_SESSIONS = 420
(FOLD, _) = make_folds(2022, 1)
FAST = Tabular(boosting_rounds=20, min_leaf_rows=20, min_stock_rows=100)


Tables = tuple[pd.DataFrame, pd.DataFrame]
"""Features and targets of one panel."""


def features_of(panel: pd.DataFrame) -> pd.DataFrame:
    return build_features(panel, cross_section=SMALL)


def targets_of(panel: pd.DataFrame, horizon: int = 5) -> pd.DataFrame:
    return build_targets(panel, cross_section=SMALL, delay=1, horizon=horizon)


def forecasts_of(
    tables: Tables, tabular: Tabular = FAST, *, seed: int = 1
) -> pd.DataFrame:
    return forecast_tabular(
        *tables, FOLD, cross_section=SMALL, tabular=tabular, seed=seed
    )


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    return odd_panel(N_SESSIONS)


@pytest.fixture(scope="module")
def tables(panel: pd.DataFrame) -> Tables:
    return features_of(panel), targets_of(panel)


@pytest.fixture(scope="module")
def forecasts(tables: Tables) -> pd.DataFrame:
    return forecasts_of(tables)


def test_training_targets_end_the_purge_before_the_fold(
    panel: pd.DataFrame, tables: Tables
) -> None:
    rows = split_rows(*tables, FOLD, purge=4)
    sessions = pd.DatetimeIndex(panel["session"].unique())
    first = int((sessions < FOLD.start).sum())
    place = sessions.get_indexer(pd.DatetimeIndex(rows.train["origin"]))
    # The last origin: delay 1, horizon 5 and a purge of 4 before the fold's first.
    assert place.max() == first - 1 - 5 - 4 - 1
    assert rows.train["y_rank"].notna().all()
    assert rows.train["usable"].all()
    assert not rows.train["member"].all()  # shares outside the universe train too


def test_without_a_purge_the_last_target_is_the_session_before_the_fold(
    tables: Tables,
) -> None:
    features, targets = tables
    known = features[features["session"] < FOLD.start]
    for given in (features, known):
        last = split_rows(given, targets, FOLD, purge=0).train["target_date"].max()
        assert last == known["session"].max()


def test_forecast_rows_are_members_with_an_origin_in_the_fold(
    panel: pd.DataFrame, tables: Tables, forecasts: pd.DataFrame
) -> None:
    check(forecasts, FORECASTS)
    features = tables[0].set_index(["ticker", "session"])
    key = pd.MultiIndex.from_frame(forecasts[["ticker", "origin"]])
    assert features.loc[key, ["member", "usable"]].all(axis=None)
    assert (forecasts["origin"].dt.year == 2021).all()
    fitted = {"ridge", "boosting", "ridge_per_stock", FOUR_SIGNALS}
    assert set(forecasts["model"]) == {*fitted, *RULES}
    own = forecasts[forecasts["model"] == "ridge"]
    sessions = pd.DatetimeIndex(panel["session"].unique())
    in_fold = sessions[(sessions.year == 2021)]
    # Two members each, less the six origins whose target is beyond the calendar.
    assert len(own) == 2 * (len(in_fold) - 6)


def test_a_ridge_is_the_minimum_of_its_penalised_error() -> None:
    generator = np.random.default_rng(4)
    X = generator.uniform(-0.5, 0.5, (300, 5)) + 0.2
    y = X @ np.array([0.3, 0, -0.1, 0, 0.2]) + generator.normal(0, 0.1, 300) + 2
    coefficients, constant = fit_ridge(X, y, alpha=7.0)
    model = Ridge(alpha=7.0).fit(X, y)
    np.testing.assert_allclose(coefficients, model.coef_, rtol=1e-9)
    assert constant == pytest.approx(model.intercept_)
    # Closed form, the constant not shrunk.
    X0, y0 = X - X.mean(axis=0), y - y.mean()
    closed = np.linalg.inv(X0.T @ X0 + 7.0 * np.eye(5)) @ X0.T @ y0
    np.testing.assert_allclose(coefficients, closed, rtol=1e-9)


def test_a_ridge_per_stock_is_the_closed_form_on_its_own_rows(
    tables: Tables, forecasts: pd.DataFrame
) -> None:
    rows = split_rows(*tables, FOLD, purge=SMALL.purge)
    names = list(RANKED_FEATURES)
    ahead = rows.forecast[rows.forecast["ticker"] == "BBB"]
    own = rows.train[rows.train["ticker"] == "BBB"]
    model = Ridge(alpha=FAST.stock_ridge_alpha)
    # A missing feature is the middle place, 0.
    model.fit(own[names].fillna(0.0), own["y_rank"])
    place, excess = rows.train["y_rank"], rows.train["y_excess"]
    unit = (place * excess).sum() / (place**2).sum()
    found = forecasts[
        (forecasts["model"] == "ridge_per_stock") & (forecasts["ticker"] == "BBB")
    ].sort_values("origin")
    expected = unit * model.predict(ahead.sort_values("origin")[names].fillna(0.0))
    assert len(found) > 40
    np.testing.assert_allclose(found["y_hat"], expected, rtol=1e-7, atol=1e-12)


def plain_least_squares(rows: list[list[float]], y: list[float]) -> list[float]:
    """Solve the normal equations by elimination; the constant comes first."""
    X = [[1.0, *row] for row in rows]
    n = len(X[0])
    table = [
        [sum(row[i] * row[j] for row in X) for j in range(n)]
        + [sum(row[i] * value for row, value in zip(X, y, strict=True))]
        for i in range(n)
    ]
    for i in range(n):
        for k in range(n):
            if k != i:
                ratio = table[k][i] / table[i][i]
                table[k] = [
                    a - ratio * b for a, b in zip(table[k], table[i], strict=True)
                ]
    return [table[i][n] / table[i][i] for i in range(n)]


def test_four_signals_are_plain_least_squares_on_four_ranks(
    tables: Tables, forecasts: pd.DataFrame
) -> None:
    assert SIGNALS == (
        "volatility_60",
        "turnover_level_60",
        "momentum_250",
        "reversal_5",
    )
    features, labels = tables
    sessions = sorted(features["session"].unique())
    start = next(i for i, each in enumerate(sessions) if each >= FOLD.start)
    last_known = sessions[start - SMALL.purge]
    known = {
        (row.ticker, row.session): [
            0.0 if np.isnan(value) else float(value)
            for value in (getattr(row, name) for name in SIGNALS)
        ]
        for row in features[features["usable"]].itertuples()
    }
    train = [
        (known[row.ticker, row.origin], row.y_rank, row.y_excess)
        for row in labels.itertuples()
        if (row.ticker, row.origin) in known
        and row.target_date < last_known
        and not np.isnan(row.y_rank)
    ]
    ranks = [rank for _, rank, _ in train]
    constant, *slopes = plain_least_squares([x for x, _, _ in train], ranks)
    unit = sum(r * e for _, r, e in train) / sum(r * r for r in ranks)
    own = forecasts[forecasts["model"] == FOUR_SIGNALS]
    assert len(own) > 100 and own["y_hat"].nunique() > 5
    for row in own.itertuples():
        x = known[row.ticker, row.origin]
        rank = constant + sum(a * b for a, b in zip(slopes, x, strict=True))
        assert row.y_hat == pytest.approx(unit * rank, rel=1e-8, abs=1e-14)


def test_least_squares_gives_a_constant_column_no_weight() -> None:
    generator = np.random.default_rng(5)
    X = generator.normal(size=(60, 3))
    X[:, 1] = 0.25
    y = 2 * X[:, 0] - X[:, 2] + 3
    coefficients, constant = fit_least_squares(X, y)
    np.testing.assert_allclose(coefficients, [2, 0, -1], atol=1e-12)
    assert constant == pytest.approx(3)


def test_a_stock_with_few_rows_has_no_ridge_of_its_own(tables: Tables) -> None:
    table = forecasts_of(tables, replace(FAST, min_stock_rows=10_000))
    assert "ridge_per_stock" not in set(table["model"])
    assert "ridge" in set(table["model"])


def test_a_rule_ranks_by_its_feature_alone(
    tables: Tables, forecasts: pd.DataFrame
) -> None:
    features = tables[0].set_index(["ticker", "session"])
    for model, (feature, sign) in RULES.items():
        own = forecasts[forecasts["model"] == model]
        key = pd.MultiIndex.from_frame(own[["ticker", "origin"]])
        value = sign * features.loc[key, feature].to_numpy()
        ratio = own["y_hat"].to_numpy()[value != 0] / value[value != 0]
        assert len(ratio) > 50
        np.testing.assert_allclose(ratio, ratio[0])
        assert ratio[0] > 0


@pytest.mark.parametrize("n_threads", [1, 2])
def test_the_number_of_threads_moves_no_bit(
    tables: Tables, forecasts: pd.DataFrame, n_threads: int
) -> None:
    with threadpool_limits(n_threads):
        again = forecasts_of(tables)
    pd.testing.assert_frame_equal(forecasts, again, check_exact=True)


def test_another_seed_moves_the_trees_and_nothing_else(
    tables: Tables, forecasts: pd.DataFrame
) -> None:
    other = forecasts_of(tables, seed=2)
    one, two = (
        {model: rows["y_hat"].to_numpy() for model, rows in table.groupby("model")}
        for table in (forecasts, other)
    )
    moved = {model for model in one if not np.array_equal(one[model], two[model])}
    assert moved == {"boosting"}


def test_another_future_moves_no_forecast_made_before_it(
    panel: pd.DataFrame, forecasts: pd.DataFrame
) -> None:
    sessions = pd.DatetimeIndex(panel["session"].unique())
    cut_at = sessions[sessions.year == 2021][60]
    other = odd_panel(N_SESSIONS, seed=9)
    spliced = pd.concat(
        [panel[panel["session"] <= cut_at], other[other["session"] > cut_at]]
    ).sort_values(["ticker", "session"], ignore_index=True)
    moved = forecasts_of((features_of(spliced), targets_of(spliced)))
    key = ["model", "ticker", "origin"]
    one, two = (
        t[t["origin"] <= cut_at].sort_values(key, ignore_index=True)
        for t in (forecasts, moved)
    )
    assert len(one) > 100
    pd.testing.assert_frame_equal(one, two, check_exact=True)
    for model in ("ridge", FOUR_SIGNALS):
        late = [
            t[(t["origin"] > cut_at) & (t["model"] == model)]["y_hat"].to_numpy()
            for t in (forecasts, moved)
        ]
        assert not np.array_equal(*late)


def test_nothing_to_train_on_is_an_error(tables: Tables) -> None:
    (first, _) = make_folds(2021, 1)
    with pytest.raises(DataError, match="4 sessions before 2020"):
        split_rows(*tables, first, purge=4)


def test_an_exchange_without_ticks_and_day_ranges_is_ranked_all_the_same(
    panel: pd.DataFrame,
) -> None:
    bare = panel.assign(low=np.nan, high=np.nan)
    none = replace(SMALL, ticks="none")
    features = build_features(bare, cross_section=none)
    assert features[["relative_tick", "range_width_1"]].isna().all(axis=None)
    labels = build_targets(bare, cross_section=none, delay=1, horizon=5)
    found = forecast_tabular(
        features, labels, FOLD, cross_section=none, tabular=FAST, seed=1
    )
    boosted = found.loc[found["model"] == "boosting", "y_hat"]
    assert boosted.notna().all() and np.ptp(boosted) > 0
