"""Model registry: each stock's models by stage, with times and evidence.

The folder holds two files. ``log.jsonl`` is the source of truth: one line per
promotion, append-only. ``registry.json`` follows from it: the current entry of each
stock and stage, without times, so that equal promotions give equal bytes. A reader
checks one against the other. A version is in one stage of a stock only, so promoting it
removes it from its former stage. The registry's own copy of a bundle serves.
"""

from collections.abc import Sequence
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from nse_lstm.deployment.locks import locked
from nse_lstm.deployment.promoted_bundles import check_bundle, keep_bundle
from nse_lstm.deployment.registry_entry import (
    CHAMPION,
    RETIRED,
    SELECTION,
    STAGES,
    RegistryEntry,
    State,
    earlier_champions,
    find_problem,
    latest_entries,
    state_document,
)
from nse_lstm.deployment.registry_files import (
    LOG,
    STATE,
    LoggedPromotion,
    append,
    read_log,
    read_state,
    write_state,
)
from nse_lstm.errors import ArtefactError, ConfigurationError
from nse_lstm.models.bundles import bundle_digest, read_metadata

ALL_STOCKS = "ALL"
"""Stands in place of a ticker in the metadata of a pooled model."""


def promote(
    folder: Path,
    *,
    ticker: str,
    stage: str,
    model: str,
    version: str,
    bundle: str,
    evidence: str,
    why: str,
    way: str = SELECTION,
    replaces: str | None = None,
    when: datetime | None = None,
) -> RegistryEntry:
    """Promote a model of a stock to a stage and log it.

    A promotion that changes nothing is not logged again. Of two processes, one waits.
    If both gave ``replaces``, the second one is refused.

    Parameters
    ----------
    folder : Path
        The registry's folder; bundles lie under the folder above it.
    ticker : str
        The exchange's code.
    stage : {"candidate", "challenger", "champion"}
        The model's new stage.
    model : {"v2", "stock_lstm", "rank_lstm", "persistence"}
        The kind of model.
    version, bundle : str
        A stored model's version and its folder, relative and with ``/``. The folder is
        copied to ``bundles/<digest>`` of the registry, and the copy serves. For
        persistence: "persistence" and empty.
    evidence : str
        SHA-256 of the file with the evidence, 64 lower-case hexadecimal digits.
    why : str
        The reason in words.
    way : {"selection", "refit", "hand", "override", "rollback"}
        The kind of promotion.
    replaces : str, optional
        The version expected in the stage until now, empty for none; not checked if not
        given.
    when : datetime, optional
        With a time zone; now if not given.

    Raises
    ------
    ConfigurationError
        If an argument is invalid.
    ArtefactError
        If the bundle is missing, changed, or another model's; if the stage holds
        another version than ``replaces``, naming the last promotion; if the registry
        was tampered with; or if another process holds it for too long.
    """
    moment = datetime.now(UTC) if when is None else when
    if stage not in STAGES:
        raise ConfigurationError(f"`stage` must be one of {STAGES}. Received: {stage}")
    entry = RegistryEntry(ticker, stage, model, version, bundle, "", evidence, why, way)
    problem = find_problem(entry)
    if problem:
        raise ConfigurationError(problem)
    if bundle:
        entry = _with_own_bundle(entry, folder)
    return _log(folder, entry, moment, replaces=replaces)


def retire(
    folder: Path,
    *,
    ticker: str,
    stage: str,
    evidence: str,
    why: str,
    when: datetime | None = None,
) -> None:
    """Remove a stock's model from a stage; the log keeps it.

    Its bundle is not read, so that a model without a folder can be retired.

    Parameters
    ----------
    folder, ticker, stage, evidence, why, when
        As in ``promote``.

    Raises
    ------
    ConfigurationError
        If the stage is empty, or an argument is invalid.
    ArtefactError
        If the registry was tampered with or is held for too long.
    """
    moment = datetime.now(UTC) if when is None else when
    current = current_entry(folder, ticker, stage)
    if current is None:
        raise ConfigurationError(
            f"Expected a model to retire. Received: no {stage} of {ticker}"
        )
    entry = replace(current, stage=RETIRED, evidence=evidence, why=why)
    problem = find_problem(entry)
    if problem:
        raise ConfigurationError(problem)
    _log(folder, entry, moment, replaces=None)


def roll_back(
    folder: Path, *, ticker: str, why: str, when: datetime | None = None
) -> RegistryEntry:
    """Make a stock's previous champion champion again.

    A second roll-back goes back one further. After a retirement, the first roll-back
    restores the retired champion.

    Parameters
    ----------
    folder, ticker, why, when
        As in ``promote``.

    Raises
    ------
    ConfigurationError
        If there was no other champion.
    ArtefactError
        If the former champion's bundle is missing or changed; as for ``promote``.
    """
    moment = datetime.now(UTC) if when is None else when
    current = current_entry(folder, ticker, CHAMPION)
    champions = earlier_champions((line.entry for line in read_log(folder)), ticker)
    former = [entry for entry in champions if current is None or entry != current]
    if not former:
        raise ConfigurationError(
            f"Expected an earlier champion of {ticker} to go back to. Received: "
            + (f"{current.label}, its first" if current else "no champion so far")
        )
    entry = replace(former[-1], why=why, way="rollback")
    problem = find_problem(entry)
    if problem:
        raise ConfigurationError(problem)
    check_bundle(entry, folder.parent)
    return _log(folder, entry, moment, replaces=current.version if current else "")


