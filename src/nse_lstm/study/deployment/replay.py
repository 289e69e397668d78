"""A year of inputs in minutes: score, realise, test, alarm, promote.

The forecasts are Phase 4's, which Phase 5 proves to be those of the stored models, and
each is a function of the prices up to its origin. They go into a forecast store of the
replay's own, one transaction a session, and come out again when their target does.
Nothing else is kept: what a test says, what rings and who serves is worked out from the
store and from what had come by that session (``replay_state``). So a replay that is killed goes
on where the store ends, and ends with the same bytes.
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
from nse_lstm.deployment.store import append_forecasts, open_store, read_forecasts
from nse_lstm.errors import ArtefactError
from nse_lstm.paths import write_aside
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.deployment.replay_inputs import (
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
"""The alarm that takes a promoted challenger out."""


@dataclass(frozen=True)
class Replay:
    """What a year of inputs came to; all of it lies on disk as well."""

    year: int
    n_sessions: int
    forecasts: pd.DataFrame
    """STORED_FORECASTS, as the store gives them back."""
    tests: pd.DataFrame
    """SHADOW_TESTS."""
    alerts: pd.DataFrame
    """ALERTS."""
    promotions: pd.DataFrame
    """PROMOTIONS."""
    plan: pd.DataFrame
    """Power of each test before its first session: see ``promotion_power``."""
    watched: pd.DataFrame
    """``ticker model``: every series that could ring."""


@dataclass(frozen=True)
class ReplayState:
    """What is known after a session, beside the store."""

    tests: pd.DataFrame
    alerts: pd.DataFrame
    promotions: pd.DataFrame


def replay_folder(workspace: Workspace, year: int) -> Path:
    """Return where a year's replay lies."""
    return workspace.paths.models / "replay" / str(year)


def replay(workspace: Workspace, *, year: int = 0, tell: Tell | None = None) -> Replay:
    """Go through a year session by session; resumes what is there.

    Parameters
    ----------
    workspace : Workspace
        Phase 4 must have run.
    year : int
        A year that Phase 4 forecast; 0 is the test year, which is read through its
        seal.
    tell : callable, optional
        Told the plan of each test before it starts, and every event.

    Returns
    -------
    Replay
        Also under ``trained_models/<market>/replay/<year>``: ``store.sqlite`` and a
        table a field.

    Raises
    ------
    ConfigurationError
        If the year was not forecast.
    ArtefactError
        If the store is of another study, or does not give back what was put in.
    """
    data = read_year(workspace, year)
    inputs = make_replay_inputs(workspace, data)
    plan = plan_tests(inputs, seed=workspace.study.seed)
    tell = tell or (lambda text: None)
    tell(plan.round(3).to_string(index=False))
    folder = replay_folder(workspace, data.year)
    _start_over_if_other(folder, inputs.stored)
    store = open_store(f"sqlite:///{folder / STORE}")
    try:
        due = _play(inputs, store)
        forecasts = read_forecasts(store)
    finally:
        store.dispose()
    if not _are_equal(forecasts, inputs.stored):
        raise ArtefactError(
            f"Expected the {len(inputs.stored)} forecasts of {data.year} back as "
            f"they were put in. Received: {len(forecasts)} others ({folder / STORE})"
        )
    last = replay_state(inputs, due)
    _tell_news(last, tell)
    found = Replay(
        year=data.year,
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


def _play(inputs: ReplayInputs, store: sa.Engine) -> pd.DataFrame:
    """Store and realise, session by session; return what came due, with ``y``.

    What was stored before is not stored again.
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
    return pd.concat(due).merge(inputs.came, on=["ticker", "model", "origin"])


def replay_state(inputs: ReplayInputs, due: pd.DataFrame) -> ReplayState:
    """Return the state of every test, what rang and who serves, after the last session.

    A function of what was forecast and what came. Each row of a session is the same
    whether the look was taken on its state or later.

    Parameters
    ----------
    inputs : ReplayInputs
        Its calendar ends with the session of the look.
    due : DataFrame
        Forecasts whose targets have come, with ``y``.
    """
    ahead, calendar = inputs.ahead, inputs.calendar
    known = inputs.signals[inputs.signals["session"] <= calendar[-1]]
    rang = [detect_alerts(watch, known) for watch in inputs.detectors]
    alerts = conform(pd.concat(rang), ALERTS) if rang else empty_table(ALERTS)
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
    """Return a row for every session on which a test's exposure changed."""
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


def _tell_news(state: ReplayState, tell: Tell) -> None:
    """Say what happened, by session."""
    news = [
        (row.session, f"alarm {row.alarm}: {row.ticker} {row.model}, {row.value:.1f}")
        for row in state.alerts.itertuples()
    ]
    news += [
        (row.session, f"{row.test} {row.event}: {row.exposure:.0%} ({row.tickers})")
        for row in state.promotions.itertuples()
    ]
    for session, text in sorted(news):
        tell(f"{session:%Y-%m-%d} {text}")


def _start_over_if_other(folder: Path, wanted: pd.DataFrame) -> None:
    """Remove the store of another study: it is made from this one anew."""
    path = folder / STORE
    if not path.is_file():
        return
    store = open_store(f"sqlite:///{path}")
    try:
        there = read_forecasts(store)
    finally:
        store.dispose()
    known = wanted[wanted["origin"].isin(there["origin"])].reset_index(drop=True)
    if not _are_equal(there, known):
        for name in (STORE, f"{STORE}-wal", f"{STORE}-shm"):
            (folder / name).unlink(missing_ok=True)


def _are_equal(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Say whether two tables of the store hold the same bits, however typed."""
    one, other = (conform(table, STORED_FORECASTS) for table in (one, other))
    return one.equals(other)


def _watched(detectors: tuple[Detector, ...]) -> pd.DataFrame:
    rows = [(ticker, watch.model) for watch in detectors for ticker in watch.tickers]
    return pd.DataFrame(rows, columns=["ticker", "model"])


def _write(found: Replay, folder: Path) -> None:
    for name, schema in TABLES.items():
        write_table(getattr(found, name), schema, folder / f"{name}.parquet")
    for name in ("plan", "watched"):
        with write_aside(folder / f"{name}.csv") as aside:
            getattr(found, name).to_csv(aside, index=False, lineterminator="\n")
