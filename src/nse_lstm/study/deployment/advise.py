"""Order advice of a study: the newest ranking forecast, and the backtest's savings.

The ranking models of the last session's year are fitted when advice is first asked for,
on all years before it, as in the walk-forward backtest. Their forecasts are kept under
their version and read until a session is added.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from nse_lstm.config import study_document
from nse_lstm.data.trading_days import TradingDays, trading_days_of
from nse_lstm.deployment.order_advice import LIMITS, advise_orders, read_orders
from nse_lstm.deployment.staleness import panel_digest, panel_flags
from nse_lstm.errors import ArtefactError, DataError
from nse_lstm.evaluation.rank_ensemble import average_ranks
from nse_lstm.features.folds import Fold
from nse_lstm.features.returns import market_sessions
from nse_lstm.models.tabular_models import forecast_tabular
from nse_lstm.models.versions import artefact_version
from nse_lstm.study.core.market_scope import can_rank
from nse_lstm.study.core.phase_tables import ALL_STOCKS
from nse_lstm.study.core.sealed_year import open_to_serve
from nse_lstm.study.core.study_data import StudyData, open_study_data
from nse_lstm.study.core.versioned_folder import Made, read_or_make
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.ranking.features_and_targets import Tables, build_tables
from nse_lstm.study.ranking.rank_lstm import forecast_apart
from nse_lstm.study.ranking.rank_models import EQUAL, MEMBERS
from nse_lstm.study.validation.order_timing import SAVINGS
from nse_lstm.tables import ORDER_SAVINGS, read_table

Progress = Callable[[str], None]

NETWORK = "rank_lstm"


@dataclass(frozen=True)
class Advice:
    """Advice on orders, and the session that it was formed after."""

    table: pd.DataFrame
    """From ``advise_orders``."""
    origin: pd.Timestamp
    limits: tuple[str, ...] = LIMITS
    """What it leaves open, in words."""


def advise(
    workspace: Workspace,
    orders: Path,
    *,
    as_of: pd.Timestamp | None = None,
    progress: Progress = print,
) -> Advice:
    """Advise on a file of orders from the forecasts after the last session.

    Parameters
    ----------
    workspace : Workspace
        The study; Phase 4 must have run.
    orders : Path
        As for ``read_orders``.
    as_of : Timestamp, optional
        Today, to judge whether the data are stale; the last session's day if not given.
    progress : callable
        Receives a line where models are fitted.

    Raises
    ------
    ArtefactError
        If Phase 4 has not run, or could time no order.
    DataError
        If the market cannot be ranked, the data are stale, or an order is not as
        expected.
    """
    data, study = open_study_data(workspace), workspace.study
    savings = read_table(ORDER_SAVINGS, workspace.paths.evaluation / SAVINGS)
    if not can_rank(data):
        raise DataError(
            "Expected a market whose stocks can be ranked. Received: too few stocks or "
            "years, as Phase 1 found"
        )
    if savings.empty:
        raise ArtefactError(
            "Expected measured savings of timed orders. Received: none; Phase 4 could "
            "time no order on this market"
        )
    panel = open_to_serve(data)
    origin = market_sessions(panel)[-1]
    panel_flags(origin, as_of or origin, study.deployment)
    calendar = trading_days_of(study.market)
    listed = panel[(panel["kind"] == "ordinary") & (panel["session"] == origin)]
    wanted = read_orders(
        orders,
        tickers=set(listed["ticker"]),
        first=calendar.shift(origin.date(), 1),
        calendar=calendar,
    )
    forecasts = latest_ranking(data, panel, calendar, progress=progress)
    table = advise_orders(
        wanted,
        dict(zip(forecasts["ticker"], forecasts["y_hat"], strict=True)),
        savings,
        model=EQUAL,
        origin=origin.date(),
        calendar=calendar,
        suspended=set(listed.loc[listed["suspended"], "ticker"]),
    )
    return Advice(table, origin)


def latest_ranking(
    data: StudyData, panel: pd.DataFrame, calendar: TradingDays, *, progress: Progress
) -> pd.DataFrame:
    """Forecast the next session's excess returns with the equally weighted ensemble.

    Parameters
    ----------
    data : StudyData
    panel : DataFrame
        ``PANEL`` through the last session.
    calendar : TradingDays
        Of the sessions to come.
    progress : callable
        Receives a line where models are fitted.

    Returns
    -------
    DataFrame
        ``FORECASTS`` of the last session, horizon 1 at the backtest's delay.
    """
    year = market_sessions(panel)[-1].year
    start, end = pd.Timestamp(year, 1, 1), pd.Timestamp(year + 1, 1, 1)
    version = _version(data, panel)

    def make(folds: list[Fold]) -> Made:
        progress(
            f"The ranking models of {year} are fitted on all years before it and kept "
            "until a session is added: a minute or two"
        )
        for fold in folds:
            yield fold, _forecast(data, panel, calendar, fold), {}

    return read_or_make(
        [Fold(year=year, kind="test", start=start, end=end)],
        folder_of=lambda _: data.paths.latest_ranking,
        about=lambda _: {"version": version},
        make=make,
    )


def _forecast(
    data: StudyData, panel: pd.DataFrame, calendar: TradingDays, fold: Fold
) -> pd.DataFrame:
    study, origin = data.study, market_sessions(panel)[-1]
    tables = build_tables(panel, study=study)
    now = tables.features["session"] == origin
    features = tables.features
    # Of the year itself only the last session is forecast.
    seen = features[(features["session"] < fold.start) | now]
    targets = _with_latest(tables, origin, calendar)
    tabular = forecast_tabular(
        seen,
        targets[study.cross_section.horizons.index(1)],
        fold,
        cross_section=study.cross_section,
        tabular=study.tabular,
        seed=study.seed,
        only=[name for name in MEMBERS if name != NETWORK],
    )
    network = forecast_apart(features, targets, fold, study=study)
    own = network[(network["origin"] == origin) & (network["horizon"] == 1)]
    each = pd.concat([tabular, own], ignore_index=True)
    return average_ranks(each, MEMBERS, name=EQUAL)


def _with_latest(
    tables: Tables, origin: pd.Timestamp, calendar: TradingDays
) -> list[pd.DataFrame]:
    """Add the last session's rows to every target, without a realised return."""
    now = tables.features.loc[tables.features["session"] == origin, "ticker"]
    extended = []
    for table in tables.targets:
        delay, horizon = int(table["delay"].iloc[0]), int(table["horizon"].iloc[0])
        entry, target = (
            pd.Timestamp(calendar.shift(origin.date(), n))
            for n in (delay, delay + horizon)
        )
        rows = pd.DataFrame({"ticker": now, "origin": origin}).assign(
            delay=delay, horizon=horizon, entry_date=entry, target_date=target
        )
        extended.append(pd.concat([table, rows], ignore_index=True))
    return extended


def _version(data: StudyData, panel: pd.DataFrame) -> str:
    document = study_document(data.study)
    names = ("cross_section", "tabular", "rank_lstm")
    depends_on = {name: document[name] for name in names}
    return artefact_version(
        panel_digest(panel),
        depends_on | {"delay": document["backtest"]["delay"]},
        data.study.seed,
        ticker=ALL_STOCKS,
        year=market_sessions(panel)[-1].year,
        made_by=(__name__,),
    )
