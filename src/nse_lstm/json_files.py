"""JSON artefacts: read with an error that names the file, written whole."""

import json
from pathlib import Path
from typing import Any

from nse_lstm.errors import ArtefactError
from nse_lstm.paths import write_text


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
    """Write a JSON artefact whole, with sorted keys.

    Parameters
    ----------
    path : Path
    document : Any
        Values that JSON holds; NaN is written as null.
    """
    write_text(path, to_json(document))


def to_json(document: Any) -> str:
    """Return a document as indented JSON with sorted keys, NaN as null."""
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
