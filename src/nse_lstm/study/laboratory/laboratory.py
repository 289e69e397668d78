"""Open the laboratory and check a run's stock, year, network and settings."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from nse_lstm.config import V2, Training, override_study
from nse_lstm.errors import ArtefactError, ConfigurationError
from nse_lstm.reporting.canvas import NAMES
from nse_lstm.reporting.display import show_table
from nse_lstm.study.core.phase_tables import read_facts, read_instruments
from nse_lstm.study.core.scored_years import require_scored
from nse_lstm.study.core.workspace import Workspace, open_workspace
from nse_lstm.study.laboratory.evaluations import count_evaluations, first_counted
from nse_lstm.study.laboratory.records import read_records
from nse_lstm.study.laboratory.reprs import register_reprs
from nse_lstm.study.laboratory.runs import Run, RunRequest, run_network

if TYPE_CHECKING:
    from nse_lstm.models.architectures import Architecture
    from nse_lstm.models.progress import Progress


FREE, COUNTED, SEALED, UNTOUCHED = "free", "counted", "sealed", "untouched"
"""Uses of a year: without a record, recorded as trials, or (two) not at all."""

NAME = re.compile(r"[a-z][a-z0-9_]*")
SECTIONS: dict[str, tuple[str, ...]] = {
    "v2": tuple(each.name for each in fields(V2)),
    # Workers change no result, and one network needs only one.
    "training": tuple(each.name for each in fields(Training) if each.name != "workers"),
}
"""The settings of a run, by their section of the study file."""


@dataclass(frozen=True)
class Laboratory:
    """A study opened for experiments; ``run`` fits and scores one network."""

    workspace: Workspace

    @property
    def years(self) -> pd.DataFrame:
        """One row per year: its use and its number of evaluations.

        Years before the first walk-forward year are ``free``. A year that the study is
        judged on is ``counted``: its scores enter the trial ledger. The test year is
        ``sealed``. A year that is kept for claims is ``untouched``.
        """
        facts = read_facts(self.workspace)
        begin = pd.Timestamp(facts.first_session).year + 1
        years = range(begin, facts.test_year + 1)
        counts = count_evaluations(self.workspace)
        return pd.DataFrame(
            {
                "year": years,
                "use": [self._use(year) for year in years],
                "n_evaluations": [counts.get(year, 0) for year in years],
            }
        )

    @property
    def stocks(self) -> pd.DataFrame:
        """One row per stock that can be run: ticker, name, sector, span."""
        instruments = read_instruments(self.workspace)
        ordinary = instruments[instruments["kind"] == "ordinary"]
        return ordinary.drop(columns="kind").reset_index(drop=True)

    @property
    def runs(self) -> pd.DataFrame:
        """One row per finished run: stock, network, settings, losses, skill."""
        return read_records(self.workspace)

    def run(
        self,
        ticker: str,
        *,
        year: int = 0,
        architecture: "Architecture | None" = None,
        seed: int = 0,
        progress: "Progress | None" = None,
        **settings: Any,
    ) -> Run:
        """Fit one network for one stock, forecast a year and score the forecasts.

        Weights and scaler are fitted on targets before the year. A run is fitted once
        and its model is kept under the market's build.

        Parameters
        ----------
        ticker : str
            A stock of ``stocks``.
        year : int
            Year that is forecast; 0 is the last ``free`` one. A ``counted`` year is
            recorded in the trial ledger.
        architecture : Architecture, optional
            Your own network, of one channel and one output. Default: v2.
        seed : int
            Seed of weights and dropout; 0 is the study's.
        progress : callable, optional
            Receives one line at a time, instead of ``progress.show_progress``.
        **settings
            Settings of the sections ``v2`` and ``training``, such as ``units=8`` or
            ``max_epochs=5``.

        Raises
        ------
        ConfigurationError
            If the stock, the year, the network or a setting cannot be used.
        DataError
            If the stock has too little history before that year.
        """
        if ticker not in set(self.stocks["ticker"]):
            raise ConfigurationError(
                "`ticker` must be a stock of "
                f"{self.workspace.study.market.name}, listed in `stocks`. "
                f"Received: {ticker!r}"
            )
        chosen = year or self._last_free()
        self._check_year(chosen)
        overrides: dict[str, Any] = _sections(settings)
        if architecture is not None:
            _check_network(architecture, settings)
            overrides["v2"] = {
                **overrides.get("v2", {}),
                "lookback": architecture.lookback,
            }
        if seed:
            overrides["seed"] = seed
        study = override_study(self.workspace.study, overrides)
        request = RunRequest(
            ticker=ticker,
            year=chosen,
            counted=self._use(chosen) == COUNTED,
            network=architecture,
            settings=settings,
        )
        own = replace(self.workspace, study=study)
        return run_network(own, request, progress=progress)

    def _use(self, year: int) -> str:
        if year >= read_facts(self.workspace).test_year:
            return SEALED
        if year in self.workspace.study.market.untouched:
            return UNTOUCHED
        return COUNTED if year >= first_counted(self.workspace) else FREE

    def _last_free(self) -> int:
        years = self.years
        free = years.loc[years["use"] == FREE, "year"]
        if free.empty:
            raise ArtefactError(
                "Expected a year with data before it and before the first walk-forward "
                f"year. Received: none before {first_counted(self.workspace)}. Name a "
                "counted year with `year=`"
            )
        return int(free.iloc[-1])

    def _check_year(self, year: int) -> None:
        uses = dict(zip(self.years["year"], self.years["use"], strict=True))
        if uses.get(year) == SEALED:
            raise ConfigurationError(
                "`year` must be before the test year, which only Phase 4 evaluates. "
                f"Received: {year}"
            )
        require_scored(self.workspace.study, year)
        if year not in uses:
            raise ConfigurationError(
                f"`year` must be one of {min(uses)} to {max(uses) - 1}. "
                f"Received: {year}"
            )

    def _repr_html_(self) -> str:
        market, facts = self.workspace.study.market, read_facts(self.workspace)
        caption = (
            f"Laboratory on {market.label}, {facts.first_session} to "
            f"{facts.last_session}: the years for runs"
        )
        return show_table(self.years, caption=caption).html


def open_laboratory(
    root: str = "",
    *,
    study: str = "study.toml",
    market: str = "simulated",
    raw: str = "",
    test_year: int = 0,
    overrides: Mapping[str, Any] | None = None,
) -> Laboratory:
    """Open a study for experiments, once Phase 1 has read its market.

    In a notebook, folds and models are shown as tables from then on.

    Parameters
    ----------
    root, study, market, raw, test_year
        As for ``open_workspace``. After `make quick` the root is "build/quick" and the
        study "study.quick.toml".
    overrides : mapping, optional
        Settings for every run, by section of the study file.

    Raises
    ------
    ConfigurationError
        If the study, the market or a setting is invalid.
    ArtefactError
        If Phase 1 has not run.

    Examples
    --------
    >>> lab = open_laboratory(market="nse")  # doctest: +SKIP
    >>> run = lab.run("SCOM", units=16, max_epochs=5)  # doctest: +SKIP
    >>> run.plot()  # doctest: +SKIP
    """
    workspace = open_workspace(
        root, study=study, market=market, raw=raw, test_year=test_year
    )
    changed = override_study(workspace.study, overrides or {})
    laboratory = Laboratory(replace(workspace, study=changed))
    if not (workspace.paths.processed / "market.json").is_file():
        raise ArtefactError(
            f"Expected the market that Phase 1 reads in {workspace.paths.processed}. "
            "Received: none. Run `make build/simulated/01_data_analysis.ipynb`, for "
            "another market with its name in the path and MARKET=..."
        )
    register_reprs()
    return laboratory


def _sections(settings: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Group the settings of a run by section of the study file."""
    known = {name: section for section, names in SECTIONS.items() for name in names}
    unknown = sorted(set(settings) - set(known))
    if unknown:
        raise ConfigurationError(
            f"A run's settings must be among {sorted(known)}. "
            f"Received: {', '.join(unknown)}. Override other sections with "
            "`open_laboratory(overrides=...)`"
        )
    sections: dict[str, dict[str, Any]] = {}
    for name, value in settings.items():
        sections.setdefault(known[name], {})[name] = value
    return sections


def _check_network(network: "Architecture", settings: Mapping[str, Any]) -> None:
    if not NAME.fullmatch(network.name) or network.name in NAMES:
        raise ConfigurationError(
            "Your network's name must be lower-case letters, digits and underscores, "
            f"and differ from the study's models. Received: {network.name!r}"
        )
    if (network.channels, network.n_outputs) != (1, 1):
        raise ConfigurationError(
            "Your network must have 1 channel and 1 output: prices in, a price out. "
            f"Received: {network.channels} and {network.n_outputs}"
        )
    fixed = sorted(set(settings) & (set(SECTIONS["v2"]) - {"horizon"}))
    if fixed:
        raise ConfigurationError(
            f"The layers of {network.name} are fixed by its architecture. "
            f"Received: {', '.join(fixed)}"
        )
