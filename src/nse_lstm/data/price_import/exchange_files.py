"""Write imported rows as price files of the exchange's form, one file per year."""

import csv
import io

import numpy as np
import pandas as pd

HEADER = (
    "Date,Code,Name,12m Low,12m High,Day Low,Day High,Day Price,Previous,Change,"
    "Change%,Volume,Adjusted Price"
)
# Written out, because month names of `strftime` follow the machine's locale.
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
NONE = "-"


def exchange_files(rows: pd.DataFrame, market: str) -> dict[str, bytes]:
    """Return price files that ``ingest.read_raw`` reads, by name.

    Left empty are the 12-month range, the change in percent and the adjusted price,
    which would look ahead.

    Parameters
    ----------
    rows : DataFrame
        ``ArrangedPrices.rows``.
    market : str
        Name of the market, which begins each file's name.
    """
    years = rows["session"].dt.year
    return {
        f"{market}_prices_{year}.csv": _file(rows[years == year])
        for year in sorted(years.unique())
    }


def _file(rows: pd.DataFrame) -> bytes:
    text = io.StringIO()
    text.write(HEADER + "\n")
    writer = csv.writer(text, lineterminator="\n")
    # Prices have at most nine decimals here; a difference has no more.
    change = (rows["price"] - rows["previous"]).round(9)
    volume = rows["volume"].where(rows["volume"] > 0)
    numbers = [rows["low"], rows["high"], rows["price"], rows["previous"]]
    numbers += [change.where(change != 0), volume]
    texts = zip(
        *([_number(value) for value in column] for column in numbers), strict=True
    )
    labels = zip(rows["session"], rows["ticker"], rows["name"], strict=True)
    for (session, ticker, name), (*prices, change_, volume_) in zip(
        labels, texts, strict=True
    ):
        day = f"{session.day}-{MONTHS[session.month - 1]}-{session.year}"
        writer.writerow(
            [day, ticker, name, NONE, NONE, *prices, change_, NONE, volume_, NONE]
        )
    return text.getvalue().encode()


def _number(value: float) -> str:
    if np.isnan(value):
        return NONE
    return np.format_float_positional(value, precision=9, unique=True, trim="-")
