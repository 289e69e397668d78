from dataclasses import replace

import numpy as np
import pytest
from models.jobs import make_jobs, make_study

from nse_lstm.models.checks import find_fault


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
    for arrays in ({"y": windows.y[1:]}, {"X": windows.X[:, 1:]}):
        fault = find_fault(with_windows(job, span, **arrays), make_study())
        assert f"`{span}` windows of 10 sessions" in fault


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
@pytest.mark.parametrize("span", ["train", "validation"])
def test_a_value_that_is_not_finite_is_a_fault(job, span, value):
    X = getattr(job, span).X.copy()
    X[3, 2] = value
    fault = find_fault(with_windows(job, span, X=X), make_study())
    assert f"finite prices in the `{span}` windows. Received: 1 values" in fault


def test_too_few_windows_are_a_fault(job):
    few = with_windows(job, "train", X=job.train.X[:31], y=job.train.y[:31])
    assert "at least 32 `train` windows" in find_fault(few, make_study())
    none = with_windows(job, "validation", X=job.train.X[:0], y=job.train.y[:0])
    assert "at least 1 `validation` windows" in find_fault(none, make_study())


def test_v1_validates_nothing(job):
    none = with_windows(job, "validation", X=job.train.X[:0], y=job.train.y[:0])
    assert find_fault(replace(none, architecture="v1"), make_study()) is None


def test_an_unknown_architecture_is_a_fault(job):
    assert "'v9'" in find_fault(replace(job, architecture="v9"), make_study())
