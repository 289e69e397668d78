"""Checks of a forecast and its inputs: panel, model, price range, limit and flatness.

An input beyond its limit becomes a flag on the stored forecast, or the reason why there
is no forecast. A flat forecast and one beyond the exchange's daily limit get a flag.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nse_lstm.config import Deployment
from nse_lstm.errors import DataError
from nse_lstm.evaluation.forecast_faults import is_beyond_limit, is_flat
from nse_lstm.features.scaling import MinMaxScaler, scale

FLAGS = (
    *("stale_panel", "stale_model", "unknown_age", "outside_range"),
    *("beyond_limit", "flat"),
)
"""Every flag that a stored forecast may have."""

DATA_COLUMNS = (
    *("ticker", "session", "price", "low", "high", "volume", "previous", "factor"),
    *("stale", "mended", "limit", "suspended", "gap"),
)
"""Columns of the panel that are data; the others name the source of a row."""

RECENT = 60
"""Earlier forecasts that tell whether a model draws a flat line."""

Action = Literal["refuse", "flag"]


def panel_digest(known: pd.DataFrame) -> str:
    """Return the SHA-256 of a panel's data, whatever files it was read from.

    Parameters
    ----------
    known : DataFrame
        ``PANEL`` up to an origin.
    """
    ordered = known.sort_values(["ticker", "session"])
    digest = hashlib.sha256()
    for name in DATA_COLUMNS:
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
    """Return the number of weekdays after one day up to another.

    Parameters
    ----------
    first, last : Timestamp
        The first day is not counted, the last one is.

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
        A bundle's metadata.

    Returns
    -------
    Timestamp or None
        None where the metadata name no session.
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
    """Flag a panel whose last session is long before the day of scoring.

    Parameters
    ----------
    last : Timestamp
        The panel's last session.
    as_of : Timestamp
        The day of scoring.
    limits : Deployment
        Allowed age in weekdays, and the action beyond it.

    Raises
    ------
    DataError
        If the action is to refuse.
    """
    age = weekdays(last, as_of)
    if age <= limits.max_panel_age:
        return []
    return _flag_or_refuse(
        "stale_panel",
        limits.on_stale_panel,
        f"Expected a last session within {limits.max_panel_age} weekdays of "
        f"{as_of.date()}. Received: {last.date()}, {age} before. Put the newest price "
        "file into the folder and score again, or give the day of the files as AS_OF",
    )


def model_flags(
    about: Mapping[str, Any], origin: pd.Timestamp, limits: Deployment
) -> list[str]:
    """Flag a stored model that was fitted long before the origin.

    Parameters
    ----------
    about : mapping
        The bundle's metadata.
    origin : Timestamp
        Last known session.
    limits : Deployment
        Allowed age in weekdays, and the action beyond it.

    Raises
    ------
    DataError
        If it was fitted on sessions after the origin, or the action is to refuse.
    """
    through = trained_through(about)
    if through is None:
        return ["unknown_age"]
    if through > origin:
        raise DataError(
            f"Expected a model fitted on nothing after {origin.date()}. Received: "
            f"one fitted through {through.date()}"
        )
    age = weekdays(through, origin)
    if age <= limits.max_model_age:
        return []
    return _flag_or_refuse(
        "stale_model",
        limits.on_stale_model,
        f"Expected a model fitted within {limits.max_model_age} weekdays of "
        f"{origin.date()}. Received: one fitted through {through.date()}, {age} before",
    )


def range_flags(
    scaler: MinMaxScaler, prices: NDArray[np.float64], limits: Deployment
) -> list[str]:
    """Flag an input outside the price range that the scaler was fitted on.

    Parameters
    ----------
    scaler : MinMaxScaler
        The stored model's.
    prices : array of shape (lookback,)
        Adjusted prices of one window, KES.
    limits : Deployment
        Allowed margin as a share of the range, and the action beyond it.

    Raises
    ------
    DataError
        If the action is to refuse.
    """
    scaled = scale(scaler, prices)
    beyond = max(float(-scaled.min()), float(scaled.max() - 1))
    if beyond <= limits.range_margin:
        return []
    return _flag_or_refuse(
        "outside_range",
        limits.on_outside_range,
        f"Expected prices at most {limits.range_margin:.0%} beyond the trained range "
        f"[{scaler.minimum:.2f}, {scaler.maximum:.2f}] KES. Received: "
        f"[{prices.min():.2f}, {prices.max():.2f}]",
    )


def forecast_flags(
    row: pd.DataFrame, earlier: pd.DataFrame, *, limit: float
) -> list[str]:
    """Flag a forecast beyond the exchange's daily limit, and a flat series of them.

    Parameters
    ----------
    row : DataFrame
        One row of ``FORECASTS``.
    earlier : DataFrame
        The same model's forecasts of the stock from earlier origins; the last 60 tell
        whether it is flat.
    limit : float
        ``Backtest.daily_limit``. A price at or below 0 is beyond any.
    """
    now = row.iloc[0]
    flags = []
    # A price forecast at or below 0 has no log return.
    is_price = pd.notna(now["price_hat"]) and pd.notna(now["y_hat"])
    if now["price_hat"] <= 0 or (is_price and _is_forbidden(now, limit)):
        flags.append("beyond_limit")
    recent = pd.concat([earlier.tail(RECENT), row], ignore_index=True)
    known = recent.dropna(subset=["price_hat", "y_hat"])
    # P(t) = price_hat exp(-y_hat)
    if is_flat(known["price_hat"], known["price_hat"] * np.exp(-known["y_hat"])):
        flags.append("flat")
    return flags


def _is_forbidden(forecast: "pd.Series[Any]", limit: float) -> bool:
    last_price = forecast["price_hat"] * np.exp(-forecast["y_hat"])
    return is_beyond_limit(forecast["price_hat"], last_price, limit=limit)


def _flag_or_refuse(flag: str, action: Action, words: str) -> list[str]:
    if action == "refuse":
        raise DataError(words)
    return [flag]
