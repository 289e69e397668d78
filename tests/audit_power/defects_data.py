"""Defects between the raw files and the windows."""

import csv
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit_power.defects import Defect
from nse_lstm.data import date_repair, fault_rules, wrong_boards
from nse_lstm.evaluation import scoring, strategies
from nse_lstm.features import windows as windows_module
from nse_lstm.features.returns import with_returns
from nse_lstm.features.windows import Windows
from nse_lstm.study.audit import examine, stored_run
from nse_lstm.study.audit.patching import patched
from nse_lstm.study.core import jobs, study_data
from nse_lstm.study.data_analysis import prepare
from nse_lstm.study.validation import validate

DATE, CODE, HIGH_12M, PRICE, PREVIOUS, VOLUME, ADJUST = 0, 1, 4, 7, 8, 11, 12
CENTRED_BY = 2
"""Sessions after the origin that a centred window reaches."""


@contextmanager
def text_sorted() -> Iterator[None]:
    """Sort sessions as text: 01-Apr-22 before 02-Jan-22."""
    before = windows_module._on_calendar

    def on_calendar(stock: pd.DataFrame, sessions: pd.DatetimeIndex) -> pd.DataFrame:
        rows = before(stock, sessions)
        texts = pd.DatetimeIndex(rows.index).strftime("%d-%b-%y")
        return rows.iloc[np.argsort(texts, kind="stable")]

    with patched(windows_module, _on_calendar=on_calendar):
        yield


@contextmanager
def centred() -> Iterator[None]:
    """Centre the window on the origin, so that it ends after it."""
    before = jobs.make_windows

    def make(stock: pd.DataFrame, sessions: pd.DatetimeIndex, **how: Any) -> Windows:
        found = before(stock, sessions, **how)
        later = np.minimum(np.arange(len(found)) + CENTRED_BY, len(found) - 1)
        return _with_inputs(found, found.X[later])

    with patched(jobs, make_windows=make):
        yield


def printed_column(place: int) -> Any:
    """Make a defect that puts a printed column into the window's first input."""

    @contextmanager
    def patch() -> Iterator[None]:
        folders: list[Path] = []
        build, before = prepare.build_panel, jobs.make_windows

        def build_panel(folder: Path, **how: Any) -> Any:
            folders[:] = [folder]
            return build(folder, **how)

        def make(
            stock: pd.DataFrame, sessions: pd.DatetimeIndex, **how: Any
        ) -> Windows:
            found = before(stock, sessions, **how)
            lines = {
                name: _lines(folders[0] / name) for name in set(stock["source_file"])
            }
            rows = zip(
                stock["session"],
                stock["source_file"],
                stock["source_line"],
                strict=True,
            )
            by_session = {s: lines[f][n - 1][place] for s, f, n in rows}
            printed = [by_session[pd.Timestamp(day)] for day in found.origin]
            X = found.X
            pairs = zip(printed, found.last_price, strict=True)
            X[:, 0] = [p if t == "-" else float(t.replace(",", "")) for t, p in pairs]
            return _with_inputs(found, X)

        with (
            patched(prepare, build_panel=build_panel),
            patched(jobs, make_windows=make),
        ):
            yield

    return patch


@contextmanager
def back_adjusted() -> Iterator[None]:
    """Adjust prices backwards from the last row, so that later events change them."""

    def adjust(panel: pd.DataFrame) -> pd.DataFrame:
        table = with_returns(panel)
        last = table.groupby("ticker")["shares"].transform("last")
        return table.assign(
            shares=table["shares"] / last, adjusted=table["adjusted"] / last
        )

    with ExitStack() as stack:
        for module in (study_data, validate, stored_run, scoring, strategies):
            stack.enter_context(patched(module, with_returns=adjust))
        yield


def changed_windows(change: Any) -> Any:
    """Make a defect that changes every stock's windows."""

    @contextmanager
    def patch() -> Iterator[None]:
        before = jobs.make_windows

        def make(
            stock: pd.DataFrame, sessions: pd.DatetimeIndex, **how: Any
        ) -> Windows:
            return change(before(stock, sessions, **how))

        with patched(jobs, make_windows=make):
            yield

    return patch


def _with_earlier_label(windows: Windows) -> Windows:
    return replace(windows, y=np.concatenate([windows.last_price[:1], windows.y[:-1]]))


