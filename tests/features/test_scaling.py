import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nse_lstm.errors import ArtefactError, DataError
from nse_lstm.features.scaling import (
    MinMaxScaler,
    fit_min_max,
    scale,
    scaler_document,
    scaler_from_document,
    unscale,
)

prices = arrays(np.float64, st.integers(2, 30), elements=st.floats(0.01, 1e5)).filter(
    lambda values: np.ptp(values) > 1e-3
)


@given(prices)
def test_the_fitted_range_becomes_zero_to_one(values):
    scaled = scale(fit_min_max(values), values)
    assert (scaled.min(), scaled.max()) == (0.0, 1.0)


@given(prices)
def test_unscaling_undoes_scaling(values):
    scaler = fit_min_max(values)
    # Relative to the range's upper end: a small price in a wide range loses digits.
    error = np.abs(unscale(scaler, scale(scaler, values)) - values)
    assert (error <= 1e-14 * scaler.maximum).all()


@given(prices)
def test_a_scaler_survives_json_to_the_bit(values):
    scaler = fit_min_max(values)
    assert (
        scaler_from_document(json.loads(json.dumps(scaler_document(scaler)))) == scaler
    )


def test_values_outside_the_training_range_are_not_clipped():
    # Range 10 to 20: 25 lies half a range above, 5 half a range below.
    scaled = scale(MinMaxScaler(10.0, 20.0), np.array([25.0, 5.0]))
    assert scaled.tolist() == [1.5, -0.5]


@pytest.mark.parametrize("values", [[], [1.0, np.nan], [1.0, np.inf], [2.0, 2.0]])
def test_values_without_a_range_are_refused(values):
    with pytest.raises(DataError, match="Received: "):
        fit_min_max(np.array(values))


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"minimum": 1.0},
        {"minimum": 2.0, "maximum": 1.0},
        {"minimum": 1.0, "maximum": 2.0, "other": 3.0},
        {"minimum": "a", "maximum": 2.0},
        {"minimum": 1.0, "maximum": float("nan")},
    ],
)
def test_a_document_that_is_no_scaler_is_refused(document):
    with pytest.raises(ArtefactError, match="minimum below a maximum"):
        scaler_from_document(document)
