"""One bit of one window changes its digest."""

from dataclasses import replace

import numpy as np
from support.plain_windows import make_history

from nse_lstm.study.audit.stages import windows_digest


def test_one_bit_of_one_window_is_another_digest() -> None:
    windows = make_history(1)
    prices = windows.prices.copy()
    prices[windows.last[-1]] = np.nextafter(prices[windows.last[-1]], np.inf)
    assert windows_digest(windows) == windows_digest(make_history(1))
    assert windows_digest(replace(windows, prices=prices)) != windows_digest(windows)
