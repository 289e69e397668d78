"""Build the inputs that all forecasters of the cross-section share.

Features, targets of every horizon and folds are built once per panel, so that several
forecasters are fitted on the same data.
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
        Its cross-section and its trading delay are used.
    folds : sequence of Fold
        The scored years.
    """
    tables = build_tables(panel, study=study)
    return RankingTask(
        study=study,
        panel=panel,
        features=tables.features,
        targets=tables.targets,
        folds=tuple(folds),
    )


def forecast_all(task: RankingTask, models: Sequence[str], fold: Fold) -> pd.DataFrame:
    """Fit several forecasters on all data before a fold and forecast the fold.

    Parameters
    ----------
    task : RankingTask
    models : sequence of str
        Names of ``search_spaces.FORECASTERS``. The ensemble is added where all of its
        members are among them.
    fold : Fold

    Returns
    -------
    DataFrame
        ``FORECASTS`` of every horizon.
    """
    blocks = [FORECASTERS[model].forecast(task, task.study, fold) for model in models]
    each = pd.concat(blocks, ignore_index=True)
    if not set(MEMBERS) <= set(models):
        return each
    blend = average_ranks(each, MEMBERS, name=ENSEMBLE)
    return pd.concat([each, blend], ignore_index=True)
