"""Min-max scaling: one scaler a model, fitted on its training windows only."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nse_lstm.errors import ArtefactError, DataError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class MinMaxScaler:
    """The range that is mapped to [0, 1], in the unit of what is scaled."""

    minimum: float
    maximum: float


def fit_min_max(values: Array) -> MinMaxScaler:
    """Take the range of all values, of whatever shape.

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
    """Map the scaler's range to [0, 1]; values outside it fall outside, missing stays.

    Examples
    --------
    >>> scale(MinMaxScaler(2.0, 6.0), np.array([2.0, 5.0, 7.0])).tolist()
    [0.0, 0.75, 1.25]
    """
    return (values - scaler.minimum) / (scaler.maximum - scaler.minimum)


def unscale(scaler: MinMaxScaler, values: Array) -> Array:
    """Undo ``scale``.

    Examples
    --------
    >>> unscale(MinMaxScaler(2.0, 6.0), np.array([0.0, 0.75, 1.25])).tolist()
    [2.0, 5.0, 7.0]
    """
    return values * (scaler.maximum - scaler.minimum) + scaler.minimum


def scaler_document(scaler: MinMaxScaler) -> dict[str, float]:
    """Return the scaler as plain values; JSON keeps every bit of them."""
    return {"minimum": scaler.minimum, "maximum": scaler.maximum}


def scaler_from_document(document: Mapping[str, float]) -> MinMaxScaler:
    """Undo ``scaler_document``.

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
