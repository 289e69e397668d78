"""A stand-in for the rank LSTM in tests that need its rows and not its training."""

from collections.abc import Sequence

import pandas as pd

from nse_lstm.features.folds import Fold
from nse_lstm.study.core.study_data import StudyData
from nse_lstm.study.ranking.tabular_models import train_tabular


def reversed_ridge(
    data: StudyData, folds: Sequence[Fold], *, progress: object
) -> pd.DataFrame:
    """Stand in for a network: every ridge forecast with the other sign."""
    table = train_tabular(data, progress=lambda _: None)
    own = table[(table["model"] == "ridge") & (table["delay"] == 1)]
    own = own[own["fold"].isin([fold.year for fold in folds])]
    return own.assign(model="rank_lstm", y_hat=-own["y_hat"])
