"""Raw files under another future after an origin, or cut at the origin.

The exchange's files look ahead in some columns: ``Adjust`` shows later splits, ``12m
Low`` and ``12m High`` a later snapshot. So another future also rewrites those columns
*before* the origin, as the exchange would have printed them.
"""

import csv
import io
import shutil
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from nse_lstm.config import Study
from nse_lstm.paths import csv_paths
from nse_lstm.study.audit.printed_files import read_printed, write_printed

N_FIELDS = 13
DATE, TICKER, LOW_12M, HIGH_12M = 0, 1, 3, 4
LOW, HIGH, PRICE, PREVIOUS, CHANGE, VOLUME, ADJUST = 5, 6, 7, 8, 9, 11, 12
PRICES = (LOW, HIGH, PRICE)
NEW_TRADES, LOST_TRADES = 0.5, 0.2
"""Fractions of the idle sessions that have a trade in the other future, and of the
others that have none."""
SESSIONS_LEFT = pd.Timedelta(days=7)
"""Time from the origin to the delisting in the other future."""


@dataclass(frozen=True)
class Splice:
    """One way to rewrite the rows after an origin."""

    kind: str
    """"other future" or "cut"."""
    origin: pd.Timestamp
    """Last session whose rows stay unchanged."""
    split: str = ""
    """Stock that splits 2 for 1 on the next session."""
    delisted: str = ""
    """Stock that is delisted a week later."""
    seed: int = 0
    condition: str = ""
    """Kind of the origin, as in ``origins.KINDS``."""

    @property
    def label(self) -> str:
        """Kind, origin and the origin's condition in words."""
        condition = f" ({self.condition})" if self.condition else ""
        return f"{self.kind} after {self.origin:%Y-%m-%d}{condition}"


def rewrite_files(source: Path, target: Path, splice: Splice) -> Path:
    """Copy a folder of raw files and rewrite the rows after an origin.

    "cut" leaves out every price row after the origin. "other future" gives each stock
    another level, other returns, other volumes and other sessions without a trade from
    then on, splits one stock, delists another, and rewrites the columns with look-ahead
    in all rows. Each ``Previous`` is the other price of the stock's row before, as an
    exchange prints it.

    Parameters
    ----------
    source, target : Path
        Existing folder, and one that does not exist yet.
    splice : Splice
        Rows to change.

    Returns
    -------
    Path
        ``target``.
    """
    target.mkdir(parents=True)
    chain = _Chain()
    for path in csv_paths(source):
        text = read_printed(path)
        header, *rows = list(csv.reader(io.StringIO(text, newline="")))
        if len(header) == N_FIELDS:
            rows = [row for row in rows if _kept(row, splice)]
            if splice.kind != "cut":
                chain.early |= _repeated_by_next(rows)
                rows = [chain.link(row, _other(row, splice), splice) for row in rows]
        lines = io.StringIO(newline="")
        csv.writer(lines, lineterminator="\n").writerows([header, *rows])
        write_printed(target / path.name, lines.getvalue())
    return target


def rewrite_dividends(payments: Path, folder: Path, splice: Splice) -> None:
    """Write the sourced dividends as another future, or a cut, would have them.

    Parameters
    ----------
    payments : Path
        The market's table, the one of complete years beside it. A missing one is left
        out.
    folder : Path
        Of the rewritten tables, ``sourced`` beside the rewritten raw files.
    splice : Splice
        Dividends with an ex-date after its origin change, or are left out.
    """
    if not payments.is_file():
        return
    header, *rows = csv.reader(payments.read_text("utf-8").splitlines())
    register, ex_date, amount = (
        header.index(name) for name in ("register_date", "ex_date", "amount_kes")
    )
    kept = []
    for row in rows:
        day = pd.Timestamp(row[register]) + pd.Timedelta(days=1)
        if (pd.Timestamp(row[ex_date]) if row[ex_date] else day) > splice.origin:
            if splice.kind == "cut":
                continue
            row[amount] = f"{3 * float(row[amount]):.2f}"
        kept.append(row)
    folder.mkdir()
    with (folder / "dividends.csv").open("w", encoding="utf-8", newline="") as lines:
        csv.writer(lines, lineterminator="\n").writerows([header, *kept])
    years = payments.with_name(f"{payments.stem}_years.csv")
    if years.is_file():
        shutil.copyfile(years, folder / "dividends_years.csv")


def rewrite_bills(rates: dict[str, float], splice: Splice) -> dict[str, float]:
    """Return the bill rates as another future, or a cut, would have them.

    The rate of the origin's own month is not known at the origin.

    Parameters
    ----------
    rates : dict
        Yearly rate by month, such as "2024-05".
    splice : Splice
        Whose origin's month, and all later ones, change or are left out.
    """
    first = f"{splice.origin:%Y-%m}"
    known = {month: rate for month, rate in rates.items() if month < first}
    if splice.kind == "cut":
        return known
    return known | {month: 0.5 for month in rates if month >= first}


