"""A board straight to tables: what the loader would make of files without faults."""

import numpy as np
import pandas as pd

from nse_lstm.config import Simulation
from nse_lstm.data import flags, row_accounting, sectors
from nse_lstm.data.adjusted import market_sessions
from nse_lstm.data.simulation.exchange import LIQUIDITY_ORDER
from nse_lstm.data.simulation.price_dialect import PRICE_FILES, places_in_files
from nse_lstm.data.simulation.printed_prices import Numbers, PrintedPrices
from nse_lstm.data.simulation.sector_dialect import printed_sectors
from nse_lstm.data.simulation.signals import expected_returns
from nse_lstm.tables import FORECASTS, INSTRUMENTS, PANEL

HORIZONS = (1, 5, 10)
"""Sessions that the oracle looks ahead, from the entry."""
DELAY = 1


def panel_of(board: PrintedPrices) -> pd.DataFrame:
    """Return the board as ``tables.PANEL``, sorted by ticker and session."""
    order = np.argsort(board.tickers)
    # Ticker by ticker: the transpose of how the files print them.
    ticker, day = np.nonzero(board.listed.T[order])
    place = order[ticker]
    files, lines = places_in_files(board)
    names = np.array([file.name for file in PRICE_FILES])
    rows = pd.DataFrame(
        {
            "ticker": pd.Categorical.from_codes(
                ticker, categories=pd.Index(np.array(board.tickers)[order])
            ),
            "session": board.sessions[day],
            **{
                name: getattr(board, name)[day, place]
                for name in ("price", "low", "high", "volume", "previous", "factor")
            },
            "stale": False,
            "mended": False,
            "source_file": names[files[day, place]],
            "source_line": lines[day, place],
        }
    )
    labels = _labels(board)
    for name in ("kind", "sector"):
        rows[name] = labels[name].array[place]
    return row_accounting.in_schema(flags.add_flags(rows, market_sessions(rows)), PANEL)


def instruments_of(board: PrintedPrices, panel: pd.DataFrame) -> pd.DataFrame:
    """Return ``tables.INSTRUMENTS`` of a panel made from the board."""
    sessions = panel.groupby("ticker")["session"]
    labels = _labels(board).set_index("ticker")[["first_name", "kind", "sector"]]
    table = labels.rename(columns={"first_name": "name"}).join(
        sessions.agg(first_session="first", last_session="last", n_sessions="size"),
        how="inner",
    )
    return row_accounting.in_schema(table.sort_index().reset_index(), INSTRUMENTS)


def oracle_of(
    board: PrintedPrices, drift: Numbers, simulation: Simulation
) -> pd.DataFrame:
    """Return the forecasts of whoever knows the plan, as ``tables.FORECASTS``.

    For every ordinary share after every session: the planted part of the log return
    from session t+1 to t+1+horizon. Chance is left out, and so are dividends, whose
    days nobody knows here. No forecast spans a break between the files.

    Parameters
    ----------
    board : Board
        The market as it was printed.
    drift : array of shape (N_DRIFTS, n_sessions, n_shares)
        As ``draw_prints`` gives it; the board's first columns are the shares.
    simulation : Simulation
        What was planted.
    """
    days = np.flatnonzero(board.listed.any(axis=1))
    ordinary = np.isin(board.tickers[: drift.shape[2]], LIQUIDITY_ORDER)
    parts = []
    for horizon in HORIZONS:
        y_hat = expected_returns(drift, horizon=horizon, signal=simulation.signal)
        origins, entries = days[: -DELAY - horizon], days[DELAY:-horizon]
        targets = days[DELAY + horizon :]
        whole = targets - origins == DELAY + horizon
        listed = board.listed[origins] & board.listed[targets] & whole[:, None]
        row, place = np.nonzero(listed[:, : len(ordinary)] & ordinary)
        parts.append(
            pd.DataFrame(
                {
                    "ticker": np.array(board.tickers)[place],
                    "horizon": horizon,
                    "fold": board.sessions.year[targets[row]].astype("int64"),
                    "origin": board.sessions[origins[row]],
                    "entry_date": board.sessions[entries[row]],
                    "target_date": board.sessions[targets[row]],
                    "y_hat": y_hat[origins[row], place],
                }
            )
        )
    table = pd.concat(parts, ignore_index=True).assign(
        model="oracle", seed=simulation.seed, delay=DELAY
    )
    missing = dict.fromkeys(("price_hat", "lower", "upper"), np.nan)
    key = ["ticker", "fold", "origin", "horizon"]
    return row_accounting.in_schema(table.assign(**missing).sort_values(key), FORECASTS)


def _labels(board: PrintedPrices) -> pd.DataFrame:
    """Return ``ticker first_name kind sector`` in the board's order."""
    first = board.sessions[np.argmax(board.listed, axis=0)]
    table = pd.DataFrame(
        {"ticker": board.tickers, "first_name": board.names, "first_session": first}
    ).astype({"ticker": "str", "first_name": "str"})
    return sectors.add_labels(table, printed_sectors(board))
