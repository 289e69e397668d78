"""What a forecast is made from: how old, how far outside, and which data.

Nothing here is silent: what is past its limit becomes a flag on the stored forecast, or
the reason why there is none.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nse_lstm.config import Deployment
from nse_lstm.errors import DataError
from nse_lstm.features.scaling import MinMaxScaler, scale

FLAGS = ("stale_panel", "stale_model", "unknown_age", "outside_range")
"""Every flag that a stored forecast may bear."""

KNOWN = (
    *("ticker", "session", "price", "low", "high", "volume", "previous", "factor"),
    *("stale", "mended", "limit", "suspended", "gap"),
)
"""Columns of the panel that are data; the others say where it was found."""

Action = Literal["refuse", "flag"]


def panel_digest(known: pd.DataFrame) -> str:
    """Return the SHA-256 of what a panel holds, whatever files it was read from.

    Parameters
    ----------
    known : DataFrame
        ``PANEL`` up to an origin; later sessions would change the digest.
    """
    ordered = known.sort_values(["ticker", "session"])
    digest = hashlib.sha256()
    for name in KNOWN:
        column = ordered[name]
        if name == "ticker":
            content = "\n".join(column).encode()
        elif name == "session":
            content = column.to_numpy("datetime64[us]").astype("<i8").tobytes()
        else:
            content = column.to_numpy(np.float64).astype("<f8").tobytes()
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def weekdays(first: pd.Timestamp, last: pd.Timestamp) -> int:
    """Return the weekdays after one day up to another.

    Examples
    --------
    >>> weekdays(pd.Timestamp("2024-01-05"), pd.Timestamp("2024-01-08"))  # Fri, Mon
    1
    """
    after = np.datetime64(first, "D") + 1
    return int(np.busday_count(after, np.datetime64(last, "D") + 1))


def trained_through(about: Mapping[str, Any]) -> pd.Timestamp | None:
    """Return the last session that a stored model was fitted or stopped on.

    Parameters
    ----------
    about : mapping
        A bundle's metadata; missing where it does not say.
    """
    ends = [
        pd.Timestamp(span[name])
        for span in (about.get("train") or {}, about.get("validation") or {})
        for name in ("last_origin", "last_target")
        if name in span
    ]
    return max(ends, default=None)


def panel_flags(
    last: pd.Timestamp, as_of: pd.Timestamp, limits: Deployment
) -> list[str]:
    """Doubt a panel whose last session is long before the day of scoring.

    Raises
    ------
    DataError
        If it is to be refused.
    """
    age = weekdays(last, as_of)
    if age <= limits.max_panel_age:
        return []
    return _doubt(
        "stale_panel",
        limits.on_stale_panel,
        f"Expected a last session within {limits.max_panel_age} weekdays of "
        f"{as_of.date()}. Received: {last.date()}, {age} before",
    )


def model_flags(
    about: Mapping[str, Any], origin: pd.Timestamp, limits: Deployment
) -> list[str]:
    """Doubt a stored model that was fitted long before the origin.

    Raises
    ------
    DataError
        If it was fitted on sessions after the origin, or its age is to be refused.
    """
    through = trained_through(about)
    if through is None:
        return ["unknown_age"]
    if through > origin:
        raise DataError(
            f"Expected a model that has seen nothing after {origin.date()}. Received: "
            f"one fitted through {through.date()}"
        )
    age = weekdays(through, origin)
    if age <= limits.max_model_age:
        return []
    return _doubt(
        "stale_model",
        limits.on_stale_model,
        f"Expected a model fitted within {limits.max_model_age} weekdays of "
        f"{origin.date()}. Received: one fitted through {through.date()}, {age} before",
    )


def range_flags(
    scaler: MinMaxScaler, prices: NDArray[np.float64], limits: Deployment
) -> list[str]:
    """Doubt an input outside the range that the scaler was fitted on.

    Parameters
    ----------
    prices : array
        Of one window, adjusted, KES.

    Raises
    ------
    DataError
        If it is to be refused.
    """
    scaled = scale(scaler, prices)
    beyond = max(float(-scaled.min()), float(scaled.max() - 1))
    if beyond <= limits.range_margin:
        return []
    return _doubt(
        "outside_range",
        limits.on_outside_range,
        f"Expected prices within {limits.range_margin:.0%} of the trained range "
        f"[{scaler.minimum:.2f}, {scaler.maximum:.2f}] KES beyond it. Received: "
        f"[{prices.min():.2f}, {prices.max():.2f}]",
    )


def _doubt(flag: str, action: Action, words: str) -> list[str]:
    if action == "refuse":
        raise DataError(words)
    return [flag]
