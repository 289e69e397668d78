"""One public, seeded generator shared by all tests. No network, no real data."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings
from support.finished_study import finished_study

from nse_lstm.study.core.workspace import Workspace
from nse_lstm.tables import PANEL, check

# Seconds say nothing of a result, and a loaded machine takes as many as it takes.
settings.register_profile("no_deadline", deadline=None)
settings.load_profile("no_deadline")

TICKERS = ("AAA", "BBB", "CCC")


def make_tiny_panel(
    n_sessions: int = 60, *, seed: int = 0, start: str = "2020-01-06"
) -> pd.DataFrame:
    """Make three liquid tickers with one suspension (CCC) and one 2-for-1 split (BBB).

    CCC stops trading for 14 sessions from session 30 on, BBB splits at session 40.
    """
    generator = np.random.default_rng(seed)
    sessions = pd.bdate_range(start, periods=n_sessions).as_unit("us")
    blocks = []
    for number, ticker in enumerate(TICKERS):
        log_return = generator.normal(0, 0.015, n_sessions)
        price = 20.0 * (number + 1) * np.exp(np.cumsum(log_return))
        factor = np.ones(n_sessions)
        volume = 100.0 * generator.integers(10, 1000, n_sessions)
        suspended = np.zeros(n_sessions, bool)
        if ticker == "BBB" and n_sessions > 40:
            factor[40] = 2.0
            price[40:] /= 2
        if ticker == "CCC" and n_sessions > 44:
            price[30:44] = price[29]
            volume[30:44] = np.nan
            suspended[41:44] = True
        price = np.round(price, 2)
        blocks.append(
            pd.DataFrame(
                {
                    "ticker": ticker,
                    "session": sessions,
                    "price": price,
                    "low": np.round(price * 0.99, 2),
                    "high": np.round(price * 1.01, 2),
                    "volume": volume,
                    "previous": np.concatenate([[np.nan], price[:-1]]),
                    "factor": factor,
                    "dividend": 0.0,
                    "dividends_known": False,
                    "kind": "ordinary",
                    "sector": "Banking",
                    "stale": False,
                    "mended": False,
                    "limit": False,
                    "suspended": suspended,
                    "gap": False,
                    "source_file": "tiny.csv",
                    "source_line": 2 + number + 3 * np.arange(n_sessions),
                }
            )
        )
    panel = pd.concat(blocks, ignore_index=True)
    return check(panel, PANEL)


@pytest.fixture
def tiny_panel() -> pd.DataFrame:
    return make_tiny_panel()


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A finished study that tests may read and must not change."""
    return finished_study(tmp_path_factory.mktemp("finished"))


@pytest.fixture
def own_study(finished: Workspace, tmp_path: Path) -> Workspace:
    """A copy of the finished study that a test may change."""
    root = tmp_path / "study"
    shutil.copytree(finished.paths.root, root)
    return replace(finished, paths=replace(finished.paths, root=root))
