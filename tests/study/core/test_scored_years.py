"""Years that are kept untouched are trained on and never scored."""

from dataclasses import replace

import pandas as pd
import pytest
from support.places import ROOT

from nse_lstm.config import Folds, Market, Study, Universe, load_study
from nse_lstm.errors import ConfigurationError
from nse_lstm.study.core.scored_years import (
    require_scored,
    scored_years,
    walk_forward_years,
)

STUDY = Study(
    market=Market(name="some", label="Some", untouched=(2011, 2012, 2013)),
    folds=Folds(n_walk_forward=5),
    universe=Universe(min_sessions=600),
)


def panel_of(first: int, last: int) -> pd.DataFrame:
    """Return the sessions of a market, 250 a year."""
    days = [
        day
        for year in range(first, last + 1)
        for day in pd.bdate_range(f"{year}-01-01", periods=250)
    ]
    return pd.DataFrame({"session": pd.DatetimeIndex(days)})


def test_untouched_years_are_left_out():
    assert scored_years(STUDY, 2010, 2016) == [2010, 2014, 2015]
    panel = panel_of(2007, 2015)
    assert walk_forward_years(STUDY, panel, test_year=2015) == [2010, 2014]


def test_an_untouched_year_is_no_test_year_and_no_year_of_the_laboratory():
    for check in (
        lambda: require_scored(STUDY, 2012),
        lambda: walk_forward_years(STUDY, panel_of(2007, 2012), test_year=2012),
    ):
        with pytest.raises(
            ConfigurationError, match=r"2012 .*markets\.some\.untouched"
        ):
            check()
    require_scored(STUDY, 2014)


def test_a_markets_first_year_needs_its_history():
    market = replace(STUDY.market, first_walk_forward=2009)
    study = replace(STUDY, market=market)
    # 600 sessions are known before 2010, not before 2009.
    found = walk_forward_years(study, panel_of(2007, 2016), test_year=2016)
    assert found == [2010, 2014, 2015]
    # Shorter files begin later.
    found = walk_forward_years(study, panel_of(2012, 2016), test_year=2016)
    assert found == [2015]


def test_the_long_study_of_the_real_market_scores_nothing_of_2011_to_2013():
    study = load_study(ROOT / "study.full.toml", "nse")
    found = walk_forward_years(study, panel_of(2007, 2023), test_year=2023)
    assert found == list(range(2014, 2023))
    for name in ("study.toml", "study.quick.toml", "study.full.toml"):
        assert load_study(ROOT / name, "nse").market.untouched == (2011, 2012, 2013)
