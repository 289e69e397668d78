"""Unexplained price jumps, and the list of accepted ones.

A new file with such a jump is built like any other, since the move may be real; but
`nse-lstm review` fails until a person has put it on the market's accepted list.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from nse_lstm.data.row_accounting import EX_JUMP, JUMP
from nse_lstm.paths import find_root
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.tables import (
    ACCEPTED_JUMPS,
    REPAIRS,
    empty_table,
    read_table,
    write_table,
)


def accepted_path(workspace: Workspace) -> Path:
    """Return where the market's accepted list lies, whether or not there is one."""
    study = workspace.study
    return find_root() / study.review.accepted / f"{study.market.name}.csv"


def unexplained_jumps(workspace: Workspace) -> pd.DataFrame:
    """Return every move beyond the limit that nothing in the files explains.

    An ex-date is among them where its factor does not explain the move.

    Returns
    -------
    DataFrame
        ``ticker``, ``session``, ``source_file``, ``source_line``, ``detail`` (both
        prices and the log move) and ``accepted`` (whether it is on the list).

    Raises
    ------
    ArtefactError
        If Phase 1 has not run.
    TableError
        If the accepted list is none.
    """
    repairs = read_table(REPAIRS, workspace.paths.processed / "repairs.parquet")
    jumps = repairs[
        (repairs["action"] == "review") & repairs["reason"].isin([JUMP, EX_JUMP])
    ]
    listed = _read_accepted(accepted_path(workspace))
    known = set(zip(listed["ticker"], listed["session"], strict=True))
    pairs = zip(jumps["ticker"], jumps["session"], strict=True)
    columns = ["ticker", "session", "source_file", "source_line", "detail"]
    return (
        jumps[columns]
        .assign(accepted=np.array([pair in known for pair in pairs], bool))
        .sort_values(["session", "ticker"], ignore_index=True)
    )


def new_jumps(workspace: Workspace) -> pd.DataFrame:
    """Return the unexplained jumps that are on no list."""
    jumps = unexplained_jumps(workspace)
    return jumps[~jumps["accepted"]].drop(columns="accepted").reset_index(drop=True)


def accept_jumps(workspace: Workspace, *, note: str) -> int:
    """Put every new jump on the market's list, with a note; return how many.

    The list holds no price, so that it can be kept under version control.

    Parameters
    ----------
    workspace : Workspace
    note : str
        Reason, kept beside every jump.
    """
    path = accepted_path(workspace)
    new = new_jumps(workspace)[["ticker", "session"]].assign(note=note)
    # The loader leaves several rows of one session where two files print it.
    added = new.drop_duplicates(["ticker", "session"])
    if len(added):
        both = pd.concat([_read_accepted(path), added], ignore_index=True)
        write_table(both, ACCEPTED_JUMPS, path)
    return len(added)


def _read_accepted(path: Path) -> pd.DataFrame:
    if path.is_file():
        return read_table(ACCEPTED_JUMPS, path)
    return empty_table(ACCEPTED_JUMPS)
