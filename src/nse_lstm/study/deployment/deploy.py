"""Phase 5: promote Phase 4's selection and forecast the next session."""

import hashlib
from dataclasses import dataclass

import pandas as pd

from nse_lstm.deployment.corrections import (
    append_corrections,
    newest,
    read_corrections,
)
from nse_lstm.deployment.databases import database_name
from nse_lstm.deployment.gate import find_refusals
from nse_lstm.deployment.next_distribution import forecast_next_quantiles
from nse_lstm.deployment.registry import current_entry, read_registry, retire
from nse_lstm.deployment.registry_entry import (
    CHAMPION,
    PERSISTENCE,
    SELECTION,
    sorted_entries,
)
from nse_lstm.deployment.registry_files import LATEST_QUANTILES
from nse_lstm.deployment.serving import score_latest
from nse_lstm.deployment.staleness import panel_flags
from nse_lstm.deployment.store import (
    KEY,
    append_new_forecasts,
    find_differences,
    read_forecasts,
)
from nse_lstm.errors import ArtefactError, ConfigurationError, DataError
from nse_lstm.features.returns import market_sessions
from nse_lstm.json_files import read_json
from nse_lstm.models.progress import Progress
from nse_lstm.models.stock_lstm import STOCK_LSTM
from nse_lstm.study.core.jobs import served_model
from nse_lstm.study.core.sealed_year import open_test_year, open_to_serve
from nse_lstm.study.core.study_data import StudyData, open_study_data
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.deployment.forecast_store import opened_store
from nse_lstm.study.deployment.latest_ranks import (
    is_ranked,
    rank_latest,
    stored_ranks,
)
from nse_lstm.study.deployment.promotion_case import (
    build_case,
    persistence_of,
    tested_model,
    write_case,
)
from nse_lstm.study.deployment.refit import refit
from nse_lstm.study.deployment.runtime_check import promote_checked
from nse_lstm.study.validation.validate import forecast_fold, forecast_stocks
from nse_lstm.tables import (
    FORECASTS,
    NEXT_QUANTILES,
    STORED_FORECASTS,
    empty_table,
    read_table,
    write_csv,
    write_table,
)

AUTOMATIC = (SELECTION, "refit")
"""Kinds of promotion that a build may replace; a person's promotions stay."""


@dataclass(frozen=True)
class DeploymentResult:
    """Tables of Phase 5, which are on disk as well."""

    registry: pd.DataFrame
    """From ``registry_table``."""
    gate: pd.DataFrame
    """From ``promote_selected``."""
    reproduced: pd.DataFrame
    """From ``reproduce``."""
    forecasts: pd.DataFrame
    """STORED_FORECASTS of the next session."""
    refused: pd.DataFrame
    """Models without a forecast, with reasons."""
    ranks: pd.DataFrame
    """STORED_FORECASTS of the ranking models."""


@dataclass(frozen=True)
class ScoringResult:
    """Forecasts of one scoring run, and the number that the store did not have."""

    forecasts: pd.DataFrame
    """STORED_FORECASTS."""
    refused: pd.DataFrame
    """Models without a forecast, with reasons."""
    n_new: int
    """Rows that were new in the store."""
    differences: pd.DataFrame
    """From ``append_new_forecasts``: stored forecasts that today's data contradict."""
    store: str
    """The store's name, without a password."""


def deploy(
    workspace: Workspace, *, progress: Progress | None = None
) -> DeploymentResult:
    """Promote, reload, reproduce Phase 4's forecasts, and forecast the next session.

    Parameters
    ----------
    workspace : Workspace
        The study; Phase 4 must have run.
    progress : callable, optional
        Called with one line per refitted network.

    Raises
    ------
    ArtefactError
        If a reloaded model does not reproduce Phase 4's forecasts bit for bit.
    """
    data = open_study_data(workspace)
    gate = promote_selected(data, progress=progress)
    reproduced = reproduce(data)
    wrong = reproduced[reproduced["n_equal"] < reproduced["n_forecasts"]]
    if len(wrong):
        raise ArtefactError(
            "Expected the reloaded models to reproduce every forecast of Phase 4. "
            f"Received: other numbers for {', '.join(wrong['ticker'])}"
        )
    forecasts, refused = forecast_next(data)
    ranks = forecast_ranks(data, progress=progress)
    return DeploymentResult(
        registry_table(data), gate, reproduced, forecasts, refused, ranks
    )


