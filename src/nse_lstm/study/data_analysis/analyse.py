"""Phase 1: raw files to a validated panel, the stocks to train on, and statistics."""

from dataclasses import dataclass

import pandas as pd

from nse_lstm.study.core.phase_tables import MarketFacts, read_sealed_panel
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.data_analysis.market_statistics import (
    MarketStatistics,
    compute_market_statistics,
    write_market_statistics,
)
from nse_lstm.study.data_analysis.panel_diff import keep_summary
from nse_lstm.study.data_analysis.prepare import prepare_data

RECOMMENDED_COLUMNS = [
    "rank",
    "ticker",
    "name",
    "sector",
    "median_turnover",
    "recent_traded_share",
    "volatility",
    "autocorrelation",
]


@dataclass(frozen=True)
class DataAnalysis:
    """Results of Phase 1 for its page; all of them lie on disk too."""

    facts: MarketFacts
    panel: pd.DataFrame
    """Sessions before the test year only."""
    row_counts: pd.DataFrame
    repairs: pd.DataFrame
    """Rows before the test year only; the file on disk holds all."""
    statistics: pd.DataFrame
    """As of the start of the test year."""
    recommended: dict[int, list[str]]
    """Tickers by fold, as of that fold's start."""
    market_statistics: MarketStatistics
    """Sessions before the test year only, without the returns of untouched years."""
    scope: pd.DataFrame
    """What the study cannot do with these data, ``market_scope``."""
    untouched: tuple[int, ...] = ()
    """Years of which nothing is scored."""


def analyse_data(workspace: Workspace) -> DataAnalysis:
    """Build the panel, recommend stocks as of each fold, and describe the market.

    Writes ``panel``, ``instruments``, ``row_counts``, ``repairs`` and the tables of
    market statistics under ``data/processed``, with a summary for later builds.
    Writes ``training_recommendations.json`` and ``stock_statistics.csv`` under
    ``trained_models/<market>/analysis``.

    Raises
    ------
    DataError
        If the files cannot be trusted, or no stock is worth training on in some fold.
    ConfigurationError
        If the test year is not in the data.
    """
    prepared = prepare_data(workspace)
    market, facts = prepared.market, prepared.facts
    recommended, test_year = prepared.recommended, prepared.facts.test_year
    keep_summary(workspace, market.panel, facts=facts, names=recommended[test_year])
    statistics, sealed = prepared.statistics[test_year], read_sealed_panel(workspace)
    described = compute_market_statistics(
        sealed,
        statistics=statistics,
        instruments=market.instruments,
        study=workspace.study,
    )
    write_market_statistics(workspace, described)
    start = pd.Timestamp(test_year, 1, 1)
    return DataAnalysis(
        facts=facts,
        panel=sealed,
        row_counts=market.row_counts,
        repairs=market.repairs[~(market.repairs["session"] >= start)],
        statistics=statistics,
        recommended=recommended,
        market_statistics=described,
        scope=prepared.scope,
        untouched=workspace.study.market.untouched,
    )


def recommended_table(statistics: pd.DataFrame) -> pd.DataFrame:
    """Return the recommended stocks in rank order, with the statistics behind it."""
    chosen = statistics[statistics["tier"] == 1].sort_values("rank")
    return chosen[RECOMMENDED_COLUMNS]
