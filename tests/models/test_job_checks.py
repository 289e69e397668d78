from dataclasses import replace

import numpy as np
import pytest
from support.training_jobs import make_jobs, make_pooled_job, make_study

from nse_lstm.features.windows import PER_WINDOW
from nse_lstm.models.job_checks import find_fault


@pytest.fixture(scope="module")
def job():
    return make_jobs("A")[0]


def with_windows(job, span: str, **arrays):
    return replace(job, **{span: replace(getattr(job, span), **arrays)})


def test_a_good_job_has_no_fault(job):
    assert find_fault(job, make_study()) is None


@pytest.mark.parametrize("span", ["train", "validation"])
def test_disagreeing_shapes_are_a_fault(job, span):
    windows = getattr(job, span)
    for arrays in ({"y": windows.y[1:]}, {"lookback": 9}, {"y": windows.X}):
        fault = find_fault(with_windows(job, span, **arrays), make_study())
        assert f"`{span}` windows of 10 sessions" in fault


@pytest.mark.parametrize("span", ["train", "validation"])
def test_a_window_beyond_its_prices_is_a_fault(job, span):
    windows = getattr(job, span)
    for last in (windows.last - windows.last[0] + 8, windows.last + 9999):
        fault = find_fault(with_windows(job, span, last=last), make_study())
        assert f"`{span}` windows within its table" in fault


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
@pytest.mark.parametrize("span", ["train", "validation"])
def test_a_value_that_is_not_finite_is_a_fault(job, span, value):
    windows = getattr(job, span)
    prices, y = windows.prices.copy(), windows.y.copy()
    prices[windows.last[0]] = y[0] = value
    # All 10 windows that hold the session, as far as they were not dropped.
    n = int((windows.last < windows.last[0] + 10).sum())
    fault = find_fault(with_windows(job, span, prices=prices), make_study())
    assert f"finite values in the `{span}` windows. Received: {n} windows" in fault
    assert f"`{span}` windows" in find_fault(with_windows(job, span, y=y), make_study())


def take(windows, n):
    return {name: getattr(windows, name)[:n] for name in PER_WINDOW}


def test_too_few_windows_are_a_fault(job):
    few = with_windows(job, "train", **take(job.train, 31))
    assert "at least 32 `train` windows" in find_fault(few, make_study())
    none = with_windows(job, "validation", **take(job.validation, 0))
    assert "at least 1 `validation` windows" in find_fault(none, make_study())


def test_v1_validates_nothing(job):
    none = with_windows(job, "validation", **take(job.validation, 0))
    assert find_fault(replace(none, architecture="v1"), make_study()) is None


def test_samples_may_lack_targets_but_must_fit_their_network():
    job = make_pooled_job()
    assert find_fault(job, make_study()) is None
    assert np.isnan(job.train.y).any()
    table, y = job.train.table, job.train.y
    faults = {
        "4 channels and 3 targets": {"table": table[:, 1:]},
        "3 targets per window": {"y": y[:, :2]},
        "with one target each": {"y": y[1:]},
        "1 such targets": {
            "y": np.where(np.arange(y.size).reshape(y.shape) == 7, np.inf, y)
        },
        "180 missing": {"y": y * np.nan},
        "windows with a value that is missing": {"table": table * np.nan},
    }
    for message, arrays in faults.items():
        wrong = replace(job, train=replace(job.train, **arrays))
        assert message in find_fault(wrong, make_study())


def test_an_unknown_architecture_is_a_fault(job):
    assert "'v9'" in find_fault(replace(job, architecture="v9"), make_study())
