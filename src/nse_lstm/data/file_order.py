"""Order of a file's rows: newest first or by code is put into the order of sessions.

Other rules read a misprinted date off its place in the file, so they need the order of
the exchange. It is restored where a whole file shows another one. A file with a few
dates out of order is left as it is, for those rules.
"""

import numpy as np
import pandas as pd

FEWEST_CODES = 2
"""Codes of a file that can be sorted by code."""


def order_of_sessions(rows: pd.DataFrame) -> np.ndarray | None:
    """Return the positions that put every file's rows in the order of sessions.

    Parameters
    ----------
    rows : DataFrame
        ``parse_rows``, in the files' order.

    Returns
    -------
    array of int or None
        None if no file is newest first or sorted by code, as from the exchange.
    """
    session = rows["session"].to_numpy()
    codes = rows["ticker"].cat.codes.to_numpy()
    files = rows["source_file"].cat.codes.to_numpy()
    order = np.arange(len(rows))
    edges = np.flatnonzero(np.diff(files)) + 1
    parts = [
        part
        for part in np.split(order.copy(), edges)
        if _is_newest_first(session[part]) or _is_by_code(session[part], codes[part])
    ]
    if not parts:
        return None
    for part in parts:
        order[part] = part[np.argsort(session[part], kind="stable")]
    return order


def _is_newest_first(session: np.ndarray) -> bool:
    falls = session[1:] < session[:-1]
    return bool(falls.any() and (falls | (session[1:] == session[:-1])).all())


def _is_by_code(session: np.ndarray, codes: np.ndarray) -> bool:
    """Return whether each code's rows lie together, and all run the same way."""
    back = session[1:] < session[:-1]
    if not back.any():
        return False
    changes = codes[1:] != codes[:-1]
    n_codes = len(np.unique(codes))
    if n_codes < FEWEST_CODES or changes.sum() + 1 != n_codes:
        return False
    inside = ~changes
    rises, falls = session[1:] > session[:-1], back
    return bool(rises[inside].all() or falls[inside].all())
