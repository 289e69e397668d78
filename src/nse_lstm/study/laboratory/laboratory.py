"""Where a researcher's runs start: which years, which stocks, which settings."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from nse_lstm.config import V2, Training, override_study
from nse_lstm.errors import ArtefactError, ConfigurationError
from nse_lstm.reporting.canvas import NAMES
from nse_lstm.reporting.display import show_table
from nse_lstm.study.core.phase_tables import read_facts, read_instruments, study_folds
from nse_lstm.study.core.workspace import Workspace, open_workspace
from nse_lstm.study.laboratory.evaluations import count_looks
from nse_lstm.study.laboratory.records import read_records
from nse_lstm.study.laboratory.reprs import register_reprs
from nse_lstm.study.laboratory.runs import Run, Wanted, run_network
from nse_lstm.study.ranking.tabular_models import ranking_folds

if TYPE_CHECKING:
    from nse_lstm.models.architectures import Architecture
    from nse_lstm.models.progress import Progress


FREE, COUNTED, SEALED = "free", "counted", "sealed"
"""What a run may do with a year."""

NAME = re.compile(r"[a-z][a-z0-9_]*")
SECTIONS: dict[str, tuple[str, ...]] = {
    "v2": tuple(each.name for each in fields(V2)),
    # Workers change no result, and one network needs one.
    "training": tuple(each.name for each in fields(Training) if each.name != "workers"),
}
"""The settings of a run, by the section of the study file that has them."""


@dataclass(frozen=True)
class Laboratory:
    """A study opened for trying things out; ``run`` is what it is for."""

    workspace: Workspace

    @property
    def years(self) -> pd.DataFrame:
        """One row a year: what a run may do with it, and how many have looked at it.

        Years before the first that is walked forward are ``free``. A year that the
        study is judged on is ``counted``: what is seen there enters the trial ledger.
        The test year is ``sealed``.
        """
        facts = read_facts(self.workspace)
        begin = pd.Timestamp(facts.first_session).year + 1
        years = range(begin, facts.test_year + 1)
        looks = count_looks(self.workspace)
        return pd.DataFrame(
            {
                "year": years,
                "use": [self._use(year) for year in years],
                "n_looks": [looks.get(year, 0) for year in years],
            }
        )

    @property
    def stocks(self) -> pd.DataFrame:
        """Ordinary shares that can be run: ticker, name, sector, span."""
        instruments = read_instruments(self.workspace)
        ordinary = instruments[instruments["kind"] == "ordinary"]
        return ordinary.drop(columns="kind").reset_index(drop=True)

    @property
    def runs(self) -> pd.DataFrame:
        """One row a run that is kept: stock, network, year, settings, losses, skill."""
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
        """Fit one network for one stock, forecast a year with it and score that.

        Weights and scaler are fitted on what ends before the year. The same run is
        fitted once: its model is kept under the market's build.

        Parameters
        ----------
        ticker : str
            An ordinary share.
        year : int
            The year that is forecast; the last ``free`` one if 0. A ``counted`` one
            writes to the trial ledger.
        architecture : Architecture, optional
            A network of one's own, of one channel and one output; v2 if not given.
        seed : int
            The study's if 0.
        progress : callable, optional
            Is given one line at a time, instead of ``progress.show_progress``.
        **settings
            Of the study's sections ``v2`` and ``training``, such as ``units=8`` or
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
                "`ticker` must be an ordinary share of "
                f"{self.workspace.study.market.name}; see `stocks`. "
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
        wanted = Wanted(
            ticker=ticker,
            year=chosen,
            counted=self._use(chosen) == COUNTED,
            network=architecture,
            settings=settings,
        )
        own = replace(self.workspace, study=study)
        return run_network(own, wanted, progress=progress)

    def _use(self, year: int) -> str:
        if year >= read_facts(self.workspace).test_year:
            return SEALED
        return COUNTED if year >= _first_counted(self.workspace) else FREE

    def _last_free(self) -> int:
        years = self.years
        free = years.loc[years["use"] == FREE, "year"]
        if free.empty:
            raise ArtefactError(
                "Expected a year with data before it and before the first walk-forward "
                f"year. Received: none before {_first_counted(self.workspace)}; name a "
                "counted one with `year=`"
            )
        return int(free.iloc[-1])

    def _check_year(self, year: int) -> None:
        uses = dict(zip(self.years["year"], self.years["use"], strict=True))
        if uses.get(year) == SEALED:
            raise ConfigurationError(
                "`year` must be before the test year, which stays sealed until Phase "
                f"4 reads it. Received: {year}"
            )
        if year not in uses:
            raise ConfigurationError(
                f"`year` must be one of {min(uses)} to {max(uses) - 1}. "
                f"Received: {year}"
            )

    def _repr_html_(self) -> str:
        market, facts = self.workspace.study.market, read_facts(self.workspace)
        caption = (
            f"Laboratory on {market.label}; {facts.first_session} to "
            f"{facts.last_session}; the years it can be tried on"
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
    """Open a study to try things out on; Phase 1 must have read its market.

    In a notebook, folds and models are shown as tables from then on.

    Parameters
    ----------
    root, study, market, raw, test_year
        As for ``open_workspace``; after `make quick`, root "build/quick" with study
        "study.quick.toml".
    overrides : mapping, optional
        Settings by section of the study file, for every run.

    Raises
    ------
    ConfigurationError
        If the study, the market or a setting does not hold up.
    ArtefactError
        If Phase 1 has not run: how to run it.

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
            "Received: none; run `make build/simulated/01_data_analysis.ipynb`, for "
            "another market with MARKET=... in the target and beside it"
        )
    register_reprs()
    return laboratory


def _first_counted(workspace: Workspace) -> int:
    """Return the first year on which anything is judged, whichever the model."""
    return min(ranking_folds(workspace)[0].year, study_folds(workspace)[0].year)


def _sections(settings: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Sort the settings of a run by the study's sections."""
    known = {name: section for section, names in SECTIONS.items() for name in names}
    unknown = sorted(set(settings) - set(known))
    if unknown:
        raise ConfigurationError(
            f"A run's settings must be among {sorted(known)}. "
            f"Received: {', '.join(unknown)}; other sections are overridden with "
            "`open_laboratory(overrides=...)`"
        )
    sections: dict[str, dict[str, Any]] = {}
    for name, value in settings.items():
        sections.setdefault(known[name], {})[name] = value
    return sections


def _check_network(network: "Architecture", settings: Mapping[str, Any]) -> None:
    if not NAME.fullmatch(network.name) or network.name in NAMES:
        raise ConfigurationError(
            "A network of one's own must have a name of lower-case letters, digits and "
            f"underscores that no model of the study has. Received: {network.name!r}"
        )
    if (network.channels, network.n_outputs) != (1, 1):
        raise ConfigurationError(
            "A network of one's own must have 1 channel and 1 output: prices in, a "
            f"price out. Received: {network.channels} and {network.n_outputs}"
        )
    settled = sorted(set(settings) & (set(SECTIONS["v2"]) - {"horizon"}))
    if settled:
        raise ConfigurationError(
            f"{network.name} says itself what its layers are. "
            f"Received: {', '.join(settled)} beside it"
        )
