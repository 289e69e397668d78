"""The laboratory: stocks, years and the verbs run, sweep, rank, judge and compare."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import pandas as pd

from nse_lstm.config import override_study
from nse_lstm.errors import ArtefactError, ConfigurationError
from nse_lstm.models.progress import show_progress
from nse_lstm.reporting.display import show_table
from nse_lstm.study.core.phase_tables import read_facts, read_instruments
from nse_lstm.study.core.scored_years import require_scored
from nse_lstm.study.core.suggestions import did_you_mean
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.deployment.advise import Advice, Orders, advise
from nse_lstm.study.laboratory.comparing import Result, RunComparison, compare_runs
from nse_lstm.study.laboratory.evaluations import count_evaluations, first_counted
from nse_lstm.study.laboratory.judge import OutsideJudgement, judge_outside
from nse_lstm.study.laboratory.keras_networks import keras_network
from nse_lstm.study.laboratory.opening import find_workspace
from nse_lstm.study.laboratory.price_networks import price_network
from nse_lstm.study.laboratory.ranking import RankRun, rank_year
from nse_lstm.study.laboratory.records import read_records
from nse_lstm.study.laboratory.reprs import register_reprs
from nse_lstm.study.laboratory.run_settings import (
    KERAS,
    OWN,
    RANK_MODELS,
    Chosen,
    RunSettings,
    check_model,
    check_name,
    check_network,
    check_whole,
    choose_channels,
    choose_settings,
    with_settings,
)
from nse_lstm.study.laboratory.running import open_task, run_task
from nse_lstm.study.laboratory.runs import Run, Runs
from nse_lstm.study.laboratory.stock_networks import fit_stock_lstm
from nse_lstm.study.laboratory.task import Forecaster

if TYPE_CHECKING:
    from nse_lstm.models.architectures import Architecture
    from nse_lstm.models.progress import Progress

FREE, COUNTED, SEALED, UNTOUCHED = "free", "counted", "sealed", "untouched"
"""Uses of a year: without a record, recorded as trials, or (two) not at all."""

NOT_SETTINGS: Mapping[str, Any] = {"channels": None, "pooled": False, "name": ""}
"""Arguments of a run that are no settings of a study, and their defaults."""

DECIDING = {"market", "test_year", "folds"}
"""Sections of a study that say which years are free, counted, sealed or untouched."""


@dataclass(frozen=True)
class Laboratory:
    """A study opened for experiments; ``run`` fits and scores one model."""

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

    @with_settings()
    def run(
        self,
        ticker: str,
        model: "str | Architecture | Callable[[int, int], Any]" = "stock_lstm",
        *,
        year: int = 0,
        channels: Sequence[str] | None = None,
        pooled: bool = False,
        name: str = "",
        seed: int = 0,
        progress: "Progress | None" = None,
        **settings: Unpack[RunSettings],
    ) -> Run:
        """Fit one model for one stock, forecast a year and score the forecasts.

        Weights and scaler are fitted on targets before the year. What the engine
        trains is fitted once and kept under the market's build. Keras trains anew.

        Parameters
        ----------
        ticker : str
            A stock of ``stocks``.
        model : str, Architecture or callable
            "stock_lstm" or "v2", a network of your own that the engine trains (one
            channel, one output), or a function (lookback, channels) that returns a
            compiled Keras model of one output: the next log return in units of the
            stock's volatility.
        year : int
            Year that is forecast; 0 is the last ``free`` one. A ``counted`` year is
            recorded in the trial ledger.
        channels : sequence of str, optional
            Inputs of the stock LSTM or a Keras model, of
            ``features.stock_channels.STOCK_CHANNELS``; all of them if not given.
        pooled : bool
            Whether a Keras model is trained on the windows of all stocks of the pool.
        name : str
            Of a Keras model in tables; the function's own if empty.
        seed : int
            Seed of weights and dropout; 0 is the study's.
        progress : callable, optional
            Receives one line at a time, instead of ``progress.show_progress``.
        **settings
            As ``run_settings.RunSettings``, such as ``units=8`` or ``max_epochs=5``.

        Raises
        ------
        ConfigurationError
            If the stock, the year, the model or a setting cannot be used.
        DataError
            If the stock has too little history before that year.
        ArtefactError
            If the training fails.
        """
        kind, chosen, year = self._check(
            ticker, model, year, seed, settings, channels, pooled, name
        )
        task = open_task(
            replace(self.workspace, study=chosen.study),
            ticker,
            year,
            given=_given(chosen, channels, pooled),
            channels=choose_channels(channels),
        )
        forecaster = _forecaster(kind, model, name, pooled)
        counted = self._use(year) == COUNTED
        return run_task(task, forecaster, counted=counted, progress=progress)

    @with_settings(listed=True)
    def sweep(
        self,
        tickers: str | Iterable[str],
        model: "str | Architecture | Callable[[int, int], Any]" = "stock_lstm",
        *,
        years: int | Iterable[int] = 0,
        seeds: int | Iterable[int] = 0,
        progress: "Progress | None" = None,
        **settings: Any,
    ) -> Runs:
        """Run every combination of stocks, years, seeds and listed settings.

        Parameters
        ----------
        tickers : str or iterable of str
        model : str, Architecture or callable
            As for ``run``.
        years, seeds : int or iterable of int
            As for ``run``.
        progress : callable, optional
            Receives one line at a time.
        **settings
            As for ``run``; a list such as ``units=[8, 16]`` is tried value by value.

        Returns
        -------
        Runs
            With ``scores``, and ``spread`` over the seeds.

        Raises
        ------
        ConfigurationError
            If a stock, a year, a seed or a value cannot be used, before the first run.
        """
        tried = {
            key: [value] if key == "channels" else _listed(value)
            for key, value in settings.items()
        }
        grid = [
            dict(zip(tried, each, strict=True)) for each in product(*tried.values())
        ]
        todo = list(product(_listed(tickers), _listed(years), grid, _listed(seeds)))
        if not todo:
            raise ConfigurationError(
                "Expected at least one stock, year, seed and value of each setting. "
                "Received: an empty list"
            )
        for ticker, year, given, seed in todo:
            own = dict(given)
            beside = [own.pop(key, other) for key, other in NOT_SETTINGS.items()]
            self._check(ticker, model, year, seed, own, *beside)
        return Runs(
            [
                self.run(
                    ticker, model, year=year, seed=seed, progress=progress, **given
                )
                for ticker, year, given, seed in todo
            ]
        )

    @with_settings()
    def rank(
        self,
        model: str = "ridge",
        *,
        year: int = 0,
        seed: int = 0,
        progress: "Progress | None" = None,
        **settings: Unpack[RunSettings],
    ) -> RankRun:
        """Fit a model that ranks all stocks, forecast a year and score its rank IC.

        Parameters
        ----------
        model : str
            "ridge", "ridge_per_stock", "boosting", "four_signals" or "rank_lstm".
        year : int
            Year that is forecast; 0 is the last ``free`` one.
        seed : int
            0 is the study's.
        progress : callable, optional
            Receives one line at a time.
        **settings
            As ``run_settings.RunSettings``, such as ``ridge_alpha=100``.

        Raises
        ------
        ConfigurationError
            If the model, the year or a setting cannot be used.
        DataError
            If there is too little history before that year.
        """
        if model not in RANK_MODELS:
            raise ConfigurationError(
                f"`model` must be one of {', '.join(RANK_MODELS)}. "
                f"Received: {model!r}{did_you_mean(model, RANK_MODELS)}"
            )
        chosen = self._choose(model, model, dict(settings), seed)
        year = self._check_year(year)
        own = replace(self.workspace, study=chosen.study)
        return rank_year(own, model, year, given=chosen.given, progress=progress)

    def judge(
        self,
        path: Path | str,
        *,
        name: str,
        column: str = "",
        trained_through: str = "",
    ) -> OutsideJudgement:
        """Judge a file of forecasts made elsewhere, as `nse-lstm judge` does.

        Parameters
        ----------
        path : Path or str
            Of the file, ``outside_forecasts.read_outside``.
        name, column, trained_through : str
            As for ``judge.judge_outside``.
        """
        return judge_outside(
            self.workspace,
            Path(path),
            name=name,
            column=column,
            trained_through=trained_through,
        )

    def advise(self, orders: Orders, *, progress: "Progress | None" = None) -> Advice:
        """Advise on orders as `nse-lstm advise` does: send them now, or wait.

        Nothing is scored and no trial is recorded.

        Parameters
        ----------
        orders : Path, str, DataFrame or iterable of mapping
            A CSV file, or rows, with the columns side, ticker, shares and latest, such
            as ``[{"side": "buy", "ticker": "SCOM", "shares": 100, "latest": day}]``.
        progress : callable, optional
            Receives a line where ranking models are fitted.
        """
        show = progress or show_progress()
        return advise(self.workspace, orders, progress=show)

    def compare(self, first: Result, second: Result) -> RunComparison:
        """Compare the squared errors of two results on the sessions of both.

        Parameters
        ----------
        first, second : Run, Runs or OutsideJudgement
            Of ``run``, ``sweep`` or ``judge``.
        """
        study = self.workspace.study
        return compare_runs(first, second, verdict=study.verdict, seed=study.seed)

    def _check(
        self,
        ticker: object,
        model: object,
        year: object,
        seed: int,
        settings: Mapping[str, Any],
        channels: Sequence[str] | None,
        pooled: bool,
        name: str,
    ) -> tuple[str, Chosen, int]:
        """Return kind of model, settings and year of a run, or refuse it."""
        self._check_ticker(ticker)
        kind = check_model(model)
        chosen = self._choose(kind, model, dict(settings), seed)
        checked = self._check_year(year)
        if kind not in (KERAS, "stock_lstm"):
            _refuse_given(kind, channels=channels, pooled=pooled, name=name)
        elif kind != KERAS:
            _refuse_given(kind, pooled=pooled, name=name)
        else:
            check_name(model, name)
        choose_channels(channels)
        return kind, chosen, checked

    def _choose(
        self, kind: str, model: object, settings: dict[str, Any], seed: int
    ) -> Chosen:
        study = self.workspace.study
        if study.v2.horizon != 1:
            raise ConfigurationError(
                "`v2.horizon` must be 1 in the laboratory, which trades the next "
                f"session's forecast. Received: {study.v2.horizon}"
            )
        chosen = choose_settings(study, kind, settings)
        overrides: dict[str, Any] = {}
        if kind == OWN:
            check_network(model)  # type: ignore[arg-type]
            overrides["v2"] = {"lookback": model.lookback}  # type: ignore[attr-defined]
        if number := check_whole("seed", seed, 3):
            overrides["seed"] = number
        return replace(chosen, study=override_study(chosen.study, overrides))

    def _check_ticker(self, ticker: object) -> None:
        known = set(self.stocks["ticker"])
        if not isinstance(ticker, str):
            example = ", ".join(map(repr, sorted(known)[:2]))
            raise ConfigurationError(
                f"`ticker` must be one stock. Received: a {type(ticker).__name__}. For "
                f"several use lab.sweep([{example}])"
            )
        if ticker not in known:
            raise ConfigurationError(
                f"`ticker` must be a stock of {self.workspace.study.market.name}, "
                f"listed in `lab.stocks`. Received: {ticker!r}"
                f"{did_you_mean(ticker, known)}"
            )

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

    def _check_year(self, given: object) -> int:
        year = check_whole("year", given, self._last_free_or_first())
        if not year:
            return self._last_free()
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
        return year

    def _last_free_or_first(self) -> int:
        return int(self.years["year"].iloc[0])

    def _repr_html_(self) -> str:
        return show_table(self.years, caption=self._caption).html

    def __repr__(self) -> str:
        return f"{self._caption}\n{self.years.to_string(index=False)}"

    @property
    def _caption(self) -> str:
        market, facts = self.workspace.study.market, read_facts(self.workspace)
        return (
            f"Laboratory on {market.label}, {facts.first_session} to "
            f"{facts.last_session}: the years for runs"
        )


def open_laboratory(
    root: str = "",
    *,
    study: str = "",
    market: str = "",
    raw: str = "",
    test_year: int = 0,
    overrides: Mapping[str, Any] | None = None,
) -> Laboratory:
    """Open a study for experiments, once Phase 1 has read its market.

    In a notebook, folds and models are shown as tables from then on.

    Parameters
    ----------
    root : str
        Folder that the study was built under, such as "build/quick"; the project
        itself if empty.
    study, market, raw, test_year
        As for ``open_workspace``. What is left out is read from the build.
    overrides : mapping, optional
        Settings for every run, by section of the study file.

    Raises
    ------
    ConfigurationError
        If a folder is not there, or the study, the market or a setting is not the
        build's or is invalid.
    ArtefactError
        If Phase 1 has not run.

    Examples
    --------
    >>> lab = open_laboratory(market="nse")  # doctest: +SKIP
    >>> run = lab.run("SCOM", units=16, max_epochs=5)  # doctest: +SKIP
    >>> run.plot()  # doctest: +SKIP
    """
    workspace = find_workspace(
        root, study=study, market=market, raw=raw, test_year=test_year
    )
    if fixed := sorted(set(overrides or {}) & DECIDING):
        raise ConfigurationError(
            "`overrides` must leave alone what decides the use of a year. Received: "
            f"{', '.join(fixed)}. Build another study for that"
        )
    changed = override_study(workspace.study, overrides or {})
    register_reprs()
    return Laboratory(replace(workspace, study=changed))


def _forecaster(kind: str, model: Any, name: str, pooled: bool) -> Forecaster:
    if kind == KERAS:
        return keras_network(model, name=check_name(model, name), pooled=pooled)
    if kind == "stock_lstm":
        return fit_stock_lstm
    return price_network(model if kind == OWN else None)


def _given(
    chosen: Chosen, channels: Sequence[str] | None, pooled: bool
) -> dict[str, Any]:
    """Return what differs from the study, for the tables and the ledger."""
    given = dict(chosen.given)
    if channels is not None:
        given["channels"] = list(channels)
    return {**given, "pooled": True} if pooled else given


def _refuse_given(kind: str, **given: object) -> None:
    for name, value in given.items():
        if value:
            whose = "a Keras model or the stock LSTM" if name == "channels" else KERAS
            raise ConfigurationError(
                f"`{name}` is for {whose}. Received: {name}={value!r} with {kind}"
            )


def _listed(values: Any) -> list[Any]:
    """Return several values as a list; a word is one value."""
    several = isinstance(values, Iterable) and not isinstance(values, str)
    return list(values) if several else [values]
