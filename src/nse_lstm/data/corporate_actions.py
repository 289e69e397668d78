"""Corporate actions: bonus issues, splits and consolidations as adjustment factors.

The printed ``Adjust`` column is the price times the factors of all events known when
the file was made, so it looks ahead: an event of 2019 shows from 2013 on. Only its
*steps* are used, each on its own date, and no other module reads the column. A sourced
table adds events that ``Adjust`` misses. A jump without an event is listed for review.
"""

import itertools
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nse_lstm import tables
from nse_lstm.data.adjusted import MAX_LOG_MOVE, ticker_codes
from nse_lstm.data.renamed_codes import TICKER
from nse_lstm.data.sourced import NOTE, Field, one_of, read_day, read_rows
from nse_lstm.errors import DataError

MIN_STEP = 0.02
"""Smallest step of the log factor that is an event; the smallest seen is 0.09."""
HALF_UNIT = 0.005
"""Largest rounding error of a printed price, KES: prices are printed to the cent."""
MISPRINT_ROWS = 3
"""Most rows of a wrong value of ``Adjust`` after which the old factor is back. The
shortest true announcement before its event has six."""
TAKEN_BACK_ROWS = 60
"""Most rows after which an event that is taken back is a misprint, too."""
MAX_DENOMINATOR = 10
"""Terms of an issue are ratios of small numbers; the finest seen is 1 for 10."""
NEAR = pd.Timedelta(days=45)
"""A sourced event this close to one of the files must be the same event."""


def read_actions(path: Path | None) -> pd.DataFrame:
    """Read the sourced table of a market's corporate actions.

    The table holds events that ``Adjust`` misses, each with its source, under version
    control.

    Parameters
    ----------
    path : Path or None
        CSV file with the columns of ``tables.CORPORATE_ACTIONS``; None for no events.

    Returns
    -------
    DataFrame
        ``ticker``, ``ex_date`` (datetime64[us]), ``factor`` (shares after
        over shares before), ``kind``, ``source``, ``note``; ``source_file`` and
        ``source_line`` for errors.

    Raises
    ------
    DataError
        For the first line that is invalid or repeats an event; names file and line.
    """
    rows = read_rows(
        path, FIELDS, key=["ticker", "ex_date"], one="event per ticker and date"
    )
    names = list(tables.CORPORATE_ACTIONS.columns)
    table = pd.DataFrame(
        [
            row.cells | {"source_file": row.file, "source_line": row.line}
            for row in rows
        ],
        columns=[*names, "source_file", "source_line"],
    )
    text = dict.fromkeys(["ticker", "kind", "source", "note"], tables.TEXT)
    types = text | {"ex_date": tables.TIME, "factor": tables.NUMBER}
    table = table.astype(types | {"source_file": tables.TEXT, "source_line": "int64"})
    if len(table):
        tables.check(table[names], tables.CORPORATE_ACTIONS)
    return table


def find_events(rows: pd.DataFrame) -> pd.DataFrame:
    """Find the corporate actions in the printed ``Adjust`` column.

    A row's factor is ``Adjust / price`` (1 where ``Adjust`` is missing). An event is a
    row whose factor moved towards 1 from another value. A factor that starts or moves
    away from 1 announces a later event and is ignored.

    A factor that differs for up to ``MISPRINT_ROWS`` rows, or an event that is taken
    back within ``TAKEN_BACK_ROWS``, is a misprint and no event. So a misprint on the
    last rows of a file is known only later.

    Parameters
    ----------
    rows : DataFrame
        Unique rows sorted by ticker and session, with ``ticker session price adjust``
        as printed.

    Returns
    -------
    DataFrame
        One row per event, indexed like ``rows``: ``ticker``, ``session`` (the printed
        ex-date) and ``factor``, shares after over shares before, 2 for a 1:1 bonus. It
        is the ratio of small whole numbers that prints the same, if there is one.

    Raises
    ------
    DataError
        If the events of a ticker do not multiply to what its rows print.
    """
    return _find_steps(rows)[0]


