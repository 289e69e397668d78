"""Stored parts of a forecast, as the service answers them.

Intervals and flags are in the forecast store. The quantiles of every stock LSTM's last
forecast are beside the registry.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nse_lstm.deployment.store import KEY
from nse_lstm.tables import (
    NEXT_QUANTILES,
    QUANTILE_COLUMNS,
    QUANTILE_LEVELS,
    read_table,
)

Bands = Mapping[pd.Timestamp, dict[Any, Any]]
NUMBERS = ("price_hat", "y_hat", "lower", "upper")
ByOrigin = Mapping[pd.Timestamp, list[dict[str, Any]]]


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file; empty if there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def bands_of(
    first: pd.DataFrame, corrections: pd.DataFrame
) -> Mapping[tuple[str, str], Bands]:
    """Return lower, upper, flags and revisions by ticker and version, then by origin.

    Parameters
    ----------
    first : DataFrame
        ``STORED_FORECASTS``.
    corrections : DataFrame
        ``CORRECTIONS`` of them, by revision. The last one's bounds and flags count.
    """
    bands: dict[tuple[str, str], dict[pd.Timestamp, dict[Any, Any]]] = {}
    original = first.assign(revision=0, reason="")
    own_corrections = corrections.merge(first[KEY])
    for table in (original, own_corrections):
        for row in table.to_dict("records"):
            own = bands.setdefault((row["ticker"], row["version"]), {})
            about = own.setdefault(row["origin"], {"stored": []})
            about |= {name: row[name] for name in ("lower", "upper", "flags")}
            about["stored"].append(_revision(row))
    return bands


def _revision(row: Mapping[Any, Any]) -> dict[str, Any]:
    numbers = {name: finite(row[name]) for name in NUMBERS}
    return {"revision": int(row["revision"]), "reason": row["reason"], **numbers}


def finite(value: float) -> float | None:
    """Return a float, which JSON keeps exactly, or None if it is not finite."""
    return float(value) if np.isfinite(value) else None


def read_distributions(path: Path) -> Mapping[tuple[str, str], ByOrigin]:
    """Read the stored distributions, by ticker and version, then by origin.

    Parameters
    ----------
    path : Path
        ``NEXT_QUANTILES``. Without the file no forecast has a distribution.

    Returns
    -------
    mapping
        One JSON object per horizon, the nearest first. Models of two stages with one
        version share their distribution.

    Raises
    ------
    DataError
        If the file is no such table.
    """
    found: dict[tuple[str, str], dict[pd.Timestamp, list[dict[str, Any]]]] = {}
    if not path.exists():
        return found
    table = read_table(NEXT_QUANTILES, path).sort_values("horizon", kind="stable")
    once = table.drop_duplicates(["ticker", "version", "origin", "horizon"])
    for row in once.to_dict("records"):
        own = found.setdefault((row["ticker"], row["version"]), {})
        own.setdefault(row["origin"], []).append(_document(row))
    return found


def _document(row: Mapping[Any, Any]) -> dict[str, Any]:
    levels = zip(QUANTILE_LEVELS, QUANTILE_COLUMNS, strict=True)
    return {
        "horizon": row["horizon"],
        "target_date": str(row["target_date"].date()),
        "last_price": row["last_price"],
        "unchanged": row["unchanged"],
        "quantiles": {str(level): row[column] for level, column in levels},
    }
