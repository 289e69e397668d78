"""Promotion by a person: through the gate, by an override, or a roll-back.

A stored model climbs from candidate over challenger to champion: the tested model
starts as candidate, a refit as challenger, and only these can become champion.
"""

from collections.abc import Sequence

import pandas as pd

from nse_lstm.deployment.gate import Case, describe_difference, find_refusals
from nse_lstm.deployment.registry import (
    current_entry,
    history,
    read_registry,
    roll_back,
)
from nse_lstm.deployment.registry_entry import (
    CHAMPION,
    PERSISTENCE,
    STAGES,
    RegistryEntry,
)
from nse_lstm.deployment.store import read_forecasts
from nse_lstm.errors import ArtefactError, ConfigurationError
from nse_lstm.study.core.jobs import served_model
from nse_lstm.study.core.study_data import StudyData, open_study_data
from nse_lstm.study.core.suggestions import did_you_mean
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.deployment.forecast_store import opened_store
from nse_lstm.study.deployment.promotion_case import (
    ModelProposal,
    build_case,
    persistence_of,
    tested_model,
    write_case,
)
from nse_lstm.study.deployment.runtime_check import promote_checked


def promote_by_hand(
    workspace: Workspace,
    ticker: str,
    model: str,
    *,
    to: str,
    why: str = "",
    override: str = "",
    version: str = "",
    store: str = "",
) -> RegistryEntry:
    """Promote a model to a stage; a champion has to pass the gate or an override.

    Parameters
    ----------
    workspace : Workspace
        The study.
    ticker, model, to : str
        Stock, model and stage. Of several versions in
        stages, the nearest below the stage is taken; below all stages is the tested
        model.
    why : str
        The reason in words; the gate's finding if empty.
    override : str
        The reason to promote against the gate. It is logged as such.
    version : str
        First digits of the version, to choose among all that were ever promoted.
    store : str
        As for ``databases.store_url``: its forecasts are evidence for a champion.

    Raises
    ------
    ArtefactError
        If the gate refuses, with one sentence per reason; if another promotion was
        first; if a bundle was changed.
    ConfigurationError
        If there is no such model or stage.
    """
    if to not in STAGES:
        raise ConfigurationError(
            f"`to` must be one of {', '.join(STAGES)}. Received: {to!r}"
            f"{did_you_mean(to, STAGES)}"
        )
    data = open_study_data(workspace)
    proposal = _find(data, ticker, model, to, version)
    current = current_entry(workspace.paths.registry, ticker, to)
    if current and current.version == proposal.version:
        raise ConfigurationError(
            f"Expected another model than the current {to} of {ticker}. Received: "
            f"{current.label}"
        )
    stored, refusals = None, []
    if to == CHAMPION:
        with opened_store(workspace, store) as engine:
            stored = read_forecasts(engine, tickers=[ticker])
    case = build_case(data, proposal, stored=stored)
    if to == CHAMPION:
        refusals = find_refusals(case, workspace.study.deployment)
    if refusals and not override.strip():
        raise ArtefactError(
            f"The gate refuses {model} as the champion of {ticker}. "
            f"{' '.join(refusals)} To promote it all the same, give the reason: "
            '--override "..."'
        )
    reason = why.strip() or _default_reason(case, to)
    if refusals:
        reason = f"{override.strip()} (against the gate: {' '.join(refusals)})"
    return promote_checked(
        workspace,
        proposal,
        stage=to,
        evidence=write_case(workspace, case),
        why=reason,
        way="override" if refusals else "hand",
        replaces=current.version if current else "",
    )


def roll_back_by_hand(workspace: Workspace, ticker: str, *, why: str) -> RegistryEntry:
    """Make a stock's previous champion champion again, see ``roll_back``.

    Parameters
    ----------
    workspace : Workspace
    ticker : str
    why : str
        The reason in words.
    """
    return roll_back(workspace.paths.registry, ticker=ticker, why=why)


def promotion_history(workspace: Workspace, ticker: str = "") -> pd.DataFrame:
    """Return the log of promotions of one stock or of all, with shortened hashes.

    Parameters
    ----------
    workspace : Workspace
        The study.
    ticker : str
        The stock; all if empty.

    Returns
    -------
    DataFrame
        ``seq when ticker stage model version way evidence why``.
    """
    log = history(workspace.paths.registry)
    mine = log[log["ticker"] == ticker] if ticker else log
    short = {name: mine[name].str[:12] for name in ("version", "evidence")}
    columns = ["seq", "when", "ticker", "stage", "model", "version", "way"]
    return mine.assign(**short)[[*columns, "evidence", "why"]]


def _find(
    data: StudyData, ticker: str, model: str, to: str, version: str
) -> ModelProposal:
    """Find the proposed version; below all stages is the tested model."""
    registry = read_registry(data.paths.registry)
    if registry and ticker not in registry:
        raise ConfigurationError(
            f"`ticker` must be one of the registry's {', '.join(sorted(registry))}. "
            f"Received: {ticker!r}{did_you_mean(ticker, registry)}"
        )
    if model == PERSISTENCE:
        return persistence_of(ticker)
    known = _in_stages(data, ticker, model, to)
    if version:
        known += _promoted_before(data, ticker, model)
    if to != CHAMPION and model == served_model(data.study):
        known.append(tested_model(data, ticker))
    for proposal in known:
        if proposal.version.startswith(version):
            return proposal
    raise ConfigurationError(_not_found(data, ticker, model, to, version, known))


def _not_found(
    data: StudyData,
    ticker: str,
    model: str,
    to: str,
    version: str,
    known: Sequence[ModelProposal],
) -> str:
    """Say whether model or version is unknown, or which stage comes first."""
    registry = read_registry(data.paths.registry).get(ticker, {})
    found = {each.model for each in registry.values()}
    models = sorted({PERSISTENCE, served_model(data.study), *found})
    if model not in models:
        return (
            f"`model` must be one of {', '.join(models)} for {ticker}. Received: "
            f"{model!r}{did_you_mean(model, models)}"
        )
    versions = ", ".join(dict.fromkeys(each.version[:12] for each in known))
    if version and versions:
        return (
            f"`version` must begin one of {versions}, the versions of {model} for "
            f"{ticker}. Received: {version!r}"
        )
    return (
        f"Expected {model} as candidate or challenger of {ticker} before it becomes "
        f"{to}. Received: neither. First: nse-lstm promote {ticker} {model} --to "
        "challenger"
    )


def _in_stages(
    data: StudyData, ticker: str, model: str, to: str
) -> list[ModelProposal]:
    """List the model's versions in the other stages, from challenger down."""
    stages = read_registry(data.paths.registry).get(ticker, {})
    return [
        ModelProposal(ticker, model, stages[name].version, stages[name].bundle)
        for name in ("challenger", "candidate", CHAMPION)
        if name != to and name in stages and stages[name].model == model
    ]


def _promoted_before(data: StudyData, ticker: str, model: str) -> list[ModelProposal]:
    """List every version in the log, the last one first."""
    log = history(data.paths.registry)
    mine = log[(log["ticker"] == ticker) & (log["model"] == model)].iloc[::-1]
    rows = mine[["ticker", "model", "version", "bundle"]].itertuples(index=False)
    return [ModelProposal(*map(str, row)) for row in rows]


def _default_reason(case: Case, to: str) -> str:
    if to != CHAMPION or case.difference is None:
        return f"Promoted to {to} by hand."
    return (
        f"Its mean squared error in {case.source} differs from {case.champion}'s by "
        f"{describe_difference(case.difference)}."
    )
