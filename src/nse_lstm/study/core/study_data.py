"""The study's data before the test year: opened once per phase and passed on."""

from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from nse_lstm.features.folds import Fold, folds_of_years
from nse_lstm.features.returns import with_returns
from nse_lstm.study.core.phase_tables import (
    MarketFacts,
    read_facts,
    read_recommended,
    read_sealed_panel,
)
from nse_lstm.study.core.workspace import Workspace


@dataclass(frozen=True, eq=False)
class StudyData(Workspace):
    """A workspace with Phase 1's tables; each is read at its first use, once."""

    facts: MarketFacts
    folds: tuple[Fold, ...]
    """Walk-forward years in order, the test year last."""
    stocks: str = ""
    """As in ``phase_tables.read_recommended``; the recommended ones if empty."""

    @property
    def walk_forward(self) -> tuple[Fold, ...]:
        """The folds before the test year, in order."""
        return self.folds[:-1]

    @cached_property
    def recommended(self) -> dict[int, list[str]]:
        """Tickers by fold, as of that fold's start."""
        return read_recommended(self, self.stocks)

    @cached_property
    def panel(self) -> pd.DataFrame:
        """``PANEL`` up to the last session before the test year."""
        return read_sealed_panel(self)

    @cached_property
    def prices(self) -> pd.DataFrame:
        """The panel with adjusted prices and returns, see ``with_returns``."""
        return with_returns(self.panel)


def open_study_data(workspace: Workspace, *, stocks: str = "") -> StudyData:
    """Open what Phase 1 left for the phases that follow.

    Parameters
    ----------
    workspace : Workspace
    stocks : str
        As in ``phase_tables.read_recommended``; the recommended ones if empty.

    Raises
    ------
    ArtefactError
        If Phase 1 has not run, or ran for another test year.
    """
    facts = read_facts(workspace)
    return StudyData(
        study=workspace.study,
        paths=workspace.paths,
        facts=facts,
        folds=folds_of_years(facts.walk_forward, facts.test_year),
        stocks=stocks,
    )
