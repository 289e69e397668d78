"""The study's stamp: the file that tells Make whether data or configuration changed.

Nothing heavy is imported here: Make asks for the stamp on every call.
"""

import hashlib
from pathlib import Path

from nse_lstm.config import configuration_hash, study_document
from nse_lstm.json_files import to_json
from nse_lstm.paths import csv_paths, find_root, unread_paths, write_text
from nse_lstm.study.core.workspace import Workspace, actions_path, sourced_path


def write_stamp(workspace: Workspace, path: Path) -> bool:
    """Write the study's identity if it changed; return whether it did.

    Make compares times, so the file keeps its own as long as it says the same.

    Parameters
    ----------
    workspace : Workspace
    path : Path
        Of the stamp.
    """
    study, lock = workspace.study, find_root() / "requirements.lock"
    document = {
        "configuration": configuration_hash(study),
        "study": study_document(study),
        "market": [study.market.label, study.market.citation],
        "raw_files": {} if study.market.simulated else _raw_files(workspace.paths.raw),
        "corporate_actions": _text_of(actions_path(workspace)),
        "dividends": [] if study.market.simulated else _dividends(workspace),
        "renamed_codes": _text_of(sourced_path(workspace, "renamed_codes")),
        "packages": hashlib.sha256(lock.read_bytes()).hexdigest(),
    }
    text = to_json(document)
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    write_text(path, text)
    return True


def _dividends(workspace: Workspace) -> list[str]:
    payments = sourced_path(workspace, "dividends")
    years = payments.with_name(f"{payments.stem}_years.csv")
    return [_text_of(path) for path in (payments, years)]


def _text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _raw_files(folder: Path) -> dict[str, str]:
    """Return the digest of each source file, and what is not read in its place.

    Other bytes are other data. A file that is not read is named by Phase 1.
    """
    read = {str(path.resolve()): _digest(path) for path in csv_paths(folder)}
    unread = unread_paths(folder).items()
    return read | {str(path.absolute()): what for path, what in unread}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
