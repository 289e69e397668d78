"""The evening's watch over the forecast store: what rings, on what, since when."""

from dataclasses import dataclass, replace

import pandas as pd

from nse_lstm.deployment.experiment import pair_sessions, run_test
from nse_lstm.deployment.monitoring import (
    DATA,
    age_alerts,
    data_signals,
    detect_alerts,
    fit_detector,
    model_signals,
)
from nse_lstm.deployment.registry import read_registry
from nse_lstm.deployment.staleness import trained_through
from nse_lstm.deployment.store import read_forecasts
from nse_lstm.evaluation.conformal import ERRORS, MISSES, RATE, conformal_intervals
from nse_lstm.evaluation.scoring import realised
from nse_lstm.features.returns import market_sessions
from nse_lstm.models.bundles import read_metadata
from nse_lstm.study.core.sealed_year import open_to_serve
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.deployment.forecast_store import opened_store
from nse_lstm.tables import ALERTS, FORECASTS, check, conform, read_table, write_table

HISTORY_YEARS = 3
"""Of the data's signals before the store's first forecast."""


@dataclass(frozen=True)
class MonitoringResult:
    """What an evening's watch found."""

    alerts: pd.DataFrame
    """ALERTS since the store's first forecast."""
    now: pd.DataFrame
    """Those of the last session, and of age: these want something done."""
    tests: pd.DataFrame
    """One row a challenger, from ``shadow_test_states``."""
    n_realised: int
    """Stored forecasts whose targets have come."""


def monitor(
    workspace: Workspace, *, as_of: pd.Timestamp | None = None, store: str = ""
) -> MonitoringResult:
    """Detector the stored forecasts and their inputs; writes ``store/alerts.csv``.

    Thresholds are learnt from Phase 4's forecasts and the panel before the first
    stored forecast, so that what is watched has no part in them.

    Parameters
    ----------
    workspace : Workspace
        Phases 4 and 5 must have run.
    as_of : Timestamp, optional
        The day of watching, for the ages; the last session's day if not given. Nothing
        later is looked at.
    store : str
        As for ``databases.store_url``.
    """
    panel = open_to_serve(workspace)
    panel = panel if as_of is None else panel[panel["session"] <= as_of]
    sessions = market_sessions(panel)
    with opened_store(workspace, store) as engine:
        stored = read_forecasts(engine, until=sessions[-1])
    due = due_forecasts(stored, sessions)
    start = stored["origin"].min() if len(stored) else sessions[-1]
    rang = [
        *_of_data(workspace, panel, start=start),
        *_of_models(workspace, panel, due, start=start),
    ]
    ages = age_alerts(
        as_of or sessions[-1],
        last_session=sessions[-1],
        trained=_training_ends(workspace),
        limits=workspace.study.deployment,
    )
    alerts = check(pd.concat([*rang, ages], ignore_index=True), ALERTS)
    write_table(alerts, ALERTS, workspace.paths.store / "alerts.csv")
    is_now = (alerts["session"] == sessions[-1]) | alerts["alarm"].isin(ages["alarm"])
    return MonitoringResult(
        alerts=alerts,
        now=alerts[is_now].reset_index(drop=True),
        tests=shadow_test_states(stored, due, panel, sessions=sessions),
        n_realised=len(due),
    )


def due_forecasts(stored: pd.DataFrame, sessions: pd.DatetimeIndex) -> pd.DataFrame:
    """Return the stored forecasts whose targets have come, as ``FORECASTS``.

    The target was expected on a weekday; it came on the market's session. Of a model
    that stands in several stages the highest is taken.

    Parameters
    ----------
    stored : DataFrame
        ``STORED_FORECASTS``.
    sessions : DatetimeIndex
        The market's calendar as far as it is known.
    """
    # By stage, who serves first: only one of a model's versions is watched.
    ordered = stored.sort_values("stage", ascending=False)
    once = ordered.drop_duplicates(["ticker", "model", "origin", "delay", "horizon"])
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
    return conform(rows, FORECASTS)


def shadow_test_states(
    stored: pd.DataFrame,
    due: pd.DataFrame,
    panel: pd.DataFrame,
    *,
    sessions: pd.DatetimeIndex,
) -> pd.DataFrame:
    """Return where the test of every challenger in the store stands.

    Parameters
    ----------
    stored : DataFrame
        ``STORED_FORECASTS``.
    due : DataFrame
        Of these, what ``due_forecasts`` returns.
    panel : DataFrame
        ``PANEL`` up to the last session.
    sessions : DatetimeIndex
        The market's calendar as far as it is known.

    Returns
    -------
    DataFrame
        One row a challenger: ``test``; ``compared``, the sessions from which both it
        and the champion forecast a stock whose return is known; ``evidence``, ``mean``,
        ``lower`` and ``upper``, as ``experiment.run_test`` has them.
    """
    challengers = sorted(set(stored.loc[stored["stage"] == "challenger", "model"]))
    names = ["test", "compared", "evidence", "mean", "lower", "upper"]
    if due.empty or not challengers:
        return pd.DataFrame(columns=names)
    place = ["ticker", "origin", "delay", "horizon"]
    came = realised(due, panel)[[*place, "y"]].drop_duplicates(place)
    joined = stored.merge(came, on=place)
    ahead = int(due[["delay", "horizon"]].iloc[0].sum())
    origins = sessions[sessions >= due["origin"].min()][:-ahead]
    states = []
    for test in challengers:
        pairs = pair_sessions(joined, challenger=test)
        state = run_test(pairs, origins=origins, ahead=ahead).tail(1)
        compared = int((pairs["n_known"] > 0).sum())
        states.append(state.assign(test=test, compared=compared))
    return pd.concat(states, ignore_index=True)[names]


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
    headline = workspace.study.backtest.headline_cost_bps
    backtest = replace(workspace.study.backtest, cost_bps=(headline,))
    before, since = (
        model_signals(rows, panel, backtest=backtest, rule=workspace.study.verdict.rule)
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
    watch = fit_detector(
        own[before],
        model=model,
        sessions_per_year=workspace.study.backtest.sessions_per_year,
        seed=workspace.study.seed,
    )
    return [detect_alerts(watch, own[~before])]


def _training_ends(workspace: Workspace) -> dict[str, pd.Timestamp]:
    """Return, by stock, the last session that its champion was fitted on."""
    ends = {}
    for ticker, stages in read_registry(workspace.paths.registry).items():
        champion = stages.get("champion")
        if champion is not None and champion.bundle:
            about = read_metadata(workspace.paths.models / champion.bundle)
            through = trained_through(about)
            if through is not None:
                ends[ticker] = through
    return ends
