"""The table of windows: where a share's sessions lie, and what stands where none is."""

import numpy as np
import pandas as pd
import pytest
from support.odd_panel import SMALL, odd_panel

from nse_lstm.errors import DataError
from nse_lstm.features.indicators import build_features
from nse_lstm.features.sequences import CHANNELS, lay_out
from nse_lstm.tables import RANKED_FEATURES

LOOKBACK = 5


@pytest.fixture(scope="module")
def features() -> pd.DataFrame:
    return build_features(odd_panel(), cross_section=SMALL)


def test_a_window_is_the_shares_own_last_sessions(features: pd.DataFrame) -> None:
    own = features[features["ticker"] == "BBB"].reset_index(drop=True)
    # A share without a row on one session of the calendar.
    laid = lay_out(features.drop(features.index[own.index[45]]), lookback=LOOKBACK)
    last = laid.last(own["ticker"][40:41], own["session"][40:41])[0]
    window = laid.table[last - LOOKBACK + 1 : last + 1]
    expected = own.loc[36:40, list(CHANNELS)].to_numpy(float)
    expected[:, : len(RANKED_FEATURES)] *= (
        12**0.5
    )  # places from -1/2 to 1/2 have a variance of 1/12
    np.testing.assert_allclose(window, np.nan_to_num(expected), rtol=1e-6)


def test_before_the_first_session_and_without_a_row_there_is_nothing(
    features: pd.DataFrame,
) -> None:
    absent = (features["ticker"] == "BBB").to_numpy().nonzero()[0][30]
    laid = lay_out(features.drop(features.index[absent]), lookback=LOOKBACK)
    first = laid.last(pd.Series(["BBB"]), pd.Series(laid.sessions[:1]))[0]
    assert not laid.table[first - LOOKBACK + 1 : first].any()
    assert not laid.table[first + 30].any()
    assert laid.table[first + 31].any()


def test_later_sessions_move_no_window(features: pd.DataFrame) -> None:
    early = features[features["session"] < features["session"].unique()[50]]
    key = early["ticker"], early["session"]
    windows = []
    for table in (early, features):
        laid = lay_out(table, lookback=LOOKBACK)
        windows.append(laid.table[laid.last(*key)[:, None] - np.arange(LOOKBACK)])
    np.testing.assert_array_equal(*windows)


def test_what_is_not_in_the_table_is_an_error(features: pd.DataFrame) -> None:
    laid = lay_out(features, lookback=LOOKBACK)
    with pytest.raises(DataError, match="1 of 1"):
        laid.last(pd.Series(["ZZZ"]), pd.Series(laid.sessions[:1]))
