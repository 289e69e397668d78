"""Features and labels of a panel that ends early, against those of the whole panel.

What is known at a session cannot depend on rows after it, at any session. Another
future begins in a scored year, where a stock has a long history. A value that is filled
back to a stock's first sessions, or to a month without a universe, shows only where the
panel ends there. So this cuts the panel early in the life of the market and of its
youngest stocks.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from nse_lstm.config import Study
from nse_lstm.features.indicators import build_features
from nse_lstm.features.returns import market_sessions, with_returns
from nse_lstm.features.risk_features import build_risk_features
from nse_lstm.features.stock_channels import build_stock_channels
from nse_lstm.features.targets import build_targets
from nse_lstm.study.audit.alarms import AuditAlarm
from nse_lstm.study.audit.pipeline_run import PipelineRun
from nse_lstm.study.audit.stages import compare_tables
from nse_lstm.tables import PANEL

AGES = (2, 15, 45, 90, 270)
"""Sessions since the market's first, or since a stock's, on which a panel ends."""
N_YOUNGEST = 2
LONGEST = 0.5
"""Share of the market's sessions within which a cut is early."""

Tables = Mapping[str, pd.DataFrame]


def compare_prefixes(run: PipelineRun) -> list[AuditAlarm]:
    """Compare every table of features and labels with that of a panel cut early.

    Parameters
    ----------
    run : PipelineRun

    Returns
    -------
    list of AuditAlarm
        "early sessions", the table and the session: the first value that rows after
        it change.
    """
    panel, study = run.prices[list(PANEL.columns)], run.workspace.study
    whole = _tables(panel, study)
    return [
        AuditAlarm("early sessions", f"{name} at {end:%Y-%m-%d}", line)
        for end in early_sessions(panel)
        for name, line in _moved(whole, _cut(panel, study, end), end)
    ]


def early_sessions(panel: pd.DataFrame) -> list[pd.Timestamp]:
    """Return sessions early in the life of the market and of its youngest stocks.

    Parameters
    ----------
    panel : DataFrame
        ``PANEL``. A stale session, and one before it, is no end: its true price is
        printed one session later.
    """
    sessions = market_sessions(panel)
    shares = panel[panel["kind"] == "ordinary"]
    is_stale = sessions.isin(shares.loc[shares["stale"], "session"])
    plain = ~is_stale & ~np.append(is_stale[1:], True)
    first = shares.groupby("ticker", observed=True)["session"].min()
    starts = [sessions[0], *sorted(first.unique())[-N_YOUNGEST:]]
    found = set[pd.Timestamp]()
    for start in starts:
        place = int(sessions.get_indexer(pd.DatetimeIndex([start]))[0])
        for age in AGES:
            later = np.flatnonzero(plain[place + age :])
            if len(later) and place + age + later[0] < LONGEST * len(sessions):
                found.add(sessions[place + age + int(later[0])])
    return sorted(found)


def _cut(panel: pd.DataFrame, study: Study, end: pd.Timestamp) -> Tables:
    return _tables(panel[panel["session"] <= end], study)


def _tables(panel: pd.DataFrame, study: Study) -> Tables:
    rule, delay = study.cross_section, study.backtest.delay
    channels = build_stock_channels(panel, cross_section=rule, lookback=1)
    risk = build_risk_features(panel, cross_section=rule)
    laid = channels.sequences
    rows = pd.MultiIndex.from_product(
        [laid.tickers, laid.sessions], names=["ticker", "session"]
    )
    inputs = pd.DataFrame(laid.table, index=rows).add_prefix("channel_")
    frames = {"sigma": channels.sigma, **risk.frames}
    stacked = {name: _stacked(frame) for name, frame in frames.items()}
    prices = with_returns(panel)
    columns = ["ticker", "session", "adjusted", "settling", "log_return"]
    tables = {
        "returns": prices.loc[prices["kind"] == "ordinary", columns],
        "features": build_features(panel, cross_section=rule),
        "stock channels": inputs.reset_index(),
        "risk features": pd.DataFrame(stacked).reset_index(),
    }
    for horizon in rule.horizons:
        labels = build_targets(
            panel, cross_section=rule, delay=delay, horizon=horizon
        ).rename(columns={"origin": "session"})
        tables[f"targets of {horizon}"] = labels
    return tables


def _stacked(frame: pd.DataFrame) -> pd.Series:
    named = frame.rename_axis(index="session", columns="ticker")
    return pd.Series(named.unstack())


def _moved(whole: Tables, cut: Tables, end: pd.Timestamp) -> Iterator[tuple[str, str]]:
    """Give each table whose rows up to a session differ, and how."""
    for name, table in cut.items():
        time = "target_date" if "target_date" in table else "session"
        known = whole[name]
        known = known[known[time] <= end]
        # A stock that comes later has rows in the whole panel's frames alone.
        known = known[known["ticker"].isin(table["ticker"])]
        for line in compare_tables(known, table, key=["ticker", "session"]):
            yield name, line