def _with_inputs(windows: Windows, X: NDArray[np.float64]) -> Windows:
    """Give every window inputs of its own, (n, lookback), and its true prices after."""
    padded = np.append(windows.prices, np.full(CENTRED_BY, np.nan))
    after = padded[windows.last[:, None] + np.arange(1, CENTRED_BY + 1)]
    rows = np.hstack([X, after])
    last = rows.shape[1] * np.arange(len(X)) + windows.lookback - 1
    return replace(windows, prices=rows.ravel(), last=last)


def _with_target_inside(windows: Windows) -> Windows:
    X = windows.X
    X[:, 0] = windows.y
    return _with_inputs(windows, X)


@contextmanager
def survivors() -> Iterator[None]:
    """Recommend only stocks that are still listed on the last session."""
    before = prepare.stock_statistics

    def judge(
        panel: pd.DataFrame, instruments: pd.DataFrame, **how: Any
    ) -> pd.DataFrame:
        last = panel.groupby("ticker")["session"].transform("max")
        listed = last > panel["session"].max() - pd.Timedelta(days=20)
        return before(panel[listed], instruments, **how)

    with patched(prepare, stock_statistics=judge):
        yield


@contextmanager
def later_recommendations() -> Iterator[None]:
    """Recommend as of the end of the year that is forecast."""
    before = prepare.stock_statistics

    def judge(
        panel: pd.DataFrame,
        instruments: pd.DataFrame,
        *,
        before_: Any = None,
        **how: Any,
    ) -> pd.DataFrame:
        how["before"] = how["before"] + pd.DateOffset(years=1)
        return before(panel, instruments, **how)

    with patched(prepare, stock_statistics=judge):
        yield


@contextmanager
def duplicates_kept() -> Iterator[None]:
    """Keep rows that are printed twice."""

    def none(rows: pd.DataFrame) -> pd.DataFrame:
        place = np.arange(len(rows))
        return pd.DataFrame({"duplicate": False, "first": place}, index=rows.index)

    with patched(fault_rules, find_duplicates=none):
        yield


@contextmanager
def duplicates_moved() -> Iterator[None]:
    """Date the second of two equal rows to the weekend after."""
    redate = date_repair.redate

    def move(rows: pd.DataFrame) -> pd.DataFrame:
        rows = redate(rows)
        twice = rows.duplicated(["ticker", "session"])
        stay = rows["session"].where(
            ~twice, rows["session"] + pd.offsets.Week(weekday=6)
        )
        return rows.assign(session=stay)

    with patched(date_repair, redate=move), patched(fault_rules, check_order=_no_check):
        yield


@contextmanager
def misdated_kept() -> Iterator[None]:
    """Accept the misprinted dates."""

    def accept(rows: pd.DataFrame) -> pd.DataFrame:
        return rows.assign(redated=False)

    with (
        patched(date_repair, redate=accept),
        patched(fault_rules, check_order=_no_check),
    ):
        yield


@contextmanager
def stale_kept() -> Iterator[None]:
    """Accept sessions that are copies of the session before."""

    find = wrong_boards.find_wrong_boards

    def without_copies(rows: pd.DataFrame, sessions: pd.DatetimeIndex) -> pd.DataFrame:
        found = find(rows, sessions)
        return found.assign(stale=found["misplaced"])

    with patched(wrong_boards, find_wrong_boards=without_copies):
        yield


@contextmanager
def wrong_boards_kept() -> Iterator[None]:
    """Know of stale copies alone: any other board is believed under its date."""
    pairs = wrong_boards._pairs

    def believe(rows: pd.DataFrame, sessions: pd.DatetimeIndex) -> pd.DataFrame:
        return rows.assign(swapped=False, late=False)

    def whole(rows: pd.DataFrame, calendar: Any) -> Any:
        return replace(pairs(rows, calendar), partly=np.array([], np.int64))

    with patched(
        wrong_boards,
        put_back_swapped=believe,
        _kind=lambda *_: wrong_boards.COPY,
        _pairs=whole,
        _displaced=lambda *_: [],
    ):
        yield


