"""Files of the model registry: an append-only log, and the state that follows."""

import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from nse_lstm.deployment.registry_entry import (
    RegistryEntry,
    entry_document,
    find_problem,
)
from nse_lstm.errors import ArtefactError
from nse_lstm.paths import write_text

LOG, STATE = "log.jsonl", "registry.json"
LATEST_QUANTILES = "latest_quantiles.parquet"
"""Beside them: the distributions behind the last forecasts, ``NEXT_QUANTILES``."""


@dataclass(frozen=True)
class LoggedPromotion:
    """One line of the log."""

    seq: int
    """From 1, without gaps."""
    when: str
    """UTC, ISO 8601."""
    entry: RegistryEntry


def read_log(folder: Path) -> list[LoggedPromotion]:
    """Return all promotions in order; none without a log.

    Raises
    ------
    ArtefactError
        If a line is no promotion, naming the first such line.
    """
    try:
        text = (folder / LOG).read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    except UnicodeDecodeError as error:
        raise ArtefactError(
            f"Expected UTF-8 text in {folder / LOG}. Received: {error}"
        ) from None
    lines = text.split("\n")
    if lines[-1]:
        raise _no_promotion(folder, len(lines), "a line that was cut short")
    return [
        _parse(folder, line, seq=seq) for seq, line in enumerate(lines[:-1], start=1)
    ]


def _parse(folder: Path, line: str, *, seq: int) -> LoggedPromotion:
    """Parse one line of the log by the same rules as a promotion."""
    try:
        document = dict(json.loads(line))
        number, when = document.pop("seq"), document.pop("when")
        entry = RegistryEntry(
            **{name: _text(value) for name, value in document.items()}
        )
        datetime.fromisoformat(when)
    except (ValueError, TypeError, KeyError) as error:
        raise _no_promotion(folder, seq, error) from None
    if number != seq or find_problem(entry):
        raise _no_promotion(folder, seq, find_problem(entry) or f"number {number}")
    return LoggedPromotion(seq, when, entry)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} in place of text")
    return value


def _no_promotion(folder: Path, line: int, received: object) -> ArtefactError:
    return ArtefactError(
        f"Expected promotion number {line}. Received: {received} ({folder / LOG}, line "
        f"{line})"
    )


def append(folder: Path, promotion: LoggedPromotion) -> None:
    """Append a line to the log and flush it to disk before the state is written.

    Parameters
    ----------
    folder : Path
        The registry's folder.
    promotion : LoggedPromotion
    """
    document = {
        "seq": promotion.seq,
        "when": promotion.when,
        **entry_document(promotion.entry),
    }
    line = json.dumps(document, ensure_ascii=False) + "\n"
    with (folder / LOG).open("ab") as log:
        log.write(line.encode())
        log.flush()
        os.fsync(log.fileno())


def read_state(folder: Path) -> dict[str, Any]:
    """Return the content of ``registry.json``, empty if there is no such file.

    Raises
    ------
    ArtefactError
        If it is no JSON object.
    """
    try:
        return dict(json.loads((folder / STATE).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError):
        raise ArtefactError(
            f"Expected a JSON object in {folder / STATE}. Received: something else"
        ) from None


def write_state(folder: Path, document: dict[str, Any]) -> None:
    """Write the state if it changed, so that an unchanged file keeps its time.

    Parameters
    ----------
    folder : Path
        The registry's folder.
    document : dict
        Whole content of ``registry.json``.
    """
    if read_state(folder) != document:
        text = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False)
        write_text(folder / STATE, f"{text}\n")
