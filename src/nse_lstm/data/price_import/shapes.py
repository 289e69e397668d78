"""Printed rows of a folder of other people's price files, in any known shape."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from nse_lstm.data.price_import.date_dialects import (
    DIGITS,
    YEAR_FIRST,
    find_date_rule,
    read_date,
)
from nse_lstm.data.price_import.headers import (
    NUMERIC,
    SHAPES,
    read_header,
)
from nse_lstm.data.price_import.number_dialects import find_decimal_mark, read_number
from nse_lstm.data.price_import.text_files import (
    Fields,
    is_price_file,
    named_delimiter,
    read_text,
    split_fields,
    stem_of,
)
from nse_lstm.data.renamed_codes import TICKER
from nse_lstm.errors import ConfigurationError, DataError

WORDS_OF_NAMES = re.compile(
    r"[ _-]*(historical (data|prices)|stock price history|price history|"
    r"\([0-9]+\)|copy)$",
    re.I,
)
"""What sources and browsers add to a file's name after the stock."""
NO_CODES = {"HISTORICALPRICES", "HISTORICALDATA", "DATA", "PRICES", "TABLE", "EXPORT"}
PLACE = ["source_file", "source_line"]
MAX_PRICE = 1e12
ADJUSTED = (
    "this is yfinance's table without Adj Close: its Close is adjusted for later "
    "dividends unless it was downloaded with auto_adjust=False"
)


@dataclass(frozen=True)
class ImportOptions:
    """The user's word where the files do not decide."""

    columns: tuple[str, ...] = ()
    dates: str = ""
    """``day-first``, ``month-first`` or empty."""
    decimal: str = ""
    """``point``, ``comma`` or empty."""
    tickers: Mapping[str, str] = field(default_factory=dict)
    """Code by name of the file."""
    volume: int = 0
    """Shares of every session where no file prints a volume; 0 to be asked."""


@dataclass(frozen=True)
class ReadFile:
    """Findings in one file."""

    file: str
    n_rows: int
    n_blank: int
    rules: tuple[str, ...]
    """How dates and numbers were read, and on what grounds."""
    unread: dict[str, str]
    tickers: dict[str, str]
    """Printed code by code, where they differ."""


@dataclass(frozen=True)
class ForeignPrices:
    """Rows of all files: one per printed row, with numbers, days and places.

    ``rows`` has ``ticker name session low high price previous volume`` (NaN where
    missing), the printed ``text`` of the price, ``source_file`` and ``source_line``.
    """

    rows: pd.DataFrame
    files: tuple[ReadFile, ...]
    left_out: tuple[str, ...]
    """Files of the folder that are not read."""


def read_foreign(folder: Path, options: ImportOptions) -> ForeignPrices:
    """Read every price file of a folder.

    Parameters
    ----------
    folder : Path
        Of files in the known shapes; one file is also read.
    options : ImportOptions
        The user's word.

    Raises
    ------
    DataError
        For the first file, line and value that cannot be read.
    """
    if not folder.exists():
        raise DataError(f"Expected a folder of price files. Received: {folder}")
    present = [folder] if folder.is_file() else sorted(folder.rglob("*"))
    paths = [p for p in present if p.is_file() and is_price_file(p)]
    left_out = [
        str(p.relative_to(folder)) if folder.is_dir() else p.name
        for p in present
        if not p.is_dir() and p not in paths and not p.name.startswith(".")
    ]
    if not paths:
        found = ", ".join(left_out) or "none"
        raise DataError(
            f"Expected files of prices that end in .csv, .txt, .tsv or .gz in "
            f"{folder}. Received: {found}. Export spreadsheets as CSV in UTF-8"
        )
    _check_names(paths, options)
    parts = [_read_file(path, options) for path in paths]
    rows = pd.concat([rows for rows, _ in parts], ignore_index=True)
    return ForeignPrices(rows, tuple(about for _, about in parts), tuple(left_out))


def code_of(printed: str) -> str:
    """Return the stock code of a printed one: capitals, with ``-`` for other signs.

    Parameters
    ----------
    printed : str
        Such as ``scom.nr``, ``BRK.B`` or ``^NSE20``.

    Returns
    -------
    str
        Empty if it cannot be a code.

    Examples
    --------
    >>> code_of("scom.nr"), code_of("BRK.B"), code_of("^n20i"), code_of("A B C")
    ('SCOM-NR', 'BRK-B', '^N20I', '')
    """
    code = re.sub(r"[.&_=/:]+", "-", printed.strip().upper()).strip("-")
    return code if re.match(TICKER, code) else ""


