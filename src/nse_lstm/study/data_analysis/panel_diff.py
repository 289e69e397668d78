"""Changes of a new build's panel against the last build that differed.

Phase 1 keeps a small summary of the panel: counts, and a digest of each ticker's year.
A new build recomputes the old digests from its own rows up to the sessions that the old
one had, so that added sessions change nothing and a rewritten value shows.
"""

import hashlib
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd

from nse_lstm.json_files import read_json, write_json
from nse_lstm.study.core.phase_tables import MarketFacts
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.tables import PANEL, read_table

Document = dict[str, Any]

VALUES = ["price", "low", "high", "volume", "previous", "factor"]
"""Columns that a later file may never rewrite; labels such as names may change."""


@dataclass(frozen=True)
class Changes:
    """Differences between the build on disk and the one before it."""

    before: Document
    after: Document
    rewritten: tuple[str, ...]
    """``TICKER YEAR`` of every block whose old sessions no longer say the same."""
    n_mended: int
    """Stale sessions whose true price the new file told: the one allowed rewriting."""


def summarise(panel: pd.DataFrame, *, facts: MarketFacts, names: list[str]) -> Document:
    """Summarise a panel for comparison with later builds, as plain JSON values.

    Parameters
    ----------
    panel : DataFrame
        PANEL. Stale sessions are left out of the digests, since the next session may
        mend them.
    facts : MarketFacts
        Of the same panel.
    names : list of str
        The tickers recommended for the test year.
    """
    stale = panel[panel["stale"] & ~panel["mended"]]
    return {
        "data": facts.digest,
        "test_year": facts.test_year,
        "first_session": facts.first_session,
        "last_session": facts.last_session,
        "recommended": names,
        "n_sessions": _sessions_by_year(panel),
        "blocks": _blocks(panel),
        "unmended": [
            f"{row.ticker} {row.session:%Y-%m-%d}" for row in stale.itertuples()
        ],
    }


def keep_summary(
    workspace: Workspace, panel: pd.DataFrame, *, facts: MarketFacts, names: list[str]
) -> None:
    """Write ``summary.json``; the one that it replaces, if other, is the previous.

    Parameters
    ----------
    workspace : Workspace
    panel : DataFrame
        ``PANEL``.
    facts : MarketFacts
        Of the same panel.
    names : list of str
        The tickers recommended for the test year.
    """
    folder = workspace.paths.processed
    document = summarise(panel, facts=facts, names=names)
    path = folder / "summary.json"
    if path.is_file():
        before = read_json(path)
        if before != document:
            write_json(folder / "previous.json", before)
    write_json(path, document)


def read_changes(workspace: Workspace) -> Changes | None:
    """Compare the panel on disk with the build before it; None for a first build.

    Raises
    ------
    ArtefactError
        If Phase 1 has not run.
    """
    folder = workspace.paths.processed
    after = read_json(folder / "summary.json")
    if not (folder / "previous.json").is_file():
        return None
    before = read_json(folder / "previous.json")
    panel = read_table(PANEL, folder / "panel.parquet")
    return Changes(
        before=before,
        after=after,
        rewritten=_rewritten(before, panel),
        n_mended=_newly_mended(before, panel),
    )


def changes_table(changes: Changes | None) -> pd.DataFrame:
    """Return one row per kind of change: ``what``, ``n`` and ``which``."""
    if changes is None:
        return pd.DataFrame(
            [("first build: nothing to compare with", 0, "")],
            columns=["what", "n", "which"],
        )
    before, after = changes.before, changes.after
    rows = [
        _row("sessions added", _added(before, after)),
        _row("sessions gone", _added(after, before)),
        _names("tickers added", after["blocks"], before["blocks"]),
        _names("tickers gone", before["blocks"], after["blocks"]),
        ("values rewritten", len(changes.rewritten), ", ".join(changes.rewritten)),
        ("stale sessions mended", changes.n_mended, ""),
        _names("newly recommended", after["recommended"], before["recommended"]),
        _names("no longer recommended", before["recommended"], after["recommended"]),
    ]
    if before["test_year"] != after["test_year"]:
        years = f"{before['test_year']} to {after['test_year']}"
        rows.append(("test year changed", 1, years))
    return pd.DataFrame(rows, columns=["what", "n", "which"])


def _row(what: str, by_year: dict[str, int]) -> tuple[str, int, str]:
    which = ", ".join(f"{n} in {year}" for year, n in by_year.items())
    return what, sum(by_year.values()), which


def _names(what: str, now: Any, then: Any) -> tuple[str, int, str]:
    new = [str(name) for name in now if name not in then]
    return what, len(new), ", ".join(new)


def _added(before: Document, after: Document) -> dict[str, int]:
    counts = {
        year: n - before["n_sessions"].get(year, 0)
        for year, n in after["n_sessions"].items()
    }
    return {year: n for year, n in sorted(counts.items()) if n > 0}


def _sessions_by_year(panel: pd.DataFrame) -> dict[str, int]:
    sessions = pd.DatetimeIndex(panel["session"].unique())
    counts = pd.Series(sessions.year).value_counts().sort_index()
    return {str(year): int(n) for year, n in counts.items()}


def _blocks(panel: pd.DataFrame) -> dict[str, dict[str, Document]]:
    """Return by ticker and year the last session and the digest of its rows."""
    blocks: dict[str, dict[str, Document]] = {}
    for ticker, year, rows in _by_year(panel):
        last = f"{rows['session'].max():%Y-%m-%d}"
        blocks.setdefault(ticker, {})[year] = {"last": last, "digest": _digest(rows)}
    return blocks


def _by_year(panel: pd.DataFrame) -> list[tuple[str, str, pd.DataFrame]]:
    kept = panel[~panel["stale"]].sort_values(["ticker", "session"])
    groups = kept.groupby([kept["ticker"], kept["session"].dt.year])
    return [
        (str(key[0]), str(key[1]), rows)
        for key, rows in ((cast("tuple[str, int]", k), r) for k, r in groups)
    ]


def _digest(rows: pd.DataFrame) -> str:
    values = rows[VALUES].to_numpy("float64")
    plain = np.where(np.isnan(values), np.nan, values)
    sessions = rows["session"].to_numpy("datetime64[us]").astype("int64")
    digest = hashlib.sha256(sessions.tobytes() + plain.tobytes())
    return digest.hexdigest()[:16]


def _rewritten(before: Document, panel: pd.DataFrame) -> tuple[str, ...]:
    known = {(ticker, year): rows for ticker, year, rows in _by_year(panel)}
    changed = []
    for ticker, years in before["blocks"].items():
        for year, block in years.items():
            rows = known.get((ticker, year))
            if rows is None or _until(rows, block["last"]) != block["digest"]:
                changed.append(f"{ticker} {year}")
    return tuple(changed)


def _until(rows: pd.DataFrame, last: str) -> str:
    return _digest(rows[rows["session"] <= pd.Timestamp(last)])


def _newly_mended(before: Document, panel: pd.DataFrame) -> int:
    mended = panel[panel["mended"]]
    now = {f"{row.ticker} {row.session:%Y-%m-%d}" for row in mended.itertuples()}
    return len(now & set(before["unmended"]))
