"""The evidence for a promotion: a proposed model against its stock's champion.

The case is kept beside the registry under its own hash, which the log names.
"""

import hashlib
import json
from dataclasses import dataclass

import pandas as pd

from nse_lstm.deployment.gate import Case, case_document, loss_interval
from nse_lstm.deployment.registry import current_entry
from nse_lstm.deployment.registry_entry import CHAMPION, PERSISTENCE
from nse_lstm.deployment.staleness import trained_through, weekdays
from nse_lstm.errors import ArtefactError, TableError
from nse_lstm.evaluation.comparison import losses_by_date
from nse_lstm.evaluation.scoring import realised
from nse_lstm.features.returns import market_sessions
from nse_lstm.models.bundles import read_metadata
from nse_lstm.paths import write_text
from nse_lstm.study.core.audit_result import read_audit
from nse_lstm.study.core.jobs import bundle_folder, served_model
from nse_lstm.study.core.sealed_year import open_to_serve
from nse_lstm.study.core.study_data import StudyData
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.deployment.forecast_store import with_realised_targets
from nse_lstm.tables import COVERAGE, FORECASTS, read_table

STORED = "the stored forecasts"
WALK_FORWARD = "the walk-forward forecasts"


@dataclass(frozen=True)
class ModelProposal:
    """A model proposed for a stage."""

    ticker: str
    model: str
    version: str
    bundle: str
    """Relative to the models' folder; empty for persistence."""


def persistence_of(ticker: str) -> ModelProposal:
    """Propose persistence for a stock."""
    return ModelProposal(ticker, PERSISTENCE, PERSISTENCE, "")


def tested_model(data: StudyData, ticker: str) -> ModelProposal:
    """Propose the network that forecast the test year.

    Parameters
    ----------
    data : StudyData
        The study after Phase 3.
    ticker : str
        The stock.

    Raises
    ------
    ArtefactError
        If the network is missing or was changed.
    """
    year = data.facts.test_year
    model = served_model(data.study)
    folder = bundle_folder(data, ticker, year, model)
    version = str(read_metadata(folder)["version"])
    bundle = folder.relative_to(data.paths.models).as_posix()
    return ModelProposal(ticker, model, version, bundle)


def build_case(
    data: StudyData,
    proposal: ModelProposal,
    *,
    stored: pd.DataFrame | None = None,
    against_persistence: bool = False,
) -> Case:
    """Collect the evidence for and against a model as its stock's champion.

    Losses are paired on stored forecasts of both models, if there are enough. Otherwise
    they come from the walk-forward forecasts, which only the tested model has. The test
    year decides nothing.

    Parameters
    ----------
    data : StudyData
        The study after Phase 4.
    proposal : ModelProposal
        The model.
    stored : DataFrame, optional
        ``STORED_FORECASTS`` of the stock; none if not given.
    against_persistence : bool
        Compare with persistence instead of the champion, as Phase 4's selection does.
    """
    registry = data.paths.registry
    champion = (
        None
        if against_persistence
        else current_entry(registry, proposal.ticker, CHAMPION)
    )
    model = champion.model if champion else PERSISTENCE
    version = champion.version if champion else ""
    pairs = _stored_pairs(data, stored, proposal, version or PERSISTENCE)
    losses, source, coverage = pairs["loss"], STORED, None
    if len(pairs) >= data.study.deployment.min_sessions:
        held = pairs["y"].between(pairs["lower"], pairs["upper"])
        coverage = float(held.mean())
    else:
        tested = _tested_losses(data, proposal, model)
        if len(tested):
            losses, source = tested, WALK_FORWARD
            coverage = _tested_coverage(data, proposal)
    audit = read_audit(data)
    return Case(
        ticker=proposal.ticker,
        model=proposal.model,
        version=proposal.version,
        champion=model,
        champion_version=version,
        source=source,
        audit="" if audit.clean else audit.words,
        difference=loss_interval(
            losses, ahead=1, confidence=data.study.verdict.confidence
        ),
        coverage=coverage,
        age=_age(data, proposal),
    )


def write_case(workspace: Workspace, case: Case) -> str:
    """Write a case under its own SHA-256 beside the registry and return the hash.

    Parameters
    ----------
    workspace : Workspace
        The study.
    case : Case
        From ``build_case``.
    """
    text = json.dumps(case_document(case), indent=1, sort_keys=True) + "\n"
    digest = hashlib.sha256(text.encode()).hexdigest()
    path = workspace.paths.registry / "evidence" / f"{digest}.json"
    if not path.is_file():
        write_text(path, text)
    return digest


def _age(data: StudyData, proposal: ModelProposal) -> int | None:
    """Return the weekdays since training; None where the metadata do not say."""
    if not proposal.bundle:
        return 0
    about = read_metadata(data.paths.models / proposal.bundle)
    through = trained_through(about)
    last = pd.Timestamp(data.facts.last_session)
    return None if through is None else weekdays(through, last)


def _tested_losses(
    data: StudyData, proposal: ModelProposal, champion: str
) -> pd.Series:
    """Return loss differences of the walk-forward years; none for other weights."""
    nothing = pd.Series(dtype=float)
    if proposal.bundle and not _is_tested(data, proposal):
        return nothing
    path = data.paths.evaluation / "forecasts.parquet"
    if proposal.model == champion or not path.is_file():
        return nothing
    table = read_table(FORECASTS, path)
    rows = table[
        (table["fold"] < data.facts.test_year)
        & (table["ticker"] == proposal.ticker)
        & table["model"].isin([proposal.model, champion])
    ]
    try:
        joined = realised(rows, data.panel)
        losses = losses_by_date(joined, loss="squared")
    except TableError:
        return nothing
    if not {proposal.model, champion} <= set(losses.columns):
        return nothing
    return losses[proposal.model] - losses[champion]


def _is_tested(data: StudyData, proposal: ModelProposal) -> bool:
    try:
        return tested_model(data, proposal.ticker).version == proposal.version
    except ArtefactError:
        return False


def _tested_coverage(data: StudyData, proposal: ModelProposal) -> float | None:
    """Return the coverage of the walk-forward intervals over all quarters."""
    path = data.paths.evaluation / "coverage.parquet"
    if not path.is_file():
        return None
    table = read_table(COVERAGE, path)
    mine = table[
        (table["ticker"] == proposal.ticker) & (table["model"] == proposal.model)
    ]
    n = int(mine["n"].sum())
    return float((mine["coverage"] * mine["n"]).sum() / n) if n else None


def _stored_pairs(
    data: StudyData,
    stored: pd.DataFrame | None,
    proposal: ModelProposal,
    champion: str,
) -> pd.DataFrame:
    """Pair both versions' stored one-session forecasts with known returns."""
    columns = ["loss", "y", "lower", "upper"]
    if stored is None or stored.empty:
        return pd.DataFrame(columns=columns, dtype=float)
    panel = open_to_serve(data)
    rows = stored[stored["horizon"].eq(1) & stored["delay"].eq(0)]
    rows = rows[rows["version"].isin([proposal.version, champion])]
    due = with_realised_targets(rows, market_sessions(panel))
    joined = realised(due, panel).dropna(subset=["y", "y_hat"])
    joined = joined.assign(loss=(joined["y"] - joined["y_hat"]) ** 2)
    joined = joined.drop_duplicates(["version", "origin"]).set_index("origin")
    mine = joined[joined["version"] == proposal.version]
    theirs = joined.loc[joined["version"] == champion, "loss"]
    paired = mine.assign(loss=mine["loss"] - theirs).dropna(subset=["loss"])
    return paired.sort_index()[columns]