def _check_names(paths: list[Path], options: ImportOptions) -> None:
    names = {path.name for path in paths}
    twice = sorted({p.name for p in paths if [q.name for q in paths].count(p.name) > 1})
    if twice:
        raise DataError(f"Expected files of different names. Received: two {twice[0]}")
    unknown = sorted(set(options.tickers) - names)
    if unknown:
        raise ConfigurationError(
            f"--ticker must name a file of the folder. Received: {unknown[0]!r}"
        )


def _read_file(path: Path, options: ImportOptions) -> tuple[pd.DataFrame, ReadFile]:
    file = path.name
    delimiter, text = named_delimiter(read_text(path))
    wide = _unfold(text, file)
    header = read_header(
        text if wide is None else "Date,Ticker,High,Low,Close,Volume",
        file,
        columns=() if wide is not None else options.columns,
        delimiter=delimiter if wide is None else ",",
    )
    fields = split_fields(text, file, header.delimiter) if wide is None else wide
    body = slice(header.n_header if wide is None else 0, None)
    cells = pd.DataFrame(list(fields.rows[body]), columns=range(len(fields.rows[0])))
    lines = np.array(fields.lines[body], np.int64)
    if cells.empty:
        message = "Expected rows of prices. Received: a header only"
        raise DataError(message, file=file, line=1)
    printed = cells.rename(columns={n: role for role, n in header.places.items()})
    printed = printed[list(header.places)]
    rules = [] if wide is None or "Adj Close" in text.partition("\n")[0] else [ADJUSTED]
    rows = pd.DataFrame(index=printed.index)
    rows["ticker"], renamed = _tickers(printed, lines, file, options)
    rows["name"] = printed["name"] if "name" in printed else rows["ticker"].map(renamed)
    rows["name"] = rows["name"].fillna(rows["ticker"])
    rows["session"], why = _sessions(printed, lines, file, options)
    rules += [why] if why else []
    numbers, why = _numbers(printed, lines, file, options)
    rules += [why] if why else []
    rows = rows.join(numbers)
    rows["text"] = printed["price"]
    rows = rows.assign(source_file=file, source_line=lines)
    about = ReadFile(
        file=file,
        n_rows=len(rows),
        n_blank=fields.n_blank,
        rules=tuple(rules),
        unread=header.unread,
        tickers={code: name for code, name in renamed.items() if code != name},
    )
    return rows, about


def _tickers(
    printed: pd.DataFrame, lines: np.ndarray, file: str, options: ImportOptions
) -> tuple[pd.Series, dict[str, str]]:
    """Return each row's code, and the printed code by code."""
    if "ticker" in printed:
        codes = {text: code_of(text) for text in printed["ticker"].unique()}
        column = printed["ticker"].map(codes)
        _refuse(column == "", printed["ticker"], lines, file, expected="a stock code")
        renamed = {code: text for text, code in codes.items()}
        for text, code in codes.items():
            # Small and capital letters of one code are one stock.
            if text.upper() != renamed[code].upper():
                _refuse(
                    printed["ticker"] == text,
                    printed["ticker"],
                    lines,
                    file,
                    expected=f"a code that differs from {renamed[code]!r} in letters "
                    "or digits",
                )
        return column, renamed
    given = options.tickers.get(file, "")
    name = given or _stem(file)
    code = code_of(name)
    if not code or (not given and code in NO_CODES):
        raise DataError(
            f"Expected a file named after its stock, or a column of codes. Received: "
            f"{file!r}. Say --ticker '{file}=CODE'",
            file=file,
            line=1,
        )
    return pd.Series(code, index=printed.index), {code: name}


def _stem(file: str) -> str:
    stem, before = stem_of(file), ""
    while stem != before:
        stem, before = WORDS_OF_NAMES.sub("", stem).strip(), stem
    return stem


