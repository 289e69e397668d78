"""Inputs of a replayed year: forecasts, realised returns, signals and detectors.

The value at each session depends on its past only. All are computed for the whole year
at once, and the replay uses them session by session.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nse_lstm.data.trading_days import trading_days_of
from nse_lstm.deployment.experiment import pair_sessions
from nse_lstm.deployment.monitoring import Detector, data_signals
from nse_lstm.deployment.registry_entry import CHAMPION
from nse_lstm.errors import ConfigurationError
from nse_lstm.evaluation.conformal import ERRORS, MISSES, RATE, conformal_intervals
from nse_lstm.evaluation.power_analysis import promotion_power
from nse_lstm.evaluation.scoring import realised
from nse_lstm.evaluation.selection import FALLBACK, select
from nse_lstm.features.returns import market_sessions
from nse_lstm.models.bundles import read_metadata
from nse_lstm.study.core.jobs import bundle_folder, served_model
from nse_lstm.study.core.sealed_year import open_test_year
from nse_lstm.study.core.study_data import StudyData
from nse_lstm.study.deployment.monitoring import (
    HISTORY_YEARS,
    calibrate_detector,
    declared_signals,
)
from nse_lstm.tables import FORECASTS, STORED_FORECASTS, conform, read_table

SHADOW = "ar1"
"""A model tested in addition to the challengers; it never serves. The averaged prices
favour it, so it shows a test with an effect to find."""

EDGES = (0.0, 0.02, 0.05, 0.1)
"""Mean gains for the power of a test, as shares of the forecasts' mean distance."""

FORECAST_KEY = ["ticker", "model", "origin"]


@dataclass(frozen=True)
class YearData:
    """Forecasts and prices of a year and the years before it."""

    year: int
    panel: pd.DataFrame
    """PANEL up to the year's last session."""
    forecasts: pd.DataFrame
    """FORECASTS of the year and the years before it, with intervals."""
    realised: pd.DataFrame
    """The same rows with ``y``."""


@dataclass(frozen=True)
class ReplayInputs:
    """A year's inputs, to be used session by session."""

    calendar: pd.DatetimeIndex
    """The year's sessions and, before them, the origins of the first targets."""
    sessions: pd.DatetimeIndex
    """The year's sessions."""
    ahead: int
    """Sessions from origin to target."""
    stored: pd.DataFrame
    """STORED_FORECASTS, to be appended at their origin."""
    returns: pd.DataFrame
    """``ticker model origin y``, known at the target."""
    signals: pd.DataFrame
    """Monitored signals by ``session``."""
    detectors: tuple[Detector, ...]
    tests: tuple[str, ...]
    """Challengers under test."""
    past: dict[str, pd.DataFrame]
    """``pair_sessions`` of each test in earlier years."""


def read_year(data: StudyData, year: int) -> YearData:
    """Read a year of forecasts and prices; the test year is opened as by Phase 4.

    Parameters
    ----------
    data : StudyData
        The study after Phase 4.
    year : int
        A year that Phase 4 forecast; 0 is the test year.

    Raises
    ------
    ConfigurationError
        If Phase 4 did not forecast the year.
    """
    year = year or data.facts.test_year
    table = read_table(FORECASTS, data.paths.evaluation / "forecasts.parquet")
    if year not in set(table["fold"]):
        raise ConfigurationError(
            f"`year` must be a forecast year, one of {sorted(set(table['fold']))}. "
            f"Received: {year}"
        )
    is_test_year = year == data.facts.test_year
    panel = open_test_year(data)[0] if is_test_year else data.panel
    panel = panel[panel["session"] < pd.Timestamp(year + 1, 1, 1)]
    used = table["model"].isin((FALLBACK, served_model(data.study), SHADOW)) & (
        table["fold"] <= year
    )
    joined = realised(table[used], panel)
    rows = conformal_intervals(joined, alpha=MISSES, window=ERRORS, rate=RATE)
    return YearData(year, panel, rows[list(FORECASTS.columns)], rows)


def make_replay_inputs(data: StudyData, year_data: YearData) -> ReplayInputs:
    """Compute the inputs of a year's replay, calibrated on the years before it.

    Phase 4's rule chooses the champions on the years before; without any they are
    persistence.

    Parameters
    ----------
    data : StudyData
        The study.
    year_data : YearData
        From ``read_year``.
    """
    year, forecasts = year_data.year, year_data.forecasts
    now = forecasts[forecasts["fold"] == year]
    roles = _roles(year_data, served_model(data.study))
    ahead = int(now[["delay", "horizon"]].drop_duplicates().iloc[0].sum())
    sessions = market_sessions(year_data.panel)
    first = sessions.searchsorted(pd.Timestamp(year, 1, 1))
    staged = year_data.realised.merge(roles, on="ticker")
    staged = staged.assign(stage=_stages(staged))
    signals = _signals(data, year_data)
    start = pd.Timestamp(year, 1, 1)
    before = signals["session"] < start
    tests = sorted({*roles["challenger"].dropna(), SHADOW} & set(now["model"]))
    past = staged[staged["fold"] < year]
    return ReplayInputs(
        calendar=sessions[first - ahead :],
        sessions=sessions[first:],
        ahead=ahead,
        stored=_stored(data, staged[staged["fold"] == year], year_data.panel),
        returns=year_data.realised.loc[
            year_data.realised["fold"] == year, [*FORECAST_KEY, "y"]
        ],
        signals=signals[~before],
        detectors=tuple(
            calibrate_detector(data, signals[before], model)
            # A model without a past is not monitored yet.
            for model in sorted(set(signals.loc[before, "model"]) - {SHADOW})
        ),
        tests=tuple(tests),
        past={test: pair_sessions(past, challenger=test) for test in tests},
    )


