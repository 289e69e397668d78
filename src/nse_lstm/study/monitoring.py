"""The evening's watch over the forecast store: what rings, on what, since when."""

from dataclasses import dataclass, replace

import pandas as pd

from nse_lstm.deployment.monitoring import (
    DATA,
    age_alerts,
    data_signals,
    learn_watch,
    model_signals,
    ring,
)
from nse_lstm.deployment.registry import read_registry
from nse_lstm.deployment.store import open_store, read_forecasts, store_url
from nse_lstm.errors import ConfigurationError
from nse_lstm.evaluation.conformal import conformal_intervals
from nse_lstm.evaluation.scoring import realised
from nse_lstm.features.returns import market_sessions
from nse_lstm.models.bundles import read_metadata
from nse_lstm.study.evidence import ERRORS, MISSES, RATE
from nse_lstm.study.seal import open_test_year
from nse_lstm.study.workspace import Workspace
from nse_lstm.tables import ALERTS, FORECASTS, check, read_table, write_table

__all__ = ["Monitored", "as_forecasts", "monitor", "parse_day"]

HISTORY_YEARS = 3
"""Of the data's signals before the store's first forecast."""


@dataclass(frozen=True)
class Monitored:
    """What an evening's watch found."""

    alerts: pd.DataFrame
    """ALERTS since the store's first forecast."""
    now: pd.DataFrame
    """Those of the last session, and of age: these want something done."""
    n_realised: int
    """Stored forecasts whose targets have come."""


def monitor(workspace: Workspace, *, today: pd.Timestamp, url: str = "") -> Monitored:
    """Watch the stored forecasts and their inputs; writes ``store/alerts.csv``.

    Thresholds are learnt from Phase 4's forecasts and the panel before the first
    stored forecast, so that what is watched has no part in them.

    Parameters
    ----------
    workspace : Workspace
        Phase 4 must have run.
    today : Timestamp
        Day that ages are counted to.
    url : str
        Of the store; see ``store_url``.
    """
    panel, _ = open_test_year(workspace)
    sessions = market_sessions(panel)
    store = open_store(store_url(workspace.paths, url))
    try:
        stored = read_forecasts(store)
    finally:
        store.dispose()
    due = as_forecasts(stored, sessions)
    start = stored["origin"].min() if len(stored) else sessions[-1]
    rang = [
        *_of_data(workspace, panel, start=start),
        *_of_models(workspace, panel, due, start=start),
    ]
    ages = age_alerts(
        today=today, last_session=sessions[-1], trained_until=_training_ends(workspace)
    )
    alerts = check(pd.concat([*rang, ages], ignore_index=True), ALERTS)
    write_table(alerts, ALERTS, workspace.paths.store / "alerts.csv")
    is_now = (alerts["session"] == sessions[-1]) | alerts["alarm"].isin(ages["alarm"])
    return Monitored(alerts, alerts[is_now].reset_index(drop=True), len(due))


def parse_day(text: str) -> pd.Timestamp:
    """Read a day as ``2024-01-31``; today if empty.

    Raises
    ------
    ConfigurationError
        If it is none.
    """
    if not text:
        return pd.Timestamp.today().normalize()
    try:
        return pd.to_datetime(text, format="%Y-%m-%d")
    except ValueError:
        raise ConfigurationError(
            f"Expected a day such as 2024-01-31. Received: {text!r}"
        ) from None


def as_forecasts(stored: pd.DataFrame, sessions: pd.DatetimeIndex) -> pd.DataFrame:
    """Return the stored forecasts whose targets have come, as ``FORECASTS``.

    The target was expected on a weekday; it came on the market's session. A model that
    forecast in two stages forecast the same.

    Parameters
    ----------
    stored : DataFrame
        ``STORED_FORECASTS``.
    sessions : DatetimeIndex
        The market's calendar as far as it is known.
    """
    once = stored.drop_duplicates(["ticker", "model", "origin", "delay", "horizon"])
    place = sessions.get_indexer(pd.DatetimeIndex(once["origin"]))
    entry = place + once["delay"].to_numpy()
    target = entry + once["horizon"].to_numpy()
    come = (place >= 0) & (target < len(sessions))
    rows = once[come].assign(
        seed=0,
        entry_date=sessions[entry[come]],
        target_date=sessions[target[come]],
        fold=sessions[target[come]].year,
    )
    types = {name: str(column.dtype) for name, column in FORECASTS.columns.items()}
    return check(rows[list(types)].astype(types), FORECASTS)


def _of_data(
    workspace: Workspace, panel: pd.DataFrame, *, start: pd.Timestamp
) -> list[pd.DataFrame]:
    tickers = sorted(read_registry(workspace.paths.registry))
    signals = data_signals(panel, tickers=tickers)
    since = start - pd.DateOffset(years=HISTORY_YEARS)
    signals = signals[signals["session"] >= since]
    return _ring(workspace, signals, DATA, start=start)


def _of_models(
    workspace: Workspace,
    panel: pd.DataFrame,
    due: pd.DataFrame,
    *,
    start: pd.Timestamp,
) -> list[pd.DataFrame]:
    models = sorted(set(due["model"]))
    path = workspace.paths.evaluation / "forecasts.parquet"
    table = read_table(FORECASTS, path)
    past = table[table["model"].isin(models) & (table["target_date"] < start)]
    if past.empty or due.empty:
        return []
    bands = conformal_intervals(
        realised(past, panel), alpha=MISSES, window=ERRORS, rate=RATE
    )
    headline = workspace.study.dealing.headline_cost_bps
    dealing = replace(workspace.study.dealing, cost_bps=(headline,))
    before, since = (
        model_signals(rows, panel, dealing=dealing, rule=workspace.study.verdict.rule)
        for rows in (bands[list(FORECASTS.columns)], due[due["horizon"] == 1])
    )
    signals = pd.concat(
        [before[before["session"] < start], since[since["session"] >= start]]
    )
    found = []
    for model in models:
        found += _ring(workspace, signals, model, start=start)
    return found


def _ring(
    workspace: Workspace, signals: pd.DataFrame, model: str, *, start: pd.Timestamp
) -> list[pd.DataFrame]:
    """Learn from what was before the start, and watch what came since."""
    own = signals[signals["model"] == model]
    before = own["session"] < start
    if own.loc[before, "session"].nunique() < 2:
        return []
    watch = learn_watch(
        own[before],
        model=model,
        sessions_per_year=workspace.study.dealing.sessions_per_year,
        seed=workspace.study.seed,
    )
    return [ring(watch, own[~before])]


def _training_ends(workspace: Workspace) -> dict[str, pd.Timestamp]:
    """Return, by stock, the last origin that its champion was trained on."""
    ends = {}
    for ticker, stages in read_registry(workspace.paths.registry).items():
        champion = stages.get("champion")
        if champion is not None and champion.bundle:
            about = read_metadata(workspace.paths.models / champion.bundle)
            ends[ticker] = pd.Timestamp(about["validation"]["last_origin"])
    return ends
