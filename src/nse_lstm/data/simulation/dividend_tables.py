"""Dividend tables of the simulated market, beside its raw files."""

from pathlib import Path

import numpy as np
import pandas as pd

from nse_lstm.data.simulation.printed_prices import PrintedPrices
from nse_lstm.paths import write_text

SOURCE = "simulated"


def write_dividends(folder: Path, printed: PrintedPrices) -> None:
    """Write the tables of dividends and of complete years, in the sourced dialect.

    Parameters
    ----------
    folder : Path
        Made where it is missing.
    printed : PrintedPrices
        Every listed stock's years are complete.
    """
    days, places = np.nonzero(printed.listed & (printed.dividend > 0))
    lines = ["ticker,register_date,ex_date,amount_kes,kind,source,note"]
    for day, place in zip(days.tolist(), places.tolist(), strict=True):
        # The ex-date follows by the rule: the first session after the register date.
        register = printed.sessions[day - 1].date()
        amount = f"{printed.dividend[day, place]:.2f}"
        lines.append(f"{printed.tickers[place]},{register},,{amount},final,{SOURCE},")
    _write(folder / "dividends.csv", lines)
    years = ["ticker,year,source,note"]
    for place, ticker in enumerate(printed.tickers):
        if not ticker.startswith("^"):
            listed = printed.sessions.year[printed.listed[:, place]]
            years += [f"{ticker},{year},{SOURCE}," for year in pd.unique(listed)]
    _write(folder / "dividends_years.csv", years)


def _write(path: Path, lines: list[str]) -> None:
    write_text(path, "\n".join([*lines, ""]))