def _find_steps(rows: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the events, and whether each row's ``Adjust`` is a misprint."""
    price, adjust = rows["price"].to_numpy(), rows["adjust"].to_numpy()
    is_first = np.diff(ticker_codes(rows), prepend=-1) != 0
    is_blank = np.isnan(adjust)
    place = np.arange(len(rows))
    # A row without a price has the factor of the ticker's last row that has one.
    is_known = ~np.isnan(price)
    last = np.maximum.accumulate(np.where(is_known | is_first, place, 0))
    printed = np.where(is_known, np.where(is_blank, 1.0, adjust / price), np.nan)
    log_factor = np.log(printed[last])
    rounding = np.where(is_blank, 0.0, HALF_UNIT / adjust)
    misprinted = _misprints(log_factor, rounding, is_first)
    good = np.maximum.accumulate(np.where(misprinted, 0, place))
    log_factor, rounding = log_factor[good], rounding[good]
    step, error = _steps(log_factor, rounding, is_first)
    is_step = np.abs(step) > MIN_STEP + error
    is_event = is_step.copy()
    is_event[1:] &= np.abs(log_factor[1:]) < np.abs(log_factor[:-1])
    ratios = zip(np.exp(step[is_event]), error[is_event], strict=True)
    events = rows.loc[is_event, ["ticker", "session"]].assign(
        factor=np.array([_terms(ratio, error=e) for ratio, e in ratios], float)
    )
    booked = np.where(is_step, step, 0.0)
    booked[is_event] = np.log(events["factor"].to_numpy())
    _check_products(rows, log_factor, booked, rounding, is_first)
    return events, misprinted


def _steps(
    log_factor: np.ndarray, rounding: np.ndarray, is_first: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return each row's step of the log factor, 0 on a first row, and its error."""
    step = np.where(is_first, 0.0, np.diff(log_factor, prepend=np.nan))
    error = rounding.copy()
    error[1:] += np.where(is_first[1:], 0.0, rounding[:-1])
    return step, error


def _misprints(
    log_factor: np.ndarray, rounding: np.ndarray, is_first: np.ndarray
) -> np.ndarray:
    """Mark the rows of a run of factors after which the factor before it is back."""
    step, error = _steps(log_factor, rounding, is_first)
    starts = np.flatnonzero(is_first | (np.abs(step) > MIN_STEP + error))
    misprinted = np.zeros(len(log_factor), bool)

    def is_back(now: int, before: int) -> bool:
        distance = np.abs(log_factor[now] - log_factor[before])
        return bool(distance <= MIN_STEP + rounding[now] + rounding[before])

    # Start of the last run that is no misprint.
    before = 0
    for start, after in itertools.pairwise([*starts, len(log_factor)]):
        if is_first[start]:
            before = start
        if is_first[start] or is_back(start, before):
            continue
        is_nearer = np.abs(log_factor[start]) < np.abs(log_factor[before])
        longest = TAKEN_BACK_ROWS if is_nearer else MISPRINT_ROWS
        ends = after == len(log_factor) or is_first[after]
        if not ends and after - start <= longest and is_back(after, before):
            misprinted[start:after] = True
        else:
            before = start
    return misprinted


def _check_products(
    rows: pd.DataFrame,
    log_factor: np.ndarray,
    booked: np.ndarray,
    rounding: np.ndarray,
    is_first: np.ndarray,
) -> None:
    """Compare the events and announcements of each ticker with its first factor."""
    starts = np.flatnonzero(is_first)
    ends = np.append(starts[1:], len(rows)) - 1
    total = np.add.reduceat(booked, starts) if len(starts) else booked[:0]
    printed = log_factor[ends] - log_factor[starts]
    n_steps = np.add.reduceat(booked != 0, starts) if len(starts) else booked[:0]
    worst = np.maximum.reduceat(rounding, starts) if len(starts) else booked[:0]
    wrong = np.abs(total - printed) > MIN_STEP + 2 * (n_steps + 1) * worst
    if wrong.any():
        place = starts[int(wrong.argmax())]
        ticker = rows["ticker"].iloc[place]
        raise DataError(
            f"Expected the corporate actions of {ticker} to multiply to "
            f"{np.exp(printed[wrong][0]):.4g}, as its adjusted prices say from its "
            f"first row to its last. Received: {np.exp(total[wrong][0]):.4g}; look for "
            "a wrong adjusted price in its rows",
            file=str(rows["source_file"].iloc[place])
            if "source_file" in rows
            else None,
        )


def add_factor(rows: pd.DataFrame, sourced: pd.DataFrame) -> pd.DataFrame:
    """Replace the column ``adjust`` by the adjustment ``factor`` of each row.

    Adds ``adjust_misprinted`` (bool) for review.

    An event takes effect on the first row on or after its ex-date that has volume or
    whose price has followed the factor: a suspended stock keeps its old price, an idle
    one may be printed at its new one. Elsewhere the factor is 1. Factors compound
    forward, so no later event rewrites an earlier value.

    Parameters
    ----------
    rows : DataFrame
        Unique rows sorted by ticker and session, with ``ticker session price adjust
        volume`` as printed and ``stale`` (no trade of its own).
    sourced : DataFrame
        ``read_actions``. An event without such a row has no effect.

    Raises
    ------
    DataError
        If a sourced event is near another event of the files, or the events of a ticker
        do not multiply to what its rows print.
    """
    events, misprinted = _find_steps(rows)
    if len(sourced):
        events = pd.concat([events, _placed(rows, sourced, events)])
    fresh = ~rows["stale"].to_numpy()
    is_traded = rows["volume"].notna().to_numpy() & fresh
    ticker, price = ticker_codes(rows), rows["price"].to_numpy()
    factor = np.ones(len(rows))
    places = rows.index.get_indexer(events.index)
    for place, step in zip(places, events["factor"], strict=True):
        ends = np.searchsorted(ticker, ticker[place], side="right")
        before = _last_price(price[np.searchsorted(ticker, ticker[place]) : place])
        move = np.abs(np.log(price[place:ends] / before))
        follows = np.abs(np.log(price[place:ends] * step / before)) <= MAX_LOG_MOVE
        follows &= fresh[place:ends] & (move > MAX_LOG_MOVE)
        later = is_traded[place:ends] | follows
        if later.any():
            factor[place + later.argmax()] *= step
    return rows.drop(columns="adjust").assign(
        factor=factor, adjust_misprinted=misprinted
    )


def _placed(
    rows: pd.DataFrame, sourced: pd.DataFrame, events: pd.DataFrame
) -> pd.DataFrame:
    """Return the sourced events that the files lack, each at its first row."""
    placed: dict[int, dict[Any, Any]] = {}
    for entry in sourced.to_dict("records"):
        ticker, ex_date, factor = entry["ticker"], entry["ex_date"], entry["factor"]
        of_ticker = events[events["ticker"] == ticker]
        near = of_ticker[(of_ticker["session"] - ex_date).abs() <= NEAR]
        is_same = (near["session"] == ex_date) & np.isclose(
            near["factor"], factor, rtol=1e-6
        )
        if len(near) and not (len(near) == 1 and is_same.all()):
            found = near.iloc[0]
            raise DataError(
                f"Expected one event of {ticker} around {ex_date:%Y-%m-%d}. Received: "
                f"factor {factor:g} here, and {found['factor']:g} on "
                f"{found['session']:%Y-%m-%d} in the files' adjusted prices",
                file=entry["source_file"],
                line=entry["source_line"],
            )
        later = (rows["ticker"] == ticker) & (rows["session"] >= ex_date)
        if near.empty and later.any():
            placed[rows.index[int(later.to_numpy().argmax())]] = entry
    columns = {"ticker": "ticker", "session": "ex_date", "factor": "factor"}
    table = {
        ours: [entry[theirs] for entry in placed.values()]
        for ours, theirs in columns.items()
    }
    index = pd.Index(list(placed), dtype=rows.index.dtype)
    types = events.dtypes[list(columns)].to_dict()
    return pd.DataFrame(table, index=index).astype(types)


def _last_price(prices: np.ndarray) -> float:
    """Return the last price that is known, NaN if there is none."""
    known = prices[~np.isnan(prices)]
    return float(known[-1]) if len(known) else np.nan


def _terms(ratio: float, *, error: float) -> float:
    """Return the simplest ratio of whole numbers within the rounding error."""
    simple = Fraction(ratio).limit_denominator(MAX_DENOMINATOR)
    # The error is a first-order bound; a twentieth more covers the rest.
    if simple and abs(float(simple) / ratio - 1) <= 1.05 * error + 1e-9:
        return float(simple)
    return ratio


def read_ticker(text: str) -> str | None:
    """Return a stock code, None for another text."""
    return text if re.match(TICKER, text) else None


def _factor(text: str) -> float | None:
    try:
        terms = [float(part) for part in text.split("/")]
        factor = terms[0] if len(terms) == 1 else terms[0] / terms[1]
    except (ValueError, ZeroDivisionError):
        return None
    return factor if 0 < factor < np.inf and factor != 1 and len(terms) < 3 else None


FIELDS = {
    "ticker": Field("a stock code as ticker", read_ticker),
    "ex_date": Field("a date as 2020-08-04 as ex_date", read_day),
    "factor": Field("a positive number or ratio other than 1 as factor", _factor),
    "kind": Field(
        f"one of {tables.ACTION_KINDS} as kind", one_of(*tables.ACTION_KINDS)
    ),
    "source": Field("where the event was read as source", lambda text: text or None),
    "note": NOTE,
}
