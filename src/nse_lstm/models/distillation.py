"""Distilled targets of the rank LSTM: half the rank, half the trees' forecast of it.

A rank is 99.5 % noise. Trees that were fitted on other times than a row's know nothing
of that row's noise, and some of its signal. A network with a target between the two
has less noise to learn from [1]_. All of it happens within the training span.

References
----------
.. [1] G. Hinton, O. Vinyals and J. Dean (2015). Distilling the knowledge in a neural
   network. arXiv:1503.02531.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nse_lstm.config import RankLstm, Tabular
from nse_lstm.features.folds import make_combinatorial_folds, split_combinatorial
from nse_lstm.models.tabular_models import boosted_ranks

Numbers = NDArray[np.float64]


def distil(
    rows: pd.DataFrame, *, rank_lstm: RankLstm, tabular: Tabular, seed: int
) -> Numbers:
    """Return a network's target in each training row: rank and trees' forecast mixed.

    The span is cut into parts of consecutive sessions. Each part is forecast by trees
    fitted on the others, less every row whose span from origin to target overlaps a
    target of the part.

    Parameters
    ----------
    rows : DataFrame
        ``FoldRows.train``: features beside the targets of one horizon.
    rank_lstm : RankLstm
        Its ``distilled_share`` is the trees' weight, its ``distillation_folds`` the
        number of parts.
    tabular : Tabular
        Settings of the trees.
    seed : int
        Of the trees.

    Returns
    -------
    array of shape (len(rows),)
        Ranks. Nothing is fitted at a weight of 0. Where no tree can be fitted a row
        keeps its own rank.

    Raises
    ------
    ConfigurationError
        If there are more parts than sessions.
    """
    actual = rows["y_rank"].to_numpy(float)
    if rank_lstm.distilled_share == 0:
        return actual
    dates = ["origin", "entry_date", "target_date"]
    spans = {name: rows[name].to_numpy() for name in dates}
    sessions = pd.DatetimeIndex(np.unique(np.concatenate(list(spans.values()))))
    distilled = actual.copy()
    for fold in make_combinatorial_folds(
        sessions, n_groups=rank_lstm.distillation_folds, n_test=1
    ):
        apart, own = split_combinatorial(fold, sessions, lookback=1, **spans)
        if apart.any():
            distilled[own] = boosted_ranks(
                rows[apart], rows[own], tabular=tabular, seed=seed
            )
    return (
        1 - rank_lstm.distilled_share
    ) * actual + rank_lstm.distilled_share * distilled
