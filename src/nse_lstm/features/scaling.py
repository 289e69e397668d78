"""Min-max scaling: one scaler per model, fitted on its training windows only."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nse_lstm.errors import ArtefactError, DataError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class MinMaxScaler:
    """Range that is mapped to [0, 1], in the unit of the scaled values."""

    minimum: float
    maximum: float


def fit_min_max(values: Array) -> MinMaxScaler:
    """Fit a min-max scaler to the range of all values, of any shape.

    Raises
    ------
    DataError
        If there are no values, one is missing or infinite, or all are equal.

    Examples
    --------
    >>> fit_min_max(np.array([[2.0, 4.0], [3.0, 6.0]]))
    MinMaxScaler(minimum=2.0, maximum=6.0)
    """
    if values.size == 0 or not np.isfinite(values).all():
        raise DataError(
            "A scaler needs finite values. Received: "
            f"{values.size} values, {int((~np.isfinite(values)).sum())} not finite"
        )
    scaler = MinMaxScaler(float(values.min()), float(values.max()))
    if scaler.minimum == scaler.maximum:
        raise DataError(
            "A scaler needs values that differ. Received: "
            f"{values.size} values, all {scaler.minimum}"
        )
    return scaler


def scale(scaler: MinMaxScaler, values: Array) -> Array:
    """Scale values so that the scaler's range maps to [0, 1]; missing stays missing.

    Values outside the range map outside [0, 1].

    Parameters
    ----------
    scaler : MinMaxScaler
    values : array of any shape

    Examples
    --------
    >>> scale(MinMaxScaler(2.0, 6.0), np.array([2.0, 5.0, 7.0])).tolist()
    [0.0, 0.75, 1.25]
    """
    return (values - scaler.minimum) / (scaler.maximum - scaler.minimum)


def unscale(scaler: MinMaxScaler, values: Array) -> Array:
    """Map scaled values back to their unit, the inverse of ``scale``.

    Parameters
    ----------
    scaler : MinMaxScaler
    values : array of any shape

    Examples
    --------
    >>> unscale(MinMaxScaler(2.0, 6.0), np.array([0.0, 0.75, 1.25])).tolist()
    [2.0, 5.0, 7.0]
    """
    return values * (scaler.maximum - scaler.minimum) + scaler.minimum


def scaler_document(scaler: MinMaxScaler) -> dict[str, float]:
    """Return the scaler as plain values, which JSON keeps to the last bit."""
    return {"minimum": scaler.minimum, "maximum": scaler.maximum}


def scaler_from_document(document: Mapping[str, float]) -> MinMaxScaler:
    """Read a scaler back from ``scaler_document``.

    Raises
    ------
    ArtefactError
        If it does not hold exactly a minimum below a maximum.
    """
    try:
        scaler = MinMaxScaler(**{key: float(value) for key, value in document.items()})
    except (TypeError, ValueError, AttributeError):
        scaler = MinMaxScaler(np.nan, np.nan)
    if not scaler.minimum < scaler.maximum:
        raise ArtefactError(
            f"A scaler must hold a minimum below a maximum. Received: {document}"
        )
    return scaler
