"""What a year of inputs is played from: forecasts, what came, and what rings.

Everything here is a function of one session's past at each session, computed for the
whole year at once; the replay hands it out session by session.
"""

import hashlib
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from nse_lstm.deployment.experiment import CHAMPION, pair_sessions
from nse_lstm.deployment.monitoring import (
    Detector,
    data_signals,
    fit_detector,
    model_signals,
)
from nse_lstm.errors import ConfigurationError
from nse_lstm.evaluation.conformal import ERRORS, MISSES, RATE, conformal_intervals
from nse_lstm.evaluation.power_analysis import promotion_power
from nse_lstm.evaluation.scoring import realised
from nse_lstm.evaluation.selection import CANDIDATES, select
from nse_lstm.features.returns import market_sessions
from nse_lstm.models.bundles import read_metadata
from nse_lstm.study.core.jobs import bundle_folder
from nse_lstm.study.core.phase_tables import read_facts, read_sealed_panel
from nse_lstm.study.core.sealed_year import open_test_year
from nse_lstm.study.core.study_data import open_study_data
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.tables import FORECASTS, STORED_FORECASTS, conform, read_table

SHADOW = "ar1"
"""A forecaster that can serve nobody, tested beside the challengers: the averaged
prices make it look good, so it shows what a test with something to find looks like."""

EDGES = (0.0, 0.02, 0.05, 0.1)
"""Mean gains that a test is planned for: shares of what the forecasts are apart."""

DATA_YEARS = 3
"""Of the data's signals before the year; what a stock was like long ago says little."""

AIM = ["ticker", "model", "origin"]


@dataclass(frozen=True)
class YearData:
    """A year's forecasts and prices, and those of the years before it."""

    year: int
    panel: pd.DataFrame
    """PANEL up to the year's last session."""
    forecasts: pd.DataFrame
    """FORECASTS of the year and the ones before it, with bands."""
    came: pd.DataFrame
    """The same rows with ``y``."""


@dataclass(frozen=True)
class ReplayInputs:
    """What the inputs of a year bring, each to be handed out in its turn."""

    calendar: pd.DatetimeIndex
    """The year's sessions and, before them, the origins of the first targets."""
    sessions: pd.DatetimeIndex
    """The year's own."""
    ahead: int
    stored: pd.DataFrame
    """STORED_FORECASTS, to be appended at their origin."""
    came: pd.DataFrame
    """``ticker model origin y``, known at the target."""
    signals: pd.DataFrame
    """What is watched, by ``session``."""
    detectors: tuple[Detector, ...]
    tests: tuple[str, ...]
    past: dict[str, pd.DataFrame]
    """Pairs of each test in earlier years."""


def read_year(workspace: Workspace, year: int) -> YearData:
    """Read a year of forecasts and prices; the test year through its seal.

    Raises
    ------
    ConfigurationError
        If Phase 4 did not forecast the year.
    """
    test_year = read_facts(workspace).test_year
    year = year or test_year
    table = read_table(FORECASTS, workspace.paths.evaluation / "forecasts.parquet")
    if year not in set(table["fold"]):
        raise ConfigurationError(
            f"`year` must be one that was forecast: {sorted(set(table['fold']))}. "
            f"Received: {year}"
        )
    if year == test_year:
        panel, _ = open_test_year(workspace)
    else:
        panel = read_sealed_panel(workspace)
    panel = panel[panel["session"] < pd.Timestamp(year + 1, 1, 1)]
    used = table["model"].isin((*CANDIDATES, SHADOW)) & (table["fold"] <= year)
    joined = realised(table[used], panel)
    came = conformal_intervals(joined, alpha=MISSES, window=ERRORS, rate=RATE)
    return YearData(year, panel, came[list(FORECASTS.columns)], came)


def make_replay_inputs(workspace: Workspace, data: YearData) -> ReplayInputs:
    """Lay out a year session by session, with what the years before it teach.

    The champions are those that Phase 4's rule chooses on the years before, so nothing
    of the year itself; persistence where there are none.
    """
    year, forecasts = data.year, data.forecasts
    now = forecasts[forecasts["fold"] == year]
    roles = _roles(data)
    aims = now[["delay", "horizon"]].drop_duplicates().iloc[0]
    ahead = int(aims.sum())
    sessions = market_sessions(data.panel)
    first = sessions.searchsorted(pd.Timestamp(year, 1, 1))
    staged = data.came.merge(roles, on="ticker")
    staged = staged.assign(stage=_stages(staged))
    signals = _signals(workspace, data)
    start = pd.Timestamp(year, 1, 1)
    before = signals["session"] < start
    tests = sorted({*roles["challenger"].dropna(), SHADOW} & set(now["model"]))
    past = staged[staged["fold"] < year]
    return ReplayInputs(
        calendar=sessions[first - ahead :],
        sessions=sessions[first:],
        ahead=ahead,
        stored=_stored(workspace, staged[staged["fold"] == year], data.panel),
        came=data.came.loc[data.came["fold"] == year, [*AIM, "y"]],
        signals=signals[~before],
        detectors=_detectors(workspace, signals[before]),
        tests=tuple(tests),
        past={test: pair_sessions(past, challenger=test) for test in tests},
    )


