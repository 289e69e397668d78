"""Tell numbers that vary from numbers that differ by rounding only."""

import numpy as np
from numpy.typing import ArrayLike

CONSTANT = 1e-9
"""Largest relative spread that counts as rounding. A price has about 1e-5."""


def is_constant(values: ArrayLike, *, scale: float | None = None) -> bool:
    """Return whether values are equal but for rounding; without values they are.

    A ratio over the spread of such values, as a Sharpe ratio or an R², measures
    rounding alone and has no value.

    Parameters
    ----------
    values : array
        None missing.
    scale : float, optional
        Size of the numbers that the values were computed from, by default the largest
        absolute value. A difference of large numbers has the rounding of these.

    Examples
    --------
    >>> is_constant([0.01, 0.01 + 1e-16]), is_constant([0.01, 0.0101])
    (True, False)
    """
    numbers = np.asarray(values, float)
    if not numbers.size:
        return True
    size = float(np.abs(numbers).max()) if scale is None else scale
    return bool(np.ptp(numbers) <= CONSTANT * size)
