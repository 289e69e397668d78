"""Snapshots of the service's state: checked models and the panel they forecast from.

A snapshot is never changed, only replaced, so that an answer belongs to one state of
the registry and of the panel. Computed forecasts are kept with it, at most one per
origin of the panel. Intervals and flags come from the forecast store, distributions
from the file that scoring leaves beside the registry.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from numpy.typing import NDArray

from nse_lstm.config import Study
from nse_lstm.data.trading_days import WEEKDAYS, TradingDays, trading_days_of
from nse_lstm.deployment.corrections import read_corrections
from nse_lstm.deployment.order_advice import AdviceBasis
from nse_lstm.deployment.registry import history, read_registry
from nse_lstm.deployment.registry_entry import (
    RegistryEntry,
    State,
    sorted_entries,
    state_document,
)
from nse_lstm.deployment.registry_files import LATEST_QUANTILES, LOG
from nse_lstm.deployment.service.stored_parts import (
    NUMBERS,
    Bands,
    ByOrigin,
    bands_of,
    file_digest,
    finite,
    read_distributions,
)
from nse_lstm.deployment.staleness import trained_through
from nse_lstm.deployment.store import count_forecasts, read_forecasts
from nse_lstm.errors import ArtefactError, DataError
from nse_lstm.features.returns import market_sessions, with_returns
from nse_lstm.features.windows import Windows, open_windows, select_windows
from nse_lstm.models.baselines import persistence
from nse_lstm.models.bundles import Bundle, load_bundle
from nse_lstm.models.forecasting import forecast
from nse_lstm.paths import Paths

WARM_ORIGINS = 250
"""Origins forecast before the first request: one year."""

NO_ADVICE = "No ranking of the last session is there. Run `nse-lstm score` first."

Key = tuple[str, str]
Places = NDArray[np.intp]


@dataclass(frozen=True)
class Source:
    """The inputs of a snapshot."""

    study: Study
    """Its horizon is persistence's; a stored model keeps its own."""
    paths: Paths
    read_panel: Callable[[], pd.DataFrame]
    """Returns a valid ``PANEL`` of the whole market."""
    store: sa.Engine | None = None
    """The forecast store; without one no forecast has an interval."""
    read_advice: Callable[[pd.DataFrame], AdviceBasis] | None = None
    """Given the panel, returns what advice on orders rests on, without fitting."""

    @property
    def stamp(self) -> tuple[object, ...]:
        """A value that changes with registry, panel, store, ranks or distributions."""
        files = (self.paths.registry / LOG, self._panel_path, self.quantiles_path)
        moments = [_moment(path) for path in (*files, *self.advice_paths)]
        if self.store is None:
            return (*moments, None)
        counts = count_forecasts(self.store), len(read_corrections(self.store))
        return (*moments, *counts)

    @property
    def advice_paths(self) -> tuple[Path, ...]:
        """Files that advice on orders is read from."""
        ranking = self.paths.latest_ranking
        return self.paths.order_savings, *sorted(ranking.glob("*.*"))

    @property
    def digest(self) -> str:
        """SHA-256 of the panel's file."""
        return file_digest(self._panel_path)

    @property
    def quantiles_path(self) -> Path:
        """The distributions that scoring left last, ``NEXT_QUANTILES``."""
        return self.paths.registry / LATEST_QUANTILES

    @property
    def _panel_path(self) -> Path:
        return self.paths.processed / "panel.parquet"


@dataclass(frozen=True, eq=False)
class ServedModel:
    """One model of one stock with the windows that it forecasts from."""

    entry: RegistryEntry
    bundle: Bundle | None
    """None for persistence."""
    windows: Windows
    horizon: int
    bands: Bands = field(default_factory=dict)
    """The store's intervals and flags of this model's forecasts, by origin."""
    answers: dict[int, bytes] = field(default_factory=dict)
    """Computed answers in JSON, by place among the windows."""
    distributions: ByOrigin = field(default_factory=dict)
    """Distributions behind this model's forecasts, by origin."""
    calendar: TradingDays = WEEKDAYS
    """Of the sessions to come."""


@dataclass(frozen=True, eq=False)
class Snapshot:
    """One state of the registry on one panel."""

    version: str
    """Hash of registry, panel, store size and distributions; part of every answer."""
    last_session: date
    entries: tuple[RegistryEntry, ...]
    """The registry's current entries."""
    served: Mapping[Key, ServedModel]
    """By ticker and stage; requests reach models only through these keys."""
    promotions: tuple[dict[str, Any], ...]
    """The registry's log, oldest first."""
    advice: AdviceBasis | str
    """What advice on orders rests on, or why there is none."""


def take_snapshot(source: Source) -> Snapshot:
    """Read and check registry, models and panel, and forecast the last year.

    Raises
    ------
    ArtefactError
        If the registry or a model is missing or was tampered with.
    DataError
        If the panel has no session.
    """
    state = read_registry(source.paths.registry)
    log = history(source.paths.registry).to_dict("records")
    panel = source.read_panel()
    table = with_returns(panel)
    sessions = market_sessions(table)
    stocks = dict(list(table.groupby("ticker")))
    bands: Mapping[Key, Bands] = {}
    n_stored = 0
    if source.store is not None:
        stored = read_forecasts(source.store)
        corrections = read_corrections(source.store)
        # Rankings have a delay, and no price that is served.
        bands = bands_of(stored[stored["delay"] == 0], corrections)
        n_stored = len(stored) + len(corrections)
    files = [source.digest, file_digest(source.quantiles_path)]
    files += [file_digest(path) for path in source.advice_paths]
    distributions = read_distributions(source.quantiles_path)
    version = _version(state, files, n_stored)
    entries = tuple(sorted_entries(state))
    served = {
        (entry.ticker, entry.stage): replace(
            _serve(entry, stocks.get(entry.ticker, table[:0]), sessions, source),
            bands=bands.get((entry.ticker, entry.version), {}),
            distributions=distributions.get((entry.ticker, entry.version), {}),
        )
        for entry in entries
    }
    snapshot = Snapshot(
        version=version,
        last_session=sessions[-1].date(),
        entries=entries,
        served=served,
        promotions=tuple({str(name): row[name] for name in row} for row in log),
        advice=_advice(source, panel),
    )
    for each in served.values():
        n = len(each.windows)
        compute_answers(each, range(n)[max(n - WARM_ORIGINS, 0) :], version=version)
    return snapshot


