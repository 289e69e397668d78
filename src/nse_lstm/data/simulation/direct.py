"""Tables of the simulated market, equal to those loaded from files without faults."""

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
"""Horizons of the oracle's forecasts: sessions from the entry."""
DELAY = 1
NUMBERS = ("price", "low", "high", "volume", "previous", "factor", "dividend")


def panel_of(printed: PrintedPrices) -> pd.DataFrame:
    """Return the printed prices as ``tables.PANEL``, sorted by ticker and session."""
    order = np.argsort(printed.tickers)
    # Ticker by ticker, the transpose of the files' order.
    ticker, day = np.nonzero(printed.listed.T[order])
    place = order[ticker]
    files, lines = places_in_files(printed)
    names = np.array([file.name for file in PRICE_FILES])
    rows = pd.DataFrame(
        {
            "ticker": pd.Categorical.from_codes(
                ticker, categories=pd.Index(np.array(printed.tickers)[order])
            ),
            "session": printed.sessions[day],
            **{name: getattr(printed, name)[day, place] for name in NUMBERS},
            "stale": False,
            "mended": False,
            "source_file": names[files[day, place]],
            "source_line": lines[day, place],
        }
    )
    labels = _labels(printed)
    for name in ("kind", "sector"):
        rows[name] = labels[name].array[place]
    rows["dividends_known"] = (rows["kind"] != "index").to_numpy()
    return row_accounting.in_schema(flags.add_flags(rows, market_sessions(rows)), PANEL)


def instruments_of(printed: PrintedPrices, panel: pd.DataFrame) -> pd.DataFrame:
    """Return ``tables.INSTRUMENTS`` of a simulated panel.

    Parameters
    ----------
    printed : PrintedPrices
    panel : DataFrame
        ``panel_of`` the same prices.
    """
    sessions = panel.groupby("ticker")["session"]
    labels = _labels(printed).set_index("ticker")[["first_name", "kind", "sector"]]
    table = labels.rename(columns={"first_name": "name"}).join(
        sessions.agg(first_session="first", last_session="last", n_sessions="size"),
        how="inner",
    )
    return row_accounting.in_schema(table.sort_index().reset_index(), INSTRUMENTS)


def oracle_of(
    printed: PrintedPrices, drift: Numbers, simulation: Simulation
) -> pd.DataFrame:
    """Return the oracle's forecasts as ``tables.FORECASTS``.

    The oracle knows the planted signal. It forecasts the planted part of the log return
    from session t+1 to t+1+horizon, for every ordinary share and session, without noise
    and dividends. No forecast spans a break between the files.

    Parameters
    ----------
    printed : PrintedPrices
        The market's printed prices.
    drift : array of shape (N_DRIFTS, n_sessions, n_shares)
        From ``draw_daily_prices``; the stocks are the first columns of the prices.
    simulation : Simulation
        Strength of the planted signal.
    """
    days = np.flatnonzero(printed.listed.any(axis=1))
    ordinary = np.isin(printed.tickers[: drift.shape[2]], LIQUIDITY_ORDER)
    parts = []
    for horizon in HORIZONS:
        y_hat = expected_returns(drift, horizon=horizon, signal=simulation.signal)
        origins, entries = days[: -DELAY - horizon], days[DELAY:-horizon]
        targets = days[DELAY + horizon :]
        whole = targets - origins == DELAY + horizon
        listed = printed.listed[origins] & printed.listed[targets] & whole[:, None]
        row, place = np.nonzero(listed[:, : len(ordinary)] & ordinary)
        parts.append(
            pd.DataFrame(
                {
                    "ticker": np.array(printed.tickers)[place],
                    "horizon": horizon,
                    "fold": printed.sessions.year[targets[row]].astype("int64"),
                    "origin": printed.sessions[origins[row]],
                    "entry_date": printed.sessions[entries[row]],
                    "target_date": printed.sessions[targets[row]],
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


def _labels(printed: PrintedPrices) -> pd.DataFrame:
    """Return ``ticker first_name kind sector`` in the order of the columns."""
    first = printed.sessions[np.argmax(printed.listed, axis=0)]
    table = pd.DataFrame(
        {"ticker": printed.tickers, "first_name": printed.names, "first_session": first}
    ).astype({"ticker": "str", "first_name": "str"})
    return sectors.add_labels(table, printed_sectors(printed))
