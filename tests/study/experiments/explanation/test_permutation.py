"""Shuffling hurts a forecast that rests on a feature, and no other."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from support.odd_panel import SMALL, odd_panel

from nse_lstm.config import Market, Study
from nse_lstm.errors import ConfigurationError
from nse_lstm.features.folds import Fold, make_folds
from nse_lstm.features.indicators import build_features
from nse_lstm.features.targets import build_targets
from nse_lstm.study.experiments.explanation.permutation import (
    error_by_month,
    permutation_importance,
    shuffle_feature,
)
from nse_lstm.study.experiments.search_spaces import Forecaster, RankingTask
from nse_lstm.tables import FORECASTS

USED, UNUSED = "reversal_5", "volatility_20"
START = pd.Timestamp(2021, 1, 1)
ALL = replace(SMALL, size=3)


@pytest.fixture(scope="module")
def task() -> RankingTask:
    panel = odd_panel(420)
    targets = build_targets(panel, cross_section=ALL, delay=1, horizon=5)
    features = build_features(panel, cross_section=ALL)
    # A feature that knows the answer, so that what it is worth is known too.
    answer = targets.set_index(["ticker", "origin"])["y_rank"]
    key = pd.MultiIndex.from_frame(features[["ticker", "session"]])
    features[USED] = answer.reindex(key).to_numpy()
    return RankingTask(
        study=Study(market=Market(name="simulated", label="a test")),
        panel=panel,
        features=features,
        targets=(targets,),
        folds=make_folds(2022, 1)[:-1],
    )


def forecast_feature(task: RankingTask, study: Study, fold: Fold) -> pd.DataFrame:
    """Forecast the feature itself; nothing is fitted."""
    rows = task.targets[0].merge(
        task.features[task.features["usable"]],
        left_on=["ticker", "origin"],
        right_on=["ticker", "session"],
    )
    rows = rows[rows["origin"].dt.year == fold.year].dropna(subset=USED)
    table = rows.assign(
        **{"model": "toy", "seed": 0, "fold": fold.year, "y_hat": rows[USED]},
        **dict.fromkeys(("price_hat", "lower", "upper"), np.nan),
    )
    types = {name: str(column.dtype) for name, column in FORECASTS.columns.items()}
    return table[list(types)].astype(types)


TOY = Forecaster("toy", "tabular", {}, forecast_feature)


def test_a_session_keeps_its_values_and_earlier_ones_their_places(
    task: RankingTask,
) -> None:
    before = task.features
    after = shuffle_feature(before, USED, since=START, seed=[1])
    early = before["session"] < START
    pd.testing.assert_frame_equal(after[early], before[early])
    pd.testing.assert_frame_equal(after.drop(columns=USED), before.drop(columns=USED))
    late = before["usable"] & ~early

    def values(table: pd.DataFrame) -> list[list[float]]:
        rows = table[late].fillna({USED: 9.0})
        return [sorted(v) for _, v in rows.groupby("session")[USED]]

    assert values(after) == values(before)
    assert not after.loc[late, USED].equals(before.loc[late, USED])


def test_only_the_feature_that_is_used_costs_anything(task: RankingTask) -> None:
    table = permutation_importance(task, TOY, (UNUSED, USED))
    assert table["feature"].tolist() == [USED, UNUSED]
    used, unused = table.iloc[0], table.iloc[1]
    # It ranks perfectly until it is shuffled, and about 0 after.
    assert used["loss"] == pytest.approx(1, abs=4 * used["error"] + 0.1)
    assert abs(used["control"]) < 0.3
    assert (unused["loss"], unused["error"], unused["control"]) == (0, 0, 0)


def test_one_fit_a_year_forecasts_every_shuffle(task: RankingTask) -> None:
    trained_on: list[pd.DataFrame] = []

    def watch(task: RankingTask, study: Study, fold: Fold) -> pd.DataFrame:
        early = task.features["session"] < fold.start
        trained_on.append(task.features[early])
        return forecast_feature(task, study, fold)

    permutation_importance(
        task, replace(TOY, forecast=watch), (USED, UNUSED), n_controls=1
    )
    before = task.features[task.features["session"] < START]
    # The fit that counts sees what it would see without any shuffle.
    assert len(trained_on) == 2
    pd.testing.assert_frame_equal(trained_on[0], before)
    assert not trained_on[1][USED].equals(before[USED])


def test_controls_are_for_what_loses_most(task: RankingTask) -> None:
    table = permutation_importance(task, TOY, (UNUSED, USED), n_draws=3, n_controls=1)
    for column in ("control", "control_error"):
        assert table[column].isna().tolist() == [False, True]


def test_the_error_takes_a_month_for_one_observation() -> None:
    days = pd.to_datetime(["2021-01-04", "2021-01-05", "2021-02-01", "2021-03-01"])
    values = pd.Series([0.0, 2.0, 4.0, 7.0], pd.Index(days, name="origin"))
    # Months of 1, 4 and 7: deviation 3, over the root of 3.
    assert error_by_month(values) == pytest.approx(3 / 3**0.5)


def test_the_same_seed_gives_the_same_table(task: RankingTask) -> None:
    one, two = (permutation_importance(task, TOY, (USED,), seed=3) for _ in range(2))
    pd.testing.assert_frame_equal(one, two, check_exact=True)


def test_a_feature_nobody_ranks_by_is_refused(task: RankingTask) -> None:
    with pytest.raises(ConfigurationError, match=r"RANKED_FEATURES.*'magic'"):
        permutation_importance(task, TOY, ("magic",))
