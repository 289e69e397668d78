"""What forecasters of the cross-section stand on, and v3 fitted beside the study.

Features, targets of every horizon and folds are laid out once; whoever measures several
forecasters on one panel fits them all on the same ground. Networks fitted here belong
to a measurement, not to the study: their folder does not stay.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from nse_lstm.config import Study
from nse_lstm.errors import ArtefactError
from nse_lstm.evaluation.blending import blend_ranks, mean_over_seeds
from nse_lstm.features.folds import Fold
from nse_lstm.features.indicators import build_features
from nse_lstm.features.targets import build_targets
from nse_lstm.models.bundles import load_bundle
from nse_lstm.models.pooled import forecast_v3, v3_job
from nse_lstm.models.training import train
from nse_lstm.study.rivals import ENSEMBLE, MEMBERS
from nse_lstm.study.search_spaces import FORECASTERS, Forecaster, Ground

__all__ = ["V3_ALONE", "forecast_all", "lay_ground"]


def lay_ground(panel: pd.DataFrame, *, study: Study, folds: Sequence[Fold]) -> Ground:
    """Build features and the targets of every horizon of the cross-section.

    Parameters
    ----------
    panel : DataFrame
        ``PANEL``, as far as it may be seen.
    study : Study
        Its cross-section and the delay of its dealing.
    folds : sequence of Fold
        The years that are scored.
    """
    targets = [
        build_targets(
            panel,
            cross_section=study.cross_section,
            delay=study.dealing.delay,
            horizon=horizon,
        )
        for horizon in study.cross_section.horizons
    ]
    return Ground(
        study=study,
        panel=panel,
        features=build_features(panel, cross_section=study.cross_section),
        targets=tuple(targets),
        folds=tuple(folds),
    )


def forecast_all(ground: Ground, models: Sequence[str], fold: Fold) -> pd.DataFrame:
    """Fit several forecasters on all before a fold and forecast it.

    Parameters
    ----------
    models : sequence of str
        Of ``search_spaces.FORECASTERS`` or "v3". Where all members of the ensemble are
        among them, it is added.

    Returns
    -------
    DataFrame
        ``FORECASTS`` of every horizon.
    """
    known = {**FORECASTERS, V3_ALONE.name: V3_ALONE}
    blocks = [known[model].forecast(ground, ground.study, fold) for model in models]
    each = pd.concat(blocks, ignore_index=True)
    if not set(MEMBERS) <= set(models):
        return each
    blend = blend_ranks(each, MEMBERS, name=ENSEMBLE)
    return pd.concat([each, blend], ignore_index=True)


def _forecast_v3(ground: Ground, study: Study, fold: Fold) -> pd.DataFrame:
    """Fit v3 through the engine, in a folder that does not stay."""
    jobs = [
        v3_job(
            ground.features,
            ground.targets,
            fold,
            v3=study.v3,
            cross_section=study.cross_section,
            seed=seed,
            version=str(seed),
        )
        for seed in range(study.seed, study.seed + study.v3.n_seeds)
    ]
    with tempfile.TemporaryDirectory() as folder:
        models = train(
            jobs,
            study=study,
            folder_of=lambda job: Path(folder) / str(job.seed),
            progress=lambda _: None,
        )
        if failed := [model.failure for model in models if model.failure]:
            raise ArtefactError(
                f"Expected every network of v3 to be fitted. Received: {failed}"
            )
        singles = [
            forecast_v3(
                load_bundle(model.folder), ground.features, ground.targets, fold
            )
            for model in models
        ]
    return mean_over_seeds(pd.concat(singles, ignore_index=True), seed=study.seed)


V3_ALONE = Forecaster("v3", "v3", {}, _forecast_v3)
"""v3 as a forecaster that leaves nothing on disk."""
