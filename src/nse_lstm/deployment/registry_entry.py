"""Entries of the model registry: their rules, and the state that follows from them."""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any

CHAMPION = "champion"
STAGES = ("candidate", "challenger", CHAMPION)
RETIRED = "retired"
"""The stage of a model that is in no other; in the log only."""
PERSISTENCE = "persistence"
MODELS = ("v2", "stock_lstm", PERSISTENCE)
SELECTION = "selection"
WAYS = (SELECTION, "refit", "hand", "override", "rollback")
"""The kinds of promotion."""

TICKER = re.compile(r"\^?[A-Z0-9]{1,12}(-[A-Z0-9]{1,6})?")
DIGEST = re.compile(r"[0-9a-f]{64}")
# No dot in front: neither "..", nor "." nor a hidden folder.
FOLDER_NAME = re.compile(r"[A-Za-z0-9^_-][A-Za-z0-9^_.-]*")


@dataclass(frozen=True)
class RegistryEntry:
    """One promotion: a model of one stock in one stage."""

    ticker: str
    stage: str
    model: str
    version: str
    """Hash that names the model; "persistence" for persistence."""
    bundle: str
    """Folder of the bundle relative to the models' folder; empty for persistence. Its
    name is the bundle's digest, so that retraining changes no model in service."""
    digest: str
    """``bundles.bundle_digest`` of the bundle as promoted; empty for persistence."""
    evidence: str
    """SHA-256 of the file with the evidence for the promotion."""
    why: str
    """The reason in words."""
    way: str = SELECTION
    """One of ``WAYS``."""

    @property
    def label(self) -> str:
        """The model's name, and the first digits of its version if it has one."""
        short = f"{self.model} {self.version[:12]}"
        return self.model if self.model == PERSISTENCE else short


State = dict[str, dict[str, RegistryEntry]]
"""Current entries by ticker, then by stage."""


def sorted_entries(state: State) -> list[RegistryEntry]:
    """Return every current entry, sorted by ticker, then by stage."""
    return [
        entry
        for _, stages in sorted(state.items())
        for _, entry in sorted(stages.items())
    ]


def find_problem(entry: RegistryEntry) -> str:
    """Return the first broken rule of an entry in words, empty if it is valid."""
    stored = entry.model != PERSISTENCE
    parts = PurePosixPath(entry.bundle).parts
    rules = {
        "`ticker` must be a code of the exchange": TICKER.fullmatch(entry.ticker),
        f"`stage` must be one of {(*STAGES, RETIRED)}": (
            entry.stage in (*STAGES, RETIRED)
        ),
        f"`model` must be one of {MODELS}": entry.model in MODELS,
        "`version` must be a SHA-256 of a stored model, else 'persistence'": (
            DIGEST.fullmatch(entry.version) if stored else entry.version == PERSISTENCE
        ),
        "`bundle` must be a folder of plain names below the models' folder for a "
        "stored model, else empty": (
            parts and all(FOLDER_NAME.fullmatch(part) for part in parts)
            if stored
            else not entry.bundle
        ),
        "`evidence` must be a SHA-256, 64 lower-case digits": (
            DIGEST.fullmatch(entry.evidence)
        ),
        "`why` must give a reason": entry.why.strip(),
        f"`way` must be one of {WAYS}": entry.way in WAYS,
    }
    broken = [rule for rule, holds in rules.items() if not holds]
    return f"{broken[0]}. Received: {entry}" if broken else ""


def latest_entries(entries: Iterable[RegistryEntry]) -> State:
    """Replay entries in order into the current state.

    A stage holds its last entry, and a version is in one stage of a stock only.
    """
    state: State = {}
    for entry in entries:
        others = {
            stage: other
            for stage, other in state.get(entry.ticker, {}).items()
            if other.version != entry.version
        }
        state[entry.ticker] = {**others, entry.stage: entry}
        state[entry.ticker].pop(RETIRED, None)
    return {ticker: stages for ticker, stages in state.items() if stages}


def earlier_champions(
    entries: Iterable[RegistryEntry], ticker: str
) -> list[RegistryEntry]:
    """Return a stock's champions for roll-backs, the present one last.

    A roll-back removes the last one instead of adding one, so that two in a row go back
    twice. A retired champion stays in the list.

    Parameters
    ----------
    entries : iterable of RegistryEntry
        The log in order.
    ticker : str
        The stock.

    Examples
    --------
    >>> def entry(version: str, way: str = "hand") -> RegistryEntry:
    ...     return RegistryEntry("SCOM", "champion", "v2", version, "", "", "", "", way)
    >>> log = [entry("1"), entry("2"), entry("3"), entry("2", "rollback")]
    >>> [each.version for each in earlier_champions(log, "SCOM")]
    ['1', '2']
    """
    champions: list[RegistryEntry] = []
    for entry in entries:
        if entry.ticker != ticker or entry.stage != CHAMPION:
            continue
        if entry.way == "rollback":
            while champions and champions[-1].version != entry.version:
                champions.pop()
            champions = champions[:-1]
        elif champions and champions[-1].version == entry.version:
            champions.pop()
        champions.append(entry)
    return champions


def entry_document(entry: RegistryEntry) -> dict[str, str]:
    """Return an entry as plain values; the default ``way`` is left out."""
    document = asdict(entry)
    if entry.way == SELECTION:
        del document["way"]
    return document


def state_document(state: State) -> dict[str, Any]:
    """Return a state as plain values."""
    return {
        ticker: {
            stage: {
                name: value
                for name, value in entry_document(entry).items()
                if name not in ("ticker", "stage")
            }
            for stage, entry in stages.items()
        }
        for ticker, stages in state.items()
    }
