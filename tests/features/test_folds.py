import pandas as pd
import pytest

from nse_lstm.errors import ConfigurationError
from nse_lstm.features.folds import folds_of_years, make_folds, resolve_test_year


def test_the_test_year_is_the_last_fold_and_the_only_one_of_its_kind():
    folds = make_folds(2023, 3)
    assert [fold.year for fold in folds] == [2020, 2021, 2022, 2023]
    assert [fold.kind for fold in folds] == ["walk_forward"] * 3 + ["test"]


def test_consecutive_folds_touch_without_overlap():
    folds = make_folds(2023, 3)
    assert [fold.end for fold in folds[:-1]] == [fold.start for fold in folds[1:]]
    assert folds[-1].start == pd.Timestamp("2023-01-01")
    assert folds[-1].end == pd.Timestamp("2024-01-01")


def test_untouched_years_are_no_folds():
    folds = folds_of_years([2010, 2014, 2015], 2016)
    assert [fold.year for fold in folds] == [2010, 2014, 2015, 2016]


def test_no_walk_forward_years_leave_the_test_year():
    assert [fold.year for fold in make_folds(2023, 0)] == [2023]


def test_a_negative_number_of_years_is_refused():
    with pytest.raises(ConfigurationError, match="Received: -1"):
        make_folds(2023, -1)


@pytest.mark.parametrize("years", [[2023], [2021, 2020], [2020, 2020]])
def test_walk_forward_years_out_of_order_are_refused(years):
    with pytest.raises(ConfigurationError, match=r"before 2023.*Received"):
        folds_of_years(years, 2023)


def sessions_of(**n_sessions: int) -> pd.DataFrame:
    """Return a panel's sessions: so many of each year."""
    days = [
        day
        for year, n in n_sessions.items()
        for day in pd.bdate_range(f"{year[1:]}-01-01", periods=n)
    ]
    return pd.DataFrame({"session": pd.DatetimeIndex(days)})


@pytest.mark.parametrize(
    ("panel", "expected"),
    [
        (sessions_of(y2022=250, y2023=243), 2023),
        (sessions_of(y2022=250, y2023=200), 2023),
        # A year that has only begun is no test year.
        (sessions_of(y2022=250, y2023=199), 2022),
        (sessions_of(y2021=250, y2022=123, y2023=20), 2021),
        # In a market of short years the last one serves.
        (sessions_of(y2022=100, y2023=20), 2023),
    ],
)
def test_zero_means_the_last_year_that_is_long_enough(panel, expected):
    assert resolve_test_year(panel, 0) == expected
    # It may be asked for.
    assert resolve_test_year(panel, 2022 if expected != 2022 else 2023) != expected


def test_a_year_without_data_is_refused(tiny_panel):
    with pytest.raises(ConfigurationError, match=r"\[2020\]. Received: 2021"):
        resolve_test_year(tiny_panel, 2021)


def test_an_empty_panel_has_no_test_year(tiny_panel):
    with pytest.raises(ConfigurationError, match="no rows"):
        resolve_test_year(tiny_panel.iloc[:0], 0)
