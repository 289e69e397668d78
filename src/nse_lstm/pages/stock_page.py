"""Read the tables of one recommended stock for its page.

Forecasts, returns and scores are Phase 4's, the model is Phase 3's. The test year is
opened with the same configuration, so this counts as the same evaluation.
"""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from nse_lstm.errors import ConfigurationError
from nse_lstm.evaluation.cash import compound_cash
from nse_lstm.evaluation.scoring import realised
from nse_lstm.features.returns import with_returns
from nse_lstm.json_files import read_json
from nse_lstm.models.bundles import read_metadata
from nse_lstm.pages.phrases import NAIVE
from nse_lstm.pages.stock_forecasts import MODEL as STOCK_LSTM
from nse_lstm.study.core.phase_tables import read_facts, read_recommended
from nse_lstm.study.core.sealed_year import open_test_year
from nse_lstm.study.core.study_data import open_study_data
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.training.model_checks import (
    count_negatives,
    read_safety,
    read_times,
)
from nse_lstm.tables import (
    FORECAST_FAULTS,
    FORECASTS,
    QUANTILES,
    SCORES,
    STATISTICS,
    STRATEGY_RETURNS,
    read_table,
)


@dataclass(frozen=True)
class StockModel:
    """The stock's model of the test year, as its files describe it."""

    about: dict[str, Any]
    """``metadata.json`` of the bundle."""
    safety: dict[str, Any]
    """The stock's row of ``SAFETY``, and its times."""
    n_forecasts: int
    n_negative: int
    lowest: float
    """Of all out-of-sample years, KES."""


@dataclass(frozen=True)
class StockPage:
    """The tables of one stock's page."""

    ticker: str
    statistics: dict[str, Any]
    """The stock's row of ``STATISTICS``, as of the test year's start."""
    year: int
    headline_cost_bps: int
    cash_return: float
    """Of cash over the test year, compounded."""
    selection: dict[str, Any]
    """The stock's entry of ``selection.json``."""
    prices: pd.DataFrame
    """The stock's rows of the panel, with ``adjusted``."""
    forecasts: pd.DataFrame
    """Test-year forecasts of v2, persistence, the stock LSTM and the model in use, with
    ``level`` and ``last_price``."""
    returns: pd.DataFrame
    """``STRATEGY_RETURNS`` of the test year at the headline cost."""
    scores: pd.DataFrame
    """``SCORES`` of the test year."""
    model: StockModel
    data_digest: str
    faults: pd.DataFrame
    """``FORECAST_FAULTS`` of the test year."""
    fan: pd.DataFrame
    """``QUANTILES`` of the test year's last origin with every horizon, with
    ``last_price``; empty without a stock LSTM."""


def stock_tickers(workspace: Workspace) -> list[str]:
    """Return the recommended stocks of the test year."""
    return read_recommended(workspace)[read_facts(workspace).test_year]


def stocks_with_page(workspace: Workspace) -> list[str]:
    """Return the recommended stocks that the test year forecasts.

    One that left the exchange before the year has nothing to show.
    """
    table = read_table(FORECASTS, workspace.paths.evaluation / "forecasts.parquet")
    of_year = table["fold"] == read_facts(workspace).test_year
    forecast = set(table.loc[of_year, "ticker"])
    return [ticker for ticker in stock_tickers(workspace) if ticker in forecast]


def read_stock_page(workspace: Workspace, ticker: str = "") -> StockPage:
    """Gather one recommended stock's tables.

    Parameters
    ----------
    workspace : Workspace
    ticker : str
        The first recommended stock if empty.

    Raises
    ------
    ConfigurationError
        If the stock is not recommended, or not forecast in the test year.
    ArtefactError
        If Phases 1 to 4 have not run.
    """
    names = stocks_with_page(workspace)
    if ticker not in names and (ticker or not names):
        raise ConfigurationError(
            f"`ticker` must be one of {', '.join(names) or 'none'}, the recommended "
            f"stocks that the test year forecasts. Received: {ticker!r}"
        )
    ticker = ticker or names[0]
    data = open_study_data(workspace)
    facts, study = data.facts, data.study
    panel, _ = open_test_year(data)
    prices = with_returns(panel)
    folder = workspace.paths.evaluation
    forecasts, returns, scores, faults = (
        _of_stock(read_table(schema, folder / f"{name}.parquet"), ticker, facts)
        for schema, name in (
            (FORECASTS, "forecasts"),
            (STRATEGY_RETURNS, "returns"),
            (SCORES, "scores"),
            (FORECAST_FAULTS, "forecast_faults"),
        )
    )
    at_headline = returns[returns["cost_bps"] == study.backtest.headline_cost_bps]
    selection = read_json(folder / "selection.json")
    chosen = next(row for row in selection if row["ticker"] == ticker)
    shown = [study.verdict.model, NAIVE, STOCK_LSTM, chosen["champion"]]
    compared = forecasts[forecasts["model"].isin(shown)]
    return StockPage(
        ticker=ticker,
        statistics=_row(read_statistics(workspace), ticker),
        year=facts.test_year,
        headline_cost_bps=study.backtest.headline_cost_bps,
        cash_return=compound_cash(at_headline),
        selection=chosen,
        prices=prices[prices["ticker"] == ticker].reset_index(drop=True),
        forecasts=realised(compared.reset_index(drop=True), panel),
        returns=at_headline,
        scores=scores,
        model=_model(workspace, ticker),
        data_digest=facts.digest,
        faults=faults,
        fan=_fan(workspace, prices[prices["ticker"] == ticker], facts.test_year),
    )


def read_statistics(workspace: Workspace) -> pd.DataFrame:
    """Return ``STATISTICS`` as of the test year's start."""
    path = workspace.paths.analysis / "stock_statistics.csv"
    return read_table(STATISTICS, path)


def _of_stock(table: pd.DataFrame, ticker: str, facts: Any) -> pd.DataFrame:
    return table[(table["ticker"] == ticker) & (table["fold"] == facts.test_year)]


def _fan(workspace: Workspace, stock: pd.DataFrame, year: int) -> pd.DataFrame:
    """Return the quantiles of a stock's last origin that has every horizon."""
    path = workspace.paths.evaluation / "distribution_quantiles.parquet"
    table = read_table(QUANTILES, path)
    ticker = stock["ticker"].iloc[0]
    own = table[(table["ticker"] == ticker) & (table["fold"] == year)]
    counts = own.groupby("origin").size()
    full = counts.index[counts == table["horizon"].nunique()]
    if full.empty:
        return own.iloc[:0].assign(last_price=0.0)
    at_last = own[own["origin"] == full.max()]
    known = stock.set_index("session")["price"]
    return at_last.assign(last_price=at_last["origin"].map(known))


def _row(table: pd.DataFrame, ticker: str) -> dict[str, Any]:
    rows = table[table["ticker"] == ticker].to_dict(orient="records")
    return {str(name): value for name, value in rows[0].items()}


def _model(workspace: Workspace, ticker: str) -> StockModel:
    counts = _row(count_negatives(workspace), ticker)
    times = read_times(workspace).rename_axis("ticker").reset_index()
    return StockModel(
        about=read_metadata(workspace.paths.v2 / ticker),
        safety=_row(read_safety(workspace), ticker) | _row(times, ticker),
        n_forecasts=int(counts["n_forecasts"]),
        n_negative=int(counts["n_negative"]),
        lowest=float(counts["lowest"]),
    )