def promote_selected(
    data: StudyData, *, progress: Progress | None = None
) -> pd.DataFrame:
    """Promote each stock's selected model, if the gate allows it.

    The tested model becomes candidate, a refit through the last session challenger. The
    network becomes champion where it was selected and passes the gate, otherwise
    persistence.
    A champion that a person promoted stays. Models of stocks outside the selection are
    retired, if an earlier build promoted them.

    Parameters
    ----------
    data : StudyData
        The study after Phase 4.
    progress : callable, optional
        Called with one line per refitted network.

    Returns
    -------
    DataFrame
        One row per stock: ``ticker``, ``selected``, ``passes`` (whether the
        network passes the gate) and ``refusals`` in words; also ``registry/gate.csv``.
    """
    path = data.paths.evaluation / "selection.json"
    evidence = hashlib.sha256(path.read_bytes()).hexdigest()
    selected = read_json(path)
    rows = [_promote(data, row, evidence) for row in selected]
    tickers = [row["ticker"] for row in selected]
    refit(data, tickers, progress=progress)
    for ticker, stages in read_registry(data.paths.registry).items():
        for stage, entry in stages.items():
            if ticker not in tickers and entry.way in AUTOMATIC:
                retire(
                    data.paths.registry,
                    ticker=ticker,
                    stage=stage,
                    evidence=evidence,
                    why="The stock is not in the new selection.",
                )
    gate = pd.DataFrame(rows)
    write_csv(gate, data.paths.registry / "gate.csv")
    return gate


def registry_table(workspace: Workspace) -> pd.DataFrame:
    """Return one row per stock and stage: model, version, kind of promotion, reason."""
    entries = sorted_entries(read_registry(workspace.paths.registry))
    columns = ["ticker", "stage", "model", "version", "way", "why"]
    return pd.DataFrame(
        [{name: getattr(entry, name) for name in columns} for entry in entries]
    )


def reproduce(data: StudyData) -> pd.DataFrame:
    """Forecast the test year again from the stored models and compare bit by bit.

    Returns
    -------
    DataFrame
        One row per stock: ``ticker``, ``n_forecasts`` of the served network, and
        ``n_equal``, the number equal to Phase 4's.
    """
    panel, _ = open_test_year(data)
    key, fold = ["ticker", "model", "origin"], data.folds[-1]
    served = served_model(data.study)
    forecast = forecast_stocks if served == STOCK_LSTM else forecast_fold
    again = forecast(data, panel, fold).set_index(key)["price_hat"]
    table = read_table(FORECASTS, data.paths.evaluation / "forecasts.parquet")
    before = table[table["fold"] == fold.year].set_index(key)["price_hat"]
    both = pd.concat([before.rename("before"), again.rename("again")], axis=1)
    stored = both[both.index.get_level_values("model") == served]
    same = stored["before"] == stored["again"]
    grouped = same.groupby(level="ticker")
    return pd.DataFrame(
        {"n_forecasts": grouped.size(), "n_equal": grouped.sum()}
    ).reset_index()


