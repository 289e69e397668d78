"""Columns of other people's price files, known by the names that sources print."""

import re
from dataclasses import dataclass

from nse_lstm.data.price_import.text_files import DELIMITERS, first_fields
from nse_lstm.errors import ConfigurationError, DataError

ROLES = {
    "date": "date tradedate tradingdate pricedate datetime timestamp day session ds",
    "ticker": "ticker symbol code stockcode stocksymbol tickersymbol tradingsymbol "
    "security securitycode instrument scrip uniqueid",
    "name": "name stockname company companyname issuer securityname",
    "low": "low lowprice daylow lowestprice lowestpriceoftheday lowestpriceofday",
    "high": "high highprice dayhigh highestprice highestpriceoftheday "
    "highestpriceofday",
    "price": "close closeprice closingprice price last lastprice closelast dayprice "
    "closevalue lasttradedprice",
    "previous": "previous prev previousclose prevclose previousprice "
    "previousdayclosingprice previousdaysclosingprice previousdayprice",
    "volume": "volume vol volumetraded tradedvolume sharestraded sharevolume "
    "totaltradedquantity tottrdqty ttltrdqnty quantitytraded",
}
"""Names by role, in lower case without spaces and signs."""
ROLE_OF = {name: role for role, names in ROLES.items() for name in names.split()}
NUMERIC = ("low", "high", "price", "previous", "volume")
UNREAD = {
    "open": "the study uses no opening price",
    "openprice": "the study uses no opening price",
    "adjclose": "adjusted prices change with every later dividend",
    "adjustedclose": "adjusted prices change with every later dividend",
    "adjustedprice": "adjusted prices change with every later event",
    "adjust": "adjusted prices change with every later event",
    "change": "it follows from the prices",
    "changepercent": "it follows from the prices",
    "dividends": "dividends have a table of their own",
    "stocksplits": "the closing prices are already divided by later splits",
    "capitalgains": "dividends have a table of their own",
    "12mlow": "a snapshot of the day of reading looks ahead",
    "12mhigh": "a snapshot of the day of reading looks ahead",
}
"""Columns that are left out for a known reason."""
SKIP = "skip"
SHAPES = (
    "one file per stock, named after its code, with Date and Close or Price (and Open, "
    "High, Low, Volume), as Yahoo, the Wall Street Journal and investing.com write "
    "them; one long table with a ticker, a date and a close; one board per day with a "
    "code and a closing price in a file named after its date; any of these without "
    "a header, with --columns date,low,high,close,skip,volume"
)


@dataclass(frozen=True)
class Header:
    """Meaning of a file's columns."""

    delimiter: str
    places: dict[str, int]
    """Column by role."""
    unread: dict[str, str]
    """Columns that are not read, with the reason."""
    n_header: int
    """Rows above the first row of prices: 0 or 1."""


def read_header(
    text: str, file: str, *, columns: tuple[str, ...] = (), delimiter: str = ""
) -> Header:
    """Recognise a file by the names of its columns.

    Parameters
    ----------
    text : str
        ``text_files.read_text``.
    file : str
        Name of the file, for errors.
    columns : tuple of str
        Roles by position, ``parse_columns``, for a file without a header.
    delimiter : str
        Known delimiter, or empty.

    Raises
    ------
    DataError
        If no delimiter gives known columns; names the shapes that are known.
    """
    tried = (delimiter,) if delimiter else DELIMITERS
    if columns:
        return _by_position(text, file, columns, tried)
    found = [_by_name(first_fields(text, each), each, file) for each in tried]
    known = [header for header in found if header]
    if known:
        return max(known, key=lambda header: len(header.places))
    line = text.strip().split("\n")[0][:120]
    raise DataError(
        f"Expected one of the known shapes: {SHAPES}. Received: the columns {line!r}",
        file=file,
        line=1,
    )


def parse_columns(text: str) -> tuple[str, ...]:
    """Read the option that names the columns of files without a header.

    Parameters
    ----------
    text : str
        Names with commas, ``skip`` for a column that is not read; empty for none.

    Returns
    -------
    tuple of str
        Roles.

    Raises
    ------
    ConfigurationError
        If a name is unknown or repeated, or there is no price.

    Examples
    --------
    >>> parse_columns("date,low,high,close,skip,volume")
    ('date', 'low', 'high', 'price', 'skip', 'volume')
    """
    if not text.strip():
        return ()
    names = [_plain(name) for name in text.split(",")]
    roles = [SKIP if n in (SKIP, "open") else ROLE_OF.get(n, "") for n in names]
    for name, role in zip(names, roles, strict=True):
        if not role or (role != SKIP and roles.count(role) > 1):
            raise ConfigurationError(
                f"--columns must name each of {', '.join(ROLES)} at most once, and "
                f"`skip` for a column that is not read. Received: {name!r} in {text!r}"
            )
    if "price" not in roles:
        raise ConfigurationError(f"--columns must name `close`. Received: {text!r}")
    return tuple(roles)


def _by_position(
    text: str, file: str, columns: tuple[str, ...], tried: tuple[str, ...]
) -> Header:
    widths = {each: len(first_fields(text, each)) for each in tried}
    for delimiter, width in widths.items():
        if width == len(columns):
            places = {role: n for n, role in enumerate(columns) if role != SKIP}
            skipped = {
                f"column {n}": "--columns skips it"
                for n, role in enumerate(columns, start=1)
                if role == SKIP
            }
            return Header(delimiter, places, skipped, 0)
    raise DataError(
        f"Expected {len(columns)} fields, as --columns says. Received: "
        f"{max(widths.values())}",
        file=file,
        line=1,
    )


def _by_name(fields: tuple[str, ...], delimiter: str, file: str) -> Header | None:
    """Return the header that names a price and a date or a ticker, else None."""
    places: dict[str, int] = {}
    unread = {}
    for place, printed in enumerate(fields):
        name = _plain(printed)
        role = ROLE_OF.get(name, "")
        if not role:
            unread[printed or f"column {place + 1}"] = UNREAD.get(name, "unknown name")
        elif role in places:
            raise DataError(
                f"Expected one column for the {role}. Received: "
                f"{fields[places[role]]!r} and {printed!r}; say which by --columns",
                file=file,
                line=1,
            )
        else:
            places[role] = place
    if "price" not in places and any(_plain(f).startswith("adj") for f in fields):
        if "date" in places:
            raise DataError(
                "Expected a column of closing prices. Received: adjusted prices only, "
                "which change with every later dividend",
                file=file,
                line=1,
            )
    if "price" not in places or not {"date", "ticker"} & set(places):
        return None
    return Header(delimiter, places, unread, 1)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower().replace("%", "percent"))
