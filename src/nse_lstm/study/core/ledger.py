"""The ledger's files, and the identity of a study in them.

They are append-only and outlive `make clean`: one line per evaluation of the test year,
one line per strategy whose score was seen.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nse_lstm.config import Study, study_document
from nse_lstm.deployment.locks import locked
from nse_lstm.errors import ArtefactError
from nse_lstm.models.versions import code_version
from nse_lstm.paths import write_text
from nse_lstm.study.core.jobs import NETWORK

EVALUATION = (
    *("data.universe", "study.data_analysis.prepare", *NETWORK),
    "study.validation.validate",
)
"""Modules whose code makes the forecasts, trades and scores of Phase 4. A change of
anything else, such as a page, is no other study."""


def identity(
    study: Study,
    test_year: int,
    *,
    seeded: bool = True,
    made_by: tuple[str, ...] = (),
) -> str:
    """Name all that can change a forecast, a trade or a score, but the data.

    The test year counts as resolved, so that typing it in is no other study. The label
    of a market does not count.

    Parameters
    ----------
    study : Study
    test_year : int
        Of the market's facts.
    seeded : bool
        Whether the study's seed counts. Fits from several seeds are one trial.
    made_by : tuple of str
        Modules that count beside ``EVALUATION``, as for ``versions.code_version``.
    """
    document = study_document(study)
    if not seeded:
        del document["seed"]
    document["test_year"] = test_year
    document["code"] = code_version(*EVALUATION, *made_by)
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Return a ledger's lines in order; none where there is no file.

    Raises
    ------
    ArtefactError
        Naming the file and the line that is no JSON object.
    """
    if not path.is_file():
        return []
    lines = []
    for number, text in enumerate(path.read_text("utf-8").splitlines(), start=1):
        try:
            lines.append(dict(json.loads(text)))
        except (ValueError, TypeError):
            raise ArtefactError(
                f"Expected a JSON object. Received: {text[:40]!r} ({path}, line "
                f"{number})"
            ) from None
    return lines


def append_lines(
    path: Path,
    lines: Iterable[dict[str, Any]],
    *,
    key: list[str],
    or_key: list[str] | None = None,
) -> int:
    """Append the lines whose key is not in the ledger yet; return how many there are.

    A line that agrees with one before it in ``key`` or, if given, in ``or_key`` is the
    same.

    Two processes wait for each other. The file is rewritten whole, so that a kill in
    the middle leaves no half line.

    Parameters
    ----------
    path : Path
        Of the ledger, made with its first line.
    lines : iterable of dict
        Values that JSON holds.
    key, or_key : list of str
        Names of fields.
    """
    with locked(path.parent):
        before = read_lines(path)
        seen = {mark for line in before for mark in _marks(line, key, or_key)}
        new = []
        for line in lines:
            marks = _marks(line, key, or_key)
            if not marks & seen:
                new.append(line)
                seen |= marks
        if new:
            rows = [json.dumps(line, sort_keys=True) for line in [*before, *new]]
            write_text(path, "\n".join(rows) + "\n")
    return len(before) + len(new)


def _marks(
    line: dict[str, Any], *keys: list[str] | None
) -> set[tuple[tuple[str, Any], ...]]:
    return {tuple((name, line.get(name)) for name in key) for key in keys if key}