def splice_study(study: Study, splice: Splice) -> Study:
    """Return a study whose bill rates are those of the splice.

    Parameters
    ----------
    study : Study
    splice : Splice
    """
    rates = rewrite_bills(study.backtest.bill_rates, splice)
    return replace(study, backtest=replace(study.backtest, bill_rates=rates))


def _kept(row: list[str], splice: Splice) -> bool:
    if not row[DATE]:
        return True
    session = _session(row[DATE])
    if splice.kind == "cut":
        return session <= splice.origin
    gone = session > splice.origin + SESSIONS_LEFT
    return not (gone and row[TICKER] == splice.delisted)


def _other(row: list[str], splice: Splice) -> list[str]:
    if not row[DATE]:
        return row
    other = list(row)
    other[LOW_12M], other[HIGH_12M] = "0.5", "7777"
    session = _session(row[DATE])
    if session <= splice.origin:
        if row[TICKER] == splice.split:
            other[ADJUST] = _half(row)
        return other
    by_stock = np.random.default_rng([splice.seed, *row[TICKER].encode()])
    level = by_stock.choice([0.6, 0.75, 1.4, 1.8])
    by_row = np.random.default_rng([splice.seed, session.value, *row[TICKER].encode()])
    move, activity = by_row.uniform(0.97, 1.03), by_row.uniform(0.05, 20)
    for place in PRICES:
        other[place] = _multiply(row[place], level * move)
    # The same factor as before, so that the stock's own later events stay.
    other[ADJUST] = _multiply(row[ADJUST], level * move)
    other[VOLUME] = _multiply(row[VOLUME], activity, decimals=0)
    # Which sessions have a trade is of the future too. An index has none.
    if not row[TICKER].startswith("^"):
        if row[VOLUME] == "-" and by_row.random() < NEW_TRADES:
            other[VOLUME] = f"{100 * by_row.integers(1, 90)}"
        elif by_row.random() < LOST_TRADES:
            other[VOLUME] = "-"
    return other


@dataclass
class _Chain:
    """Previous prices of another future, as the exchange would have printed them."""

    last: dict[str, str] = field(default_factory=dict)
    """Price of each stock's last row."""
    given: dict[tuple[str, pd.Timestamp], str] = field(default_factory=dict)
    """``Previous`` of each row, since two files may hold a session."""
    known: dict[str, list[str]] = field(default_factory=dict)
    """Each stock's last row up to the origin."""
    early: set[tuple[str, str]] = field(default_factory=set)
    """Stock and printed date of each row that its next row repeats."""

    def link(self, row: list[str], other: list[str], splice: Splice) -> list[str]:
        """Give a row after the origin the price of the stock's row before."""
        if not row[DATE]:
            return other
        ticker = row[TICKER]
        if _session(row[DATE]) <= splice.origin:
            self.known[ticker] = row
            return other
        place = (ticker, _session(row[DATE]))
        if place not in self.given:
            self.given[place] = self.last.get(ticker) or self._first(row)
            self.last[ticker] = other[PRICE]
        other[PREVIOUS] = self.given[place]
        now, previous = _number(other[PRICE]), _number(other[PREVIOUS])
        if now is not None and previous is not None:
            other[CHANGE] = f"{now - previous:.2f}"
        return other

    def _first(self, row: list[str]) -> str:
        """Return ``Previous`` of the first row after the origin.

        A stale copy repeats the ``Previous`` of the row before, and a board that came
        early that of the row after. Rewritten it is neither any more, so it gets the
        price of the row before.
        """
        before = self.known.get(row[TICKER])
        if before is None:
            return row[PREVIOUS]
        is_copy = row[PRICE:VOLUME] == before[PRICE:VOLUME]
        is_early = (row[TICKER], row[DATE]) in self.early
        return before[PRICE] if is_copy or is_early else row[PREVIOUS]


def _repeated_by_next(rows: list[list[str]]) -> set[tuple[str, str]]:
    """Return stock and printed date of each row whose next row prints the same."""
    last: dict[str, list[str]] = {}
    repeated = set[tuple[str, str]]()
    for row in rows:
        before = last.get(row[TICKER])
        if before is not None and row[LOW:ADJUST] == before[LOW:ADJUST]:
            repeated.add((row[TICKER], before[DATE]))
        last[row[TICKER]] = row
    return repeated


def _half(row: list[str]) -> str:
    printed = _number(row[ADJUST]) or _number(row[PRICE])
    return "-" if printed is None else f"{printed / 2:.2f}"


def _multiply(text: str, factor: float, *, decimals: int = 2) -> str:
    value = _number(text)
    if value is None:
        return text
    least = 10.0**-decimals
    return f"{max(value * factor, least):.{decimals}f}"


def _number(text: str) -> float | None:
    return None if text == "-" else float(text.replace(",", ""))


@cache
def _session(text: str) -> pd.Timestamp:
    if "/" in text:
        return pd.to_datetime(text, format="%m/%d/%Y")
    day, month, year = text.split("-")
    return pd.to_datetime(f"{day}-{month}-20{year[-2:]}", format="%d-%b-%Y")
