"""The rank LSTM in the study: fitted once per version, blind to the test year."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from support.tiny_study import tiny_workspace

from nse_lstm.config import CrossSection, RankLstm
from nse_lstm.errors import ArtefactError
from nse_lstm.features.folds import make_folds
from nse_lstm.study.core.study_data import open_study_data
from nse_lstm.study.data_analysis.analyse import analyse_data
from nse_lstm.study.data_analysis.raw_files import prepare_raw
from nse_lstm.study.ranking.rank_lstm import SINGLE, rank_lstm_folds, train_rank_lstm

TINY = RankLstm(
    lookback=4, units=3, deep_units=4, max_epochs=1, n_seeds=2, batch_size=64
)


def test_years_begin_where_the_study_says(tmp_path: Path) -> None:
    workspace = tiny_workspace(tmp_path)
    folds = make_folds(2024, 3)[:-1]
    study = replace(workspace.study, rank_lstm=RankLstm(first_year=2022))
    chosen = rank_lstm_folds(study, folds)
    assert [fold.year for fold in chosen] == [2022, 2023]
    study = replace(workspace.study, rank_lstm=RankLstm(first_year=2024))
    with pytest.raises(ArtefactError, match=r"from 2024 on.* 2021, 2022, 2023"):
        rank_lstm_folds(study, folds)


@pytest.mark.slow
def test_seeds_are_averaged_and_a_second_run_fits_nothing(tmp_path: Path) -> None:
    tiny = tiny_workspace(tmp_path)
    study = replace(
        tiny.study,
        cross_section=CrossSection(size=4, horizons=(1, 5)),
        rank_lstm=TINY,
    )
    workspace = replace(tiny, study=study)
    prepare_raw(workspace)
    analyse_data(workspace)
    data = open_study_data(workspace)
    folds, lines = make_folds(2024, 1)[:-1], list[str]()
    table = train_rank_lstm(data, folds, progress=lines.append)
    assert len(lines) == 3  # the teacher, and a network a seed
    assert table["target_date"].max() < pd.Timestamp(2024, 1, 1)
    key = ["ticker", "origin", "horizon"]
    single = table[table["model"] == SINGLE]
    means = single.groupby(key)["y_hat"].mean()
    own = table[table["model"] == "rank_lstm"].set_index(key)["y_hat"].sort_index()
    pd.testing.assert_series_equal(own, means)
    assert set(single["seed"]) == {study.seed, study.seed + 1}
    again = train_rank_lstm(data, folds, progress=lines.append)
    assert len(lines) == 3
    pd.testing.assert_frame_equal(again, table, check_exact=True)
