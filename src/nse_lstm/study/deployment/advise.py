"""Order advice of a study, from the last session's ranking and the backtest's savings.

The ranking models are fitted where no scoring has left the last session's ranking.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd

from nse_lstm.deployment.order_advice import (
    COLUMNS,
    LIMITS,
    AdviceBasis,
    advise_orders,
    check_orders,
    read_orders,
    standing_orders,
)
from nse_lstm.errors import DataError
from nse_lstm.reporting.display import bullets, show_table
from nse_lstm.study.core.market_scope import can_rank
from nse_lstm.study.core.sealed_year import open_to_serve
from nse_lstm.study.core.study_data import open_study_data
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.deployment.advice_basis import make_basis
from nse_lstm.study.deployment.latest_ranks import rank_latest
from nse_lstm.tables import FORECASTS, empty_table

Progress = Callable[[str], None]
Orders = Path | str | pd.DataFrame | Iterable[Mapping[str, object]]
"""A CSV file, or rows, with the columns of ``order_advice.COLUMNS``."""


@dataclass(frozen=True, repr=False)
class Advice:
    """Advice on orders, and the session that it was formed after."""

    table: pd.DataFrame
    """From ``advise_orders``."""
    origin: pd.Timestamp
    first: pd.Timestamp
    """The next session, the only one that the advice holds for."""
    limits: tuple[str, ...] = LIMITS
    """What it leaves open, in words."""

    @property
    def words(self) -> tuple[str, ...]:
        """Its session and the one it holds for, then what it leaves open."""
        return (
            f"Formed after the session of {self.origin:%Y-%m-%d}, for orders to the "
            f"session of {self.first:%Y-%m-%d}. Numbers are basis points.",
            *self.limits,
        )

    def __repr__(self) -> str:
        return "\n".join([self.table.round(1).to_string(index=False), *self.words])

    def _repr_html_(self) -> str:
        return show_table(self.table).html + bullets(*self.words).html


def advise(
    workspace: Workspace,
    orders: Orders,
    *,
    as_of: pd.Timestamp | None = None,
    progress: Progress = print,
) -> Advice:
    """Advise on orders from the forecasts after the last session.

    Parameters
    ----------
    workspace : Workspace
        The study; Phase 4 must have run.
    orders : Path, str, DataFrame or iterable of mapping
        A CSV file as for ``read_orders``, or the same columns in rows.
    as_of : Timestamp, optional
        Today: advice holds for the next session alone, and is refused after it.
    progress : callable
        Receives a line where models are fitted.

    Raises
    ------
    ArtefactError
        If Phase 4 has not run, or could time no order.
    DataError
        If the market cannot be ranked, the data are stale, or an order is not as
        expected.
    """
    basis = open_basis(workspace, as_of=as_of, progress=progress)
    if isinstance(orders, Path | str):
        wanted = read_orders(Path(orders), basis)
    else:
        rows = pd.DataFrame(
            orders if isinstance(orders, pd.DataFrame) else list(map(dict, orders))
        )
        if sorted(map(str, rows.columns)) != sorted(COLUMNS) or rows.empty:
            raise DataError(
                f"Expected orders with the columns {', '.join(COLUMNS)}. Received: "
                f"{len(rows)} rows with {', '.join(map(str, rows.columns)) or 'none'}"
            )
        wanted = check_orders(enumerate(_cells(rows), start=1), basis, source="orders")
    return _advice(advise_orders(wanted, basis), basis)


def advise_on_all(workspace: Workspace, *, progress: Progress = print) -> Advice:
    """Advise a buyer and a seller of every stock with a forecast.

    Parameters
    ----------
    workspace, progress
        As for ``advise``.
    """
    basis = open_basis(workspace, progress=progress)
    return _advice(advise_orders(standing_orders(basis), basis), basis)


def open_basis(
    workspace: Workspace,
    *,
    as_of: pd.Timestamp | None = None,
    progress: Progress = print,
) -> AdviceBasis:
    """Rank the stocks after the last session, beside the measured savings.

    Parameters
    ----------
    workspace, as_of, progress
        As for ``advise``.
    """
    data = open_study_data(workspace)
    if not can_rank(data):
        raise DataError(
            "Expected a market whose stocks can be ranked. Received: too few stocks or "
            "years, as Phase 1 found"
        )
    panel = open_to_serve(data)
    # Stale data are refused before anything is fitted.
    make_basis(workspace, panel, empty_table(FORECASTS), as_of=as_of)
    ranks = rank_latest(data, panel, progress=progress)
    return make_basis(workspace, panel, ranks, as_of=as_of)


def _cells(rows: pd.DataFrame) -> list[dict[str, object]]:
    """Return the rows with their values as a file would have them."""
    return [
        {
            str(name): value.date() if isinstance(value, datetime) else value
            for name, value in row.items()
        }
        for row in rows.to_dict("records")
    ]


def _advice(table: pd.DataFrame, basis: AdviceBasis) -> Advice:
    return Advice(table, pd.Timestamp(basis.origin), pd.Timestamp(basis.first))
