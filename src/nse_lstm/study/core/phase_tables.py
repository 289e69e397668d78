"""Tables that a phase may read of the phases before it.

``read_sealed_panel`` ends where the test year begins. Only ``study.core.sealed_year``
reads further.
"""

from dataclasses import dataclass, field
from datetime import date

import pandas as pd

from nse_lstm.errors import ArtefactError, ConfigurationError
from nse_lstm.features.folds import Fold, folds_of_years
from nse_lstm.json_files import read_json
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.tables import INSTRUMENTS, PANEL, read_table

ALL_STOCKS = "ALL"
"""In place of a ticker: one model of all ordinary shares."""


@dataclass(frozen=True)
class MarketFacts:
    """Facts of the market's files, written by Phase 1 for the phases that follow."""

    digest: str
    """SHA-256 of the source files."""
    test_year: int
    first_session: str
    last_session: str
    n_sessions: int
    n_rows: int
    n_tickers: int
    walk_forward: list[int]
    """Years before the test year that choices are made on, in order."""
    missing_years: list[int] = field(default_factory=list)
    """Years between first session and test year of which no file holds a session."""


def parse_day(text: str) -> pd.Timestamp:
    """Read a day as ``2024-12-31``.

    Raises
    ------
    ConfigurationError
        If it is none.
    """
    try:
        return pd.Timestamp(date.fromisoformat(text))
    except ValueError:
        raise ConfigurationError(
            f"Expected a day such as 2024-12-31. Received: {text!r}"
        ) from None


def read_facts(workspace: Workspace) -> MarketFacts:
    """Read what Phase 1 wrote about the market.

    Raises
    ------
    ArtefactError
        If Phase 1 has not run, or ran for another test year.
    """
    path = workspace.paths.processed / "market.json"
    try:
        facts = MarketFacts(**read_json(path))
    except TypeError:
        raise ArtefactError(
            f"Expected the facts of Phase 1 in {path}. Received: other values; run "
            "01_data_analysis again"
        ) from None
    wanted = workspace.study.test_year
    if wanted and wanted != facts.test_year:
        raise ArtefactError(
            f"Phase 1 was run for test year {facts.test_year}. "
            f"Received: test_year={wanted}; run 01_data_analysis again"
        )
    return facts


def study_folds(workspace: Workspace) -> tuple[Fold, ...]:
    """Return the walk-forward folds in order, the test year last."""
    facts = read_facts(workspace)
    return folds_of_years(facts.walk_forward, facts.test_year)


def read_sealed_panel(workspace: Workspace, *, before: int = 0) -> pd.DataFrame:
    """Return the panel up to the last session before the test year.

    A stale last session is left out, since its repaired price is known one session
    later.

    Parameters
    ----------
    workspace : Workspace
    before : int
        A year before the test year; its sessions and all later ones are left out too.
    """
    panel = read_table(PANEL, workspace.paths.processed / "panel.parquet")
    test_year = read_facts(workspace).test_year
    start = pd.Timestamp(min(before or test_year, test_year), 1, 1)
    sealed = panel[panel["session"] < start]
    is_last = sealed["session"] == sealed["session"].max()
    return sealed[~(is_last & sealed["stale"])].reset_index(drop=True)


def read_instruments(workspace: Workspace) -> pd.DataFrame:
    """Return one row per ticker: name, kind, sector, span."""
    return read_table(INSTRUMENTS, workspace.paths.processed / "instruments.parquet")


def read_recommended(workspace: Workspace, stocks: str = "") -> dict[int, list[str]]:
    """Return the tickers of each fold, as of that fold's start.

    Parameters
    ----------
    workspace : Workspace
    stocks : str
        Empty for the recommended stocks, a number for that many by rank, ``all`` for
        every tradable stock, or tickers separated by commas, the same in every fold.

    Raises
    ------
    ConfigurationError
        If a named stock is not in the data, or the number is below 1.
    """
    document = read_json(workspace.paths.analysis / "training_recommendations.json")
    recommended = {int(y): list(names) for y, names in document["by_fold"].items()}
    ranked = {int(y): list(names) for y, names in document["ranked_by_fold"].items()}
    if not stocks:
        return recommended
    if stocks == "all":
        return ranked
    if stocks.isdecimal():
        n_stocks = int(stocks)
        if n_stocks < 1:
            raise ConfigurationError(f"`stocks` must be at least 1. Received: {stocks}")
        return {year: names[:n_stocks] for year, names in ranked.items()}
    names = list(dict.fromkeys(name.strip() for name in stocks.split(",")))
    instruments = read_instruments(workspace)
    ordinary = instruments.loc[instruments["kind"] == "ordinary", "ticker"]
    unknown = sorted(set(names) - set(ordinary))
    if unknown:
        raise ConfigurationError(
            "`stocks` must be a number, `all`, or ordinary shares of "
            f"{workspace.study.market.name}. Received: {', '.join(map(repr, unknown))}"
        )
    return {year: names for year in recommended}
