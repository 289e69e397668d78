"""Search better settings of a forecaster on the years before the walk-forward years.

The panel is cut where the first walk-forward year begins, before anything is built from
it. Each setting tried is stored per forecaster, so a search can be resumed, and in the
ledger, since each is an evaluation. The best settings are printed, and the study stays
as it is.
"""

import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import optuna
import pandas as pd
from optuna.distributions import (
    BaseDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from nse_lstm.config import study_document
from nse_lstm.errors import ArtefactError, ConfigurationError
from nse_lstm.evaluation.rank_ic import daily_rank_ic
from nse_lstm.features.folds import folds_of_years
from nse_lstm.models.jobs import job_seed
from nse_lstm.models.versions import artefact_version
from nse_lstm.study.core.ledger import append_lines
from nse_lstm.study.core.market_scope import HISTORY_YEARS
from nse_lstm.study.core.phase_tables import (
    ALL_STOCKS,
    read_facts,
    read_sealed_panel,
)
from nse_lstm.study.core.scored_years import scored_years
from nse_lstm.study.core.study_data import open_study_data
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.experiments.ranking_task import make_ranking_task
from nse_lstm.study.experiments.search_spaces import (
    FORECASTERS,
    Forecaster,
    RankingTask,
    Setting,
)
from nse_lstm.study.ranking.tabular_models import ranking_folds

LEDGER = "searches.jsonl"
KEY = ["data", "search", "forecaster", "settings"]
DONE = (TrialState.COMPLETE, TrialState.PRUNED)
RANDOM_TRIALS = 5
"""Random trials before the sampler learns from them and any is pruned."""

Progress = Callable[[str], None]
Objective = Callable[[dict[str, Any], int], float]
"""From settings and the index of a fold to the mean rank IC of its year."""


@dataclass(frozen=True)
class SearchResult:
    """Result of a search."""

    forecaster: str
    settings: dict[str, Any]
    """The best settings."""
    value: float
    """Their mean rank IC over years and horizons."""
    own_value: float
    """Mean rank IC of the study's own settings."""
    n_trials: int
    n_pruned: int
    n_evaluations: int
    """Settings in the ledger of searches, over all data and forecasters."""


def search(
    workspace: Workspace, forecaster: str, *, progress: Progress = print
) -> SearchResult:
    """Try settings of a forecaster up to the study's budget, resuming earlier trials.

    The study's own settings are tried first. A trial is pruned when it falls below the
    median of earlier trials after the same year. The next draw depends only on the seed
    and the finished trials, so a resumed search gives the same result.

    Parameters
    ----------
    workspace : Workspace
    forecaster : str
        One of ``search_spaces.FORECASTERS``.
    progress : callable
        Receives one line per trial.

    Raises
    ------
    ConfigurationError
        If there is no such forecaster.
    """
    if forecaster not in FORECASTERS:
        raise ConfigurationError(
            f"`forecaster` must be one of {sorted(FORECASTERS)}. "
            f"Received: {forecaster!r}"
        )
    one = FORECASTERS[forecaster]
    task = prepare_ranking_task(workspace)

    def objective(settings: dict[str, Any], place: int) -> float:
        return mean_rank_ic(task, one, settings, place)

    budget = one.n_trials(workspace.study)
    with _opened(workspace, one) as trials:
        while (n_done := len(_done(trials))) < budget:
            _try_next(workspace, trials, one, objective, n_years=len(task.folds))
            _record(workspace, trials, one)
            progress(_line(_done(trials)[-1], f"[{n_done + 1}/{budget}]"))
        return _found(trials, one, n_evaluations=_record(workspace, trials, one))


def search_years(workspace: Workspace) -> tuple[int, ...]:
    """Return the scored years: the last ones before the first walk-forward year.

    Raises
    ------
    ArtefactError
        If no year has enough history before it.
    """
    data = open_study_data(workspace)
    first = min(ranking_folds(data)[0].year, data.folds[0].year)
    facts = read_facts(workspace)
    begin = pd.Timestamp(facts.first_session).year + HISTORY_YEARS
    known = scored_years(workspace.study, begin, first)
    there = [year for year in known if year not in facts.missing_years]
    years = tuple(there[-workspace.study.search.n_years :])
    if not years:
        raise ArtefactError(
            f"Expected a year from {begin} on, before the first walk-forward year, to "
            f"search on. Received: first walk-forward year {first}"
        )
    return years


def prepare_ranking_task(workspace: Workspace) -> RankingTask:
    """Cut the panel before the first walk-forward year and build the ranking task."""
    study, years = workspace.study, search_years(workspace)
    seen = read_sealed_panel(workspace, before=years[-1] + 1)
    folds = folds_of_years(years, years[-1] + 1)[:-1]
    return make_ranking_task(seen, study=study, folds=folds)


def mean_rank_ic(
    task: RankingTask, forecaster: Forecaster, settings: dict[str, Any], place: int
) -> float:
    """Fit a forecaster under some settings and score one year by its mean rank IC.

    Parameters
    ----------
    task : RankingTask
    forecaster : Forecaster
    settings : dict
        Values of the forecaster's search space.
    place : int
        Index of the fold.

    Returns
    -------
    float
        Mean over the horizons of the sessions' mean rank IC.

    Raises
    ------
    ArtefactError
        If no session could be ranked.
    """
    fold = task.folds[place]
    study = forecaster.under(task.study, settings)
    forecasts = forecaster.forecast(task, study, fold)
    daily = daily_rank_ic(forecasts, task.panel)
    if daily.empty:
        raise ArtefactError(
            f"Expected sessions of {fold.year} that {forecaster.name} ranks. "
            "Received: none"
        )
    return float(daily.groupby("horizon")["rank_ic"].mean().mean())


def settings_lines(found: SearchResult) -> str:
    """Write the best settings as lines of a study file."""
    section = FORECASTERS[found.forecaster].section
    lines = [f"{name} = {value}" for name, value in found.settings.items()]
    return "\n".join([f"[{section}]", *lines])


@contextmanager
def _opened(workspace: Workspace, forecaster: Forecaster) -> Iterator[optuna.Study]:
    """Open the stored trials of this search, named by all that its scores depend on."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folder = workspace.paths.search
    folder.mkdir(parents=True, exist_ok=True)
    storage = RDBStorage(f"sqlite:///{folder / forecaster.name}.db")
    try:
        yield optuna.create_study(
            storage=storage,
            study_name=_version(workspace, forecaster),
            direction="maximize",
            pruner=optuna.pruners.MedianPruner(n_startup_trials=RANDOM_TRIALS),
            load_if_exists=True,
        )
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _try_next(
    workspace: Workspace,
    trials: optuna.Study,
    forecaster: Forecaster,
    objective: Objective,
    *,
    n_years: int,
) -> None:
    """Draw, fit and score one setting, or prune it between two years."""
    n_done, space = len(_done(trials)), _distributions(forecaster)
    if n_done == 0:
        own = forecaster.current(workspace.study)
        values = [objective(own, place) for place in range(n_years)]
        first = create_trial(
            params=own,
            distributions=space,
            value=_mean(values),
            intermediate_values={n: _mean(values[: n + 1]) for n in range(n_years)},
            user_attrs={"settings": own},
        )
        trials.add_trial(first)
        return
    # Seeded by the trial's number: a resumed search needs no stored sampler.
    trials.sampler = optuna.samplers.TPESampler(
        seed=job_seed(workspace.study.search.seed, forecaster.name, n_done),
        n_startup_trials=RANDOM_TRIALS,
    )
    trial = trials.ask(space)
    settings = {name: _tidy(value) for name, value in trial.params.items()}
    trial.set_user_attr("settings", settings)
    values = []
    for place in range(n_years):
        values.append(objective(settings, place))
        trial.report(_mean(values), place)
        if place + 1 < n_years and trial.should_prune():
            trials.tell(trial, state=TrialState.PRUNED)
            return
    trials.tell(trial, _mean(values))


def _mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)


def _distributions(forecaster: Forecaster) -> dict[str, BaseDistribution]:
    return {name: _distribution(each) for name, each in forecaster.space.items()}


def _distribution(setting: Setting) -> BaseDistribution:
    if setting.whole:
        low, high = int(setting.low), int(setting.high)
        return IntDistribution(low, high, log=setting.logarithmic)
    return FloatDistribution(setting.low, setting.high, log=setting.logarithmic)


def _tidy(value: float | int) -> float | int:
    """Round to three significant digits, as a study file has them."""
    return value if isinstance(value, int) else float(f"{value:.3g}")


def _done(trials: optuna.Study) -> list[FrozenTrial]:
    """Return the finished trials, without one that was interrupted."""
    return trials.get_trials(deepcopy=False, states=DONE)


def _record(workspace: Workspace, trials: optuna.Study, forecaster: Forecaster) -> int:
    """Write every setting tried to the ledger and return its number of settings."""
    about = {
        "data": read_facts(workspace).digest,
        "search": trials.study_name,
        "forecaster": forecaster.name,
        "years": list(search_years(workspace)),
    }
    lines = [
        {
            **about,
            "settings": json.dumps(trial.user_attrs["settings"], sort_keys=True),
            "rank_ic": trial.value if trial.state == TrialState.COMPLETE else None,
            "rank_ic_on_the_way": list(trial.intermediate_values.values()),
        }
        for trial in _done(trials)
    ]
    return append_lines(workspace.paths.ledger / LEDGER, lines, key=KEY)


def _found(
    trials: optuna.Study, forecaster: Forecaster, *, n_evaluations: int
) -> SearchResult:
    done = _done(trials)
    whole = [trial for trial in done if trial.state == TrialState.COMPLETE]
    best = max(whole, key=lambda trial: float(trial.value or 0.0))
    return SearchResult(
        forecaster=forecaster.name,
        settings=dict(best.user_attrs["settings"]),
        value=float(best.value or 0.0),
        own_value=float(done[0].value or 0.0),
        n_trials=len(done),
        n_pruned=len(done) - len(whole),
        n_evaluations=n_evaluations,
    )


def _line(trial: FrozenTrial, count: str) -> str:
    settings = ", ".join(f"{k} {v}" for k, v in trial.user_attrs["settings"].items())
    pruned = "" if trial.state == TrialState.COMPLETE else ", pruned"
    last = list(trial.intermediate_values.values())[-1]
    return f"{count} rank IC {last:+.4f}{pruned}: {settings}"


def _version(workspace: Workspace, forecaster: Forecaster) -> str:
    """Return the digest of all that a trial's score depends on, but its settings."""
    study = workspace.study
    # The study's own settings are the first trial, so another study searches anew.
    document, facts = study_document(study), read_facts(workspace)
    depends_on = {
        "cross_section": document["cross_section"],
        "delay": document["backtest"]["delay"],
        "section": document[forecaster.section],
        "space": {name: asdict(each) for name, each in forecaster.space.items()},
        "years": list(search_years(workspace)),
        "search_seed": study.search.seed,
    }
    return artefact_version(
        facts.digest,
        depends_on,
        study.seed,
        ticker=ALL_STOCKS,
        year=search_years(workspace)[-1],
        made_by=(__name__, "models.fitting"),
    )