def raw_look_ahead(change: Any) -> Any:
    """Make a defect: changed files of the test year, and no rule that finds it.

    ``change`` maps the boards of two neighbouring sessions, ticker to row, to those
    that the files print. Part of a board is too little to tell in a market of seven
    shares; ``tests/data/test_wrong_boards.py`` holds it against the audit's reader.
    """

    @contextmanager
    def patch() -> Iterator[None]:
        write = examine.write_small_market

        def write_changed(folder: Path, seed: int) -> None:
            write(folder, seed)
            _change_boards(sorted(folder.glob("*all_stocks*"))[-1], change)

        with wrong_boards_kept(), patched(examine, write_small_market=write_changed):
            yield

    return patch


Rows = dict[str, list[str]]


def _change_boards(path: Path, change: Any) -> None:
    """Change the boards of two neighbouring sessions on which most shares moved."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        header, *rows = list(csv.reader(lines))
    days = list(dict.fromkeys(row[DATE] for row in rows if row[DATE]))
    boards = [{row[CODE]: row for row in rows if row[DATE] == day} for day in days]
    place = next(
        n
        for n in range(len(days) // 2, len(days) - 2)
        if _is_near(days[n - 1], days[n], days[n + 1])
        and all(_moves(boards[m]) for m in (n, n + 1, n + 2))
    )
    for n, board in zip(
        (place, place + 1), change(boards[place], boards[place + 1]), strict=True
    ):
        boards[n] = {c: [days[n], *row[1:]] for c, row in board.items()}
    with path.open("w", encoding="utf-8", newline="") as lines:
        both = [row for board in boards for row in board.values()]
        csv.writer(lines, lineterminator="\n").writerows([header, *both])


def _is_near(*days: str) -> bool:
    dates = pd.to_datetime(list(days), format="%d-%b-%y")
    return bool((np.diff(dates) == np.timedelta64(1, "D")).all())


def _moves(board: Rows) -> bool:
    """Return whether four shares traded and three moved: enough to tell a board."""
    shares = [row for code, row in board.items() if code[0] != "^"]
    n_moved = sum(row[PRICE] != row[PREVIOUS] for row in shares)
    return n_moved >= 3 and sum(row[VOLUME] != "-" for row in shares) >= 4


def _tomorrows(today: Rows, tomorrow: Rows) -> tuple[Rows, Rows]:
    return {code: tomorrow.get(code, row) for code, row in today.items()}, tomorrow


def _swapped(today: Rows, tomorrow: Rows) -> tuple[Rows, Rows]:
    return tomorrow, today


@contextmanager
def stale_origins() -> Iterator[None]:
    """Forecast from stale sessions with the price that is known a session later."""
    before = windows_module._reasons

    def reasons(rows: pd.DataFrame, origin: Any, **how: Any) -> Any:
        return before(rows.assign(stale=False), origin, **how)

    with patched(windows_module, _reasons=reasons):
        yield


def _no_check(rows: pd.DataFrame) -> None:
    """Let any order of dates pass."""


@cache
def _lines(path: Path) -> list[list[str]]:
    text = path.read_bytes().decode("utf-8-sig")
    return list(csv.reader(text.splitlines()))


DATA_DEFECTS = (
    Defect("text-sorted dates", "sessions in the order of their text", text_sorted),
    Defect("centred window", "the window ends two sessions after the origin", centred),
    Defect("12-month column", "12m High is an input", printed_column(HIGH_12M)),
    Defect("Adjust column", "Adjust is an input", printed_column(ADJUST)),
    Defect("back-adjusted prices", "later splits change earlier prices", back_adjusted),
    Defect(
        "label shifted by one",
        "the label is the one of the origin before",
        changed_windows(_with_earlier_label),
    ),
    Defect(
        "target among the inputs",
        "the first input is the target's price",
        changed_windows(_with_target_inside),
    ),
    Defect("survivors only", "only stocks listed at the end are judged", survivors),
    Defect(
        "later recommendations", "judged at the end of the fold", later_recommendations
    ),
    Defect("duplicated rows", "rows printed twice are kept", duplicates_kept),
    Defect(
        "duplicated session",
        "a repeated row counts as another session",
        duplicates_moved,
    ),
    Defect("misdated block", "misprinted dates are accepted", misdated_kept),
    Defect("stale days kept", "copied sessions count as sessions", stale_kept),
    Defect(
        "tomorrow's board",
        "the files print tomorrow's board under today's date, and it is believed",
        raw_look_ahead(_tomorrows),
    ),
    Defect(
        "swapped boards",
        "two boards took each other's date, and they are believed",
        raw_look_ahead(_swapped),
    ),
    Defect("stale origins", "repaired prices one session too early", stale_origins),
)
