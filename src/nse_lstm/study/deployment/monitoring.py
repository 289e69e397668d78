"""Monitoring of the forecast store: alarms, and the state of the shadow tests."""

from dataclasses import dataclass, replace

import pandas as pd

from nse_lstm.deployment.corrections import (
    describe_corrections,
    newest,
    read_corrections,
)
from nse_lstm.deployment.experiment import pair_sessions, run_test
from nse_lstm.deployment.monitoring import (
    DATA,
    Detector,
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
from nse_lstm.study.deployment.forecast_store import (
    opened_store,
    with_realised_targets,
)
from nse_lstm.tables import ALERTS, FORECASTS, check, conform, read_table, write_table

HISTORY_YEARS = 3
"""Years of the data's signals before the monitored sessions: older ones say little."""


@dataclass(frozen=True)
class MonitoringResult:
    """Result of one monitoring run."""

    alerts: pd.DataFrame
    """ALERTS since the store's first forecast."""
    now: pd.DataFrame
    """Alerts of the last session and alerts of age, which need action."""
    tests: pd.DataFrame
    """From ``shadow_test_states``."""
    n_realised: int
    """Stored forecasts with realised targets."""
    corrected: list[str]
    """One line per corrected value, of which the newest was monitored."""


def monitor(
    workspace: Workspace, *, as_of: pd.Timestamp | None = None, store: str = ""
) -> MonitoringResult:
    """Monitor the stored forecasts and their inputs; writes ``store/alerts.csv``.

    Thresholds are calibrated on Phase 4's forecasts and the panel before the first
    stored forecast, so the monitored sessions do not affect them.

    Parameters
    ----------
    workspace : Workspace
        Phases 4 and 5 must have run.
    as_of : Timestamp, optional
        The day of monitoring: nothing after it is read. The last session's day if not
        given.
    store : str
        As for ``databases.store_url``.
    """
    panel = open_to_serve(workspace)
    panel = panel if as_of is None else panel[panel["session"] <= as_of]
    sessions = market_sessions(panel)
    with opened_store(workspace, store) as engine:
        first = read_forecasts(engine, until=sessions[-1])
        corrections = read_corrections(engine)
    stored = newest(first, corrections)
    # Rankings have no price, so neither errors in KES nor a shadow test.
    stored = stored[stored["delay"] == 0].reset_index(drop=True)
    due = due_forecasts(stored, sessions)
    start = stored["origin"].min() if len(stored) else sessions[-1]
    raised = [
        *_data_alerts(workspace, panel, start=start),
        *_model_alerts(workspace, panel, due, start=start),
    ]
    ages = age_alerts(
        as_of or sessions[-1],
        last_session=sessions[-1],
        trained=_training_ends(workspace),
        limits=workspace.study.deployment,
    )
    alerts = check(pd.concat([*raised, ages], ignore_index=True), ALERTS)
    write_table(alerts, ALERTS, workspace.paths.store / "alerts.csv")
    is_now = (alerts["session"] == sessions[-1]) | alerts["alarm"].isin(ages["alarm"])
    return MonitoringResult(
        alerts=alerts,
        now=alerts[is_now].reset_index(drop=True),
        tests=shadow_test_states(stored, due, panel, sessions=sessions),
        n_realised=len(due),
        corrected=describe_corrections(first, corrections),
    )


def due_forecasts(stored: pd.DataFrame, sessions: pd.DatetimeIndex) -> pd.DataFrame:
    """Return the stored forecasts with realised targets, as ``FORECASTS``.

    Of a model in several stages, the row of the highest stage is taken.

    Parameters
    ----------
    stored : DataFrame
        ``STORED_FORECASTS``.
    sessions : DatetimeIndex
        The market's calendar as far as it is known.
    """
    # Sorted by stage, champion first: one of a model's versions is monitored.
    ordered = stored.sort_values("stage", ascending=False)
    once = ordered.drop_duplicates(["ticker", "model", "origin", "delay", "horizon"])
    due = with_realised_targets(once, sessions)
    return conform(due.assign(seed=0, fold=due["target_date"].dt.year), FORECASTS)


def shadow_test_states(
    stored: pd.DataFrame,
    due: pd.DataFrame,
    panel: pd.DataFrame,
    *,
    sessions: pd.DatetimeIndex,
) -> pd.DataFrame:
    """Return the current state of every challenger's shadow test.

    Parameters
    ----------
    stored : DataFrame
        ``STORED_FORECASTS``.
    due : DataFrame
        From ``due_forecasts`` of the same rows.
    panel : DataFrame
        ``PANEL`` up to the last session.
    sessions : DatetimeIndex
        The market's calendar as far as it is known.

    Returns
    -------
    DataFrame
        One row per challenger: ``test``; ``compared``, the sessions with forecasts of
        both models and a known return; ``evidence``, ``mean``, ``lower`` and ``upper``
        as in ``experiment.run_test``.
    """
    challengers = sorted(set(stored.loc[stored["stage"] == "challenger", "model"]))
    names = ["test", "compared", "evidence", "mean", "lower", "upper"]
    if due.empty or not challengers:
        return pd.DataFrame(columns=names)
    place = ["ticker", "origin", "delay", "horizon"]
    returns = realised(due, panel)[[*place, "y"]].drop_duplicates(place)
    joined = stored.merge(returns, on=place)
    ahead = int(due[["delay", "horizon"]].iloc[0].sum())
    origins = sessions[sessions >= due["origin"].min()][:-ahead]
    states = []
    for test in challengers:
        pairs = pair_sessions(joined, challenger=test)
        state = run_test(pairs, origins=origins, ahead=ahead).tail(1)
        compared = int((pairs["n_known"] > 0).sum())
        states.append(state.assign(test=test, compared=compared))
    return pd.concat(states, ignore_index=True)[names]


def declared_signals(
    workspace: Workspace, forecasts: pd.DataFrame, panel: pd.DataFrame
) -> pd.DataFrame:
    """Return ``model_signals`` under the declared rule and the headline cost.

    Parameters
    ----------
    workspace : Workspace
        The study.
    forecasts, panel : DataFrame
        As for ``model_signals``.
    """
    study = workspace.study
    headline = study.backtest.headline_cost_bps
    return model_signals(
        forecasts,
        panel,
        backtest=replace(study.backtest, cost_bps=(headline,)),
        rule=study.verdict.rule,
    )


def calibrate_detector(
    workspace: Workspace, history: pd.DataFrame, model: str
) -> Detector:
    """Fit a detector with the study's seed and sessions per year.

    Parameters
    ----------
    workspace : Workspace
        The study.
    history : DataFrame
        Signals, as for ``fit_detector``.
    model : str
        The model; ``DATA`` for the data.
    """
    return fit_detector(
        history,
        model=model,
        sessions_per_year=workspace.study.backtest.sessions_per_year,
        seed=workspace.study.seed,
    )


def _data_alerts(
    workspace: Workspace, panel: pd.DataFrame, *, start: pd.Timestamp
) -> list[pd.DataFrame]:
    tickers = sorted(read_registry(workspace.paths.registry))
    signals = data_signals(panel, tickers=tickers)
    since = start - pd.DateOffset(years=HISTORY_YEARS)
    signals = signals[signals["session"] >= since]
    return _alerts_since(workspace, signals, DATA, start=start)


def _model_alerts(
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
    before, since = (
        declared_signals(workspace, rows, panel)
        for rows in (bands[list(FORECASTS.columns)], due[due["horizon"] == 1])
    )
    signals = pd.concat(
        [before[before["session"] < start], since[since["session"] >= start]]
    )
    found = []
    for model in models:
        found += _alerts_since(workspace, signals, model, start=start)
    return found


def _alerts_since(
    workspace: Workspace, signals: pd.DataFrame, model: str, *, start: pd.Timestamp
) -> list[pd.DataFrame]:
    """Calibrate on the signals before the start and monitor the later ones."""
    own = signals[signals["model"] == model]
    before = own["session"] < start
    if own.loc[before, "session"].nunique() < 2:
        return []
    detector = calibrate_detector(workspace, own[before], model)
    return [detect_alerts(detector, own[~before])]


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
