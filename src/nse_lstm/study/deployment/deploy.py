"""Phase 5: promote what Phase 4 selected and forecast the session after the last."""

import hashlib
from dataclasses import dataclass

import pandas as pd

from nse_lstm.deployment.databases import database_name
from nse_lstm.deployment.gate import find_refusals
from nse_lstm.deployment.registry import read_registry, retire
from nse_lstm.deployment.registry_entry import PERSISTENCE, SELECTION
from nse_lstm.deployment.serving import score_latest
from nse_lstm.deployment.store import append_forecasts
from nse_lstm.errors import ArtefactError
from nse_lstm.json_files import read_json
from nse_lstm.models.progress import Progress
from nse_lstm.paths import write_aside
from nse_lstm.study.core.sealed_year import open_test_year, open_to_serve
from nse_lstm.study.core.study_data import open_study_data
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.deployment.forecast_store import opened_store
from nse_lstm.study.deployment.promotion import (
    ModelProposal,
    build_case,
    tested_model,
    write_case,
)
from nse_lstm.study.deployment.refit import refit
from nse_lstm.study.deployment.runtime_check import promote_checked
from nse_lstm.study.validation.validate import forecast_fold
from nse_lstm.tables import FORECASTS, STORED_FORECASTS, read_table, write_table

AUTOMATIC = (SELECTION, "refit")
"""How what a build may replace came to stand; what a person promoted, stays."""


@dataclass(frozen=True)
class DeploymentResult:
    """What Phase 5 shows; all of it lies on disk as well."""

    registry: pd.DataFrame
    """One row a stock and stage: model, version, how it came there, why."""
    gate: pd.DataFrame
    """One row a stock: what the gate says of the tested weights."""
    reproduced: pd.DataFrame
    """One row a stock: test-year forecasts of the reloaded model equal to Phase 4's."""
    forecasts: pd.DataFrame
    """STORED_FORECASTS of the session after the last one."""
    refused: pd.DataFrame
    """What was not forecast, and why."""


@dataclass(frozen=True)
class ScoringResult:
    """An evening's work."""

    forecasts: pd.DataFrame
    """STORED_FORECASTS."""
    refused: pd.DataFrame
    """What was not forecast, and why."""
    n_new: int
    """Rows that the store did not hold yet."""
    store: str
    """The store's name, without a password."""


def deploy(
    workspace: Workspace, *, progress: Progress | None = None
) -> DeploymentResult:
    """Promote, reload, reproduce Phase 4's forecasts, and forecast the next session.

    Parameters
    ----------
    progress : callable, optional
        Is given one line a network that is fitted through the last session.

    Raises
    ------
    ArtefactError
        If a reloaded model does not reproduce what Phase 4 scored, bit for bit.
    """
    gate = promote_selected(workspace, progress=progress)
    reproduced = reproduce(workspace)
    wrong = reproduced[reproduced["n_equal"] < reproduced["n_forecasts"]]
    if len(wrong):
        raise ArtefactError(
            "Expected the reloaded models to reproduce every forecast of Phase 4. "
            f"Received other numbers for: {', '.join(wrong['ticker'])}"
        )
    forecasts, refused = forecast_next(workspace)
    return DeploymentResult(
        registry_table(workspace), gate, reproduced, forecasts, refused
    )


def promote_selected(
    workspace: Workspace, *, progress: Progress | None = None
) -> pd.DataFrame:
    """Promote what each stock's selection says, as far as the gate lets it.

    The tested weights become candidate; v2, where it was selected and passes the gate,
    champion, else persistence; a refit through the last session challenger. A champion
    that a person promoted stays. What an earlier selection had put there for a stock
    that this one does not have is retired.

    Returns
    -------
    DataFrame
        One row a stock: ``ticker``, ``selected``, ``passes`` (the gate, v2) and
        ``refusals`` in words; also ``registry/gate.csv``.
    """
    path = workspace.paths.evaluation / "selection.json"
    evidence = hashlib.sha256(path.read_bytes()).hexdigest()
    selected = read_json(path)
    rows = [_promote(workspace, row, evidence) for row in selected]
    tickers = [row["ticker"] for row in selected]
    refit(workspace, tickers, progress=progress)
    for ticker, stages in read_registry(workspace.paths.registry).items():
        for stage, entry in stages.items():
            if ticker not in tickers and entry.way in AUTOMATIC:
                retire(
                    workspace.paths.registry,
                    ticker=ticker,
                    stage=stage,
                    evidence=evidence,
                    why="Not chosen by the selection that follows.",
                )
    gate = pd.DataFrame(rows)
    with write_aside(workspace.paths.registry / "gate.csv") as aside:
        gate.to_csv(aside, index=False, lineterminator="\n")
    return gate


