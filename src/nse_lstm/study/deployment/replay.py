"""Replay of a year of daily operation: score, store, test, monitor, promote.

The forecasts are Phase 4's, which Phase 5 shows to be those of the stored models. Each
is a function of the prices up to its origin. They are appended to a store of their own
in one transaction per session, and read back when their target is realised. Tests,
alerts and rollouts follow from the store and the returns known at a session
(``replay_state``). A killed replay therefore resumes where the store ends and produces
the same bytes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import sqlalchemy as sa

from nse_lstm.deployment.experiment import pair_sessions, run_test
from nse_lstm.deployment.monitoring import Detector, detect_alerts
from nse_lstm.deployment.rollout import is_exposed, rollout_exposure
from nse_lstm.deployment.store import append_forecasts, read_forecasts
from nse_lstm.errors import ArtefactError
from nse_lstm.study.core.study_data import open_study_data
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.deployment.forecast_store import opened_store
from nse_lstm.study.deployment.replay_inputs import (
    FORECAST_KEY,
    ReplayInputs,
    make_replay_inputs,
    plan_tests,
    read_year,
)
from nse_lstm.tables import (
    ALERTS,
    PROMOTIONS,
    SHADOW_TESTS,
    STORED_FORECASTS,
    conform,
    empty_table,
    write_csv,
    write_table,
)

Tell = Callable[[str], None]

STORE = "store.sqlite"
TABLES = {
    "forecasts": STORED_FORECASTS,
    "tests": SHADOW_TESTS,
    "alerts": ALERTS,
    "promotions": PROMOTIONS,
}

HALTING = "loss"
"""The alarm that ends the rollout of a promoted challenger."""


@dataclass(frozen=True)
class Replay:
    """Result of a replayed year, which is on disk as well."""

    year: int
    n_sessions: int
    forecasts: pd.DataFrame
    """STORED_FORECASTS, as read back from the store."""
    tests: pd.DataFrame
    """SHADOW_TESTS."""
    alerts: pd.DataFrame
    """ALERTS."""
    promotions: pd.DataFrame
    """PROMOTIONS."""
    plan: pd.DataFrame
    """Power of each test, known before its first session: see ``plan_tests``."""
    watched: pd.DataFrame
    """``ticker model``: every monitored series."""


@dataclass(frozen=True)
class ReplayState:
    """Tests, alerts and promotions up to a session."""

    tests: pd.DataFrame
    alerts: pd.DataFrame
    promotions: pd.DataFrame


def replay_folder(workspace: Workspace, year: int) -> Path:
    """Return the folder of a year's replay.

    Parameters
    ----------
    workspace : Workspace
    year : int
        The replayed year.
    """
    return workspace.paths.models / "replay" / str(year)


def replay(workspace: Workspace, *, year: int = 0, tell: Tell | None = None) -> Replay:
    """Replay a year session by session, or resume a killed replay.

    Parameters
    ----------
    workspace : Workspace
        Phase 4 must have run.
    year : int
        A year that Phase 4 forecast; 0 is the test year, which is opened as by Phase 4.
    tell : callable, optional
        Called with the plan of each test before it starts, and with every event.

    Returns
    -------
    Replay
        Also under ``trained_models/<market>/replay/<year>``: ``store.sqlite`` and one
        table per field.

    Raises
    ------
    ConfigurationError
        If the year was not forecast.
    ArtefactError
        If the store does not return the forecasts that were appended.
    """
    data = open_study_data(workspace)
    year_data = read_year(data, year)
    inputs = make_replay_inputs(data, year_data)
    plan = plan_tests(inputs, seed=data.study.seed)
    tell = tell or (lambda text: None)
    tell(plan.round(3).to_string(index=False))
    folder = replay_folder(workspace, year_data.year)
    _remove_other_store(workspace, folder, inputs.stored)
    with opened_store(workspace, f"sqlite:///{folder / STORE}") as store:
        due = _store_and_realise(inputs, store)
        forecasts = read_forecasts(store)
    if not _are_equal(forecasts, inputs.stored):
        raise ArtefactError(
            f"Expected the {len(inputs.stored)} forecasts of {year_data.year} from the "
            f"store. Received: {len(forecasts)} others ({folder / STORE})"
        )
    last = replay_state(inputs, due)
    _tell_events(last, tell)
    found = Replay(
        year=year_data.year,
        n_sessions=len(inputs.sessions),
        forecasts=forecasts,
        tests=last.tests,
        alerts=last.alerts,
        promotions=last.promotions,
        plan=plan,
        watched=_watched(inputs.detectors),
    )
    _write(found, folder)
    return found


def _store_and_realise(inputs: ReplayInputs, store: sa.Engine) -> pd.DataFrame:
    """Append and read back forecasts per session; return the due ones with ``y``.

    Forecasts that are stored already are not appended again.
    """
    done = set(read_forecasts(store)["origin"])
    by_origin = dict(list(inputs.stored.groupby("origin")))
    due = [inputs.stored[:0]]
    for place, session in enumerate(inputs.calendar):
        if place >= inputs.ahead:
            origin = inputs.calendar[place - inputs.ahead]
            due.append(read_forecasts(store, since=origin, until=origin))
        if session in by_origin and session not in done:
            append_forecasts(store, by_origin[session])
    return pd.concat(due).merge(inputs.returns, on=FORECAST_KEY)


def replay_state(inputs: ReplayInputs, due: pd.DataFrame) -> ReplayState:
    """Return the state of every test, all alerts and all promotions up to a session.

    It is a function of forecasts and returns. The rows of a session are the same
    whether they are computed after its close or later.

    Parameters
    ----------
    inputs : ReplayInputs
        Its calendar ends with that session.
    due : DataFrame
        Forecasts with realised targets, with ``y``.
    """
    ahead, calendar = inputs.ahead, inputs.calendar
    known = inputs.signals[inputs.signals["session"] <= calendar[-1]]
    raised = [detect_alerts(detector, known) for detector in inputs.detectors]
    alerts = conform(pd.concat(raised), ALERTS) if raised else empty_table(ALERTS)
    states, events = [empty_table(SHADOW_TESTS)], []
    for test in inputs.tests:
        pairs = pair_sessions(due, challenger=test)
        state = run_test(pairs, origins=calendar[:-ahead], ahead=ahead)
        halting = alerts[(alerts["model"] == test) & (alerts["alarm"] == HALTING)]
        alarmed = calendar[ahead:].isin(halting["session"])
        exposure = rollout_exposure(state["evidence"], alarmed=alarmed)
        state = state.assign(test=test, session=calendar[ahead:], exposure=exposure)
        states.append(conform(state, SHADOW_TESTS))
        events += _events(state, sorted(inputs.stored["ticker"].unique()))
    tests = pd.concat(states, ignore_index=True)
    changes = pd.DataFrame(events, columns=list(PROMOTIONS.columns))
    promotions = conform(changes, PROMOTIONS)
    promotions = promotions.sort_values(["session", "test"], ignore_index=True)
    return ReplayState(tests, alerts, promotions)


def _events(state: pd.DataFrame, tickers: list[str]) -> list[dict[str, object]]:
    """Return one row per session on which a test's exposure changed."""
    now = state["exposure"].to_numpy()
    before = np.concatenate([[0.0], now[:-1]])
    found = []
    for row in state[now != before].itertuples():
        was, share = float(before[row.Index]), float(now[row.Index])
        event = "taken out" if share < was else "widened" if was else "promoted"
        served = [t for t in tickers if is_exposed(row.test, t, exposure=share)]
        found.append(
            {
                "session": row.session,
                "test": row.test,
                "event": event,
                "exposure": share,
                "tickers": ",".join(served),
                "evidence": row.evidence,
            }
        )
    return found


