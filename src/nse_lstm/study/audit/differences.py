"""How two figures are said to be the same, and in what words they differ."""

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
"""Where, and what differs there."""


def apart(
    theirs: pd.Series,
    mine: NDArray[np.float64],
    *,
    where: str,
    tolerance: float = NEAR,
    least: float = 1e-12,
) -> Differences:
    """Say where a column differs from the same figures by hand, missing being equal."""
    values = theirs.to_numpy(float)
    same = np.isclose(values, mine, rtol=tolerance, atol=least, equal_nan=True)
    if not same.all():
        at = int(np.argmax(~same))
        yield (
            where,
            f"{theirs.name} differs in {int((~same).sum())} of {len(mine)} rows: "
            f"{values[at]:.6g}, by hand {mine[at]:.6g}",
        )


def is_near(one: float, two: float, *, tolerance: float = NEAR) -> bool:
    """Say whether two figures are the same; missing is the same as missing."""
    if math.isnan(one) or math.isnan(two):
        return math.isnan(one) and math.isnan(two)
    return math.isclose(one, two, rel_tol=tolerance, abs_tol=1e-12)


def array_of(values: Sequence[Any]) -> NDArray[np.float64]:
    """Return plain figures as an array, None being missing."""
    return np.array([np.nan if v is None else v for v in values], float)
