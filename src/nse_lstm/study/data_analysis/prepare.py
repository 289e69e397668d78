"""Panel, market facts and recommended stocks, made from the raw files."""

from dataclasses import asdict, dataclass

import pandas as pd

from nse_lstm.data.panel import MarketData, build_panel
from nse_lstm.data.universe import (
    ranked,
    recommendations_document,
    recommended,
    stock_statistics,
)
from nse_lstm.features.folds import Fold, folds_of_years, resolve_test_year
from nse_lstm.json_files import write_json
from nse_lstm.study.core.market_scope import (
    RECOMMENDATIONS,
    check_trainable,
    market_scope,
)
from nse_lstm.study.core.phase_tables import MarketFacts
from nse_lstm.study.core.scored_years import missing_years, walk_forward_years
from nse_lstm.study.core.workspace import Workspace, actions_path, sourced_path
from nse_lstm.tables import (
    INSTRUMENTS,
    PANEL,
    PLACED_DIVIDENDS,
    REPAIRS,
    ROW_COUNTS,
    STATISTICS,
    write_table,
)


@dataclass(frozen=True)
class PreparedData:
    """A market's tables as built, the test year's rows among them."""

    market: MarketData
    facts: MarketFacts
    statistics: dict[int, pd.DataFrame]
    """``STATISTICS`` by fold, as of that fold's start."""
    recommended: dict[int, list[str]]
    """Tickers by fold, as of that fold's start."""
    scope: pd.DataFrame
    """What cannot be done with these data, ``market_scope``."""


def prepare_data(workspace: Workspace) -> PreparedData:
    """Build the panel, recommend stocks as of each fold, and write both.

    Raises
    ------
    DataError
        If the files cannot be trusted, or no stock is worth training on in some fold.
    ConfigurationError
        If the test year is not in the data.
    """
    market = _read_market(workspace)
    test_year = resolve_test_year(market.panel, workspace.study.test_year)
    years = walk_forward_years(workspace.study, market.panel, test_year=test_year)
    _write_market(workspace, market)
    statistics = _judge_stocks(workspace, market, folds_of_years(years, test_year))
    by_fold = {year: recommended(table) for year, table in statistics.items()}
    missing = missing_years(market.panel, test_year)
    check_trainable(workspace.study, statistics, missing=missing)
    scope = market_scope(
        workspace.study,
        market.panel,
        statistics,
        recommended=by_fold,
        test_year=test_year,
    )
    facts = _facts(market, years, test_year)
    _write_recommendations(workspace, statistics, test_year, scope)
    write_json(workspace.paths.processed / "market.json", asdict(facts))
    return PreparedData(market, facts, statistics, by_fold, scope)


def preview_scope(workspace: Workspace) -> pd.DataFrame:
    """Read the raw files and return what Phase 1 will say of them, without a file.

    Raises
    ------
    DataError
        If the files cannot be trusted, or no stock is worth training on in some fold.
    """
    market = _read_market(workspace)
    test_year = resolve_test_year(market.panel, workspace.study.test_year)
    years = walk_forward_years(workspace.study, market.panel, test_year=test_year)
    statistics = _judge_stocks(workspace, market, folds_of_years(years, test_year))
    missing = missing_years(market.panel, test_year)
    check_trainable(workspace.study, statistics, missing=missing)
    return market_scope(
        workspace.study,
        market.panel,
        statistics,
        recommended={year: recommended(table) for year, table in statistics.items()},
        test_year=test_year,
    )


def _read_market(workspace: Workspace) -> MarketData:
    return build_panel(
        workspace.paths.raw,
        actions=actions_path(workspace),
        payments=sourced_path(workspace, "dividends"),
        renamed=sourced_path(workspace, "renamed_codes"),
        limit=workspace.study.backtest.limit,
        ticks=workspace.study.cross_section.ticks,
    )


def _write_market(workspace: Workspace, market: MarketData) -> None:
    folder = workspace.paths.processed
    write_table(market.panel, PANEL, folder / "panel.parquet")
    write_table(market.instruments, INSTRUMENTS, folder / "instruments.parquet")
    write_table(market.row_counts, ROW_COUNTS, folder / "row_counts.parquet")
    write_table(market.repairs, REPAIRS, folder / "repairs.parquet")
    write_table(market.dividends, PLACED_DIVIDENDS, folder / "dividends.parquet")


def _judge_stocks(
    workspace: Workspace, market: MarketData, folds: tuple[Fold, ...]
) -> dict[int, pd.DataFrame]:
    return {
        fold.year: stock_statistics(
            market.panel,
            market.instruments,
            before=fold.start,
            universe=workspace.study.universe,
        )
        for fold in folds
    }


def _write_recommendations(
    workspace: Workspace,
    statistics: dict[int, pd.DataFrame],
    test_year: int,
    scope: pd.DataFrame,
) -> None:
    folder = workspace.paths.analysis
    document = recommendations_document(
        statistics[test_year],
        before=pd.Timestamp(test_year, 1, 1),
        universe=workspace.study.universe,
    )
    for name, choose in (("by_fold", recommended), ("ranked_by_fold", ranked)):
        document[name] = {str(year): choose(t) for year, t in statistics.items()}
    document["market"] = workspace.study.market.name
    document["test_year"] = test_year
    document["scope"] = scope.to_dict(orient="records")
    write_json(folder / RECOMMENDATIONS, document)
    write_table(statistics[test_year], STATISTICS, folder / "stock_statistics.csv")


def _facts(market: MarketData, years: list[int], test_year: int) -> MarketFacts:
    sessions = market.panel["session"]
    return MarketFacts(
        digest=market.digest,
        test_year=test_year,
        first_session=str(sessions.min().date()),
        last_session=str(sessions.max().date()),
        n_sessions=int(sessions.nunique()),
        n_rows=len(market.panel),
        n_tickers=int(market.panel["ticker"].nunique()),
        walk_forward=years,
        missing_years=missing_years(market.panel, test_year),
    )
