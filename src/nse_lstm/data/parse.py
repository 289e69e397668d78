"""Parser of printed rows: dates, numbers and codes, checked while they are read.

The forms that real files use are read: dates with a month's name or in numbers alone
(``printed_dates``), thousands separators, ``-`` for missing. Any other text is refused
with its file, line and content.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from nse_lstm.data.printed_dates import Refusal, read_dates
from nse_lstm.data.renamed_codes import TICKER, RenamedCode
from nse_lstm.errors import DataError

THOUSANDS = r"[0-9]{1,3}(,[0-9]{3}){1,4}|[0-9]{1,2}(,[0-9]{2}){1,5},[0-9]{3}"
"""Groups of three as 1,234,567, or of two before the last three as 12,34,567."""
NUMBER = rf"^-?([0-9]{{1,15}}|{THOUSANDS})(\.[0-9]{{1,15}})?$"
HINTS = {
    r"-?[0-9.,]+ ?[KMBkmb]n?": "export whole numbers, as K, M and B are rounded",
    r"-?[0-9.]*[0-9],[0-9]{1,2}": "export with a decimal point, as 12.50",
    r"-?[0-9]{1,3}([ '][0-9]{3})+(\.[0-9]+)?": "export without spaces in numbers",
    r"-?[0-9.]+[eE][+-]?[0-9]+": "export as numbers, not in scientific notation",
    r"(?i:n/?a|nan|null|none|#n/a|)": "export missing values as -",
}
"""What to change in an export, by the text that cannot be read."""

PRINTED_NAME = {"low": "Day Low", "high": "Day High", "price": "Day Price"}
PRICES = ("low", "high", "price")
ANY, POSITIVE, COUNT = (
    "a number or '-'",
    "a positive number or '-'",
    "a number of 0 or more",
)


def parse_rows(
    printed: pd.DataFrame, renamed: Sequence[RenamedCode] = ()
) -> pd.DataFrame:
    """Parse printed price rows into typed rows, in the same order.

    Parameters
    ----------
    printed : DataFrame
        ``RawFiles.rows``.
    renamed : sequence of RenamedCode
        Codes of their time, which get today's.

    Returns
    -------
    DataFrame
        ``ticker`` and ``name`` (categorical, categories sorted), ``renamed`` (bool: the
        printed code is an earlier one), ``session`` (datetime64[us], as printed),
        ``low high price previous adjust change`` (KES), ``volume`` (shares),
        ``source_file source_line``. ``-`` and a volume or ``previous`` of 0 are missing
        (NaN).

    Raises
    ------
    DataError
        For the first row with an invalid date, code or number, a price that is not
        positive, or a negative volume.
    """
    session = read_sessions(printed)
    ticker, is_renamed = _tickers(printed, session, renamed)
    columns: dict[str, Any] = {
        "ticker": ticker,
        "name": _column(printed, "name", parse=_names, expected="a name"),
        "session": session,
        "renamed": is_renamed,
    }
    for name in PRICES:
        columns[name] = _column(printed, name, parse=_prices, expected=POSITIVE)
    columns["previous"] = _column(
        printed, "previous", parse=_earlier_prices, expected=COUNT
    )
    columns["adjust"] = _column(printed, "adjust", parse=_prices, expected=POSITIVE)
    columns["change"] = _column(printed, "change", parse=read_numbers, expected=ANY)
    columns["volume"] = _column(printed, "volume", parse=_volumes, expected=COUNT)
    columns |= {name: printed[name] for name in ("source_file", "source_line")}
    return pd.DataFrame(columns, copy=False)


def refuse(
    printed: pd.DataFrame, is_bad: "pd.Series[bool]", column: str, *, expected: str
) -> None:
    """Raise an error for the first bad row, with the printed text.

    Parameters
    ----------
    printed : DataFrame
        ``RawFiles.rows``.
    is_bad : Series of bool, shape (n_rows,)
    column : str
        The column that was read.
    expected : str
        Description of a valid text.

    Raises
    ------
    DataError
        If any row is bad.
    """
    if is_bad.any():
        row = printed.iloc[int(np.asarray(is_bad).argmax())]
        raise DataError(
            f"Expected {expected} as {PRINTED_NAME.get(column, column.title())}. "
            f"Received: {row[column]!r} (code {row['ticker']!r}){_hint(row[column])}",
            file=row["source_file"],
            line=int(row["source_line"]),
        )


def _hint(text: str) -> str:
    """Return what to change in the export, empty where nothing is known."""
    found = [hint for pattern, hint in HINTS.items() if re.fullmatch(pattern, text)]
    return f"; {found[0]}" if found else ""


def _column(
    printed: pd.DataFrame,
    name: str,
    *,
    parse: Callable[[pa.StringArray], tuple[Any, np.ndarray]],
    expected: str,
) -> Any:
    """Parse each distinct text of a column once, for speed."""
    column = pa.array(printed[name].array)
    codes = column.indices.to_numpy()
    values, is_read = parse(column.dictionary)
    if not is_read.all():
        refuse(printed, pd.Series(~is_read[codes]), name, expected=expected)
    if isinstance(values, pd.Categorical):
        return pd.Categorical.from_codes(values.codes[codes], dtype=values.dtype)
    return values[codes]


def read_sessions(printed: pd.DataFrame) -> np.ndarray:
    """Return the printed day of every row, microseconds.

    Each file tells the order of day and month where months have no name.

    Parameters
    ----------
    printed : DataFrame
        ``RawFiles.rows``.

    Raises
    ------
    DataError
        For the first date that cannot be read.
    """
    column = pa.array(printed["date"].array)
    codes, files = column.indices.to_numpy(), printed["source_file"].cat.codes
    found = read_dates(column.dictionary, codes, files.to_numpy())
    if isinstance(found, Refusal):
        is_bad = np.arange(len(printed)) == found.row
        refuse(printed, pd.Series(is_bad), "date", expected=found.expected)
    return np.asarray(found)


def _tickers(
    printed: pd.DataFrame, session: np.ndarray, renamed: Sequence[RenamedCode]
) -> tuple["pd.Categorical[str]", np.ndarray]:
    """Return today's code of every row, and whether an earlier one is printed."""
    column = pa.array(printed["ticker"].array)
    texts = pd.Index(column.dictionary.to_pandas(), dtype="str")
    names = texts.append(pd.Index([entry.ticker for entry in renamed], dtype="str"))
    names = names.unique().sort_values()
    place = names.get_indexer(texts)
    codes = place[column.indices.to_numpy()]
    is_renamed = np.zeros(len(printed), bool)
    for entry in renamed:
        if entry.printed in texts:
            rows = codes == names.get_loc(entry.printed)
            rows &= session <= np.datetime64(entry.until)
            codes[rows], is_renamed[rows] = names.get_loc(entry.ticker), True
    is_bad = ~names.str.match(TICKER).astype(bool)
    if is_bad.any():
        refuse(printed, pd.Series(is_bad[codes]), "ticker", expected="a stock code")
    found = pd.Categorical.from_codes(codes, categories=names)
    # A renamed code has no row left, and a table may name codes that no file prints.
    return found.remove_unused_categories() if renamed else found, is_renamed


