"""Forecasts of the next session by every promoted model.

A model is used only if its bytes are those that were promoted. A stock that cannot be
forecast from its last session is reported with the reason.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd

from nse_lstm.config import CrossSection, Study
from nse_lstm.data.trading_days import TradingDays, trading_days_of
from nse_lstm.deployment.prediction_intervals import add_intervals, earlier_forecasts
from nse_lstm.deployment.promoted_bundles import check_bundle
from nse_lstm.deployment.registry import read_registry
from nse_lstm.deployment.registry_entry import (
    RegistryEntry,
    sorted_entries,
)
from nse_lstm.deployment.staleness import (
    forecast_flags,
    model_flags,
    panel_digest,
    panel_flags,
    range_flags,
    trained_through,
)
from nse_lstm.errors import ArtefactError, DataError
from nse_lstm.features.returns import market_sessions, with_returns
from nse_lstm.features.stock_channels import StockChannels, build_stock_channels
from nse_lstm.features.windows import (
    Windows,
    latest_window,
    make_windows,
    select_windows,
)
from nse_lstm.models.baselines import persistence
from nse_lstm.models.bundles import Bundle, load_bundle
from nse_lstm.models.forecasting import forecast, next_window
from nse_lstm.models.stock_lstm import STOCK_LSTM, forecast_stock_lstm
from nse_lstm.paths import Paths
from nse_lstm.tables import FORECASTS, STORED_FORECASTS, check, empty_table

REFUSED_COLUMNS = ["ticker", "stage", "model", "reason"]


@dataclass(frozen=True, eq=False)
class ScoredForecast:
    """One model's forecast, before its interval is added."""

    entry: RegistryEntry
    row: pd.DataFrame
    """One row of FORECASTS."""
    earlier: pd.DataFrame
    """FORECASTS of earlier origins that its model was not fitted on."""
    flags: list[str]


@dataclass(frozen=True, eq=False)
class MarketState:
    """The market as known after the close of a session, the origin."""

    known: pd.DataFrame
    """PANEL up to the origin."""
    prices: pd.DataFrame
    """``known`` with returns and adjusted prices."""
    sessions: pd.DatetimeIndex
    """The market's calendar up to the origin."""
    past: pd.DataFrame
    """FORECASTS of Phase 4."""
    digest: str
    """``panel_digest`` of ``known``."""
    flags: list[str]
    """Flags of the panel."""
    calendar: TradingDays
    """Of the sessions to come."""
    cross_section: CrossSection

    @cached_property
    def channels(self) -> dict[int, StockChannels]:
        """The stock LSTM's channels by lookback, filled by ``channels_of``."""
        return {}

    def channels_of(self, lookback: int) -> StockChannels:
        """Compute the stock LSTM's channels up to the origin, once per lookback."""
        if lookback not in self.channels:
            self.channels[lookback] = build_stock_channels(
                self.known, cross_section=self.cross_section, lookback=lookback
            )
        return self.channels[lookback]

    @property
    def origin(self) -> pd.Timestamp:
        """The last session."""
        return self.sessions[-1]


