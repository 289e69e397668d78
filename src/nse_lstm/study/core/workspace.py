"""One study on one market under one root: what every phase starts from.

Nothing heavy is imported here: Make asks for the stamp on every call.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nse_lstm.config import Study, configuration_hash, load_study, study_document
from nse_lstm.errors import ArtefactError
from nse_lstm.paths import Paths, csv_paths, find_root, write_text


@dataclass(frozen=True)
class Workspace:
    """A study and the places of its artefacts."""

    study: Study
    paths: Paths


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


def actions_path(workspace: Workspace) -> Path:
    """Return where the market's sourced corporate actions lie, if there are any."""
    market = workspace.study.market
    return find_root() / market.corporate_actions / f"{market.name}.csv"


def write_stamp(workspace: Workspace, path: Path) -> bool:
    """Write the study's identity if it changed; return whether it did.

    Make compares times, so the file keeps its own as long as it says the same.
    """
    study, lock = workspace.study, find_root() / "requirements.lock"
    document = {
        "configuration": configuration_hash(study),
        "study": study_document(study),
        "market": [study.market.label, study.market.citation],
        "raw_files": {} if study.market.simulated else _raw_files(workspace.paths.raw),
        "corporate_actions": _text_of(actions_path(workspace)),
        "packages": hashlib.sha256(lock.read_bytes()).hexdigest(),
    }
    text = _to_json(document)
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    write_text(path, text)
    return True


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


def _text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _raw_files(folder: Path) -> dict[str, list[int]]:
    """Return name, size and time of each source file: other files are other data."""
    return {
        str(path.resolve()): [path.stat().st_size, path.stat().st_mtime_ns]
        for path in csv_paths(folder)
    }


def _to_json(document: Any) -> str:
    plain = _without_nan(document)
    return (
        json.dumps(plain, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
        + "\n"
    )


def _without_nan(value: Any) -> Any:
    """Turn what is not defined into null, since JSON has no NaN."""
    if isinstance(value, dict):
        return {key: _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(inner) for inner in value]
    return None if isinstance(value, float) and value != value else value