def registry_table(workspace: Workspace) -> pd.DataFrame:
    """Return one row a stock and stage: who stands there, since which way, and why."""
    entries = read_registry(workspace.paths.registry)
    return pd.DataFrame(
        [
            {
                "ticker": ticker,
                "stage": stage,
                "model": entry.model,
                "version": entry.version,
                "way": entry.way,
                "why": entry.why,
            }
            for ticker, stages in sorted(entries.items())
            for stage, entry in sorted(stages.items())
        ]
    )


def reproduce(workspace: Workspace) -> pd.DataFrame:
    """Forecast the test year again from the stored models and compare bit by bit.

    Returns
    -------
    DataFrame
        ``ticker``, ``n_forecasts`` of v2, ``n_equal`` of them equal to Phase 4's.
    """
    data = open_study_data(workspace)
    panel, _ = open_test_year(data)
    key, fold = ["ticker", "model", "origin"], data.folds[-1]
    again = forecast_fold(data, panel, fold).set_index(key)["price_hat"]
    table = read_table(FORECASTS, workspace.paths.evaluation / "forecasts.parquet")
    before = table[table["fold"] == fold.year].set_index(key)["price_hat"]
    both = pd.concat([before.rename("before"), again.rename("again")], axis=1)
    stored = both[both.index.get_level_values("model") == "v2"]
    same = stored["before"] == stored["again"]
    grouped = same.groupby(level="ticker")
    return pd.DataFrame(
        {"n_forecasts": grouped.size(), "n_equal": grouped.sum()}
    ).reset_index()


def forecast_next(
    workspace: Workspace, *, as_of: pd.Timestamp | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Forecast the session after the last one; writes ``latest_forecasts.parquet``.

    Parameters
    ----------
    as_of : Timestamp, optional
        As for ``score_latest``.

    Returns
    -------
    forecasts : DataFrame
        STORED_FORECASTS, one row a stock, stage and model.
    refused : DataFrame
        ``ticker``, ``stage``, ``model`` and ``reason`` of what was not forecast.
    """
    table = read_table(FORECASTS, workspace.paths.evaluation / "forecasts.parquet")
    forecasts, refused = score_latest(
        open_to_serve(workspace),
        study=workspace.study,
        paths=workspace.paths,
        as_of=as_of,
        past=table,
    )
    folder = workspace.paths.registry
    write_table(forecasts, STORED_FORECASTS, folder / "latest_forecasts.parquet")
    with write_aside(folder / "latest_refused.csv") as aside:
        refused.to_csv(aside, index=False, lineterminator="\n")
    return forecasts, refused


def score(
    workspace: Workspace, *, as_of: pd.Timestamp | None = None, store: str = ""
) -> ScoringResult:
    """Forecast the session after the last one and append it to the forecast store.

    The same evening again writes nothing.

    Parameters
    ----------
    as_of : Timestamp, optional
        As for ``score_latest``.
    store : str
        As for ``databases.store_url``.

    Raises
    ------
    ArtefactError
        If the store holds another forecast under the same key, or cannot be reached.
    """
    # Opened first: an evening without a store is no evening.
    with opened_store(workspace, store) as engine:
        forecasts, refused = forecast_next(workspace, as_of=as_of)
        n_new = append_forecasts(engine, forecasts)
    return ScoringResult(forecasts, refused, n_new, database_name(engine.url))


def _promote(
    workspace: Workspace, row: dict[str, str], selection: str
) -> dict[str, object]:
    """Put the tested weights and the champion of one stock in their places."""
    ticker, folder = row["ticker"], workspace.paths.registry
    tested = tested_model(workspace, ticker)
    case = build_case(workspace, tested, afresh=True)
    refusals = find_refusals(case, workspace.study.deployment)
    standing = read_registry(folder).get(ticker, {}).get("champion")
    champion, evidence, why = tested, write_case(workspace, case), row["reason"]
    is_selected = row["champion"] != PERSISTENCE
    if refusals or not is_selected:
        champion, evidence = (
            ModelProposal(ticker, PERSISTENCE, PERSISTENCE, ""),
            selection,
        )
    if refusals and is_selected:
        why = f"{why} The gate refuses it: {' '.join(refusals)}"
    if standing is None or standing.way in AUTOMATIC:
        _put(workspace, champion, "champion", evidence, why)
        standing = read_registry(folder)[ticker]["champion"]
    if standing.version != tested.version:
        _put(workspace, tested, "candidate", selection, "The weights that were tested.")
    return {
        "ticker": ticker,
        "selected": row["champion"],
        "passes": not refusals,
        "refusals": " ".join(refusals),
    }


def _put(
    workspace: Workspace, proposal: ModelProposal, stage: str, evidence: str, why: str
) -> None:
    promote_checked(
        workspace,
        ticker=proposal.ticker,
        stage=stage,
        model=proposal.model,
        version=proposal.version,
        bundle=proposal.bundle,
        evidence=evidence,
        why=why,
    )