def plan_tests(inputs: ReplayInputs, *, seed: int) -> pd.DataFrame:
    """Say what each test can find, from the gains of the years before it.

    Returns
    -------
    DataFrame
        ``promotion_power`` with ``test`` in front; no row of a test without a past.
    """
    plans = []
    for test, pairs in inputs.past.items():
        gains = pairs["gain"].to_numpy(float)
        size = np.abs(gains[~np.isnan(gains)])
        if size.any():
            edges = [edge for edge in EDGES if edge <= size.mean()]
            plan = promotion_power(gains, edges=edges, ahead=inputs.ahead, seed=seed)
            plan.insert(0, "test", test)
            plans.append(plan)
    if not plans:
        columns = ["test", "edge", "sessions", "promoted", "expected_sessions"]
        return pd.DataFrame(columns=[*columns, "median_sessions"])
    return pd.concat(plans, ignore_index=True)


def _roles(data: YearData) -> pd.DataFrame:
    """Return champion and challenger of each stock as of the year's start."""
    forecasts = data.forecasts
    now, before = (
        forecasts[forecasts["fold"] == data.year],
        forecasts[forecasts["fold"] < data.year],
    )
    tickers = sorted(now["ticker"].unique())
    known = data.panel[data.panel["session"] < pd.Timestamp(data.year, 1, 1)]
    if before.empty:
        champion, challenger = CANDIDATES
        roles = {"ticker": tickers, "champion": champion, "challenger": challenger}
        return pd.DataFrame(roles)
    chosen = select(before, known, tickers=tickers)
    return chosen[["ticker", "champion", "challenger"]]


def _stages(rows: pd.DataFrame) -> pd.Series:
    stands = [
        (rows["model"] == rows[stage]).fillna(False).to_numpy(bool)
        for stage in (CHAMPION, "challenger")
    ]
    stage = np.select(stands, [CHAMPION, "challenger"], default="candidate")
    return pd.Series(stage, index=rows.index)


def _stored(
    workspace: Workspace, rows: pd.DataFrame, panel: pd.DataFrame
) -> pd.DataFrame:
    """Return forecasts as an evening would store them: nothing of what came."""
    digests = _digests(panel)
    data, year = open_study_data(workspace), int(rows["fold"].iloc[0])
    versions = {
        ticker: read_metadata(bundle_folder(data, ticker, year))["version"]
        for ticker in rows.loc[rows["model"] == "v2", "ticker"].unique()
    }
    own = rows["ticker"].map(versions)
    expected = [
        origin + pd.offsets.BusinessDay(horizon)
        for origin, horizon in rows[["origin", "horizon"]].itertuples(index=False)
    ]
    table = rows.assign(
        version=rows["model"].where(rows["model"] != "v2", own),
        target_date=pd.DatetimeIndex(expected),
        data_digest=rows["origin"].map(digests),
        flags="",
    )
    ordered = conform(table, STORED_FORECASTS)
    for name in ("price_hat", "y_hat", "lower", "upper"):
        ordered[name] += 0.0  # a store keeps no minus zero
    key = (STORED_FORECASTS.metadata or {})["key"]
    return ordered.sort_values(key, ignore_index=True)


def _digests(panel: pd.DataFrame) -> dict[pd.Timestamp, str]:
    """Return a digest of the panel up to each session: of its rows and the one before.

    A chain, so that a year of digests costs one reading of the panel; an evening's own
    scoring hashes the whole panel instead.
    """
    rows = panel.sort_values(["session", "ticker"])
    hashes = pd.util.hash_pandas_object(rows, index=False).to_numpy()
    sessions, first = np.unique(rows["session"].to_numpy(), return_index=True)
    digest, found = b"", {}
    for session, block in zip(sessions, np.split(hashes, first[1:]), strict=True):
        digest = hashlib.sha256(digest + block.tobytes()).digest()
        found[pd.Timestamp(session)] = digest.hex()
    return found


def _signals(workspace: Workspace, data: YearData) -> pd.DataFrame:
    study, forecasts = workspace.study, data.forecasts
    headline = study.backtest.headline_cost_bps
    tickers = sorted(forecasts.loc[forecasts["fold"] == data.year, "ticker"].unique())
    models = model_signals(
        forecasts[forecasts["ticker"].isin(tickers)],
        data.panel,
        backtest=replace(study.backtest, cost_bps=(headline,)),
        rule=study.verdict.rule,
    )
    market = data_signals(data.panel, tickers=tickers)
    since = pd.Timestamp(data.year - DATA_YEARS, 1, 1)
    return pd.concat([models, market[market["session"] >= since]], ignore_index=True)


def _detectors(workspace: Workspace, history: pd.DataFrame) -> tuple[Detector, ...]:
    """Learn from the years before; a model that had none is not watched yet."""
    return tuple(
        fit_detector(
            history,
            model=model,
            sessions_per_year=workspace.study.backtest.sessions_per_year,
            seed=workspace.study.seed,
        )
        for model in sorted(set(history["model"]) - {SHADOW})
    )