def _tell_events(state: ReplayState, tell: Tell) -> None:
    """Report alerts and promotions in order of session."""
    events = [
        (row.session, f"alarm {row.alarm}: {row.ticker} {row.model}, {row.value:.1f}")
        for row in state.alerts.itertuples()
    ]
    events += [
        (row.session, f"{row.test} {row.event}: {row.exposure:.0%} ({row.tickers})")
        for row in state.promotions.itertuples()
    ]
    for session, text in sorted(events):
        tell(f"{session:%Y-%m-%d} {text}")


def _remove_other_store(
    workspace: Workspace, folder: Path, wanted: pd.DataFrame
) -> None:
    """Remove the store of another study."""
    path = folder / STORE
    if not path.is_file():
        return
    with opened_store(workspace, f"sqlite:///{path}") as store:
        there = read_forecasts(store)
    known = wanted[wanted["origin"].isin(there["origin"])].reset_index(drop=True)
    if not _are_equal(there, known):
        for name in (STORE, f"{STORE}-wal", f"{STORE}-shm"):
            (folder / name).unlink(missing_ok=True)


def _are_equal(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Say whether two tables hold the same bits after the same casts."""
    one, other = (conform(table, STORED_FORECASTS) for table in (one, other))
    return one.equals(other)


def _watched(detectors: tuple[Detector, ...]) -> pd.DataFrame:
    rows = [(ticker, each.model) for each in detectors for ticker in each.tickers]
    return pd.DataFrame(rows, columns=["ticker", "model"])


def _write(found: Replay, folder: Path) -> None:
    for name, schema in TABLES.items():
        write_table(getattr(found, name), schema, folder / f"{name}.parquet")
    for name in ("plan", "watched"):
        write_csv(getattr(found, name), folder / f"{name}.csv")
