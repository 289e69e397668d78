"""Parser of printed rows: dates, numbers and codes, checked while they are read.

The forms that real files use are read: four shapes of date, thousands separators, ``-``
for missing. Any other text is refused with its file, line and content.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from nse_lstm.errors import DataError

# Written out, because a parser's month names follow the machine's locale.
MONTHS = pa.array("jan feb mar apr may jun jul aug sep oct nov dec".split())
DATE = r"^(?P<day>[0-9]{1,2})-(?P<month>[A-Za-z]{3})-(?P<year>[0-9]{4}|[0-9]{2})$"
NUMBER = r"^-?([0-9]{1,15}|[0-9]{1,3}(,[0-9]{3}){1,4})(\.[0-9]{1,15})?$"
# A code names folders later, so any other text is refused.
TICKER = r"^\^?[A-Z0-9]{1,12}(-[A-Z0-9]{1,6})?$"
# The exchange opened in 1954. Years after 2099 are misprints.
FIRST_YEAR, LAST_YEAR = 1954, 2099
PIVOT = 54
"""Two-digit years from here on belong to the last century."""

PRINTED_NAME = {"low": "Day Low", "high": "Day High", "price": "Day Price"}
PRICES = ("low", "high", "price", "previous")
ANY, POSITIVE, COUNT = (
    "a number or '-'",
    "a positive number or '-'",
    "no number below 0",
)


def parse_rows(printed: pd.DataFrame) -> pd.DataFrame:
    """Parse printed price rows into typed rows, in the same order.

    Parameters
    ----------
    printed : DataFrame
        ``RawFiles.rows``.

    Returns
    -------
    DataFrame
        ``ticker`` and ``name`` (categorical, categories sorted), ``session``
        (datetime64[us], as printed), ``low high price previous adjust change`` (KES),
        ``volume`` (shares), ``source_file source_line``. ``-`` and a volume of 0 are
        missing (NaN).

    Raises
    ------
    DataError
        For the first row with an invalid date, code or number, a price that is not
        positive, or a negative volume.
    """
    columns: dict[str, Any] = {
        "ticker": _column(printed, "ticker", parse=_codes, expected="a stock code"),
        "name": _column(printed, "name", parse=_names, expected="a name"),
        "session": _column(
            printed, "date", parse=_dates, expected="a date as 02-Jan-2013"
        ),
    }
    for name in PRICES:
        columns[name] = _column(printed, name, parse=_prices, expected=POSITIVE)
    columns["adjust"] = _column(printed, "adjust", parse=_prices, expected=POSITIVE)
    columns["change"] = _column(printed, "change", parse=_numbers, expected=ANY)
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
            f"Received: {row[column]!r} (code {row['ticker']!r})",
            file=row["source_file"],
            line=int(row["source_line"]),
        )


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


def _codes(texts: pa.StringArray) -> tuple["pd.Categorical[str]", np.ndarray]:
    codes = pd.Index(texts.to_pandas(), dtype="str")
    return pd.Categorical(codes), codes.str.match(TICKER).astype(bool)


def _names(texts: pa.StringArray) -> tuple["pd.Categorical[str]", np.ndarray]:
    names = pd.Index(texts.to_pandas(), dtype="str")
    return pd.Categorical(names), np.ones(len(names), bool)


def _dates(texts: pa.StringArray) -> tuple[np.ndarray, np.ndarray]:
    # An invalid date has no parts, so its month is not found.
    printed_day, name, printed_year = pc.extract_regex(texts, DATE).flatten()
    day, year, digits = (
        pc.cast(part, pa.int64()).fill_null(0).to_numpy()
        for part in (printed_day, printed_year, pc.utf8_length(printed_year))
    )
    month = pc.index_in(pc.utf8_lower(name), MONTHS).fill_null(-1).to_numpy()
    year = year + np.select([digits == 4, year >= PIVOT], [0, 1900], 2000)
    months = (12 * (year - 1970) + month).astype("datetime64[M]")
    dates = months.astype("datetime64[D]") + (day - 1)
    is_read = (month >= 0) & (FIRST_YEAR <= year) & (year <= LAST_YEAR)
    # 30 February would become a day in March.
    is_read &= dates.astype("datetime64[M]") == months
    return dates.astype("datetime64[us]"), is_read


def _numbers(texts: pa.StringArray) -> tuple[np.ndarray, np.ndarray]:
    is_number = pc.match_substring_regex(texts, NUMBER)
    plain = pc.if_else(is_number, pc.replace_substring(texts, ",", ""), None)
    values = pc.cast(plain, pa.float64()).to_numpy(zero_copy_only=False)
    is_none = pc.equal(texts, "-").to_numpy(zero_copy_only=False)
    return values, ~np.isnan(values) | is_none


def _prices(texts: pa.StringArray) -> tuple[np.ndarray, np.ndarray]:
    values, is_read = _numbers(texts)
    return values, is_read & ~(values <= 0)


def _volumes(texts: pa.StringArray) -> tuple[np.ndarray, np.ndarray]:
    values, is_read = _numbers(texts)
    return np.where(values > 0, values, np.nan), is_read & ~(values < 0)
