"""Forecasts of the session after the last one, by every promoted model.

A model is used only if it is, to the byte, what was promoted. A stock that cannot be
forecast from its last session is reported with the reason; nothing is left out in
silence.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from nse_lstm.config import Study
from nse_lstm.deployment.entries import Entry, State
from nse_lstm.deployment.registry import read_registry
from nse_lstm.errors import ArtefactError, DataError
from nse_lstm.features.returns import market_sessions, with_returns
from nse_lstm.features.windows import latest_window
from nse_lstm.models.baselines import persistence
from nse_lstm.models.bundles import load_bundle, read_metadata
from nse_lstm.models.forecasting import forecast_latest
from nse_lstm.paths import Paths
from nse_lstm.tables import FORECASTS, check

__all__ = ["REFUSED_COLUMNS", "score_latest"]

REFUSED_COLUMNS = ["ticker", "stage", "model", "reason"]


def score_latest(
    market_panel: pd.DataFrame,
    *,
    study: Study,
    paths: Paths,
    as_of: pd.Timestamp | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Forecast the session after the last one with every model in the registry.

    Parameters
    ----------
    market_panel : DataFrame
        A valid ``PANEL`` of the whole market: it gives the calendar.
    study : Study
        Its horizon is persistence's; a stored model keeps its own.
    paths : Paths
        Where the registry and the bundles lie.
    as_of : Timestamp, optional
        Forecast from the last session not after this one; nothing later is looked at.

    Returns
    -------
    forecasts : DataFrame
        ``FORECASTS``: one row a stock and model. ``target_date`` is the expected one,
        ``horizon`` weekdays on, since holidays are not known ahead.
    refused : DataFrame
        ``ticker stage model reason``: models without a forecast, because their stock's
        last session is missing, stale or suspended, or its history too short.

    Raises
    ------
    ArtefactError
        If nothing is promoted, or the registry or a bundle is missing or was tampered
        with, naming the stock and the stage.
    DataError
        If the panel has no session up to ``as_of``.
    """
    registry = read_registry(paths.registry)
    entries = _entries(registry)
    if not entries:
        raise ArtefactError(
            f"Expected a promoted model in {paths.registry}. Received: none; promote "
            "first"
        )
    # All are checked before any is used: a scoring is whole or it is not.
    for entry in entries:
        _check_bundle(entry, paths)
    table = with_returns(_known(market_panel, as_of))
    sessions = market_sessions(table)
    forecasts, refused = [], []
    for entry in entries:
        stock = table[table["ticker"] == entry.ticker].reset_index(drop=True)
        try:
            forecasts.append(
                _forecast(entry, stock, sessions=sessions, study=study, paths=paths)
            )
        except DataError as error:
            refused.append((entry.ticker, entry.stage, entry.model, str(error)))
    rows = pd.concat(forecasts, ignore_index=True) if forecasts else _no_forecasts()
    return check(rows, FORECASTS), pd.DataFrame(refused, columns=REFUSED_COLUMNS)


def _entries(registry: State) -> list[Entry]:
    return [
        entry
        for _, stages in sorted(registry.items())
        for _, entry in sorted(stages.items())
    ]


def _known(panel: pd.DataFrame, as_of: pd.Timestamp | None) -> pd.DataFrame:
    """Cut the panel after a session."""
    known = panel if as_of is None else panel[panel["session"] <= as_of]
    if market_sessions(known).empty:
        raise DataError(f"Expected a session up to {as_of}. Received: none")
    return known


def _check_bundle(entry: Entry, paths: Paths) -> None:
    """Refuse a bundle that is not the one promoted."""
    if not entry.bundle:
        return
    try:
        about = read_metadata(paths.models / entry.bundle, digest=entry.digest)
    except ArtefactError as error:
        raise ArtefactError(
            f"The {entry.stage} of {entry.ticker} is not the model that was promoted: "
            f"{error}"
        ) from None
    if about.get("version") != entry.version:
        raise ArtefactError(
            f"Expected version {entry.version} as the {entry.stage} of {entry.ticker}. "
            f"Received: {about.get('version')} in {paths.models / entry.bundle}"
        )


def _forecast(
    entry: Entry,
    stock: pd.DataFrame,
    *,
    sessions: pd.DatetimeIndex,
    study: Study,
    paths: Paths,
) -> pd.DataFrame:
    if stock.empty:
        raise DataError(f"Expected rows of {entry.ticker}. Received: none")
    if not entry.bundle:
        return _persistence(stock, sessions, horizon=study.v2.horizon)
    bundle = load_bundle(paths.models / entry.bundle, digest=entry.digest)
    return forecast_latest(bundle, stock, sessions)


def _persistence(
    stock: pd.DataFrame, sessions: pd.DatetimeIndex, *, horizon: int
) -> pd.DataFrame:
    window = latest_window(stock, sessions, lookback=1)
    expected = sessions[-1] + pd.offsets.BusinessDay(horizon)
    target_date = np.array([expected], "datetime64[us]")
    return persistence(
        replace(window, target_date=target_date),
        ticker=str(stock["ticker"].iloc[0]),
        year=expected.year,
        horizon=horizon,
    )


def _no_forecasts() -> pd.DataFrame:
    columns = {
        name: pd.Series(dtype=str(column.dtype))
        for name, column in FORECASTS.columns.items()
    }
    return pd.DataFrame(columns)
