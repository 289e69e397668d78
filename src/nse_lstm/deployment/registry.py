"""Which model of which stock stands where, since when, and on what evidence.

The folder holds two files. ``log.jsonl`` is the truth: one line a promotion, only ever
appended to. ``registry.json`` is what follows from it: the current entry of each stock
and stage, without times, so that the same promotions give the same bytes. A reader
checks one against the other. Per stock a version stands in one stage: promoting it
takes it out of the stage it stood in. What serves is the registry's own copy of a
bundle.
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
    POOLED,
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
    Promotion,
    append,
    read_log,
    read_state,
    write_state,
)
from nse_lstm.errors import ArtefactError, ConfigurationError
from nse_lstm.models.bundles import bundle_digest, read_metadata

ALL_STOCKS = "ALL"
"""What the bundle of a pooled model has in place of a ticker."""


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
    """Put a model of a stock in a stage, in place of what stood there.

    A promotion that changes nothing is not logged again. Of two processes one waits;
    and if both said what they replace, it is told that the other was first.

    Parameters
    ----------
    folder : Path
        The registry's folder; bundles lie under the folder above it.
    ticker : str
        The exchange's code; ``POOL`` for a model of all stocks.
    stage : {"candidate", "challenger", "champion"}
        Where the model is to stand.
    model : {"v2", "rank_lstm", "persistence"}
        What it is.
    version, bundle : str
        A stored model's version and its folder, relative and with ``/``; it is copied
        to ``bundles/<digest>`` of the registry, and that is what serves. Of
        persistence: "persistence" and nothing.
    evidence : str
        SHA-256 of the file that speaks for it, 64 lower-case hexadecimal digits.
    why : str
        The reason in words.
    way : {"selection", "refit", "hand", "override", "rollback"}
        How it comes to stand there.
    replaces : str, optional
        The version that is to stand in the stage until now, empty for none; anything
        if not given.
    when : datetime, optional
        With a time zone; now if not given.

    Raises
    ------
    ConfigurationError
        If an argument is none of what it may be.
    ArtefactError
        If the bundle is missing, changed, or another model's; if something else stands
        in the stage than is to be replaced, saying who was first; if the registry was
        tampered with; or if another process holds it for too long.
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
    """Take what stands in a stage of a stock out of service; the log keeps it.

    Its bundle is not looked at, so that a model whose folder is gone can be retired.

    Parameters
    ----------
    folder, ticker, stage, evidence, why, when
        As in ``promote``.

    Raises
    ------
    ConfigurationError
        If nothing stands there, or an argument is none of what it may be.
    ArtefactError
        If the registry was tampered with or is held for too long.
    """
    moment = datetime.now(UTC) if when is None else when
    standing = read_registry(folder).get(ticker, {}).get(stage)
    if standing is None:
        raise ConfigurationError(
            f"Expected a model to retire. Received: no {stage} of {ticker}"
        )
    entry = replace(standing, stage=RETIRED, evidence=evidence, why=why)
    problem = find_problem(entry)
    if problem:
        raise ConfigurationError(problem)
    _log(folder, entry, moment, replaces=None)


