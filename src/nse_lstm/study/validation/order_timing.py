"""Phase 4's backtest of order timing, on the ranking models' walk-forward years.

No account is held and nothing is compared with cash, so it is no trial of the ledger:
its waits and signals are counted where its numbers are shown.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pandas as pd

from nse_lstm.evaluation.order_savings import (
    savings_by_session,
    summarise_savings,
    time_orders,
)
from nse_lstm.evaluation.order_timing import Orders
from nse_lstm.models.tabular_models import FOUR_SIGNALS
from nse_lstm.study.core.market_scope import can_rank
from nse_lstm.study.core.study_data import StudyData, open_study_data
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.ranking.rank_models import EQUAL, ranked_forecasts
from nse_lstm.tables import ORDER_SAVINGS, ORDER_TIMING, empty_table, write_table

Progress = Callable[[str], None]


@dataclass(frozen=True)
class OrderTiming:
    """Savings of timed orders; both tables are on disk too."""

    by_session: pd.DataFrame
    """``ORDER_TIMING``."""
    savings: pd.DataFrame
    """``ORDER_SAVINGS``; empty where no order could be timed."""
    orders: Orders | None
    """None where nothing is ranked."""
    years: tuple[int, ...]


def time_study_orders(
    workspace: Workspace, *, progress: Progress = print
) -> OrderTiming:
    """Time hypothetical orders by the equally weighted ensemble of ranking models.

    Writes ``order_timing.parquet`` and ``order_savings.parquet`` under
    ``Paths.evaluation``. Only walk-forward years are read, none that is kept untouched.

    Parameters
    ----------
    workspace : Workspace
        After Phase 2.
    progress : callable
        Receives one line per ranking model that is missing and fitted.
    """
    data = open_study_data(workspace)
    found = _time(data, progress) if can_rank(data) else _nothing()
    paths = workspace.paths
    by_session = paths.evaluation / "order_timing.parquet"
    write_table(found.by_session, ORDER_TIMING, by_session)
    write_table(found.savings, ORDER_SAVINGS, paths.order_savings)
    return found


def _time(data: StudyData, progress: Progress) -> OrderTiming:
    study = data.study
    every = ranked_forecasts(data, progress=progress).forecasts
    aim = (every["delay"] == study.backtest.delay) & (every["horizon"] == 1)
    forecasts = every[aim]
    models = set(forecasts["model"])
    if EQUAL not in models:
        return _nothing()
    timed = time_orders(
        forecasts,
        data.panel,
        model=EQUAL,
        others=[FOUR_SIGNALS] if FOUR_SIGNALS in models else [],
        backtest=study.backtest,
        cross_section=study.cross_section,
        seed=study.seed,
    )
    if timed.savings.empty:
        return replace(_nothing(), orders=timed.orders)
    years = forecasts.loc[forecasts["model"] == EQUAL, "fold"].unique()
    return OrderTiming(
        by_session=savings_by_session(timed),
        savings=summarise_savings(timed, verdict=study.verdict, seed=study.seed),
        orders=timed.orders,
        years=tuple(sorted(years.tolist())),
    )


def _nothing() -> OrderTiming:
    return OrderTiming(empty_table(ORDER_TIMING), empty_table(ORDER_SAVINGS), None, ())
