"""Who may serve: models brought before the gate, promoted, overridden, rolled back.

A stored model climbs: the tested weights to candidate, a refit to challenger, and only
what stands there to champion. The case for or against a champion is kept beside the
registry under its own hash, which the log names.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import partial

import pandas as pd

from nse_lstm.deployment.gate import (
    Case,
    case_document,
    find_refusals,
    loss_interval,
)
from nse_lstm.deployment.registry import (
    history,
    read_registry,
    roll_back,
)
from nse_lstm.deployment.registry_entry import (
    PERSISTENCE,
    POOLED,
    STAGES,
    RegistryEntry,
)
from nse_lstm.deployment.staleness import trained_through, weekdays
from nse_lstm.deployment.store import read_forecasts
from nse_lstm.errors import ArtefactError, ConfigurationError, TableError
from nse_lstm.evaluation.comparison import losses_by_date
from nse_lstm.evaluation.scoring import realised
from nse_lstm.models.bundles import read_metadata
from nse_lstm.paths import write_text
from nse_lstm.study.core.audit_result import audit_words, is_clean
from nse_lstm.study.core.jobs import bundle_folder
from nse_lstm.study.core.phase_tables import read_facts, read_sealed_panel
from nse_lstm.study.core.sealed_year import open_to_serve
from nse_lstm.study.core.study_data import open_study_data
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.deployment.forecast_store import opened_store
from nse_lstm.study.deployment.runtime_check import promote_checked
from nse_lstm.tables import COVERAGE, FORECASTS, read_table


@dataclass(frozen=True)
class ModelProposal:
    """A model that asks for a stage."""

    ticker: str
    model: str
    version: str
    bundle: str
    """Relative to the models' folder; empty for persistence."""


def tested_model(workspace: Workspace, ticker: str) -> ModelProposal:
    """Propose the network that the test year was forecast with.

    Of all stocks together: the rank LSTM's first network of the last year that it
    forecast.

    Raises
    ------
    ArtefactError
        If it is missing or was changed.
    """
    data = open_study_data(workspace)
    year = data.facts.test_year
    folder, model = bundle_folder(data, ticker, year), "v2"
    if ticker == POOLED:
        seed = f"seed_{workspace.study.seed}"
        folder, model = workspace.paths.rank_lstm / str(year - 1) / seed, "rank_lstm"
    version = str(read_metadata(folder)["version"])
    bundle = folder.relative_to(workspace.paths.models).as_posix()
    return ModelProposal(ticker, model, version, bundle)


def build_case(
    workspace: Workspace,
    proposal: ModelProposal,
    *,
    stored: pd.DataFrame | None = None,
    afresh: bool = False,
) -> Case:
    """Gather what speaks for and against a model as its stock's champion.

    Losses are paired on forecasts that both made in the store, if there are enough of
    them; else on the walk-forward forecasts, of which only the tested weights have any.
    The test year decides nothing.

    Parameters
    ----------
    proposal : ModelProposal
    stored : DataFrame, optional
        ``STORED_FORECASTS`` of the stock; none if not given.
    afresh : bool
        Against persistence, whatever stands: as the selection of Phase 4 asks.
    """
    standing = read_registry(workspace.paths.registry).get(proposal.ticker, {})
    champion = None if afresh else standing.get("champion")
    model = champion.model if champion else PERSISTENCE
    version = champion.version if champion else ""
    make = partial(
        Case,
        ticker=proposal.ticker,
        model=proposal.model,
        version=proposal.version,
        champion=model,
        champion_version=version,
        audit="" if is_clean(workspace) else audit_words(workspace),
        age=_age(workspace, proposal),
    )
    shadow = _stored_pairs(workspace, stored, proposal, version or PERSISTENCE)
    confidence = workspace.study.verdict.confidence
    if len(shadow) >= workspace.study.deployment.min_sessions:
        held = shadow["y"].between(shadow["lower"], shadow["upper"])
        return make(
            source="the stored forecasts",
            difference=loss_interval(shadow["loss"], ahead=1, confidence=confidence),
            coverage=float(held.mean()),
        )
    losses = _tested_losses(workspace, proposal, model)
    return make(
        source="the walk-forward forecasts" if len(losses) else "the stored forecasts",
        difference=loss_interval(
            losses if len(losses) else shadow["loss"], ahead=1, confidence=confidence
        ),
        coverage=_tested_coverage(workspace, proposal) if len(losses) else None,
    )


