"""The witness: the exchange's boards as somebody else collected them, 2006 to 2022.

``python tests/support/witness.py`` writes the counts of agreement by year to
``data/witness/nse.csv``, which the data card shows. The file holds counts alone.
"""

import sys
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from nse_lstm.data.adjusted import market_sessions
from nse_lstm.data.panel import MarketData, build_panel
from support.places import ALL_FILES, ROOT, WITNESS

AGREEMENT = ROOT / "data" / "witness" / "nse.csv"
CENT = 0.0051
LARGEST_ROUNDING = 0.012
"""Largest difference, as a fraction, of a price that is printed in whole ticks."""
WHOLE_TICKS = {"CTUM", "HFCK", "KNRE", "NCBA", "SCBK"}


def build(folder: Path) -> MarketData:
    """Build a folder's panel with the committed tables."""
    return build_panel(
        folder,
        actions=ROOT / "data/corporate_actions/nse.csv",
        renamed=ROOT / "data/renamed_codes/nse.csv",
    )


@cache
def market() -> MarketData:
    """Build the panel of all real files, once."""
    return build(ALL_FILES)


@cache
def witness_rows() -> tuple[pd.DataFrame, pd.DatetimeIndex]:
    """Read the witness's boards as the loader's typed rows, with their calendar."""
    table = pd.read_csv(WITNESS, dtype=str).dropna(subset="code")
    names = {"low": "low", "high": "high", "close": "price", "previous": "previous"}
    columns = {
        ours: pd.to_numeric(
            table[theirs].str.replace(",", ""), errors="coerce"
        ).to_numpy()
        for theirs, ours in (names | {"volume": "volume"}).items()
    }
    columns["volume"] = np.where(columns["volume"] > 0, columns["volume"], np.nan)
    rows = pd.DataFrame(
        {
            "ticker": pd.Categorical(table["code"]),
            "session": pd.to_datetime(table["date"]).dt.as_unit("us").to_numpy(),
            "kind": np.where(table["code"].str.startswith("^"), "index", "ordinary"),
            **columns,
        }
    )
    rows = rows.sort_values(["ticker", "session"], ignore_index=True)
    return rows, market_sessions(rows)


@cache
def compared() -> pd.DataFrame:
    """Join our rows to the witness's; ``found`` says where a row is."""
    rows, _ = witness_rows()
    rows = rows.astype({"ticker": "str"})
    both = market().panel.merge(
        rows,
        on=["ticker", "session"],
        how="outer",
        suffixes=("", "_seen"),
        indicator="found",
    )
    both["kind"] = both["kind"].fillna(both["kind_seen"])
    same = (both["price"] - both["price_seen"]).abs() <= CENT
    return both.assign(same=same & (both["found"] == "both"))


def agreement() -> pd.DataFrame:
    """Count by year where prices of stocks agree, and the kinds of disagreement."""
    table = compared()
    first, last = pd.Timestamp("2007-01-02"), witness_rows()[1][-1]
    table = table[(table["kind"] != "index") & table["session"].between(first, last)]
    ratio = table["price"] / table["price_seen"]
    both = table["found"] == "both"
    differs = both & ~table["same"] & table["price"].notna()
    rounded = differs & table["ticker"].isin(WHOLE_TICKS)
    rounded &= (ratio - 1).abs() <= LARGEST_ROUNDING
    split = differs & (table["ticker"] == "ARM") & ((ratio - 5).abs() < CENT)
    marks = {
        "compared": both,
        "equal": table["same"],
        "whole_ticks": rounded,
        "split_date": split,
        "left_out": both & table["price"].isna(),
        "unexplained": differs & ~rounded & ~split,
        "only_ours": table["found"] == "left_only",
        "only_witness": table["found"] == "right_only",
    }
    year = table["session"].dt.year.rename("year")
    return pd.DataFrame(marks).groupby(year).sum().reset_index()


if __name__ == "__main__":
    AGREEMENT.parent.mkdir(exist_ok=True)
    agreement().to_csv(AGREEMENT, index=False, lineterminator="\n")
    print(agreement().to_string(index=False))