def forecast_next(
    workspace: Workspace, *, as_of: pd.Timestamp | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Forecast the next session and the stock LSTM's distribution.

    Writes ``latest_forecasts.parquet``, ``latest_quantiles.parquet`` and
    ``latest_refused.csv`` beside the registry.

    Parameters
    ----------
    workspace : Workspace
        The study; Phase 4 must have run.
    as_of : Timestamp, optional
        As for ``score_latest``.

    Returns
    -------
    forecasts, refused : DataFrame
        As from ``score_latest``.
    """
    panel = open_to_serve(workspace)
    forecasts, refused = _forecast(workspace, panel, as_of)
    folder = workspace.paths.registry
    write_table(forecasts, STORED_FORECASTS, folder / "latest_forecasts.parquet")
    quantiles = forecast_next_quantiles(forecasts, panel, study=workspace.study)
    write_table(quantiles, NEXT_QUANTILES, folder / LATEST_QUANTILES)
    write_csv(refused, folder / "latest_refused.csv")
    return forecasts, refused


def _forecast(
    workspace: Workspace, panel: pd.DataFrame, as_of: pd.Timestamp | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    table = read_table(FORECASTS, workspace.paths.evaluation / "forecasts.parquet")
    return score_latest(
        panel,
        study=workspace.study,
        paths=workspace.paths,
        as_of=as_of,
        past=table,
    )


def forecast_ranks(
    workspace: Workspace,
    *,
    as_of: pd.Timestamp | None = None,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Rank the stocks after the last session; advice on orders rests on it.

    Parameters
    ----------
    workspace : Workspace
        The study; Phase 4 must have run.
    as_of : Timestamp, optional
        Nothing after this day is read.
    progress : callable, optional
        Receives a line where models are fitted.

    Returns
    -------
    DataFrame
        ``STORED_FORECASTS``. None of a market that Phase 2 has not ranked, nor from a
        session that the study refuses as too old for ``as_of``.
    """
    if not is_ranked(workspace):
        return empty_table(STORED_FORECASTS)
    data, whole = open_study_data(workspace), open_to_serve(workspace)
    panel = whole if as_of is None else whole[whole["session"] <= as_of]
    sessions, limits = market_sessions(panel), workspace.study.deployment
    try:
        panel_flags(sessions[-1], as_of or sessions[-1], limits)
    except DataError:
        return empty_table(STORED_FORECASTS)
    kept = sessions[-1] == market_sessions(whole)[-1]
    known = panel[panel["session"] <= sessions[-1]]
    ranks = rank_latest(data, known, kept=kept, progress=progress or _silent)
    return stored_ranks(data, known, ranks)


def _silent(line: str) -> None:
    """Say nothing."""


def score(
    workspace: Workspace,
    *,
    as_of: pd.Timestamp | None = None,
    store: str = "",
    progress: Progress | None = None,
) -> ScoringResult:
    """Forecast the next session, rank its stocks, and append both to the store.

    A second run on the same data appends nothing. A stock whose row arrived late is
    added. A stored forecast stays as it was made. It, or its last correction, is
    compared with today's.

    Parameters
    ----------
    workspace : Workspace
        The study; Phase 4 must have run.
    as_of : Timestamp, optional
        As for ``score_latest``.
    store : str
        As for ``databases.store_url``.
    progress : callable, optional
        Receives a line where the ranking models are fitted.

    Raises
    ------
    ArtefactError
        If the store cannot be reached.
    """
    # Opened first, so that an unreachable store stops the run before it forecasts.
    with opened_store(workspace, store) as engine:
        forecasts, refused = forecast_next(workspace, as_of=as_of)
        ranks = forecast_ranks(workspace, as_of=as_of, progress=progress)
        forecasts = pd.concat([forecasts, ranks], ignore_index=True)
        n_new, differences = append_new_forecasts(engine, forecasts)
        if len(differences):
            there = newest(read_forecasts(engine), read_corrections(engine))
            differences = find_differences(forecasts, there)
    return ScoringResult(
        forecasts, refused, n_new, differences, database_name(engine.url)
    )


def correct(
    workspace: Workspace, day: pd.Timestamp, *, reason: str, store: str = ""
) -> ScoringResult:
    """Forecast an earlier session again and append what differs as corrections.

    Parameters
    ----------
    workspace : Workspace
        The study; Phase 1 has read the corrected files.
    day : Timestamp
        Origin of the forecasts: a session.
    reason : str
        Why the values changed, kept beside them.
    store : str
        As for ``databases.store_url``.

    Returns
    -------
    ScoringResult
        ``n_new`` is the number of corrected forecasts. ``differences`` shows the newest
        values until now beside the corrected ones.

    Raises
    ------
    ConfigurationError
        If the day is no session of the market, or there is no reason.
    """
    with opened_store(workspace, store) as engine:
        panel = open_to_serve(workspace)
        forecasts, refused = _forecast(workspace, panel, day)
        origins = forecasts["origin"].unique()
        if len(forecasts) and list(origins) != [day]:
            raise ConfigurationError(
                "Expected a session whose forecasts are to be corrected. Received: "
                f"{day:%Y-%m-%d}; the session before it is {origins[0]:%Y-%m-%d}"
            )
        ranks = forecast_ranks(workspace, as_of=day)
        both = pd.concat([forecasts, ranks], ignore_index=True)
        differences = append_corrections(engine, both, reason=reason)
    n_corrected = len(differences.drop_duplicates(KEY))
    return ScoringResult(
        forecasts, refused, n_corrected, differences, database_name(engine.url)
    )


def _promote(data: StudyData, row: dict[str, str], selection: str) -> dict[str, object]:
    """Promote the champion and the tested model of one stock."""
    ticker = row["ticker"]
    tested = tested_model(data, ticker)
    case = build_case(data, tested, against_persistence=True)
    refusals = find_refusals(case, data.study.deployment)
    proposal, evidence, why = tested, write_case(data, case), row["reason"]
    is_selected = row["champion"] != PERSISTENCE
    if refusals or not is_selected:
        proposal, evidence = persistence_of(ticker), selection
    if refusals and is_selected:
        why = f"{why} The gate refuses it: {' '.join(refusals)}"
    champion = current_entry(data.paths.registry, ticker, CHAMPION)
    if champion is None or champion.way in AUTOMATIC:
        champion = promote_checked(
            data, proposal, stage=CHAMPION, evidence=evidence, why=why
        )
    if champion.version != tested.version:
        promote_checked(
            data,
            tested,
            stage="candidate",
            evidence=selection,
            why="The model that forecast the test year.",
        )
    return {
        "ticker": ticker,
        "selected": row["champion"],
        "passes": not refusals,
        "refusals": " ".join(refusals),
    }
