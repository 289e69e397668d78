"""Equality of two figures within a tolerance, and the words for a difference."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

NEAR = 1e-9
"""Relative: the same sum in another order."""
FACTOR_NEAR = 1e-6
"""Of adjusted prices: a factor is a ratio of small numbers, found twice."""

Differences = Iterator[tuple[str, str]]
"""Place and difference."""


def column_differences(
    column: pd.Series,
    expected: NDArray[np.float64],
    *,
    where: str,
    tolerance: float = NEAR,
    least: float = 1e-12,
) -> Differences:
    """Compare a column with the reference; two missing values are equal.

    Parameters
    ----------
    column : Series of shape (n,)
        Of the study's table.
    expected : array of shape (n,)
        Of the reference; NaN is missing.
    where : str
        Place for the alarm.
    tolerance, least : float
        Relative and absolute tolerance.
    """
    values = column.to_numpy(float)
    same = np.isclose(values, expected, rtol=tolerance, atol=least, equal_nan=True)
    if not same.all():
        at = int(np.argmax(~same))
        yield (
            where,
            f"{column.name} differs in {int((~same).sum())} of {len(expected)} rows: "
            f"{values[at]:.6g}, reference {expected[at]:.6g}",
        )


def is_close(one: float, two: float, *, tolerance: float = NEAR) -> bool:
    """Say whether two figures agree to a relative tolerance; NaN equals NaN.

    Parameters
    ----------
    one, two : float
    tolerance : float
        Relative, as a fraction.
    """
    if math.isnan(one) or math.isnan(two):
        return math.isnan(one) and math.isnan(two)
    return math.isclose(one, two, rel_tol=tolerance, abs_tol=1e-12)


def to_array(values: Sequence[Any]) -> NDArray[np.float64]:
    """Return plain values as an array, None as NaN."""
    return np.array([np.nan if v is None else v for v in values], float)
