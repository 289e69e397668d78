"""Values that cannot be, seen without another source: rows for a person to review.

No real volume is fractional, prices lie on the exchange's ticks, an event belongs to a
stock that is listed, and a code that begins where another ends is probably the same
stock. Nothing is changed. In the exchange's files of 2007 to 2023 no volume is
fractional. Of 7 codes 5 to 23 % of the prices are off the tick, and of 17 others one or
two, most of them on 8 January 2018. Of the 8 renamings at the end of 2012 seven are
found, and no other pair.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from nse_lstm.config import Ticks
from nse_lstm.data.adjusted import ticker_codes
from nse_lstm.data.board_chain import CENT
from nse_lstm.data.exchange_rules import off_tick
from nse_lstm.data.row_accounting import Fate
from nse_lstm.tables import REPAIRS, conform

FRACTIONAL = "volume that is no whole number"
OFF_TICK = "price that is no multiple of the exchange's tick"
RENAMED_CODE = "code that begins where another ends: renamed?"
UNKNOWN_CODE = "sourced event of a code that no file prints"
IMPOSSIBLE = (FRACTIONAL, OFF_TICK, RENAMED_CODE, UNKNOWN_CODE)
"""Reasons in ``REPAIRS``."""

FEW = 0.01
"""Fraction of a code's rows up to which they are listed by session. In the real files
0.0005 at most are single misprints, and 0.05 and more are series printed otherwise."""
LONGEST_PAUSE = 10
"""Sessions between the last of one code and the first of the next."""
LEGAL_FORM = {"ltd", "limited", "plc", "co", "company"}


def find_impossible(
    rows: pd.DataFrame, sessions: pd.DatetimeIndex, *, ticks: Ticks
) -> list[Fate]:
    """List what cannot be in a market's rows, one row per code or session and kind.

    Parameters
    ----------
    rows : DataFrame
        The judged rows, sorted by ticker and session, indexed by their position in the
        files.
    sessions : DatetimeIndex
        The market's calendar.
    ticks : Ticks
        Price steps of the exchange. A suspended or mended price is not judged by them.
    """
    is_share = (rows["kind"] != "index").to_numpy()
    volume, price = rows["volume"].to_numpy(), rows["price"].to_numpy()
    is_judged = is_share & ~np.isnan(price)
    is_judged &= ~rows[["suspended", "stale", "mended"]].to_numpy().any(axis=1)
    is_off = np.zeros(len(rows), bool)
    judged = rows[is_judged]
    is_off[is_judged] = off_tick(price[is_judged], judged["session"], ticks)
    is_fraction = np.nan_to_num(volume % 1) > 0
    return [
        _grouped(rows, is_fraction & is_share, "volume", FRACTIONAL),
        _grouped(rows, is_off, "price", OFF_TICK),
        _renamings(rows[is_share], sessions),
    ]


def unknown_codes(
    rows: pd.DataFrame, events: Mapping[Path, pd.DataFrame]
) -> pd.DataFrame:
    """List the sourced events, within the files' span, of codes that no file prints.

    Parameters
    ----------
    rows : DataFrame
        The judged rows, with ``ticker`` (categorical) and ``session``.
    events : mapping of Path to DataFrame
        ``ticker`` and ``ex_date`` by the file of the sourced table, whose first column
        is the code.

    Returns
    -------
    DataFrame
        ``REPAIRS``: one row per code and table, at its first line there.
    """
    listed = set(rows["ticker"].cat.categories)
    first, last = rows["session"].min(), rows["session"].max()
    found = []
    for path, table in events.items():
        inside = table[table["ex_date"].between(first, last)]
        for ticker, own in inside.groupby("ticker"):
            if str(ticker) in listed:
                continue
            row = (
                f"{path.parent.name}/{path.name}",
                _line_of(str(ticker), path),
                str(ticker),
                own["ex_date"].iloc[0],
                "review",
                UNKNOWN_CODE,
                f"{len(own)} events",
            )
            found.append(row)
    return conform(pd.DataFrame(found, columns=list(REPAIRS.columns)), REPAIRS)


def _line_of(ticker: str, path: Path) -> int:
    lines = path.read_text("utf-8-sig").splitlines()
    return next(n for n, line in enumerate(lines, 1) if line.startswith(f"{ticker},"))


def _grouped(
    rows: pd.DataFrame, is_wrong: np.ndarray, column: str, reason: str
) -> Fate:
    """Return one row per code with many wrong values, and per session of the others."""
    if not is_wrong.any():
        return Fate(np.array([], int), "review", reason)
    wrong = rows[is_wrong].sort_index()
    codes = wrong["ticker"].astype("str")
    n_printed = rows.loc[rows[column].notna(), "ticker"].value_counts()
    is_many = codes.groupby(codes).transform("size") > FEW * codes.map(n_printed)
    places, details = [], []
    for ticker, own in wrong[is_many].groupby(codes[is_many]):
        days = own["session"]
        places.append(own.index[0])
        details.append(
            f"{len(own)} of {n_printed[ticker]} of {ticker}, {days.min():%Y-%m-%d} to "
            f"{days.max():%Y-%m-%d}; the first is {own[column].iloc[0]:g}"
        )
    for _, board in wrong[~is_many].groupby("session"):
        shown = zip(board["ticker"], board[column], strict=True)
        values = ", ".join(f"{ticker} {value:g}" for ticker, value in shown)
        places.append(board.index[0])
        details.append(f"{len(board)} on this session: {values}")
    return Fate(np.array(places, int), "review", reason, details)


def _renamings(rows: pd.DataFrame, sessions: pd.DatetimeIndex) -> Fate:
    """Pair codes that end with codes that begin at the same price or name."""
    codes = ticker_codes(rows)
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    first = rows.iloc[starts]
    last = rows.iloc[np.append(starts[1:], len(rows)) - 1]
    begins = sessions.searchsorted(first["session"].to_numpy())
    ends = sessions.searchsorted(last["session"].to_numpy())
    price = rows["price"].groupby(codes).last().to_numpy()
    places, details = [], []
    for new in range(len(first)):
        pause = begins[new] - ends
        for old in np.flatnonzero((pause > 0) & (pause <= LONGEST_PAUSE)):
            one, other = last.iloc[old], first.iloc[new]
            if one["kind"] != other["kind"]:
                continue
            same_price = abs(other["previous"] - price[old]) <= CENT
            if same_price or _same_name(str(one["name"]), str(other["name"])):
                how = "previous is its last price" if same_price else "the same name"
                places.append(other.name)
                details.append(
                    f"{one['ticker']} ends on {one['session']:%Y-%m-%d} at "
                    f"{price[old]:g}, {other['ticker']} begins: {how}"
                )
    return Fate(np.array(places, int), "review", RENAMED_CODE, details)


def _same_name(one: str, other: str) -> bool:
    words = [re.findall("[a-z0-9]+", name.lower()) for name in (one, other)]
    plain = [" ".join(w for w in name if w not in LEGAL_FORM) for name in words]
    return bool(plain[0]) and plain[0] == plain[1]
