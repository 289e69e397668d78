"""What forecasters of the cross-section stand on.

Features, targets of every horizon and folds are laid out once; whoever measures several
forecasters on one panel fits them all on the same ground.
"""

from collections.abc import Sequence

import pandas as pd

from nse_lstm.config import Study
from nse_lstm.evaluation.blending import blend_ranks
from nse_lstm.features.folds import Fold
from nse_lstm.study.cross_section import build_tables
from nse_lstm.study.rivals import ENSEMBLE, MEMBERS
from nse_lstm.study.search_spaces import FORECASTERS, Ground

__all__ = ["forecast_all", "lay_ground"]


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
    tables = build_tables(panel, study=study)
    return Ground(
        study=study,
        panel=panel,
        features=tables.features,
        targets=tables.targets,
        folds=tuple(folds),
    )


def forecast_all(ground: Ground, models: Sequence[str], fold: Fold) -> pd.DataFrame:
    """Fit several forecasters on all before a fold and forecast it.

    Parameters
    ----------
    models : sequence of str
        Of ``search_spaces.FORECASTERS``. Where all members of the ensemble are
        among them, it is added.

    Returns
    -------
    DataFrame
        ``FORECASTS`` of every horizon.
    """
    blocks = [
        FORECASTERS[model].forecast(ground, ground.study, fold) for model in models
    ]
    each = pd.concat(blocks, ignore_index=True)
    if not set(MEMBERS) <= set(models):
        return each
    blend = blend_ranks(each, MEMBERS, name=ENSEMBLE)
    return pd.concat([each, blend], ignore_index=True)