def _names(texts: pa.StringArray) -> tuple["pd.Categorical[str]", np.ndarray]:
    names = pd.Index(texts.to_pandas(), dtype="str")
    return pd.Categorical(names), np.ones(len(names), bool)


def read_numbers(texts: pa.StringArray) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of printed texts, NaN for a dash, and which could be read."""
    is_number = pc.match_substring_regex(texts, NUMBER)
    plain = pc.if_else(is_number, pc.replace_substring(texts, ",", ""), None)
    values = pc.cast(plain, pa.float64()).to_numpy(zero_copy_only=False)
    is_none = pc.equal(texts, "-").to_numpy(zero_copy_only=False)
    return values, ~np.isnan(values) | is_none


def _prices(texts: pa.StringArray) -> tuple[np.ndarray, np.ndarray]:
    values, is_read = read_numbers(texts)
    return values, is_read & ~(values <= 0)


def _earlier_prices(texts: pa.StringArray) -> tuple[np.ndarray, np.ndarray]:
    """Read prices of the session before; a first session's may be printed as 0."""
    values, is_read = read_numbers(texts)
    return np.where(values == 0, np.nan, values), is_read & ~(values < 0)


def _volumes(texts: pa.StringArray) -> tuple[np.ndarray, np.ndarray]:
    values, is_read = read_numbers(texts)
    return np.where(values > 0, values, np.nan), is_read & ~(values < 0)
