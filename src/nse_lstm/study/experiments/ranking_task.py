"""What forecasters of the cross-section stand on.

Features, targets of every horizon and folds are laid out once; whoever measures several
forecasters on one panel fits them all on the same ground.
"""

from collections.abc import Sequence

import pandas as pd

from nse_lstm.config import Study
from nse_lstm.evaluation.rank_ensemble import average_ranks
from nse_lstm.features.folds import Fold
from nse_lstm.study.experiments.search_spaces import FORECASTERS, RankingTask
from nse_lstm.study.ranking.features_and_targets import build_tables
from nse_lstm.study.ranking.rank_models import ENSEMBLE, MEMBERS


def make_ranking_task(
    panel: pd.DataFrame, *, study: Study, folds: Sequence[Fold]
) -> RankingTask:
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
    return RankingTask(
        study=study,
        panel=panel,
        features=tables.features,
        targets=tables.targets,
        folds=tuple(folds),
    )


def forecast_all(
    ground: RankingTask, models: Sequence[str], fold: Fold
) -> pd.DataFrame:
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
    blend = average_ranks(each, MEMBERS, name=ENSEMBLE)
    return pd.concat([each, blend], ignore_index=True)
