"""Phase 1: raw files to a validated panel, and who is worth training on."""

from dataclasses import asdict, dataclass

import pandas as pd

from nse_lstm.data.panel import Market, build_panel
from nse_lstm.data.simulate import write_market
from nse_lstm.data.universe import (
    ranked,
    recommendations_document,
    recommended,
    stock_statistics,
)
from nse_lstm.errors import ConfigurationError, DataError
from nse_lstm.features.folds import make_folds, resolve_test_year
from nse_lstm.paths import csv_paths
from nse_lstm.study.core.phase_tables import MarketFacts, read_sealed_panel
from nse_lstm.study.core.workspace import Workspace, actions_path, write_json
from nse_lstm.study.data_analysis.market_statistics import (
    Atlas,
    make_atlas,
    write_atlas,
)
from nse_lstm.study.data_analysis.panel_diff import keep_summary
from nse_lstm.tables import (
    FILE_LEDGER,
    INSTRUMENTS,
    PANEL,
    REPAIRS,
    STATISTICS,
    write_table,
)

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
    """What Phase 1 shows; all of it lies on disk as well."""

    facts: MarketFacts
    panel: pd.DataFrame
    """Sessions before the test year only."""
    file_ledger: pd.DataFrame
    repairs: pd.DataFrame
    """Rows before the test year only; the file on disk holds all."""
    statistics: pd.DataFrame
    """As of the start of the test year."""
    recommended: dict[int, list[str]]
    """Tickers by fold, as of that fold's start."""
    atlas: Atlas
    """Sessions before the test year only."""


def prepare_raw(workspace: Workspace) -> int:
    """Make the simulated market's files, or see that a real market's are there.

    Returns
    -------
    int
        Number of CSV files.

    Raises
    ------
    ConfigurationError
        If a folder is given for the simulated market, which would overwrite it.
    DataError
        If a real market's folder holds no CSV file.
    """
    paths, study = workspace.paths, workspace.study
    own = paths.root / "data" / "raw" / paths.market
    if study.market.simulated and paths.raw.resolve() != own.resolve():
        raise ConfigurationError(
            "A simulated market is written to its own folder; RAW is for real files, "
            f"with MARKET=nse. Received: market={paths.market}, raw={paths.raw}"
        )
    if study.market.simulated:
        write_market(own, study.simulation, oracle=paths.oracle)
    n_files = len(csv_paths(paths.raw))
    if not n_files:
        raise DataError(
            f"Expected the CSV files of market {study.market.name!r} in {paths.raw}. "
            "Received: none; give their folder as RAW=... (nse-lstm: --raw)"
        )
    return n_files


def analyse_data(workspace: Workspace) -> DataAnalysis:
    """Build the panel, judge every stock before each fold, write what follows needs.

    Writes ``panel``, ``instruments``, ``file_ledger``, ``repairs`` and the tables of
    the atlas under ``data/processed``, with a summary that a later build is compared
    with, and
    ``training_recommendations.json`` and ``stock_statistics.csv`` under
    ``trained_models/<market>/analysis``.

    Raises
    ------
    DataError
        If the files cannot be trusted, or no stock is worth training on in some fold.
    ConfigurationError
        If the test year is not in the data.
    """
    market = build_panel(workspace.paths.raw, actions=actions_path(workspace))
    test_year = resolve_test_year(market.panel, workspace.study.test_year)
    _write_market(workspace, market)
    statistics = _judge_stocks(workspace, market, test_year)
    by_fold = {year: recommended(table) for year, table in statistics.items()}
    _check_recommended(by_fold)
    facts = _facts(market, test_year)
    _write_recommendations(workspace, statistics, test_year)
    write_json(workspace.paths.processed / "market.json", asdict(facts))
    keep_summary(workspace, market.panel, facts=facts, names=by_fold[test_year])
    sealed = read_sealed_panel(workspace)
    atlas = make_atlas(
        sealed, statistics=statistics[test_year], instruments=market.instruments
    )
    write_atlas(workspace, atlas)
    start = pd.Timestamp(test_year, 1, 1)
    return DataAnalysis(
        facts=facts,
        panel=sealed,
        file_ledger=market.file_ledger,
        repairs=market.repairs[~(market.repairs["session"] >= start)],
        statistics=statistics[test_year],
        recommended=by_fold,
        atlas=atlas,
    )


def recommended_table(statistics: pd.DataFrame) -> pd.DataFrame:
    """Return the recommended stocks in rank order, with what ranked them."""
    chosen = statistics[statistics["tier"] == 1].sort_values("rank")
    return chosen[RECOMMENDED_COLUMNS]


def _check_recommended(by_fold: dict[int, list[str]]) -> None:
    empty = [str(year) for year, names in by_fold.items() if not names]
    if empty:
        raise DataError(
            "Expected at least one stock worth training on before every year. Received:"
            f" none before {', '.join(empty)}; the rule is `universe` in the study file"
        )


def _write_market(workspace: Workspace, market: Market) -> None:
    folder = workspace.paths.processed
    write_table(market.panel, PANEL, folder / "panel.parquet")
    write_table(market.instruments, INSTRUMENTS, folder / "instruments.parquet")
    write_table(market.file_ledger, FILE_LEDGER, folder / "file_ledger.parquet")
    write_table(market.repairs, REPAIRS, folder / "repairs.parquet")


def _judge_stocks(
    workspace: Workspace, market: Market, test_year: int
) -> dict[int, pd.DataFrame]:
    return {
        fold.year: stock_statistics(
            market.panel,
            market.instruments,
            before=fold.start,
            universe=workspace.study.universe,
        )
        for fold in make_folds(test_year, workspace.study.folds.n_walk_forward)
    }


def _write_recommendations(
    workspace: Workspace, statistics: dict[int, pd.DataFrame], test_year: int
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
    write_json(folder / "training_recommendations.json", document)
    write_table(statistics[test_year], STATISTICS, folder / "stock_statistics.csv")


def _facts(market: Market, test_year: int) -> MarketFacts:
    sessions = market.panel["session"]
    return MarketFacts(
        digest=market.digest,
        test_year=test_year,
        first_session=str(sessions.min().date()),
        last_session=str(sessions.max().date()),
        n_sessions=int(sessions.nunique()),
        n_rows=len(market.panel),
        n_tickers=int(market.panel["ticker"].nunique()),
    )
