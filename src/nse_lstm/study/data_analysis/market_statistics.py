"""The market statistics of Phase 1: all that describes the years before the test.

Nothing here is read by a later phase; the tables lie beside the panel for a reader.
"""

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from nse_lstm import tables
from nse_lstm.config import Study
from nse_lstm.data.market_statistics.autocorrelation import (
    dependence,
    group_autocorrelations,
    stock_autocorrelations,
)
from nse_lstm.data.market_statistics.market_years import (
    absent_days,
    concentration,
    lifespans,
    market_years,
)
from nse_lstm.data.market_statistics.stock_years import stock_years
from nse_lstm.data.market_statistics.wide_panel import make_wide_panel, without_returns
from nse_lstm.evaluation.survivorship import measure_survivorship
from nse_lstm.study.core.workspace import Workspace

PAGE_STOCKS = 63
"""Number of high-quality stocks on the first status page, which names none of them."""

HERE = {1: "recommended", 2: "tradable", 3: "not worth training on"}

SCHEMAS = {
    "stock_years": tables.STOCK_YEARS,
    "autocorrelations": tables.AUTOCORRELATIONS,
    "autocorrelation_groups": tables.AUTOCORRELATION_GROUPS,
    "dependence": tables.DEPENDENCE,
    "market_years": tables.MARKET_YEARS,
    "concentration": tables.CONCENTRATION,
    "lifespans": tables.LIFESPANS,
    "absent_days": tables.ABSENT_DAYS,
    "differences": tables.RECOMMENDATION_DIFFERENCES,
    "survivorship": tables.SURVIVORSHIP,
}


@dataclass(frozen=True)
class MarketStatistics:
    """One table per field, each in its schema of ``tables``."""

    stock_years: pd.DataFrame
    autocorrelations: pd.DataFrame
    autocorrelation_groups: pd.DataFrame
    dependence: pd.DataFrame
    market_years: pd.DataFrame
    concentration: pd.DataFrame
    lifespans: pd.DataFrame
    absent_days: pd.DataFrame
    differences: pd.DataFrame
    survivorship: pd.DataFrame


def compute_market_statistics(
    panel: pd.DataFrame,
    *,
    statistics: pd.DataFrame,
    instruments: pd.DataFrame,
    study: Study,
) -> MarketStatistics:
    """Describe a panel.

    Parameters
    ----------
    panel : DataFrame
        ``tables.PANEL``, sealed.
    statistics, instruments : DataFrame
        ``tables.STATISTICS`` of the same sessions, and ``tables.INSTRUMENTS`` of the
        whole files, for the codes that came later.
    study : Study
        ``cross_section``, ``backtest`` and ``market.untouched`` are used. The
        returns of untouched years are left out; their counts and turnover are not.
    """
    wide = without_returns(
        make_wide_panel(panel, ticks=study.cross_section.ticks), study.market.untouched
    )
    years, autocorrelation = stock_years(wide), stock_autocorrelations(wide)
    ranks, lives = concentration(wide), lifespans(wide)
    absent = absent_days(wide.sessions)
    return MarketStatistics(
        stock_years=years,
        autocorrelations=autocorrelation,
        autocorrelation_groups=group_autocorrelations(autocorrelation, years),
        dependence=dependence(wide),
        market_years=market_years(wide, ranks=ranks, lives=lives, absent=absent),
        concentration=ranks,
        lifespans=lives,
        absent_days=absent,
        differences=_differences(statistics, instruments),
        survivorship=measure_survivorship(
            panel,
            lives,
            cross_section=study.cross_section,
            backtest=study.backtest,
            after=max(study.market.untouched, default=0),
        ),
    )


def write_market_statistics(workspace: Workspace, market: MarketStatistics) -> None:
    """Write every table of the market statistics beside the panel.

    Parameters
    ----------
    workspace : Workspace
    market : MarketStatistics
    """
    folder = workspace.paths.processed / "market_statistics"
    for each in fields(market):
        table = getattr(market, each.name)
        tables.write_table(table, SCHEMAS[each.name], folder / f"{each.name}.parquet")


def _differences(statistics: pd.DataFrame, instruments: pd.DataFrame) -> pd.DataFrame:
    """Return tier and reason of every ordinary share in the files."""
    judged = statistics.loc[
        statistics["kind"] == "ordinary", ["ticker", "name", "tier", "rank", "reason"]
    ]
    later = instruments[
        (instruments["kind"] == "ordinary")
        & ~instruments["ticker"].isin(statistics["ticker"])
    ]
    unknown = later[["ticker", "name"]].assign(
        tier=3, rank=0, reason="Has no session before the test year."
    )
    both = pd.concat([judged, unknown], ignore_index=True)
    order = np.lexsort([both["ticker"], both["rank"], both["tier"]])
    table = both.iloc[order].assign(here=both["tier"].map(HERE))
    table = table.astype({"here": tables.TEXT, "reason": tables.TEXT})
    columns = list(tables.RECOMMENDATION_DIFFERENCES.columns)
    return tables.check(table[columns], tables.RECOMMENDATION_DIFFERENCES)
