"""The search for better settings, inside the years before every walk-forward one.

What it may see ends where the first walk-forward year begins: the panel is cut there
before anything is built from it. Each setting tried is kept in a file of its own
forecaster, so that a search goes on where it stopped and ends as if it had not, and in
the ledger, since each is a look. The study is never changed: the best is printed.
"""

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import optuna
import pandas as pd
from optuna.distributions import (
    BaseDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, TrialState, create_trial

from nse_lstm.config import study_document
from nse_lstm.errors import ArtefactError, ConfigurationError
from nse_lstm.evaluation.rank_ic import daily_rank_ic
from nse_lstm.features.folds import make_folds
from nse_lstm.models.jobs import job_seed
from nse_lstm.models.versions import artefact_version
from nse_lstm.study.core.ledger import append_lines
from nse_lstm.study.core.phase_tables import (
    ALL_STOCKS,
    read_facts,
    read_sealed_panel,
)
from nse_lstm.study.core.study_data import open_study_data
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.experiments.ranking_task import make_ranking_task
from nse_lstm.study.experiments.search_spaces import (
    FORECASTERS,
    Forecaster,
    RankingTask,
    Setting,
)
from nse_lstm.study.ranking.tabular_models import HISTORY_YEARS, ranking_folds

LEDGER = "searches.jsonl"
KEY = ["data", "search", "forecaster", "settings"]
DONE = (TrialState.COMPLETE, TrialState.PRUNED)
RANDOM_TRIALS = 5
"""Trials before the sampler learns from them and any is given up."""

Progress = Callable[[str], None]
Objective = Callable[[dict[str, Any], int], float]
"""From settings and the place of a year to the mean rank IC of that year."""


@dataclass(frozen=True)
class Found:
    """What a search came to."""

    forecaster: str
    settings: dict[str, Any]
    """The best ones."""
    value: float
    """Their mean rank IC over years and horizons."""
    own_value: float
    """The study's own settings'."""
    n_trials: int
    n_given_up: int
    n_evaluations: int
    """Settings in the ledger of searches, of whatever data and forecaster."""


def search(
    workspace: Workspace, forecaster: str, *, progress: Progress = print
) -> Found:
    """Try settings of a forecaster up to the study's budget, resuming what was tried.

    The study's own settings are tried first. A trial that is below the median of those
    before it after the same year is given up. What is drawn next depends on the trials
    done and the seed only, so a search that was stopped ends like one that was not.

    Parameters
    ----------
    forecaster : str
        One of ``search_spaces.FORECASTERS``.
    progress : callable
        Is given one line a trial.

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
    ground = prepare_ranking_task(workspace)

    def objective(settings: dict[str, Any], place: int) -> float:
        return mean_rank_ic(ground, one, settings, place)

    trials = _open(workspace, one)
    budget = one.n_trials(workspace.study)
    while (n_done := len(_done(trials))) < budget:
        _try_next(workspace, trials, one, objective, n_years=len(ground.folds))
        _record(workspace, trials, one)
        progress(_line(_done(trials)[-1], f"[{n_done + 1}/{budget}]"))
    return _found(trials, one, n_evaluations=_record(workspace, trials, one))


def search_years(workspace: Workspace) -> tuple[int, ...]:
    """Return the years that are scored: the last before the first walk-forward one.

    Raises
    ------
    ArtefactError
        If there is none with enough history before it.
    """
    data = open_study_data(workspace)
    first = min(ranking_folds(data)[0].year, data.folds[0].year)
    begin = pd.Timestamp(read_facts(workspace).first_session).year + HISTORY_YEARS
    years = tuple(range(max(begin, first - workspace.study.search.n_years), first))
    if not years:
        raise ArtefactError(
            f"Expected a year from {begin} on, before the first walk-forward year, to "
            f"search on. Received: first walk-forward year {first}"
        )
    return years


def prepare_ranking_task(workspace: Workspace) -> RankingTask:
    """Cut the panel before the first walk-forward year and build on what is left."""
    study, years = workspace.study, search_years(workspace)
    seen = read_sealed_panel(workspace, before=years[-1] + 1)
    folds = make_folds(years[-1] + 1, len(years))[:-1]
    return make_ranking_task(seen, study=study, folds=folds)


def mean_rank_ic(
    ground: RankingTask, forecaster: Forecaster, settings: dict[str, Any], place: int
) -> float:
    """Fit and forecast one year under some settings; score it by the one rank IC.

    Returns
    -------
    float
        Mean over the horizons of the sessions' mean rank IC.

    Raises
    ------
    ArtefactError
        If no session could be ranked.
    """
    fold = ground.folds[place]
    study = forecaster.under(ground.study, settings)
    forecasts = forecaster.forecast(ground, study, fold)
    daily = daily_rank_ic(forecasts, ground.panel)
    if daily.empty:
        raise ArtefactError(
            f"Expected sessions of {fold.year} that {forecaster.name} ranks. "
            "Received: none"
        )
    return float(daily.groupby("horizon")["rank_ic"].mean().mean())


def settings_lines(found: Found) -> str:
    """Return the best settings as lines of a study file."""
    section = FORECASTERS[found.forecaster].section
    lines = [f"{name} = {value}" for name, value in found.settings.items()]
    return "\n".join([f"[{section}]", *lines])


def _open(workspace: Workspace, forecaster: Forecaster) -> optuna.Study:
    """Open the trials of this very search; those of another stay beside them."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folder = workspace.paths.search
    folder.mkdir(parents=True, exist_ok=True)
    return optuna.create_study(
        storage=f"sqlite:///{folder / forecaster.name}.db",
        study_name=_version(workspace, forecaster),
        direction="maximize",
        pruner=optuna.pruners.MedianPruner(n_startup_trials=RANDOM_TRIALS),
        load_if_exists=True,
    )


def _try_next(
    workspace: Workspace,
    trials: optuna.Study,
    forecaster: Forecaster,
    objective: Objective,
    *,
    n_years: int,
) -> None:
    """Draw, fit and score one setting, or give it up on the way."""
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
    # The sampler's own state would be lost with the process; this needs none.
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
    """Keep three digits: more of them are nothing that a study file should hold."""
    return value if isinstance(value, int) else float(f"{value:.3g}")


def _done(trials: optuna.Study) -> list[FrozenTrial]:
    """Return the trials that came to an end; one that was killed is none of them."""
    return trials.get_trials(deepcopy=False, states=DONE)


def _record(workspace: Workspace, trials: optuna.Study, forecaster: Forecaster) -> int:
    """Write every setting tried to the ledger; return how many are in it."""
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
) -> Found:
    done = _done(trials)
    whole = [trial for trial in done if trial.state == TrialState.COMPLETE]
    best = max(whole, key=lambda trial: float(trial.value or 0.0))
    return Found(
        forecaster=forecaster.name,
        settings=dict(best.user_attrs["settings"]),
        value=float(best.value or 0.0),
        own_value=float(done[0].value or 0.0),
        n_trials=len(done),
        n_given_up=len(done) - len(whole),
        n_evaluations=n_evaluations,
    )


def _line(trial: FrozenTrial, count: str) -> str:
    settings = ", ".join(f"{k} {v}" for k, v in trial.user_attrs["settings"].items())
    given_up = "" if trial.state == TrialState.COMPLETE else ", given up"
    last = list(trial.intermediate_values.values())[-1]
    return f"{count} rank IC {last:+.4f}{given_up}: {settings}"


def _version(workspace: Workspace, forecaster: Forecaster) -> str:
    """Name all that a trial's score depends on but its settings."""
    study = workspace.study
    # The own settings come first, so another study searches anew.
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
