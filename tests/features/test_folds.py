import pandas as pd
import pytest

from nse_lstm.errors import ConfigurationError
from nse_lstm.features.folds import make_folds, resolve_test_year


def test_the_test_year_is_the_last_fold_and_the_only_one_of_its_kind():
    folds = make_folds(2023, 3)
    assert [fold.year for fold in folds] == [2020, 2021, 2022, 2023]
    assert [fold.kind for fold in folds] == ["walk_forward"] * 3 + ["test"]


def test_consecutive_folds_touch_without_overlap():
    folds = make_folds(2023, 3)
    assert [fold.end for fold in folds[:-1]] == [fold.start for fold in folds[1:]]
    assert folds[-1].start == pd.Timestamp("2023-01-01")
    assert folds[-1].end == pd.Timestamp("2024-01-01")


def test_no_walk_forward_years_leave_the_test_year():
    assert [fold.year for fold in make_folds(2023, 0)] == [2023]


def test_a_negative_number_of_years_is_refused():
    with pytest.raises(ConfigurationError, match="Received: -1"):
        make_folds(2023, -1)


def test_zero_means_the_last_year_in_the_data(tiny_panel):
    assert resolve_test_year(tiny_panel, 0) == 2020


def test_a_year_without_data_is_refused(tiny_panel):
    with pytest.raises(ConfigurationError, match=r"\[2020\]. Received: 2021"):
        resolve_test_year(tiny_panel, 2021)


def test_an_empty_panel_has_no_test_year(tiny_panel):
    with pytest.raises(ConfigurationError, match="no rows"):
        resolve_test_year(tiny_panel.iloc[:0], 0)
