"""One study on one market under one root: what every phase starts from.

Phases talk through tables on disk. The readers here hand out only what a phase may see:
``read_sealed_panel`` ends where the test year begins, and nothing but ``study.seal``
reads further.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from nse_lstm.config import Study, configuration_hash, load_study, study_document
from nse_lstm.errors import ArtefactError, ConfigurationError
from nse_lstm.features.folds import Fold, make_folds
from nse_lstm.paths import Paths, find_root, write_text
from nse_lstm.tables import INSTRUMENTS, PANEL, read_table

__all__ = [
    "MarketFacts",
    "Workspace",
    "market_sessions",
    "open_workspace",
    "read_facts",
    "read_instruments",
    "read_json",
    "read_recommended",
    "read_sealed_panel",
    "study_folds",
    "write_json",
    "write_stamp",
]


@dataclass(frozen=True)
class Workspace:
    """A study and the places of its artefacts."""

    study: Study
    paths: Paths


@dataclass(frozen=True)
class MarketFacts:
    """What Phase 1 found out about the market's files, for the phases that follow."""

    digest: str
    """SHA-256 of the source files."""
    test_year: int
    first_session: str
    last_session: str
    n_sessions: int
    n_rows: int
    n_tickers: int


def open_workspace(
    root: str = "",
    *,
    study: str = "study.toml",
    market: str = "simulated",
    raw: str = "",
    test_year: int = 0,
    seed: int = 0,
) -> Workspace:
    """Open a study the way notebooks, Papermill and the command line all do.

    Parameters
    ----------
    root : str
        Folder the artefacts go under; the project itself if empty.
    study : str
        Study file.
    market : str
        A market of the study file.
    raw : str
        Folder of the source files; ``data/raw/<market>`` under ``root`` if empty.
    test_year, seed : int
        0 keeps what the study file says.

    Relative paths are taken from the project's root.

    Raises
    ------
    ConfigurationError
        If the study file or the market does not hold up.
    """
    project = find_root()
    loaded = load_study(project / study, market, test_year=test_year, seed=seed)
    paths = Paths(
        root=project / root,
        market=loaded.market.name,
        raw_folder=project / raw if raw else None,
    )
    return Workspace(study=loaded, paths=paths)


def write_stamp(workspace: Workspace, path: Path) -> bool:
    """Write the study's identity if it changed; return whether it did.

    Make compares times, so the file keeps its own as long as it says the same.
    """
    raw = workspace.paths.raw
    files = {}
    if not workspace.study.market.simulated and raw.is_dir():
        files = {file.name: file.stat().st_size for file in sorted(raw.glob("*.csv"))}
    document = {
        "configuration": configuration_hash(workspace.study),
        "study": study_document(workspace.study),
        "raw_files": files,
    }
    text = _to_json(document)
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    write_text(path, text)
    return True


def read_facts(workspace: Workspace) -> MarketFacts:
    """Read what Phase 1 wrote about the market.

    Raises
    ------
    ArtefactError
        If Phase 1 has not run, or ran for another test year.
    """
    facts = MarketFacts(**read_json(workspace.paths.processed / "market.json"))
    wanted = workspace.study.test_year
    if wanted and wanted != facts.test_year:
        raise ArtefactError(
            f"Phase 1 was run for test year {facts.test_year}. "
            f"Received: test_year={wanted}; run 01_data_analysis again"
        )
    return facts


def study_folds(workspace: Workspace) -> tuple[Fold, ...]:
    """Return the walk-forward folds in order, the test year last."""
    facts = read_facts(workspace)
    return make_folds(facts.test_year, workspace.study.folds.n_walk_forward)


def read_sealed_panel(workspace: Workspace) -> pd.DataFrame:
    """Return the panel up to the last session before the test year."""
    panel = read_table(PANEL, workspace.paths.processed / "panel.parquet")
    start = pd.Timestamp(read_facts(workspace).test_year, 1, 1)
    return panel[panel["session"] < start].reset_index(drop=True)


def market_sessions(panel: pd.DataFrame) -> pd.DatetimeIndex:
    """Return the market's calendar: every session on which any ticker has a row."""
    return pd.DatetimeIndex(panel["session"].unique()).sort_values()


def read_instruments(workspace: Workspace) -> pd.DataFrame:
    """Return one row a ticker: name, kind, sector, span."""
    return read_table(INSTRUMENTS, workspace.paths.processed / "instruments.parquet")


def read_recommended(
    workspace: Workspace, stocks: Sequence[str] | None = None
) -> dict[int, list[str]]:
    """Return the recommended tickers of each fold, as of that fold's start.

    Parameters
    ----------
    stocks : sequence of str, optional
        Use these in every fold instead.

    Raises
    ------
    ConfigurationError
        If a named stock is not in the data.
    """
    document = read_json(workspace.paths.analysis / "training_recommendations.json")
    by_fold = {int(year): list(names) for year, names in document["by_fold"].items()}
    if stocks is None:
        return by_fold
    known = set(read_instruments(workspace)["ticker"])
    unknown = [stock for stock in stocks if stock not in known]
    if unknown:
        raise ConfigurationError(
            f"`stocks` must be tickers of {workspace.study.market.name}. "
            f"Received: {', '.join(unknown)}"
        )
    return {year: list(stocks) for year in by_fold}


def read_json(path: Path) -> Any:
    """Read a JSON artefact.

    Raises
    ------
    ArtefactError
        If it is missing or no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ArtefactError(
            f"No {path.name} at {path}: run the phase that makes it first"
        ) from None
    except ValueError as error:
        raise ArtefactError(f"{path} is no JSON: {error}") from None


def write_json(path: Path, document: Any) -> None:
    """Write a JSON artefact whole, with sorted keys."""
    write_text(path, _to_json(document))


def _to_json(document: Any) -> str:
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