def _log(
    folder: Path, entry: RegistryEntry, moment: datetime, *, replaces: str | None
) -> RegistryEntry:
    """Append an entry that changes something, and update the state."""
    if moment.tzinfo is None:
        raise ConfigurationError(f"`when` must have a time zone. Received: {moment}")
    with locked(folder):
        promotions = read_log(folder)
        state = _derive(promotions)
        _check_before_writing(folder, promotions)
        _check_replaced(state, promotions, entry, replaces)
        if state.get(entry.ticker, {}).get(entry.stage) != entry:
            stamp = moment.astimezone(UTC).isoformat(timespec="seconds")
            promotions.append(LoggedPromotion(len(promotions) + 1, stamp, entry))
            append(folder, promotions[-1])
        write_state(folder, state_document(_derive(promotions)))
    return entry


def read_registry(folder: Path) -> State:
    """Return the current entry of each stock's stages.

    Returns
    -------
    dict of dict of RegistryEntry
        By ticker, then by stage; empty before the first promotion.

    Raises
    ------
    ArtefactError
        If ``registry.json`` contradicts the log, naming the difference, or the log is
        damaged.
    """
    state = _derive(read_log(folder))
    received = read_state(folder)
    if received != state_document(state):
        raise ArtefactError(_difference(folder, received, state_document(state)))
    return state


def current_entry(folder: Path, ticker: str, stage: str) -> RegistryEntry | None:
    """Return the entry in a stage of a stock, or None.

    Parameters
    ----------
    folder : Path
        The registry's folder.
    ticker, stage : str
        The stock and the stage.
    """
    return read_registry(folder).get(ticker, {}).get(stage)


def history(folder: Path) -> pd.DataFrame:
    """Return every promotion in order: ``seq when`` and the fields of its entry.

    Raises
    ------
    ArtefactError
        If the log is damaged.
    """
    rows = [
        {"seq": line.seq, "when": line.when, **asdict(line.entry)}
        for line in read_log(folder)
    ]
    names = ["seq", "when", *(field.name for field in fields(RegistryEntry))]
    return pd.DataFrame(rows, columns=names)


def _check_replaced(
    state: State,
    promotions: Sequence[LoggedPromotion],
    entry: RegistryEntry,
    replaces: str | None,
) -> None:
    """Refuse to replace another version than the caller expects."""
    current = state.get(entry.ticker, {}).get(entry.stage)
    received = current.version if current else ""
    if replaces is None or received == replaces:
        return
    mine = [line for line in promotions if line.entry.ticker == entry.ticker]
    latest = ", which was never promoted"
    if mine:
        last = mine[-1].entry
        latest = (
            f"; promotion {mine[-1].seq} of {mine[-1].when} was first, {last.model} to "
            f"{last.stage} ({last.why})"
        )
    raise ArtefactError(
        f"Expected to replace {replaces[:12] or 'no model'} as the {entry.stage} of "
        f"{entry.ticker}. Received: {received[:12] or 'no model'}{latest}"
    )


def _with_own_bundle(entry: RegistryEntry, folder: Path) -> RegistryEntry:
    """Check that the bundle is the stock's model of that version, and copy it."""
    models = folder.parent
    path = models / entry.bundle
    if not path.resolve().is_relative_to(models.resolve()):
        raise ConfigurationError(
            f"`bundle` must lie below {models}. Received: {entry.bundle}, a link to "
            f"{path.resolve()}"
        )
    about = read_metadata(path)
    received = (about.get("ticker"), about.get("architecture"), about.get("version"))
    if received != (entry.ticker, entry.model, entry.version):
        raise ArtefactError(
            f"Expected {entry.model} of {entry.ticker}, version {entry.version}, in "
            f"{path}. Received: {received}"
        )
    kept = keep_bundle(folder, path)
    bundle = kept.relative_to(models).as_posix()
    return replace(entry, digest=bundle_digest(kept), bundle=bundle)


def _check_before_writing(folder: Path, promotions: Sequence[LoggedPromotion]) -> None:
    """Refuse a state that follows neither from the log nor from all but its last line.

    A process that is killed between the two files leaves the latter.
    """
    received = read_state(folder)
    expected = [state_document(_derive(promotions[:n])) for n in _last_two(promotions)]
    if received not in expected:
        raise ArtefactError(_difference(folder, received, expected[0]))


def _last_two(promotions: Sequence[LoggedPromotion]) -> tuple[int, int]:
    return len(promotions), max(len(promotions) - 1, 0)


def _difference(
    folder: Path, received: dict[str, Any], expected: dict[str, Any]
) -> str:
    """Name the first stock and stage in which the state contradicts the log."""
    ours, theirs = _by_stage(expected), _by_stage(received)
    for ticker, stage in sorted({*ours, *theirs}):
        one, other = ours.get((ticker, stage)), theirs.get((ticker, stage))
        if one != other:
            return (
                f"Expected {STATE} to follow from {LOG}: {ticker} {stage} is "
                f"{one or 'nothing'}. Received: {other or 'nothing'} ({folder})"
            )
    return f"Expected {STATE} to follow from {LOG}. Received: other keys ({folder})"


def _by_stage(document: dict[str, Any]) -> dict[tuple[str, str], Any]:
    """Flatten a state document of any content."""
    return {
        (ticker, stage): entry
        for ticker, stages in document.items()
        if isinstance(stages, dict)
        for stage, entry in stages.items()
    }


def _derive(promotions: Sequence[LoggedPromotion]) -> State:
    return latest_entries(promotion.entry for promotion in promotions)
