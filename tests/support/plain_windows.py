"""Windows written down by hand, for the tests of what forecasts from them."""

import numpy as np
import pandas as pd

from nse_lstm.features.windows import Windows


def make_windows(inputs, targets, shares: float = 1.0) -> Windows:
    """One window a row of ``inputs``, on consecutive business days."""
    n = len(inputs)
    dates = pd.bdate_range("2020-01-06", periods=n + 1).as_unit("us").to_numpy()
    X = np.array(inputs, float) if n else np.empty((0, 2))
    return Windows(
        **by_reference(X),
        y=np.array(targets, float),
        last_price=X[:, -1],
        shares=np.full(n, shares),
        origin=dates[:-1],
        entry_date=dates[:-1],
        target_date=dates[1:],
        dropped_target=dates[:0],
        dropped_reason=np.array([], str),
    )


def by_reference(X) -> dict:
    """The fields that hold windows which have no session in common."""
    lookback = X.shape[1]
    last = lookback * np.arange(1, len(X) + 1) - 1
    return {"prices": X.ravel(), "last": last, "lookback": lookback}


def windows_of(log_return, lookback: int) -> Windows:
    """One window a session over the prices that these returns make of 100."""
    price = 100 * np.exp(np.concatenate([[0.0], np.cumsum(log_return)]))
    inputs = np.lib.stride_tricks.sliding_window_view(price[:-1], lookback)
    return make_windows(inputs, price[lookback:])


def make_history(seed: int, n: int = 60, lookback: int = 8) -> Windows:
    """A stock's windows over a random walk."""
    return windows_of(np.random.default_rng(seed).normal(0, 0.02, n), lookback)
