"""Corrections of stored forecasts: later values beside the first, with a reason.

A stored forecast is never rewritten, because it is what could have been traded on.
Where corrected data give another value, a person may append it as a revision, numbered
from 1. Monitoring reads the newest, promotion what was first stored, and the
service shows both.
"""

import pandas as pd
import sqlalchemy as sa

from nse_lstm.deployment.databases import (
    database_name,
    readable_errors,
    write_transaction,
)
from nse_lstm.deployment.store import (
    KEY,
    KINDS,
    TYPES,
    VALUES,
    find_differences,
    read_forecasts,
    stored_columns,
    to_records,
)
from nse_lstm.errors import ArtefactError, ConfigurationError
from nse_lstm.tables import CORRECTIONS, STORED_FORECASTS, check
from nse_lstm.tables.columns import NUMBER, TEXT, WHOLE

REVISED = sa.Table(
    "corrections",
    sa.MetaData(),
    *stored_columns(),
    sa.Column("revision", TYPES[WHOLE], primary_key=True),
    sa.Column("reason", TYPES[TEXT], nullable=False),
)
"""Made beside the forecasts with the first correction."""


def append_corrections(
    store: sa.Engine, rows: pd.DataFrame, *, reason: str
) -> pd.DataFrame:
    """Append the forecasts whose values differ from the newest stored ones.

    Parameters
    ----------
    store : Engine
        From ``open_store``.
    rows : DataFrame
        ``STORED_FORECASTS``. Those whose key the store lacks are left out: they were
        never forecast. Those with the stored values are nothing new.
    reason : str
        Why the values changed, kept beside them.

    Returns
    -------
    DataFrame
        One row per corrected value: the key, ``what`` (a column), ``stored`` (the
        newest value until now) and ``now``. No row where nothing was corrected.

    Raises
    ------
    ConfigurationError
        If there is no reason.
    ArtefactError
        If another writer corrects the same forecasts at this moment.
    """
    if not reason.strip():
        raise ConfigurationError(
            "Expected a reason for the correction, as --reason 'row of 2024-03-04 was "
            "printed wrongly'. Received: none"
        )
    given = check(rows, STORED_FORECASTS)
    given[[name for name in VALUES if KINDS[name] == NUMBER]] += 0.0
    with readable_errors(store):
        REVISED.create(store, checkfirst=True)
        # Read before the transaction: a forecast that is there stays as it is.
        first = read_forecasts(store)
        before = read_corrections(store)
        differences = find_differences(given, newest(first, before))
        changed = given.merge(differences[KEY].drop_duplicates().astype(_key_types()))
        if changed.empty:
            return differences
        number = before.groupby(KEY)["revision"].max().rename("last")
        revision = changed.join(number, on=KEY)["last"].fillna(0).astype(int) + 1
        new = changed.assign(revision=revision.to_numpy(), reason=reason.strip())
        try:
            with write_transaction(store) as connection:
                connection.execute(sa.insert(REVISED), to_records(new))
        except sa.exc.IntegrityError:
            raise ArtefactError(
                f"Expected to correct {database_name(store.url)} alone. Received: a "
                "correction by another process; look at it, then run this again"
            ) from None
    return differences


def read_corrections(store: sa.Engine) -> pd.DataFrame:
    """Read every correction, by key and revision.

    Parameters
    ----------
    store : Engine
        From ``open_store``.

    Returns
    -------
    DataFrame
        ``CORRECTIONS``; empty where nothing was ever corrected.
    """
    columns = list(CORRECTIONS.columns)
    kinds = {**KINDS, "revision": WHOLE, "reason": TEXT}
    with readable_errors(store):
        if not sa.inspect(store).has_table(REVISED.name):
            rows = []
        else:
            with store.connect() as connection:
                rows = [tuple(row) for row in connection.execute(sa.select(REVISED))]
    table = pd.DataFrame(rows, columns=columns).astype(kinds)
    return check(table.sort_values([*KEY, "revision"], ignore_index=True), CORRECTIONS)


def restore_corrections(store: sa.Engine, rows: pd.DataFrame) -> int:
    """Append the corrections of a backup that a store lacks; return how many.

    Parameters
    ----------
    store : Engine
        From ``open_store``.
    rows : DataFrame
        ``CORRECTIONS``.

    Raises
    ------
    ArtefactError
        If the store holds another correction under the same number.
    """
    number = [*KEY, "revision"]
    there = read_corrections(store)
    both = rows.merge(there, on=number, suffixes=("", "_old"))
    values = [str(name) for name in rows.columns if name not in number]
    same = both.assign(**{name: both[f"{name}_old"] for name in values})
    if not same[list(rows.columns)].equals(both[list(rows.columns)]):
        raise ArtefactError(
            "Expected the same corrections in the backup and in "
            f"{database_name(store.url)}. Received: others under the same number"
        )
    known = pd.MultiIndex.from_frame(there[number])
    new = rows[~pd.MultiIndex.from_frame(rows[number]).isin(known)]
    with readable_errors(store):
        REVISED.create(store, checkfirst=True)
        if len(new):
            with write_transaction(store) as connection:
                connection.execute(sa.insert(REVISED), to_records(new))
    return len(new)


def newest(stored: pd.DataFrame, corrections: pd.DataFrame) -> pd.DataFrame:
    """Return the stored forecasts, each with the values of its last correction.

    Parameters
    ----------
    stored : DataFrame
        ``STORED_FORECASTS``.
    corrections : DataFrame
        ``CORRECTIONS``; of other forecasts than the stored ones, too.

    Returns
    -------
    DataFrame
        ``STORED_FORECASTS``, by key.
    """
    if corrections.empty:
        return stored
    last = corrections.drop_duplicates(KEY, keep="last")
    mine = last.merge(stored[KEY])[list(stored.columns)]
    both = pd.concat([stored, mine]).drop_duplicates(KEY, keep="last")
    return check(both.sort_values(KEY, ignore_index=True), STORED_FORECASTS)


def describe_corrections(stored: pd.DataFrame, corrections: pd.DataFrame) -> list[str]:
    """Return one line per corrected value: as first stored, and every revision.

    Parameters
    ----------
    stored : DataFrame
        ``STORED_FORECASTS``.
    corrections : DataFrame
        ``CORRECTIONS``.
    """
    lines = []
    firsts = stored.set_index(KEY)
    for row in corrections.merge(stored[KEY]).to_dict("records"):
        first = firsts.loc[tuple(row[name] for name in KEY)]
        for name in VALUES:
            was, now = first[name], row[name]
            if was != now and not (pd.isna(was) and pd.isna(now)):
                lines.append(
                    f"{row['ticker']} {row['stage']} {row['origin']:%Y-%m-%d}: {name} "
                    f"was stored as {was}, correction {row['revision']} is {now}: "
                    f"{row['reason']}"
                )
    return lines


def _key_types() -> dict[str, str]:
    return {name: KINDS[name] for name in KEY}
