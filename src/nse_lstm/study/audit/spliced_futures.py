"""Raw files as they would read under another future, or on an earlier evening.

The exchange's files look ahead in two columns: ``Adjust`` shows splits that are still
to come, ``12m Low`` and ``12m High`` a later snapshot. Another future therefore also
rewrites those two in the rows *before* it, as the exchange would have printed them.
"""

import csv
import io
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from nse_lstm.paths import csv_paths

N_FIELDS = 13
DATE, TICKER, LOW_12M, HIGH_12M = 0, 1, 3, 4
LOW, HIGH, PRICE, PREVIOUS, VOLUME, ADJUST = 5, 6, 7, 8, 11, 12
PRINTED = (LOW, HIGH, PRICE)
SESSIONS_LEFT = pd.Timedelta(days=7)
"""How long the delisted share goes on in the other future."""


@dataclass(frozen=True)
class Change:
    """One way to rewrite what lies after an origin."""

    kind: str
    """"other future" or "cut"."""
    origin: pd.Timestamp
    """Last session that stays as it is."""
    split: str = ""
    """In the other future this share splits 2 for 1 on the next session."""
    delisted: str = ""
    """This one leaves the board a week later."""
    seed: int = 0

    @property
    def label(self) -> str:
        """Name the change in words."""
        return f"{self.kind} after {self.origin:%Y-%m-%d}"


def rewrite(source: Path, target: Path, change: Change) -> Path:
    """Copy a raw folder under a change.

    "cut" leaves out every price row after the origin. "other future" gives each share
    another level, other moves and other volumes from then on, splits one share,
    delists another, and rewrites the columns that look ahead in all rows.

    Returns
    -------
    Path
        ``target``.
    """
    target.mkdir(parents=True)
    for path in csv_paths(source):
        text = path.read_bytes().decode("utf-8-sig")
        header, *rows = list(csv.reader(io.StringIO(text, newline="")))
        if len(header) == N_FIELDS:
            rows = [row for row in rows if _kept(row, change)]
            if change.kind != "cut":
                rows = [_other(row, change) for row in rows]
        with (target / path.name).open("w", encoding="utf-8", newline="") as lines:
            csv.writer(lines, lineterminator="\n").writerows([header, *rows])
    return target


def _kept(row: list[str], change: Change) -> bool:
    if not row[DATE]:
        return True
    session = _session(row[DATE])
    if change.kind == "cut":
        return session <= change.origin
    gone = session > change.origin + SESSIONS_LEFT
    return not (gone and row[TICKER] == change.delisted)


def _other(row: list[str], change: Change) -> list[str]:
    if not row[DATE]:
        return row
    other = list(row)
    other[LOW_12M], other[HIGH_12M] = "0.5", "7777"
    session = _session(row[DATE])
    if session <= change.origin:
        if row[TICKER] == change.split:
            other[ADJUST] = _half(row)
        return other
    own = np.random.default_rng([change.seed, *row[TICKER].encode()])
    level = own.choice([0.6, 0.75, 1.4, 1.8])
    today = np.random.default_rng([change.seed, session.value, *row[TICKER].encode()])
    move, dealt = today.uniform(0.97, 1.03), today.uniform(0.05, 20)
    for place in PRINTED:
        other[place] = _times(row[place], level * move)
    other[VOLUME] = _times(row[VOLUME], dealt, decimals=0)
    return other


def _half(row: list[str]) -> str:
    printed = _number(row[ADJUST]) or _number(row[PRICE])
    return "-" if printed is None else f"{printed / 2:.2f}"


def _times(text: str, factor: float, *, decimals: int = 2) -> str:
    value = _number(text)
    if value is None:
        return text
    least = 10.0**-decimals
    return f"{max(value * factor, least):.{decimals}f}"


def _number(text: str) -> float | None:
    return None if text == "-" else float(text.replace(",", ""))


@cache
def _session(text: str) -> pd.Timestamp:
    day, month, year = text.split("-")
    return pd.to_datetime(f"{day}-{month}-20{year[-2:]}", format="%d-%b-%Y")