def score_latest(
    market_panel: pd.DataFrame,
    *,
    study: Study,
    paths: Paths,
    as_of: pd.Timestamp | None = None,
    past: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Forecast the next session with every model in the registry.

    Parameters
    ----------
    market_panel : DataFrame
        A valid ``PANEL`` of the whole market, because it gives the calendar.
    study : Study
        Its horizon is persistence's; a stored model keeps its own. ``deployment`` has
        the limits and the actions beyond them.
    paths : Paths
        Folders of the registry and the bundles.
    as_of : Timestamp, optional
        The day of scoring: nothing after it is read. The last session's day if not
        given.
    past : DataFrame, optional
        ``FORECASTS`` of Phase 4 for the errors of the intervals. Without them an
        interval is infinite until the model has errors of its own.

    Returns
    -------
    forecasts : DataFrame
        ``STORED_FORECASTS``: one row per stock, stage and model. ``target_date`` is
        expected ``horizon`` trading days on, by the market's public holidays.
    refused : DataFrame
        ``ticker stage model reason``: models without a forecast. Their stock's last
        session is missing, stale or suspended, its history is too short, the panel or
        the model is too old, or the model was fitted on sessions after ``as_of``.

    Raises
    ------
    ArtefactError
        If no model is promoted, or the registry or a bundle is missing or was tampered
        with, naming the stock and the stage.
    DataError
        If the panel has no session up to ``as_of``.
    """
    entries = sorted_entries(read_registry(paths.registry))
    if not entries:
        raise ArtefactError(
            f"Expected a promoted model in {paths.registry}. Received: none; promote "
            "first"
        )
    # All bundles are checked before any is used, so that no scoring is partial.
    for entry in entries:
        check_bundle(entry, paths.models)
    past = empty_table(FORECASTS) if past is None else past
    known = _known(market_panel, as_of)
    try:
        market = _market_state(known, as_of=as_of, past=past, study=study)
    except DataError as error:
        return empty_table(STORED_FORECASTS), _refused(
            [(entry, error) for entry in entries]
        )
    scored: list[ScoredForecast] = []
    refused = []
    for entry in entries:
        try:
            scored.append(_score(entry, market, study=study, paths=paths))
        except DataError as error:
            refused.append((entry, error))
    return check(_stored(scored, market), STORED_FORECASTS), _refused(refused)


def _known(panel: pd.DataFrame, as_of: pd.Timestamp | None) -> pd.DataFrame:
    """Return the panel up to the last session that is not after ``as_of``."""
    known = panel if as_of is None else panel[panel["session"] <= as_of]
    sessions = market_sessions(known)
    if sessions.empty:
        raise DataError(f"Expected a session up to {as_of}. Received: none")
    return known[known["session"] <= sessions[-1]]


def _market_state(
    known: pd.DataFrame,
    *,
    as_of: pd.Timestamp | None,
    past: pd.DataFrame,
    study: Study,
) -> MarketState:
    sessions = market_sessions(known)
    flags = panel_flags(sessions[-1], as_of or sessions[-1], study.deployment)
    return MarketState(
        known=known,
        prices=with_returns(known),
        sessions=sessions,
        past=past,
        digest=panel_digest(known),
        flags=flags,
        calendar=trading_days_of(study.market),
        cross_section=study.cross_section,
    )


def _refused(pairs: list[tuple[RegistryEntry, DataError]]) -> pd.DataFrame:
    rows = [
        (entry.ticker, entry.stage, entry.model, str(error)) for entry, error in pairs
    ]
    return pd.DataFrame(rows, columns=REFUSED_COLUMNS)


def _stored(scored: list[ScoredForecast], market: MarketState) -> pd.DataFrame:
    """Add intervals, versions and flags to the forecasts."""
    if not scored:
        return empty_table(STORED_FORECASTS)
    rows = add_intervals(
        [each.row for each in scored], [each.earlier for each in scored], market.known
    )
    stored = rows.assign(
        stage=[each.entry.stage for each in scored],
        version=[each.entry.version for each in scored],
        data_digest=market.digest,
        flags=[",".join([*market.flags, *each.flags]) for each in scored],
    )
    return stored[list(STORED_FORECASTS.columns)]


def _score(
    entry: RegistryEntry, market: MarketState, *, study: Study, paths: Paths
) -> ScoredForecast:
    prices = market.prices
    stock = prices[prices["ticker"] == entry.ticker].reset_index(drop=True)
    if stock.empty:
        raise DataError(f"Expected rows of {entry.ticker}. Received: none")
    if not entry.bundle:
        return _persistence(entry, market, stock, horizon=study.v2.horizon)
    # Refuses an unusable last session before the bundle is read.
    latest_window(stock, market.sessions, lookback=1)
    bundle = load_bundle(paths.models / entry.bundle, digest=entry.digest)
    return _network(entry, market, stock, bundle=bundle, study=study)


def _network(
    entry: RegistryEntry,
    market: MarketState,
    stock: pd.DataFrame,
    *,
    bundle: Bundle,
    study: Study,
) -> ScoredForecast:
    about, limits = bundle.metadata, study.deployment
    flags = model_flags(about, market.origin, limits)
    window = _next_window(market, stock, about)
    if entry.model == STOCK_LSTM:
        # Its inputs have no price in them, so no price is outside their range.
        call = partial(_stock_lstm, bundle, market.channels_of(about["lookback"]))
    else:
        call = partial(forecast, bundle)
        flags += range_flags(bundle.scaler, window.X, limits)
    scored = _with_earlier(entry, market, stock, window, about, call)
    limit = study.backtest.daily_limit
    flags += forecast_flags(scored.row, scored.earlier, limit=limit)
    return replace(scored, flags=flags)


def _stock_lstm(
    bundle: Bundle, channels: StockChannels, windows: Windows, *, year: int
) -> pd.DataFrame:
    rows = forecast_stock_lstm(bundle, channels, windows, year=year)
    return rows[rows["model"] == STOCK_LSTM]


def _persistence(
    entry: RegistryEntry, market: MarketState, stock: pd.DataFrame, *, horizon: int
) -> ScoredForecast:
    """Forecast an unchanged price at the origin and at those missing in Phase 4."""
    call = partial(persistence, ticker=entry.ticker, horizon=horizon)
    about = {"lookback": 1, "horizon": horizon}
    window = _next_window(market, stock, about)
    return _with_earlier(entry, market, stock, window, about, call)


def _next_window(
    market: MarketState, stock: pd.DataFrame, about: Mapping[str, Any]
) -> Windows:
    return next_window(
        stock,
        market.sessions,
        market.calendar,
        lookback=about["lookback"],
        horizon=about["horizon"],
    )


def _with_earlier(
    entry: RegistryEntry,
    market: MarketState,
    stock: pd.DataFrame,
    window: Windows,
    about: Mapping[str, Any],
    call: Callable[..., pd.DataFrame],
) -> ScoredForecast:
    """Forecast the next session, and the earlier ones that its errors come from."""
    tested = earlier_forecasts(
        market.past, ticker=entry.ticker, model=entry.model, origin=market.origin
    )
    since = call(_later_windows(market, stock, tested, about), year=market.origin.year)
    row = call(window, year=pd.Timestamp(window.target_date[0]).year)
    return ScoredForecast(entry, row, _concatenated(tested, since), [])


def _concatenated(tested: pd.DataFrame, own: pd.DataFrame) -> pd.DataFrame:
    """Concatenate two tables; an empty one is left out, because its types differ."""
    parts = [part for part in (tested, own) if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else own


def _later_windows(
    market: MarketState,
    stock: pd.DataFrame,
    tested: pd.DataFrame,
    about: Mapping[str, Any],
) -> Windows:
    """Return the windows after Phase 4's forecasts and after the model's training.

    Their targets are known, so their errors can be used for an interval.
    """
    windows = make_windows(
        stock,
        market.sessions,
        lookback=about["lookback"],
        horizon=about["horizon"],
    )
    own = np.ones(len(windows), bool)
    if len(tested):
        own &= windows.origin > tested["origin"].max().to_datetime64()
    through = trained_through(about)
    if through is not None:
        own &= windows.origin >= through.to_datetime64()
    return select_windows(windows, own)
