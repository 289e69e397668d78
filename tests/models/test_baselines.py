import numpy as np
import pandas as pd
import pytest

from nse_lstm.errors import DataError
from nse_lstm.features.windows import Windows
from nse_lstm.models.baselines import forecast_rows, persistence, repeat_sign
from nse_lstm.tables import FORECASTS, check

IDENTITY = {"ticker": "AAA", "year": 2020, "horizon": 1}


def make_windows(inputs: list[list[float]], targets: list[float], shares: float = 1.0):
    n = len(inputs)
    dates = pd.bdate_range("2020-01-06", periods=n + 1).as_unit("us").to_numpy()
    X = np.array(inputs, float) if n else np.empty((0, 2))
    return Windows(
        X=X,
        y=np.array(targets, float),
        last_price=X[:, -1],
        shares=np.full(n, shares),
        origin=dates[:-1],
        entry_date=dates[:-1],
        target_date=dates[1:],
        dropped_target=dates[:0],
        dropped_reason=np.array([], str),
    )


UP_DOWN_FLAT = make_windows([[10, 11], [11, 10], [10, 10]], [10, 10, 12], shares=2.0)


def test_persistence_forecasts_the_printed_price_of_the_origin():
    rows = persistence(UP_DOWN_FLAT, **IDENTITY)
    # Two shares now for one at the start: the printed price is half the adjusted one.
    assert rows["price_hat"].tolist() == [5.5, 5.0, 5.0]
    assert rows["y_hat"].tolist() == [0.0, 0.0, 0.0]
    assert set(rows["model"]) == {"persistence"}


def test_the_repeated_sign_has_the_mean_size_of_training_moves():
    train = make_windows([[1, 10], [1, 10]], [11, 10])
    rows = repeat_sign(UP_DOWN_FLAT, train, **IDENTITY)
    # Mean of |log(11/10)| and |log(10/10)|; up, down and unchanged sessions.
    size = np.log(1.1) / 2
    assert np.allclose(rows["y_hat"], [size, -size, 0.0], rtol=1e-12, atol=1e-15)
    # In shares of the origin, two for one: half of the adjusted forecasts.
    half = np.array([11, 10, 10]) / 2 * np.exp([size, -size, 0.0])
    assert np.allclose(rows["price_hat"], half, rtol=1e-12)


def test_every_model_is_scored_on_the_windows_own_origins():
    for rows in (
        persistence(UP_DOWN_FLAT, **IDENTITY),
        repeat_sign(UP_DOWN_FLAT, UP_DOWN_FLAT, **IDENTITY),
    ):
        assert (rows["origin"].to_numpy() == UP_DOWN_FLAT.origin).all()
        assert (rows["target_date"].to_numpy() == UP_DOWN_FLAT.target_date).all()
        assert (rows["entry_date"] == rows["origin"]).all()
        assert (rows["seed"] == 0).all() and (rows["delay"] == 0).all()
        check(rows, FORECASTS)


def test_a_forecast_that_is_not_positive_has_no_return():
    rows = forecast_rows(
        UP_DOWN_FLAT, np.array([-1.0, 0.0, 10.0]), model="v2", seed=1, **IDENTITY
    )
    assert rows["price_hat"].tolist() == [-0.5, 0.0, 5.0]
    assert rows["y_hat"].isna().tolist() == [True, True, False]


def test_no_windows_give_an_empty_table_of_the_right_types():
    none = make_windows([], [])
    rows = persistence(none, **IDENTITY)
    assert len(rows) == 0
    check(rows, FORECASTS)


@pytest.mark.parametrize(
    ("windows", "train"),
    [
        (UP_DOWN_FLAT, make_windows([], [])),
        (make_windows([[10]], [10]), UP_DOWN_FLAT),
    ],
)
def test_a_sign_without_a_move_or_a_size_is_refused(windows, train):
    with pytest.raises(DataError, match="AAA 2020"):
        repeat_sign(windows, train, **IDENTITY)
