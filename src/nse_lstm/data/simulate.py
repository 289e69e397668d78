"""Simulated market: seeded prices, written as files in the exchange's own dialects.

With it the whole study runs from raw files without a download. Codes, sectors and rules
are the exchange's own. Every name and price is invented. ``config.Simulation.signal``
sets how predictable returns are. An oracle, which knows the planted signal, forecasts
them apart from the data. At a signal of zero any gain of a model is an error.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from nse_lstm.config import Simulation
from nse_lstm.data.simulation.direct import instruments_of, oracle_of, panel_of
from nse_lstm.data.simulation.dividend_tables import write_dividends
from nse_lstm.data.simulation.exchange import SECTORS, sessions_between, within
from nse_lstm.data.simulation.file_faults import draw_file_faults, with_number_faults
from nse_lstm.data.simulation.price_dialect import NO_FAULTS, write_prices
from nse_lstm.data.simulation.prices import DailyPrices, StockEvents, draw_daily_prices
from nse_lstm.data.simulation.printed_prices import Numbers, PrintedPrices
from nse_lstm.data.simulation.sector_dialect import write_sectors
from nse_lstm.data.simulation.shares import (
    choose_ordinary,
    choose_others,
    draw_events,
    draw_plan,
    draw_traits,
    listed_by_rule,
)
from nse_lstm.errors import DataError
from nse_lstm.paths import SOURCED
from nse_lstm.tables import FORECASTS, write_table

MARKER = "SIMULATED.txt"
NO_FILES = ("2020-07-01", "2020-12-31")
# Members of each index, the most liquid first. The all-share index weighs by turnover.
INDEX_MEMBERS = {
    "^FNK15": 15, "^FNK25": 25, "^N10I": 10, "^N20I": 20,
    "^N25I": 25, "^NASI": 63, "^ZKEQTK": 30, "^ZKEQTU": 30,
}  # fmt: skip
INDEX_RANGE = (100.0, 2000.0)
NAME_ENDS = {
    "FAHR": "Income-REIT",
    "LAPR": "Income-REIT",
    "GLD": "ETF",
    "KPLC-P4": "Preference",
    "KPLC-P7": "Preference",
}


@dataclass(frozen=True)
class SimulatedMarket:
    """A simulated market as tables, without files."""

    panel: pd.DataFrame
    """``tables.PANEL``."""
    instruments: pd.DataFrame
    """``tables.INSTRUMENTS``."""
    oracle: pd.DataFrame
    """``tables.FORECASTS`` of the oracle, a benchmark for models."""


def simulate_market(
    simulation: Simulation, *, seed: int | None = None
) -> SimulatedMarket:
    """Simulate a market as tables, much faster than through files.

    Parameters
    ----------
    simulation : Simulation
        Its faults concern files, so none are drawn here.
    seed : int, optional
        Replaces the simulation's seed.

    Returns
    -------
    SimulatedMarket
        Equal to ``data.panel.build_panel`` of files without faults, down to the file
        and line of every row.
    """
    if seed is not None:
        simulation = replace(simulation, seed=seed)
    printed, drift = _draw_market(np.random.default_rng(simulation.seed), simulation)
    panel = panel_of(printed)
    return SimulatedMarket(
        panel=panel,
        instruments=instruments_of(printed, panel),
        oracle=oracle_of(printed, drift, simulation),
    )


def write_market(
    folder: Path, simulation: Simulation, *, oracle: Path | None = None
) -> None:
    """Simulate a market and write it as raw files in the exchange's own dialects.

    Parameters
    ----------
    folder : Path
        Written atomically. It may hold an earlier simulated market, marked by the file
        ``SIMULATED.txt``.
    simulation : Simulation
        Equal settings give the same bytes.
    oracle : Path, optional
        File of the oracle's forecasts, apart from the data that models read.

    Raises
    ------
    DataError
        If the folder holds anything but a simulated market, so that real files are
        never overwritten.
    """
    generator = np.random.default_rng(simulation.seed)
    printed, drift = _draw_market(generator, simulation)
    truth = oracle_of(printed, drift, simulation)
    file_faults = NO_FAULTS
    if simulation.faults:
        file_faults = draw_file_faults(generator, printed)
        printed = with_number_faults(generator, printed)
    with _whole_folder(Path(folder)) as aside:
        write_prices(aside, printed, faults=file_faults)
        write_sectors(aside, printed)
        write_dividends(aside / SOURCED, printed)
        note = f"Invented prices, drawn by nse_lstm.data.simulate: {simulation}\n"
        (aside / MARKER).write_text(note, encoding="ascii", newline="\n")
    if oracle is not None:
        write_table(truth, FORECASTS, oracle)


def simulate_prices(simulation: Simulation) -> PrintedPrices:
    """Simulate the printed prices of a market, before any fault of its files.

    Parameters
    ----------
    simulation : Simulation
        Its faults are not drawn.

    Returns
    -------
    PrintedPrices
        Arrays of shape (n_sessions, n_tickers). Sessions of the second half of 2020 are
        drawn but not listed, because no file has them.
    """
    return _draw_market(np.random.default_rng(simulation.seed), simulation)[0]


def _draw_market(
    generator: np.random.Generator, simulation: Simulation
) -> tuple[PrintedPrices, Numbers]:
    """Draw the printed prices, and the drift planted after each session."""
    sessions = sessions_between(simulation.first_year, simulation.last_year)
    ordinary = choose_ordinary(simulation.n_ordinary)
    chosen = {*ordinary, *choose_others(simulation.n_ordinary)}
    tickers = tuple(ticker for ticker in SECTORS if ticker in chosen)
    shares = tuple(ticker for ticker in tickers if ticker not in INDEX_MEMBERS)
    indices = tuple(ticker for ticker in tickers if ticker in INDEX_MEMBERS)
    traits = draw_traits(generator, shares)
    events, listed = draw_events(
        generator, shares, ordinary=ordinary, sessions=sessions
    )
    plan = draw_plan(generator, traits, simulation)
    daily = draw_daily_prices(
        generator, traits, sessions=sessions, events=events, plan=plan
    )
    places = [shares.index(ticker) for ticker in ordinary]
    levels = _draw_indices(
        generator,
        indices,
        returns=_returns(daily, events)[:, places],
        turnover=traits.turnover[places],
    )
    # Indices are printed last, so their columns follow the stocks'.
    listed = np.hstack([listed, listed_by_rule(indices, sessions)])
    has_file = ~within(sessions, *NO_FILES)
    printed = PrintedPrices(
        sessions=sessions,
        tickers=tickers,
        names=tuple(_name(ticker) for ticker in tickers),
        low=np.hstack([daily.low, levels[1:]]),
        high=np.hstack([daily.high, levels[1:]]),
        price=np.hstack([daily.price, levels[1:]]),
        previous=_previous(np.hstack([daily.previous, levels[:-1]]), listed),
        volume=np.hstack([daily.volume, np.full_like(levels[1:], np.nan)]),
        factor=np.hstack([events.factor, np.ones_like(levels[1:])]),
        dividend=np.hstack([_dividends(daily, events), np.zeros_like(levels[1:])]),
        news=np.hstack([events.news != 0, np.zeros(levels[1:].shape, bool)]),
        listed=listed & has_file[:, None],
    )
    return printed, daily.drift


def _dividends(daily: DailyPrices, events: StockEvents) -> Numbers:
    """Return payments in KES: fractions of the price before, in whole cents."""
    before = np.where(np.isnan(daily.previous), 0.0, daily.previous)
    return np.round(events.dividend * events.tradable * before, 2)


def _returns(daily: DailyPrices, events: StockEvents) -> Numbers:
    """Return simple returns of the adjusted price; 0 on a first session."""
    simple = daily.price * events.factor / daily.previous - 1
    return np.where(events.starts, 0.0, simple)


def _draw_indices(
    generator: np.random.Generator,
    indices: tuple[str, ...],
    *,
    returns: Numbers,
    turnover: Numbers,
) -> Numbers:
    """Return index levels of shape (1 + n_sessions, n_indices), the start included."""
    starts = generator.uniform(*INDEX_RANGE, len(indices))
    columns = []
    for ticker, start in zip(indices, starts, strict=True):
        weight = turnover if ticker == "^NASI" else np.ones_like(turnover)
        weight = weight[: INDEX_MEMBERS[ticker]]
        # No matrix product, whose last bits depend on the machine.
        mean = (returns[:, : len(weight)] * weight).sum(axis=1) / weight.sum()
        columns.append(start * np.cumprod(np.append(1.0, 1 + mean)))
    return np.round(np.column_stack(columns), 2)


def _previous(previous: Numbers, listed: np.ndarray) -> Numbers:
    """Blank `previous` on a ticker's first session."""
    starts = listed & ~np.vstack([listed[:1], listed[:-1]])
    return np.where(starts, np.nan, previous)


def _name(ticker: str) -> str:
    """Return an invented name that cannot be mistaken for the real one."""
    ends = "Index" if ticker in INDEX_MEMBERS else NAME_ENDS.get(ticker, "Plc")
    return f"Simulated {ticker.removeprefix('^')} {ends}"


@contextmanager
def _whole_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder that replaces `folder` on success."""
    if folder.exists() and any(folder.iterdir()) and not (folder / MARKER).is_file():
        raise DataError(
            "Expected an empty folder or a market simulated before. "
            f"Received: {folder}, which holds other files and no {MARKER}"
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = folder.with_name(f".{folder.name}.{os.getpid()}.aside")
    old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    aside.mkdir()
    try:
        yield aside
        if folder.exists():
            folder.rename(old)
        aside.rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
