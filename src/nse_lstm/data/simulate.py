"""The embedded market: a seeded exchange whose files look like the real one's.

It exists so that the whole study runs anywhere, from raw files on, with no download.
Codes, sectors and rules are the exchange's own; every name and every price is invented.
How much can be forecast is a dial (``config.Simulation.signal``), and what a reader who
knows the plan would forecast is kept apart from the data, to measure others by. At a
dial of zero, what a model finds to earn is a mistake.
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
from nse_lstm.data.simulation.exchange import SECTORS, sessions_between, within
from nse_lstm.data.simulation.file_faults import draw_file_faults, with_number_faults
from nse_lstm.data.simulation.price_dialect import NO_FAULTS, write_prices
from nse_lstm.data.simulation.prices import Lives, Prints, draw_prints
from nse_lstm.data.simulation.printed_prices import Numbers, PrintedPrices
from nse_lstm.data.simulation.sector_dialect import write_sectors
from nse_lstm.data.simulation.shares import (
    choose_ordinary,
    choose_others,
    draw_lives,
    draw_plan,
    draw_traits,
    listed_by_rule,
)
from nse_lstm.errors import DataError
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
    """A market that was never written: the tables its files would have given."""

    panel: pd.DataFrame
    """``tables.PANEL``."""
    instruments: pd.DataFrame
    """``tables.INSTRUMENTS``."""
    oracle: pd.DataFrame
    """``tables.FORECASTS`` of whoever knows the plan, for scoring others only."""


def simulate_market(
    simulation: Simulation, *, seed: int | None = None
) -> SimulatedMarket:
    """Draw a market straight into tables: hundreds of them in the time of a few files.

    Parameters
    ----------
    simulation : Simulation
        Its faults are faults of files, so there are none here.
    seed : int, optional
        In place of the simulation's own.

    Returns
    -------
    SimulatedMarket
        What ``data.panel.build_panel`` would make of the files without faults, down to
        the file and line of every row.
    """
    if seed is not None:
        simulation = replace(simulation, seed=seed)
    board, drift = _draw_market(np.random.default_rng(simulation.seed), simulation)
    panel = panel_of(board)
    return SimulatedMarket(
        panel=panel,
        instruments=instruments_of(board, panel),
        oracle=oracle_of(board, drift, simulation),
    )


def write_market(
    folder: Path, simulation: Simulation, *, oracle: Path | None = None
) -> None:
    """Write a simulated market as raw files in the exchange's own dialects.

    Parameters
    ----------
    folder : Path
        Made whole or not at all. A market simulated here before is replaced; the file
        ``SIMULATED.txt`` marks the folder as one.
    simulation : Simulation
        The same value gives the same bytes.
    oracle : Path, optional
        Where to write the forecasts of whoever knows the plan: not among the data,
        where a model could find them.

    Raises
    ------
    DataError
        If the folder holds anything but a simulated market: real files are never
        replaced by invented ones.
    """
    generator = np.random.default_rng(simulation.seed)
    board, drift = _draw_market(generator, simulation)
    truth = oracle_of(board, drift, simulation)
    file_faults = NO_FAULTS
    if simulation.faults:
        file_faults = draw_file_faults(generator, board)
        board = with_number_faults(generator, board)
    with _whole_folder(Path(folder)) as aside:
        write_prices(aside, board, faults=file_faults)
        write_sectors(aside, board)
        note = f"Invented prices, drawn by nse_lstm.data.simulate: {simulation}\n"
        (aside / MARKER).write_text(note, encoding="ascii", newline="\n")
    if oracle is not None:
        write_table(truth, FORECASTS, oracle)


def simulate_board(simulation: Simulation) -> PrintedPrices:
    """Draw the market as it truly was, before any fault of its files.

    Parameters
    ----------
    simulation : Simulation
        Its faults play no part.

    Returns
    -------
    Board
        Arrays of shape (n_sessions, n_tickers). Sessions of the second half of 2020 are
        drawn but not listed: no file holds them.
    """
    return _draw_market(np.random.default_rng(simulation.seed), simulation)[0]


def _draw_market(
    generator: np.random.Generator, simulation: Simulation
) -> tuple[PrintedPrices, Numbers]:
    """Draw the board, and the drift planted after each session in its first columns."""
    sessions = sessions_between(simulation.first_year, simulation.last_year)
    ordinary = choose_ordinary(simulation.n_ordinary)
    chosen = {*ordinary, *choose_others(simulation.n_ordinary)}
    board_order = tuple(ticker for ticker in SECTORS if ticker in chosen)
    shares = tuple(ticker for ticker in board_order if ticker not in INDEX_MEMBERS)
    indices = tuple(ticker for ticker in board_order if ticker in INDEX_MEMBERS)
    traits = draw_traits(generator, shares)
    lives, listed = draw_lives(generator, shares, ordinary=ordinary, sessions=sessions)
    plan = draw_plan(generator, traits, simulation)
    prints = draw_prints(generator, traits, sessions=sessions, lives=lives, plan=plan)
    places = [shares.index(ticker) for ticker in ordinary]
    levels = _draw_indices(
        generator,
        indices,
        returns=_returns(prints, lives)[:, places],
        turnover=traits.turnover[places],
    )
    # Indices close the board, so their columns follow the shares'.
    listed = np.hstack([listed, listed_by_rule(indices, sessions)])
    has_file = ~within(sessions, *NO_FILES)
    board = PrintedPrices(
        sessions=sessions,
        tickers=board_order,
        names=tuple(_name(ticker) for ticker in board_order),
        low=np.hstack([prints.low, levels[1:]]),
        high=np.hstack([prints.high, levels[1:]]),
        price=np.hstack([prints.price, levels[1:]]),
        previous=_previous(np.hstack([prints.previous, levels[:-1]]), listed),
        volume=np.hstack([prints.volume, np.full_like(levels[1:], np.nan)]),
        factor=np.hstack([lives.factor, np.ones_like(levels[1:])]),
        news=np.hstack([lives.news != 0, np.zeros(levels[1:].shape, bool)]),
        listed=listed & has_file[:, None],
    )
    return board, prints.drift


def _returns(prints: Prints, lives: Lives) -> Numbers:
    """Return simple returns of the adjusted price; 0 on a first session."""
    simple = prints.price * lives.factor / prints.previous - 1
    return np.where(lives.starts, 0.0, simple)


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
        # No matrix product: its last bits are the machine's.
        mean = (returns[:, : len(weight)] * weight).sum(axis=1) / weight.sum()
        columns.append(start * np.cumprod(np.append(1.0, 1 + mean)))
    return np.round(np.column_stack(columns), 2)


def _previous(previous: Numbers, listed: np.ndarray) -> Numbers:
    """Leave `previous` empty where a ticker's first row is not the market's first."""
    starts = listed & ~np.vstack([listed[:1], listed[:-1]])
    return np.where(starts, np.nan, previous)


def _name(ticker: str) -> str:
    """Make a name that nobody takes for the real one."""
    ends = "Index" if ticker in INDEX_MEMBERS else NAME_ENDS.get(ticker, "Plc")
    return f"Simulated {ticker.removeprefix('^')} {ends}"


@contextmanager
def _whole_folder(folder: Path) -> Iterator[Path]:
    """Give a folder to write to that replaces `folder` only if all went well."""
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
