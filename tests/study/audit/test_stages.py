"""One bit of one window changes its digest, one of a quantile is a line."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from support.plain_windows import make_history

from nse_lstm.features.folds import make_folds
from nse_lstm.models.stock_distribution import quantile_rows
from nse_lstm.study.audit.stages import STAGES, RunPair, windows_digest
from nse_lstm.tables import QUANTILE_LEVELS

DAYS = pd.bdate_range("2022-12-01", "2023-03-31").as_unit("us")
ORIGIN = pd.Timestamp("2023-02-15")


def test_one_bit_of_one_window_is_another_digest() -> None:
    windows = make_history(1)
    prices = windows.prices.copy()
    prices[windows.last[-1]] = np.nextafter(prices[windows.last[-1]], np.inf)
    assert windows_digest(windows) == windows_digest(make_history(1))
    assert windows_digest(replace(windows, prices=prices)) != windows_digest(windows)


def run(quantiles: pd.DataFrame) -> Any:
    """Stand in for a run of one fold: the stage reads no more of it."""
    prices = pd.DataFrame({"session": DAYS})
    return SimpleNamespace(
        prices=prices, folds=make_folds(2023, 0), quantiles=quantiles
    )


def quantiles_of_2023(horizon: int) -> pd.DataFrame:
    places = np.arange(21, len(DAYS) - horizon)
    spread = 0.01 * np.linspace(-1, 1, len(QUANTILE_LEVELS))
    return quantile_rows(
        np.tile(spread, (len(places), 1)),
        ticker="AAA",
        model="stock_lstm",
        year=2023,
        origins=DAYS[places].to_numpy(),
        targets=DAYS[places + horizon].to_numpy(),
        horizon=horizon,
    )


def lines(other: pd.DataFrame, horizon: int) -> list[str]:
    pair = RunPair(run(quantiles_of_2023(horizon)), run(other), ORIGIN)
    stage = next(stage for stage in STAGES if stage.name == "quantiles")
    return list(stage.compare(pair))


def test_a_quantile_that_another_future_moves_is_a_line() -> None:
    for horizon in (1, 10):
        table = quantiles_of_2023(horizon)
        assert lines(table, horizon) == []
        after = table.assign(q500=table["q500"].where(table["origin"] <= ORIGIN, 9.0))
        assert lines(after, horizon) == []
        for place in (0, np.flatnonzero(table["origin"] == ORIGIN)[0]):
            moved = table.copy()
            moved.loc[place, "q005"] = np.nextafter(moved.loc[place, "q005"], -1)
            assert len(lines(moved, horizon)) == 1
        # The last origin's target may be another day in another future.
        last = table["origin"] == ORIGIN
        later = table["target_date"] + pd.Timedelta(days=1)
        shifted = table.assign(target_date=table["target_date"].mask(last, later))
        assert lines(shifted, horizon) == []
