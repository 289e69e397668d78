"""The ranking models' forecasts from the last session, fitted on the years before it.

They are made as in the walk-forward backtest: ridge, trees and rank LSTM of the last
session's year know all years before it, and the blend weights them equally. The fits
are repeated when a session is added, and end in the same numbers: no row of the year
itself is trained on.
"""

import hashlib
from collections.abc import Callable

import pandas as pd

from nse_lstm.config import study_document
from nse_lstm.data.trading_days import TradingDays, trading_days_of
from nse_lstm.deployment.staleness import panel_digest
from nse_lstm.evaluation.rank_ensemble import average_ranks
from nse_lstm.features.folds import Fold
from nse_lstm.features.returns import market_sessions
from nse_lstm.models.versions import artefact_version
from nse_lstm.study.core.market_scope import can_rank
from nse_lstm.study.core.phase_tables import ALL_STOCKS
from nse_lstm.study.core.study_data import StudyData
from nse_lstm.study.core.versioned_folder import Made, read_or_make
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.deployment.advice_basis import ADVISER, PANEL_DIGEST
from nse_lstm.study.ranking.features_and_targets import (
    Tables,
    build_tables,
    forecast_aims,
)
from nse_lstm.study.ranking.rank_lstm import forecast_apart
from nse_lstm.study.ranking.rank_models import MEMBERS
from nse_lstm.tables import STORED_FORECASTS, conform

Progress = Callable[[str], None]

NETWORK = "rank_lstm"


def is_ranked(workspace: Workspace) -> bool:
    """Say whether Phase 2 has ranked this market, so that its models may be served.

    Parameters
    ----------
    workspace : Workspace
    """
    tested = workspace.paths.ranking / "rank_ic.parquet"
    return tested.is_file() and can_rank(workspace)


def rank_latest(
    data: StudyData, panel: pd.DataFrame, *, kept: bool = True, progress: Progress
) -> pd.DataFrame:
    """Forecast the excess returns to come with every ranking model and their blend.

    Parameters
    ----------
    data : StudyData
    panel : DataFrame
        ``PANEL`` through the session to forecast from.
    kept : bool
        Whether the forecasts are kept under their version, and read where they are
        there. An earlier session's are not.
    progress : callable
        Receives a line where models are fitted.

    Returns
    -------
    DataFrame
        ``FORECASTS`` of the last session: every horizon of the cross-section at the
        backtest's delay.
    """
    calendar, fold = trading_days_of(data.study.market), _fold(panel)
    if not kept:
        return _forecast(data, panel, calendar, fold)

    def make(folds: list[Fold]) -> Made:
        progress(
            f"The ranking models of {fold.year} are fitted on all years before it and "
            "kept until a session is added: a minute or two"
        )
        for each in folds:
            yield each, _forecast(data, panel, calendar, each), {}

    digest = panel_digest(panel)
    about = {"version": _version(data, digest, fold), PANEL_DIGEST: digest}
    return read_or_make(
        [fold],
        folder_of=lambda _: data.paths.latest_ranking,
        about=lambda _: about,
        make=make,
    )


def stored_ranks(
    data: StudyData, panel: pd.DataFrame, ranks: pd.DataFrame
) -> pd.DataFrame:
    """Return rankings of a session as the forecast store takes them.

    The declared blend has the champion's stage, the models in it the candidate's. A
    version names a model's settings, code and training data, so it stays for a year.

    Parameters
    ----------
    data : StudyData
    panel : DataFrame
        ``PANEL`` through that session.
    ranks : DataFrame
        From ``rank_latest``.
    """
    fold = _fold(panel)
    before = panel[panel["session"] < fold.start]
    fitted = _version(data, panel_digest(before), fold)
    versions = {
        model: hashlib.sha256(f"{fitted} {model}".encode()).hexdigest()
        for model in ranks["model"].unique()
    }
    stage = {True: "champion", False: "candidate"}
    rows = ranks.assign(
        stage=(ranks["model"] == ADVISER).map(stage),
        version=ranks["model"].map(versions),
        data_digest=panel_digest(panel),
        flags="",
    )
    return conform(rows, STORED_FORECASTS)


def _fold(panel: pd.DataFrame) -> Fold:
    """Return the year of a panel's last session."""
    year = market_sessions(panel)[-1].year
    start, end = pd.Timestamp(year, 1, 1), pd.Timestamp(year + 1, 1, 1)
    return Fold(year=year, kind="test", start=start, end=end)


def _forecast(
    data: StudyData, panel: pd.DataFrame, calendar: TradingDays, fold: Fold
) -> pd.DataFrame:
    study, origin = data.study, market_sessions(panel)[-1]
    tables = build_tables(panel, study=study)
    features = tables.features
    # Of the year itself only the last session is forecast.
    seen = features[
        (features["session"] < fold.start) | (features["session"] == origin)
    ]
    targets = _with_latest(tables, origin, calendar)
    others = [name for name in MEMBERS if name != NETWORK]
    tabular = forecast_aims(seen, targets, fold, study=study, only=others)
    network = forecast_apart(features, targets, fold, study=study)
    own = network[network["origin"] == origin]
    each = pd.concat([tabular, own], ignore_index=True)
    blend = average_ranks(each, MEMBERS, name=ADVISER)
    return pd.concat([each, blend], ignore_index=True)


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


def _version(data: StudyData, digest: str, fold: Fold) -> str:
    document = study_document(data.study)
    names = ("cross_section", "tabular", "rank_lstm")
    depends_on = {name: document[name] for name in names}
    return artefact_version(
        digest,
        depends_on | {"delay": document["backtest"]["delay"]},
        data.study.seed,
        ticker=ALL_STOCKS,
        year=fold.year,
        made_by=(__name__,),
    )