def plan_tests(inputs: ReplayInputs, *, seed: int) -> pd.DataFrame:
    """Return the power of each test, from the gains of the years before it.

    Parameters
    ----------
    inputs : ReplayInputs
        From ``make_replay_inputs``.
    seed : int
        Seed of the simulated tests.

    Returns
    -------
    DataFrame
        ``promotion_power`` with ``test`` in front; no row for a test without a past.
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


def _roles(year_data: YearData, network: str) -> pd.DataFrame:
    """Return champion and challenger of each stock as of the year's start."""
    forecasts = year_data.forecasts
    now, before = (
        forecasts[forecasts["fold"] == year_data.year],
        forecasts[forecasts["fold"] < year_data.year],
    )
    tickers = sorted(now["ticker"].unique())
    known = year_data.panel[
        year_data.panel["session"] < pd.Timestamp(year_data.year, 1, 1)
    ]
    if before.empty:
        roles = {"ticker": tickers, "champion": FALLBACK, "challenger": network}
        return pd.DataFrame(roles)
    chosen = select(before, known, tickers=tickers, network=network)
    return chosen[["ticker", "champion", "challenger"]]


def _stages(rows: pd.DataFrame) -> pd.Series:
    stands = [
        (rows["model"] == rows[stage]).fillna(False).to_numpy(bool)
        for stage in (CHAMPION, "challenger")
    ]
    stage = np.select(stands, [CHAMPION, "challenger"], default="candidate")
    return pd.Series(stage, index=rows.index)


def _stored(data: StudyData, rows: pd.DataFrame, panel: pd.DataFrame) -> pd.DataFrame:
    """Return forecasts as scoring would store them, without realised returns."""
    digests = _digests(panel)
    year, network = int(rows["fold"].iloc[0]), served_model(data.study)
    versions = {
        ticker: read_metadata(bundle_folder(data, ticker, year, network))["version"]
        for ticker in rows.loc[rows["model"] == network, "ticker"].unique()
    }
    own = rows["ticker"].map(versions)
    calendar = trading_days_of(data.study.market)
    expected = [
        pd.Timestamp(calendar.shift(origin.date(), horizon))
        for origin, horizon in rows[["origin", "horizon"]].itertuples(index=False)
    ]
    table = rows.assign(
        version=rows["model"].where(rows["model"] != network, own),
        target_date=pd.DatetimeIndex(expected),
        data_digest=rows["origin"].map(digests),
        flags="",
    )
    ordered = conform(table, STORED_FORECASTS)
    for name in ("price_hat", "y_hat", "lower", "upper"):
        ordered[name] += 0.0  # the store turns minus zero into zero
    key = (STORED_FORECASTS.metadata or {})["key"]
    return ordered.sort_values(key, ignore_index=True)


def _digests(panel: pd.DataFrame) -> dict[pd.Timestamp, str]:
    """Return a digest of the panel up to each session, chained over the sessions.

    A chain reads the panel once for all sessions. Live scoring hashes the whole panel.
    """
    rows = panel.sort_values(["session", "ticker"])
    hashes = pd.util.hash_pandas_object(rows, index=False).to_numpy()
    sessions, first = np.unique(rows["session"].to_numpy(), return_index=True)
    digest, found = b"", {}
    for session, block in zip(sessions, np.split(hashes, first[1:]), strict=True):
        digest = hashlib.sha256(digest + block.tobytes()).digest()
        found[pd.Timestamp(session)] = digest.hex()
    return found


def _signals(data: StudyData, year_data: YearData) -> pd.DataFrame:
    forecasts = year_data.forecasts
    tickers = sorted(
        forecasts.loc[forecasts["fold"] == year_data.year, "ticker"].unique()
    )
    listed = forecasts[forecasts["ticker"].isin(tickers)]
    models = declared_signals(data, listed, year_data.panel)
    market = data_signals(year_data.panel, tickers=tickers)
    since = pd.Timestamp(year_data.year - HISTORY_YEARS, 1, 1)
    return pd.concat([models, market[market["session"] >= since]], ignore_index=True)
