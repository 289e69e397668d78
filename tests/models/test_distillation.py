"""A teacher that never saw the time it speaks of."""

import numpy as np
import pandas as pd
import pytest

from nse_lstm.config import RankLstm, Tabular
from nse_lstm.models.distillation import distil
from nse_lstm.models.tabular_models import boosted_ranks
from nse_lstm.tables import MARKET_FEATURES, RANKED_FEATURES

N_SESSIONS, N_SHARES, N_PARTS = 60, 8, 3
TREES = Tabular(boosting_rounds=4, min_leaf_rows=10, feature_share=1.0)
HALF = RankLstm(distilled_share=0.5, distillation_folds=N_PARTS)


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """Shares whose place follows a feature, and luck; entered a session later."""
    rng = np.random.default_rng(3)
    days = pd.date_range("2020-01-01", periods=N_SESSIONS + 3).as_unit("us")
    origin = np.tile(np.arange(N_SESSIONS), N_SHARES)
    n = len(origin)
    features = {
        name: rng.uniform(-0.5, 0.5, n) for name in (*RANKED_FEATURES, *MARKET_FEATURES)
    }
    place = 0.5 * features["reversal_5"] + rng.uniform(-0.25, 0.25, n)
    return pd.DataFrame(
        {
            "ticker": np.repeat([f"S{k}" for k in range(N_SHARES)], N_SESSIONS),
            "origin": days[origin],
            "entry_date": days[origin + 1],
            "target_date": days[origin + 3],
            **features,
            "y_rank": place,
        }
    )


def plain_teacher(rows: pd.DataFrame) -> np.ndarray:
    """Each part's rows by trees of those with no session in common with its labels."""
    days = sorted({*rows["origin"], *rows["entry_date"], *rows["target_date"]})
    said = rows["y_rank"].to_numpy().copy()
    for part in np.array_split(np.array(days), N_PARTS):
        own = [target in set(part) for target in rows["target_date"]]
        labels = rows[own]
        taken = {
            day
            for start, end in zip(
                labels["entry_date"], labels["target_date"], strict=True
            )
            for day in days
            if start <= day <= end
        }
        apart = [
            not any(day in taken for day in days if start <= day <= end)
            for start, end in zip(rows["origin"], rows["target_date"], strict=True)
        ]
        said[own] = boosted_ranks(rows[apart], rows[own], tabular=TREES, seed=7)
    return said


def test_half_is_what_trees_of_other_times_forecast(rows: pd.DataFrame) -> None:
    aim = distil(rows, rank_lstm=HALF, tabular=TREES, seed=7)
    expected = (rows["y_rank"].to_numpy() + plain_teacher(rows)) / 2
    np.testing.assert_allclose(aim, expected, rtol=1e-12)


def test_luck_of_a_time_does_not_reach_its_own_teacher(rows: pd.DataFrame) -> None:
    # The last part's labels lie after these origins.
    late = (rows["origin"] >= rows["origin"].unique()[45]).to_numpy()
    other = rows.copy()
    noise = np.random.default_rng(5).uniform(-0.2, 0.2, int(late.sum()))
    other.loc[late, "y_rank"] += noise
    one, two = (
        2 * distil(table, rank_lstm=HALF, tabular=TREES, seed=7)
        - table["y_rank"].to_numpy()
        for table in (rows, other)
    )
    np.testing.assert_allclose(one[late], two[late], rtol=0, atol=1e-12)
    assert not np.allclose(one[~late], two[~late])


def test_untaught_it_aims_at_what_came(rows: pd.DataFrame) -> None:
    aim = distil(rows, rank_lstm=RankLstm(distilled_share=0.0), tabular=TREES, seed=7)
    np.testing.assert_array_equal(aim, rows["y_rank"].to_numpy())


def test_the_teacher_s_aim_holds_more_of_what_can_be_known(rows: pd.DataFrame) -> None:
    known = 0.5 * rows["reversal_5"].to_numpy()
    trees = Tabular(
        boosting_rounds=100, learning_rate=0.1, min_leaf_rows=10, feature_share=1.0
    )
    aim = distil(rows, rank_lstm=HALF, tabular=trees, seed=7)
    came = rows["y_rank"].to_numpy()
    assert np.corrcoef(aim, known)[0, 1] > np.corrcoef(came, known)[0, 1] + 0.02