def _sessions(
    printed: pd.DataFrame, lines: np.ndarray, file: str, options: ImportOptions
) -> tuple[pd.Series, str]:
    if "date" not in printed:
        stem = stem_of(file)
        day = read_date(stem, None)
        if isinstance(day, str) or not (
            DIGITS.fullmatch(stem) or YEAR_FIRST.fullmatch(stem)
        ):
            raise DataError(
                f"Expected a column of dates, or a file named after its day as "
                f"2012-06-11.csv. Received: {file!r}. The known shapes: {SHAPES}",
                file=file,
                line=1,
            )
        session = pd.Series(np.datetime64(day, "us"), index=printed.index)
        return session, f"all rows are of {day}, by the file's name"
    texts = printed["date"]
    rule = find_date_rule(texts.tolist(), lines.tolist(), file, options.dates)
    days = {text: read_date(text, rule.order) for text in texts.unique()}
    for text, day in days.items():
        if isinstance(day, str):
            _refuse(texts == text, texts, lines, file, expected=day)
    times = {text: np.datetime64(str(day), "us") for text, day in days.items()}
    return texts.map(times).astype("datetime64[us]"), rule.why if rule.order else ""


def _numbers(
    printed: pd.DataFrame, lines: np.ndarray, file: str, options: ImportOptions
) -> tuple[pd.DataFrame, str]:
    roles = [role for role in NUMERIC if role in printed]
    cells = (
        (text, line)
        for role in roles
        for text, line in zip(printed[role], lines.tolist(), strict=True)
    )
    mark, why = find_decimal_mark(cells, file, options.decimal)
    columns = {}
    for role in NUMERIC:
        if role not in printed:
            columns[role] = pd.Series(np.nan, index=printed.index)
            continue
        read = _read_volume if role == "volume" else _read_price
        values, texts = {}, printed[role]
        for text in texts.unique():
            values[text] = read(text, mark)
            if isinstance(values[text], str):
                _refuse(texts == text, texts, lines, file, expected=f"{values[text]}")
        columns[role] = texts.map(values).astype("float64")
    return pd.DataFrame(columns), why if mark != "." or options.decimal else ""


def _read_price(text: str, mark: str) -> float | str:
    """Return a price, NaN where there is none, or what was expected."""
    expected = "a positive price, or '-' for none"
    try:
        value = read_number(text, mark)
    except ValueError:
        return expected
    # Sources print 0 where there was no price.
    if value is None or value == 0:
        return np.nan
    return float(value) if 1e-9 <= value <= MAX_PRICE else expected


def _read_volume(text: str, mark: str) -> float | str:
    expected = "a whole number of shares, with K, M or B or without"
    try:
        value = read_number(text, mark, suffixed=True)
    except ValueError:
        return expected
    if value is None:
        return np.nan
    is_count = value >= 0 and value == value.to_integral_value() and value < 10**15
    return float(value) if is_count else expected


def _refuse(
    is_bad: "pd.Series[bool]",
    texts: pd.Series,
    lines: np.ndarray,
    file: str,
    *,
    expected: str,
) -> None:
    if is_bad.any():
        place = int(np.asarray(is_bad).argmax())
        raise DataError(
            f"Expected {expected}. Received: {texts.iloc[place]!r}",
            file=file,
            line=int(lines[place]),
        )


def _unfold(text: str, file: str) -> Fields | None:
    """Turn yfinance's table of three header rows into a long one; None for others.

    Its first row begins with ``Price``, the second with ``Ticker``, the third with
    ``Date``. A cell that is empty in all columns of a ticker is no row.
    """
    head = [line.split(",")[0].strip() for line in text.split("\n", 3)[:3]]
    if head != ["Price", "Ticker", "Date"]:
        return None
    fields = split_fields(text, file, ",")
    names, tickers, _, *rows = fields.rows
    wanted = ("High", "Low", "Close", "Volume")
    places: dict[str, dict[str, int]] = {}
    for place, (name, ticker) in enumerate(zip(names, tickers, strict=True)):
        if place:
            places.setdefault(ticker, {})[name] = place
    for ticker, own in places.items():
        if "Close" not in own:
            message = f"Expected a column Close of {ticker}. Received: {sorted(own)}"
            raise DataError(message, file=file, line=1)
    long, lines = [], []
    for row, line in zip(rows, fields.lines[3:], strict=True):
        for ticker, own in places.items():
            values = [row[own[name]] if name in own else "" for name in wanted]
            if any(values):
                long.append((row[0], ticker, *values))
                lines.append(line)
    if not long:
        message = "Expected rows of prices. Received: a header only"
        raise DataError(message, file=file, line=1)
    return Fields(file, ",", tuple(long), tuple(lines), fields.n_blank)
