"""Mixtures of v1 and v2: both ends are the models, a change is one change."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import make_tiny_panel

from nse_lstm.config import V2, Ablation, Market, Study, Training
from nse_lstm.errors import ArtefactError
from nse_lstm.features.folds import Fold, make_folds
from nse_lstm.features.returns import market_sessions, with_returns
from nse_lstm.features.scaling import MinMaxScaler, fit_min_max, scale
from nse_lstm.features.windows import FoldSplit, make_windows, split_fold
from nse_lstm.models.ablation import (
    CHANGES,
    ablation_job,
    describe_mixture,
    mixture_training,
    training_windows,
)
from nse_lstm.models.architectures import describe_v1, describe_v2
from nse_lstm.models.job_checks import find_fault
from nse_lstm.models.jobs import SampleJob

STUDY = Study(
    market=Market(name="simulated", label="a test"),
    v2=V2(lookback=5, units=4, dense_units=25),
    ablation=Ablation(max_epochs=12, max_windows=60),
)
MARKET = MinMaxScaler(0.0, 500.0)
(FOLD, _) = make_folds(2022, 1)


def split_of(panel: pd.DataFrame, fold: Fold = FOLD) -> FoldSplit:
    prices = with_returns(panel)
    windows = make_windows(
        prices[prices["ticker"] == "AAA"],
        market_sessions(prices),
        lookback=STUDY.v2.lookback,
        horizon=1,
    )
    return split_fold(windows, fold, validation_share=0.15, purge=1)


@pytest.fixture(scope="module")
def split() -> FoldSplit:
    return split_of(make_tiny_panel(300))


def job_of(split: FoldSplit, *changes: str) -> SampleJob:
    return ablation_job(
        split,
        changes,
        mixture="some",
        study=STUDY,
        ticker="AAA",
        year=2021,
        seed=1,
        market=MARKET,
        version="v",
    )


def test_no_change_is_v1_and_all_of_them_are_v2() -> None:
    v1 = describe_v1(STUDY.v2.lookback, units=STUDY.v2.units)
    v2 = describe_v2(STUDY.v2)
    none, every = describe_mixture((), STUDY), describe_mixture(CHANGES, STUDY)
    assert (none.layers, none.loss) == (v1.layers, v1.loss)
    assert (every.layers, every.loss) == (v2.layers, v2.loss)
    # One name for all, so that all begin with the same random numbers.
    assert none.name == every.name


@pytest.mark.parametrize("change", ["l2", "normalisation", "dropout", "relu", "huber"])
def test_a_change_of_the_network_changes_it_alone_and_removed(change: str) -> None:
    others = [other for other in CHANGES if other != change]
    assert describe_mixture([change], STUDY) != describe_mixture((), STUDY)
    assert describe_mixture(others, STUDY) != describe_mixture(CHANGES, STUDY)


def test_an_unknown_change_is_refused() -> None:
    with pytest.raises(ArtefactError, match=r"Received: \['magic'\]"):
        describe_mixture(["magic"], STUDY)


def test_only_early_stopping_trains_as_v2_does() -> None:
    stopping = replace(STUDY.training, max_epochs=12)
    assert mixture_training(CHANGES, STUDY) == stopping
    others = [change for change in CHANGES if change != "early_stopping"]
    # v1's ten epochs, which are fewer than the ablation's twelve.
    plain = Training(batch_size=32, max_epochs=10, learning_rate=1e-3)
    assert mixture_training(others, STUDY) == mixture_training((), STUDY) == plain


def test_without_early_stopping_the_validation_windows_train_too(
    split: FoldSplit,
) -> None:
    stops = training_windows(split, ["early_stopping"], at_most=10**6)
    runs = training_windows(split, (), at_most=10**6)
    assert stops.origin.tolist() == split.train.origin.tolist()
    both = [*split.train.origin, *split.validation.origin]
    assert runs.origin.tolist() == both
    np.testing.assert_array_equal(runs.X[-1], split.validation.X[-1])
    assert job_of(split).validation is None
    assert len(job_of(split, "early_stopping").validation or ()) == len(
        split.validation
    )


def test_more_windows_than_wanted_are_thinned_evenly(split: FoldSplit) -> None:
    whole = training_windows(split, (), at_most=10**6)
    some = training_windows(split, (), at_most=60)
    step = -(-len(whole) // 60)
    assert step > 1 and len(some) <= 60
    assert some.origin.tolist() == whole.origin[::step].tolist()


def test_the_scaler_is_the_stock_s_or_the_market_s(split: FoldSplit) -> None:
    train = training_windows(split, (), at_most=60)
    own = fit_min_max(np.append(train.X, train.y))
    for changes, scaler in (((), MARKET), (("stock_scaler",), own)):
        job = job_of(split, *changes)
        expected = scale(scaler, train.y).astype(np.float32)
        np.testing.assert_array_equal(job.train.y[:, 0], expected)
        written = {"minimum": scaler.minimum, "maximum": scaler.maximum}
        assert job.about["scaler"] == written
        assert find_fault(job, STUDY) is None


def test_another_future_changes_no_job(split: FoldSplit) -> None:
    panel = make_tiny_panel(300)
    later = panel["session"] >= FOLD.start
    assert later.any()
    for column in ("price", "low", "high"):
        panel.loc[later, column] *= 3
    other = split_of(panel)
    for changes in ((), CHANGES):
        one, two = job_of(split, *changes), job_of(other, *changes)
        np.testing.assert_array_equal(one.train.table, two.train.table)
        np.testing.assert_array_equal(one.train.y, two.train.y)
        assert one.about == two.about