def write_case(workspace: Workspace, case: Case) -> str:
    """Write a case under its own SHA-256 beside the registry; return the hash."""
    text = json.dumps(case_document(case), indent=1, sort_keys=True) + "\n"
    digest = hashlib.sha256(text.encode()).hexdigest()
    path = workspace.paths.registry / "evidence" / f"{digest}.json"
    if not path.is_file():
        write_text(path, text)
    return digest


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
    """Put a model in a stage; a champion has to pass the gate, or be overridden.

    Parameters
    ----------
    ticker, model, to : str
        Stock (``POOL`` for the rank LSTM), model and stage. Of several versions that
        stand the one nearest below the stage is meant; below them all the tested
        weights.
    why : str
        The reason in words; what the gate found if empty.
    override : str
        The reason to promote against the gate. It is logged as such.
    version : str
        The first digits of the version that is meant, of any that was ever promoted.
    store : str
        As for ``databases.store_url``: its forecasts are evidence for a champion.

    Raises
    ------
    ArtefactError
        If the gate refuses, in a sentence a reason; if another promotion was first; if
        a bundle was changed.
    ConfigurationError
        If there is no such model or stage.
    """
    if to not in STAGES:
        raise ConfigurationError(f"`to` must be one of {STAGES}. Received: {to}")
    proposal = _find(workspace, ticker, model, to, version)
    standing = read_registry(workspace.paths.registry).get(ticker, {}).get(to)
    if standing and standing.version == proposal.version:
        raise ConfigurationError(
            f"Expected another model than the {to} of {ticker} that stands. Received: "
            f"{model} {proposal.version[:12]}"
        )
    stored = None
    if to == "champion":
        with opened_store(workspace, store) as engine:
            stored = read_forecasts(engine, tickers=[ticker])
    case = build_case(workspace, proposal, stored=stored)
    refusals = find_refusals(case, workspace.study.deployment)
    if to == "champion" and refusals and not override.strip():
        raise ArtefactError(
            f"The gate refuses {model} as the champion of {ticker}. "
            f"{' '.join(refusals)} An override needs a reason."
        )
    overrides = to == "champion" and bool(refusals)
    found = override.strip() if overrides else why.strip() or _in_favour(case, to)
    against = f" (against the gate: {' '.join(refusals)})" if overrides else ""
    return promote_checked(
        workspace,
        ticker=ticker,
        stage=to,
        model=proposal.model,
        version=proposal.version,
        bundle=proposal.bundle,
        evidence=write_case(workspace, case),
        why=found + against,
        way="override" if overrides else "hand",
        replaces=standing.version if standing else "",
    )


def roll_back_by_hand(workspace: Workspace, ticker: str, *, why: str) -> RegistryEntry:
    """Make the champion before the present one champion again, see ``roll_back``."""
    return roll_back(workspace.paths.registry, ticker=ticker, why=why)


def promotion_history(workspace: Workspace, ticker: str = "") -> pd.DataFrame:
    """Return the log of promotions, of one stock or of all, for a reader.

    Returns
    -------
    DataFrame
        ``seq when ticker stage model version way evidence why``; hashes cut short.
    """
    log = history(workspace.paths.registry)
    mine = log[log["ticker"] == ticker] if ticker else log
    short = {name: mine[name].str[:12] for name in ("version", "evidence")}
    columns = ["seq", "when", "ticker", "stage", "model", "version", "way"]
    return mine.assign(**short)[[*columns, "evidence", "why"]]


def _find(
    workspace: Workspace, ticker: str, model: str, to: str, version: str
) -> ModelProposal:
    """Find the version that is meant; below all stages lie the tested weights."""
    if model == PERSISTENCE:
        return ModelProposal(ticker, model, PERSISTENCE, "")
    known = _standing(workspace, ticker, model, to)
    if version:
        known += _promoted_once(workspace, ticker, model)
    if to != "champion" and model == ("rank_lstm" if ticker == POOLED else "v2"):
        known.append(tested_model(workspace, ticker))
    for proposal in known:
        if proposal.version.startswith(version):
            return proposal
    raise ConfigurationError(
        f"Expected {model} of {ticker} {version}".rstrip() + f" to bring to {to}. "
        f"Received: none of {len(known)} versions; what becomes champion has to be "
        "candidate or challenger before"
    )


def _standing(
    workspace: Workspace, ticker: str, model: str, to: str
) -> list[ModelProposal]:
    """List what stands in the other stages, from challenger down."""
    stages = read_registry(workspace.paths.registry).get(ticker, {})
    return [
        ModelProposal(ticker, model, stages[name].version, stages[name].bundle)
        for name in ("challenger", "candidate", "champion")
        if name != to and name in stages and stages[name].model == model
    ]


