"""Alarms where no real price would be, and none on real ones."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from support.foreign_files import price_table
from support.places import REAL_FILES

from nse_lstm.data.panel import build_panel
from nse_lstm.data.price_import.plausibility import ALARM, REVIEW, find_doubts

N = 1000
Draw = Callable[[np.random.Generator], np.ndarray]


def rows_of(close, *, ticker="AAA", low=None, high=None) -> pd.DataFrame:
    n = len(close)
    return pd.DataFrame(
        {
            "ticker": ticker,
            "session": pd.bdate_range("2019-01-01", periods=n),
            "price": close,
            "low": np.nan if low is None else low,
            "high": np.nan if high is None else high,
            "volume": np.arange(n) % 7 + 100.0,
            "source_file": f"{ticker}.csv",
            "source_line": np.arange(2, n + 2),
        }
    )


def alarms(rows, *, limit=0.0, ticks="none", known=None):
    found = find_doubts(rows, limit=limit, ticks=ticks, known=known)
    return [doubt.detail for doubt in found if doubt.severity == ALARM]


def real_looking(generator: np.random.Generator) -> np.ndarray:
    seed = int(generator.integers(10**9))
    return price_table(N, seed=seed)["close"].to_numpy()


INVENTED: dict[str, Draw] = {
    "normal and independent": lambda g: np.round(
        50 * np.exp(np.cumsum(g.normal(0, 0.015, N))), 2
    ),
    "independent of the session before": lambda g: np.round(g.uniform(40, 60, N), 2),
    "one and the same move": lambda g: 50 + 0.05 * np.arange(N),
    "one and the same move ": lambda g: 50 * 1.001 ** np.arange(N),
}


@pytest.mark.parametrize("what", INVENTED)
def test_invented_prices_raise_an_alarm(what):
    found = [
        alarms(rows_of(INVENTED[what](np.random.default_rng(seed))))
        for seed in range(20)
    ]
    named = [any(what.strip() in text for text in texts) for texts in found]
    assert sum(named) >= 19


def test_prices_with_fat_tails_and_clusters_raise_none():
    for seed in range(20):
        close = real_looking(np.random.default_rng(seed))
        assert alarms(rows_of(close)) == []


def test_a_slipped_point_is_an_alarm_and_a_lasting_move_is_for_review():
    close = real_looking(np.random.default_rng(1))
    slipped = close.copy()
    slipped[500] *= 10
    (text,) = alarms(rows_of(slipped))
    assert "misprint" in text
    split = close.copy()
    split[500:] /= 4
    (doubt,) = find_doubts(rows_of(split), limit=0.0, ticks="none")
    assert doubt.severity == REVIEW
    assert (doubt.source_file, doubt.source_line) == ("AAA.csv", 502)


def test_the_limit_decides_what_is_for_review():
    close = np.round(real_looking(np.random.default_rng(2)), 2)
    close[500:] *= 1.3
    counts = {
        limit: sum(
            "in one session" in doubt.detail
            for doubt in find_doubts(rows_of(close), limit=limit, ticks="none")
        )
        for limit in (0.0, 0.095, 0.4)
    }
    assert counts[0.0] == 0 and counts[0.4] == 0 and counts[0.095] >= 1


def test_another_currency_is_seen_by_ticks_and_by_known_prices():
    close = np.round(real_looking(np.random.default_rng(3)) * 2 / 0.05) * 0.05 + 40
    close = np.round(close * 4) / 4  # the tick from 50 to 500 is 0.25
    assert alarms(rows_of(close), ticks="nse") == []
    abroad = rows_of(np.round(close / 1.291, 2))
    assert "multiple of the exchange's tick" in alarms(abroad, ticks="nse")[0]
    known = rows_of(close)
    assert alarms(rows_of(close), known=known) == []
    (text,) = alarms(abroad, known=known)
    assert "0.7746 times the known one" in text


def test_mixed_columns_and_twins_are_seen():
    close = real_looking(np.random.default_rng(4))
    (text,) = alarms(rows_of(close, low=close * 0.8, high=close * 0.9))
    assert "outside the day's low and high" in text
    both = pd.concat([rows_of(close), rows_of(close, ticker="BBB")])
    (text,) = alarms(both)
    assert "the prices of AAA on 100%" in text


@pytest.mark.skipif(not REAL_FILES.is_dir(), reason="the exchange's files are absent")
def test_the_exchanges_own_prices_raise_no_alarm():
    panel = build_panel(REAL_FILES).panel
    rows = panel[panel["price"].notna() & ~panel["stale"]]
    assert alarms(rows, limit=0.095, ticks="nse") == []
    assert alarms(rows) == []
