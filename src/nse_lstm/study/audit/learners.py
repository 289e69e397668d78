"""Fit a job in this process and forecast from it: networks, or the fast surrogate.

The study's own ``fit_models`` runs either way, and looks for a model that is there
already. So a run that resumes is audited too. The rank LSTM and the stock LSTM are
always their own networks.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nse_lstm.config import Study, Training
from nse_lstm.models import training
from nse_lstm.models.jobs import Executor, TrainedModel, TrainingJob, Waiting
from nse_lstm.models.outcomes import describe_model, fit_job
from nse_lstm.study.audit import surrogate
from nse_lstm.study.audit.patching import patched
from nse_lstm.study.validation import validate

Fit = Callable[[TrainingJob, Study, Path], None]


def fit_network(job: TrainingJob, study: Study, folder: Path) -> None:
    """Fit a job's network in this process, with the study's own engine.

    Parameters
    ----------
    job : TrainingJob
    study : Study
    folder : Path
        Of the bundle.
    """
    from nse_lstm.models.fitting import fit_bundle

    fit_bundle(job, study=study, folder=folder)


LEARNERS: dict[str, Fit] = {
    "network": fit_network,
    "surrogate": surrogate.fit_surrogate,
}
"""Fits of a job: the study's network, or the fast linear surrogate."""


@contextmanager
def learning_with(learner: str) -> Iterator[None]:
    """Let the study's phases fit in this process, and forecast with what they fitted.

    Parameters
    ----------
    learner : str
        One of ``LEARNERS``.
    """

    def choose(settings: Training, locks: Path | None = None) -> Executor:
        return surrogates_here if learner == "surrogate" else _networks_here

    with patched(training, choose_executor=choose), forecasting_with(learner):
        yield


@contextmanager
def forecasting_with(learner: str) -> Iterator[None]:
    """Let Phase 4 forecast with its own networks, or with the surrogates."""
    if learner == "network":
        yield
    else:
        with patched(
            validate,
            load_bundle=surrogate.load_stored,
            forecast=surrogate.forecast_windows,
        ):
            yield


def surrogates_here(
    waiting: Waiting, study: Study
) -> Iterator[tuple[int, TrainedModel]]:
    """Fit surrogates of single stocks, and the networks of all others.

    Parameters
    ----------
    waiting : mapping
        Jobs and the folders of their bundles, by place.
    study : Study
    """
    for place, (job, folder) in waiting.items():
        if isinstance(job, TrainingJob):
            surrogate.fit_surrogate(job, study, folder)
            yield place, describe_model(job, folder)
        else:
            yield place, fit_job(job, study, folder)


def _networks_here(
    waiting: Waiting, study: Study
) -> Iterator[tuple[int, TrainedModel]]:
    for place, (job, folder) in waiting.items():
        yield place, fit_job(job, study, folder)