def _promoted_once(
    workspace: Workspace, ticker: str, model: str
) -> list[ModelProposal]:
    """List every version in the log, the last one first."""
    log = history(workspace.paths.registry)
    mine = log[(log["ticker"] == ticker) & (log["model"] == model)].iloc[::-1]
    rows = mine[["ticker", "model", "version", "bundle"]].itertuples(index=False)
    return [ModelProposal(*map(str, row)) for row in rows]


def _in_favour(case: Case, to: str) -> str:
    gap = case.difference
    if to != "champion" or gap is None:
        return f"Put to {to} by hand."
    return (
        f"Its mean absolute error differs from {case.champion}'s by {gap.mean:+.6f}, "
        f"from {gap.lower:+.6f} to {gap.upper:+.6f}, in {gap.n} sessions of "
        f"{case.source}."
    )


def _age(workspace: Workspace, proposal: ModelProposal) -> int | None:
    if not proposal.bundle:
        return 0
    about = read_metadata(workspace.paths.models / proposal.bundle)
    through = trained_through(about)
    last = pd.Timestamp(read_facts(workspace).last_session)
    return None if through is None else weekdays(through, last)


def _tested_losses(
    workspace: Workspace, proposal: ModelProposal, champion: str
) -> pd.Series:
    """Return loss differences on the walk-forward years; none of other weights."""
    nothing = pd.Series(dtype=float)
    if proposal.bundle and not _is_tested(workspace, proposal):
        return nothing
    path = workspace.paths.evaluation / "forecasts.parquet"
    if proposal.model == champion or not path.is_file():
        return nothing
    table = read_table(FORECASTS, path)
    rows = table[
        (table["fold"] < read_facts(workspace).test_year)
        & (table["ticker"] == proposal.ticker)
        & table["model"].isin([proposal.model, champion])
    ]
    try:
        joined = realised(rows, read_sealed_panel(workspace))
        losses = losses_by_date(joined, loss="absolute")
    except TableError:
        return nothing
    if not {proposal.model, champion} <= set(losses.columns):
        return nothing
    return losses[proposal.model] - losses[champion]


def _is_tested(workspace: Workspace, proposal: ModelProposal) -> bool:
    if proposal.ticker == POOLED:
        return False
    try:
        return tested_model(workspace, proposal.ticker).version == proposal.version
    except ArtefactError:
        return False


def _tested_coverage(workspace: Workspace, proposal: ModelProposal) -> float | None:
    """Return the share that walk-forward intervals held, over all quarters."""
    path = workspace.paths.evaluation / "coverage.parquet"
    if not path.is_file():
        return None
    table = read_table(COVERAGE, path)
    mine = table[
        (table["ticker"] == proposal.ticker) & (table["model"] == proposal.model)
    ]
    n = int(mine["n"].sum())
    return float((mine["coverage"] * mine["n"]).sum() / n) if n else None


def _stored_pairs(
    workspace: Workspace,
    stored: pd.DataFrame | None,
    proposal: ModelProposal,
    champion: str,
) -> pd.DataFrame:
    """Pair two versions' stored forecasts of one origin whose return is known."""
    columns = ["loss", "y", "lower", "upper"]
    if stored is None or stored.empty:
        return pd.DataFrame(columns=columns, dtype=float)
    panel = open_to_serve(workspace)
    sessions = panel["session"].drop_duplicates().sort_values()
    rows = stored[stored["horizon"].eq(1) & stored["delay"].eq(0)]
    rows = rows[rows["version"].isin([proposal.version, champion])]
    # Expected dates give way to the sessions that came.
    after = pd.Series(sessions.to_numpy()[1:], index=sessions.to_numpy()[:-1])
    rows = rows.assign(entry_date=rows["origin"], target_date=rows["origin"].map(after))
    known = rows.dropna(subset=["target_date"]).reset_index(drop=True)
    joined = realised(known, panel).dropna(subset=["y", "y_hat"])
    joined = joined.assign(loss=(joined["y"] - joined["y_hat"]).abs())
    joined = joined.drop_duplicates(["version", "origin"]).set_index("origin")
    mine = joined[joined["version"] == proposal.version]
    theirs = joined.loc[joined["version"] == champion, "loss"]
    paired = mine.assign(loss=mine["loss"] - theirs).dropna(subset=["loss"])
    return paired.sort_index()[columns]