def roll_back(
    folder: Path, *, ticker: str, why: str, when: datetime | None = None
) -> RegistryEntry:
    """Make the champion before the present one champion again.

    A second roll-back goes back one further; where the champion was retired, the first
    brings it back.

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
    standing = read_registry(folder).get(ticker, {}).get("champion")
    champions = earlier_champions((line.entry for line in read_log(folder)), ticker)
    former = [entry for entry in champions if standing is None or entry != standing]
    if not former:
        raise ConfigurationError(
            f"Expected an earlier champion of {ticker}. Received: none before "
            f"{standing.version[:12] if standing else 'nothing'}"
        )
    entry = replace(former[-1], why=why, way="rollback")
    problem = find_problem(entry)
    if problem:
        raise ConfigurationError(problem)
    check_bundle(entry, folder.parent)
    return _log(folder, entry, moment, replaces=standing.version if standing else "")


def _log(
    folder: Path, entry: RegistryEntry, moment: datetime, *, replaces: str | None
) -> RegistryEntry:
    """Append an entry that changes something, and bring the state up to date."""
    if moment.tzinfo is None:
        raise ConfigurationError(f"`when` must have a time zone. Received: {moment}")
    with locked(folder):
        promotions = read_log(folder)
        state = _derive(promotions)
        _check_before_writing(folder, promotions)
        _check_replaced(state, promotions, entry, replaces)
        if state.get(entry.ticker, {}).get(entry.stage) != entry:
            stamp = moment.astimezone(UTC).isoformat(timespec="seconds")
            promotions.append(Promotion(len(promotions) + 1, stamp, entry))
            append(folder, promotions[-1])
        write_state(folder, state_document(_derive(promotions)))
    return entry


def read_registry(folder: Path) -> State:
    """Return the current entry of each stock's stages.

    Returns
    -------
    dict of dict of Entry
        By ticker, then by stage; empty where nothing was promoted yet.

    Raises
    ------
    ArtefactError
        If ``registry.json`` does not say what the log says, naming the difference, or
        the log is no log.
    """
    state = _derive(read_log(folder))
    received = read_state(folder)
    if received != state_document(state):
        raise ArtefactError(_difference(folder, received, state_document(state)))
    return state


def history(folder: Path) -> pd.DataFrame:
    """Return every promotion in order: ``seq when`` and the columns of ``Entry``.

    Raises
    ------
    ArtefactError
        If the log is no log.
    """
    rows = [
        {"seq": line.seq, "when": line.when, **asdict(line.entry)}
        for line in read_log(folder)
    ]
    names = ["seq", "when", *(field.name for field in fields(RegistryEntry))]
    return pd.DataFrame(rows, columns=names)


def _check_replaced(
    state: State,
    promotions: Sequence[Promotion],
    entry: RegistryEntry,
    replaces: str | None,
) -> None:
    """Refuse to replace what the caller did not know of."""
    standing = state.get(entry.ticker, {}).get(entry.stage)
    received = standing.version if standing else ""
    if replaces is None or received == replaces:
        return
    mine = [line for line in promotions if line.entry.ticker == entry.ticker]
    first = "; nothing of it was ever promoted"
    if mine:
        last = mine[-1].entry
        first = (
            f": promotion {mine[-1].seq} of {mine[-1].when} was first, {last.model} to "
            f"{last.stage} ({last.why})"
        )
    raise ArtefactError(
        f"Expected to replace {replaces[:12] or 'no model'} as the {entry.stage} of "
        f"{entry.ticker}. Received: {received[:12] or 'no model'}{first}"
    )


def _with_own_bundle(entry: RegistryEntry, folder: Path) -> RegistryEntry:
    """Check that the bundle is the stock's model of that version; keep a copy."""
    models = folder.parent
    path = models / entry.bundle
    if not path.resolve().is_relative_to(models.resolve()):
        raise ConfigurationError(
            f"`bundle` must lie below {models}. Received: {entry.bundle}, a link to "
            f"{path.resolve()}"
        )
    about = read_metadata(path)
    received = (about.get("ticker"), about.get("architecture"), about.get("version"))
    ticker = ALL_STOCKS if entry.ticker == POOLED else entry.ticker
    if received != (ticker, entry.model, entry.version):
        raise ArtefactError(
            f"Expected {entry.model} of {ticker}, version {entry.version}, in "
            f"{path}. Received: {received}"
        )
    kept = keep_bundle(folder, path)
    bundle = kept.relative_to(models).as_posix()
    return replace(entry, digest=bundle_digest(kept), bundle=bundle)


def _check_before_writing(folder: Path, promotions: Sequence[Promotion]) -> None:
    """Refuse a state that is neither the log's nor the log's but for its last line.

    The latter is what a process leaves that was killed between the two files.
    """
    received = read_state(folder)
    expected = [state_document(_derive(promotions[:n])) for n in _last_two(promotions)]
    if received not in expected:
        raise ArtefactError(_difference(folder, received, expected[0]))


def _last_two(promotions: Sequence[Promotion]) -> tuple[int, int]:
    return len(promotions), max(len(promotions) - 1, 0)


def _difference(
    folder: Path, received: dict[str, Any], expected: dict[str, Any]
) -> str:
    """Name the first stock and stage in which the state is not the log's."""
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
    """Flatten a state that may hold anything."""
    return {
        (ticker, stage): entry
        for ticker, stages in document.items()
        if isinstance(stages, dict)
        for stage, entry in stages.items()
    }


def _derive(promotions: Sequence[Promotion]) -> State:
    return latest_entries(promotion.entry for promotion in promotions)
