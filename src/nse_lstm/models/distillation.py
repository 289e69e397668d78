"""What the rank LSTM is taught by: half what came, half what boosted trees made of it.

Of the place that a return takes 99.5 % is luck. Trees that were fitted on other times
than a row's know nothing of that row's luck, and some of what can be known of it; a
network that aims between the two has less luck to learn from [1]_. All of it happens
within the training span.

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
    """Return what a network is to aim at in each training row.

    The span is cut into parts of consecutive sessions; each part is forecast by trees
    fitted on the others, less every row whose span from origin to target meets a label
    of the part.

    Parameters
    ----------
    rows : DataFrame
        ``FoldRows.train``: features beside the targets of one horizon.
    the rank LSTM : V3
        Its share that is ``distilled_share``, and in how many parts.
    tabular : Tabular
        Settings of the trees.
    seed : int
        Of the trees.

    Returns
    -------
    array of shape (len(rows),)
        Places, the teacher's and the real ones weighed. Nothing is fitted at a share
        of 0. A row that is apart from no other has its own place.

    Raises
    ------
    ConfigurationError
        If there are more parts than sessions.
    """
    came = rows["y_rank"].to_numpy(float)
    if rank_lstm.distilled_share == 0:
        return came
    dates = ["origin", "entry_date", "target_date"]
    spans = {name: rows[name].to_numpy() for name in dates}
    sessions = pd.DatetimeIndex(np.unique(np.concatenate(list(spans.values()))))
    taught = came.copy()
    for fold in make_combinatorial_folds(
        sessions, n_groups=rank_lstm.distillation_folds, n_test=1
    ):
        apart, own = split_combinatorial(fold, sessions, lookback=1, **spans)
        if apart.any():
            taught[own] = boosted_ranks(
                rows[apart], rows[own], tabular=tabular, seed=seed
            )
    return (1 - rank_lstm.distilled_share) * came + rank_lstm.distilled_share * taught
