import pickle
from dataclasses import replace

import numpy as np
from support.training_jobs import LOOKBACK, make_jobs, make_pooled_job

from nse_lstm.models.samples import Samples, gather


def test_a_job_takes_little_more_than_its_table():
    table = np.random.default_rng(0).normal(size=(5000, 40)).astype(np.float32)
    last = np.arange(59, 5000)
    y = np.zeros((len(last), 3), np.float32)
    job = replace(
        make_pooled_job(),
        train=Samples(table, last[:4000], y[:4000]),
        validation=Samples(table, last[4000:], y[4000:]),
    )
    # Copied out, its windows would take 60 times the table.
    assert len(pickle.dumps(job)) < 1.5 * table.nbytes


def test_a_stock_s_job_holds_its_prices_once():
    job = make_jobs("A")[0]
    assert job.train.prices is job.validation.prices
    n_windows = len(job.train) + len(job.validation)
    # Seven numbers a window, where a copy would take another `LOOKBACK`.
    expected = job.train.prices.nbytes + 7 * 8 * n_windows
    assert len(pickle.dumps(job)) < expected + 4000 < 8 * LOOKBACK * n_windows + 8000


def test_a_window_is_the_rows_up_to_its_last():
    samples = Samples(np.arange(12.0).reshape(6, 2), np.array([2, 5]), np.eye(2))
    x, y = gather(samples, samples.table, np.array([1, 0]), lookback=3)
    # Sessions first, then channels, windows last: rows 3 to 5 and 0 to 2.
    assert x.shape == (3, 2, 2)
    assert x[:, :, 0].tolist() == [[6, 7], [8, 9], [10, 11]]
    assert x[:, :, 1].tolist() == [[0, 1], [2, 3], [4, 5]]
    assert y.tolist() == [[0, 1], [1, 0]]