def find_window(served: ServedModel, origin: date) -> int | str:
    """Return an origin's place among a model's windows, or the reason against it.

    Parameters
    ----------
    served : ServedModel
        One model of one stock.
    origin : date
        The last known session.
    """
    moment = np.datetime64(origin, "us")
    windows = served.windows
    place = int(np.searchsorted(windows.origin, moment))
    if place < len(windows) and windows.origin[place] == moment:
        return place
    lost = windows.dropped_reason[windows.dropped_target == moment]
    return str(lost[0]) if len(lost) else "no row there, or too short a history"


def compute_answers(
    served: ServedModel, places: Iterable[int], *, version: str
) -> None:
    """Compute the missing answers for some windows into ``served.answers``.

    Parameters
    ----------
    served : ServedModel
        Only one thread at a time may compute.
    places : iterable of int
        Places among its windows.
    version : str
        The snapshot's version.
    """
    missing = np.array(sorted(set(places) - served.answers.keys()), np.intp)
    if not len(missing):
        return
    rows = _forecast(served, missing).to_dict("records")
    for place, row in zip(missing.tolist(), rows, strict=True):
        known = {
            "flags": "",
            "stored": [],
            **row,
            **served.bands.get(row["origin"], {}),
            "distribution": served.distributions.get(row["origin"], []),
        }
        served.answers[place] = _answer(served.entry, known, version)


def _serve(
    entry: RegistryEntry,
    stock: pd.DataFrame,
    sessions: pd.DatetimeIndex,
    source: Source,
) -> ServedModel:
    bundle, lookback, horizon = None, 1, source.study.v2.horizon
    if entry.bundle:
        folder = source.paths.models / entry.bundle
        bundle = load_bundle(folder, digest=entry.digest)
        lookback = bundle.metadata["lookback"]
        horizon = bundle.metadata["horizon"]
    if stock.empty:
        stock = stock.reindex([0]).assign(ticker=entry.ticker, session=sessions[0])
    windows = open_windows(stock, sessions, lookback=lookback)
    if bundle is not None:
        windows = _unseen(windows, bundle)
    calendar = trading_days_of(source.study.market)
    return ServedModel(entry, bundle, windows, horizon, calendar=calendar)


def _unseen(windows: Windows, bundle: Bundle) -> Windows:
    """Drop the origins before the last session of a model's training."""
    through = trained_through(bundle.metadata)
    if through is None:
        return windows
    seen = windows.origin < through.to_datetime64()
    lost = np.full(seen.sum(), "the model was fitted on sessions after that one")
    return replace(
        select_windows(windows, ~seen),
        dropped_target=np.append(windows.origin[seen], windows.dropped_target),
        dropped_reason=np.append(lost, windows.dropped_reason),
    )


def _forecast(served: ServedModel, places: Places) -> pd.DataFrame:
    """Return ``FORECASTS`` of some windows by the functions that scoring uses."""
    windows = select_windows(served.windows, places)
    expected = pd.DatetimeIndex(
        [
            pd.Timestamp(served.calendar.shift(origin.date(), served.horizon))
            for origin in pd.DatetimeIndex(windows.origin)
        ]
    )
    ahead = replace(windows, target_date=expected.to_numpy("datetime64[us]"))
    ticker, year = served.entry.ticker, int(expected[-1].year)
    if served.bundle is None:
        return persistence(ahead, ticker=ticker, year=year, horizon=served.horizon)
    return forecast(served.bundle, ahead, year=year, ticker=ticker)


def _answer(entry: RegistryEntry, row: Mapping[Any, Any], version: str) -> bytes:
    document = {
        "ticker": entry.ticker,
        "stage": entry.stage,
        "model": entry.model,
        "version": entry.version,
        "snapshot": version,
        "origin": str(row["origin"].date()),
        "target_date": str(row["target_date"].date()),
        "horizon": row["horizon"],
        **{name: finite(row[name]) for name in NUMBERS},
        "flags": row["flags"],
        "stored": row["stored"],
        "distribution": row["distribution"],
    }
    return json.dumps(document, allow_nan=False).encode()


def _advice(source: Source, panel: pd.DataFrame) -> AdviceBasis | str:
    if source.read_advice is None:
        return NO_ADVICE
    try:
        return source.read_advice(panel)
    except (ArtefactError, DataError):
        # The reason holds paths, which no answer may.
        return NO_ADVICE


def _version(state: State, files: list[str], n_stored: int) -> str:
    # The store only grows, so its length identifies its state.
    text = json.dumps([state_document(state), files, n_stored], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _moment(path: Path) -> object:
    try:
        about = path.stat()
    except FileNotFoundError:
        return None
    return about.st_mtime_ns, about.st_size, about.st_ino
