"""A job that starts from given weights, through the store and back."""

from dataclasses import replace

import numpy as np
from support.training_jobs import make_pooled_job, make_study

from nse_lstm.models.architectures import weight_shapes
from nse_lstm.models.cluster.messages import JobMessages, restore_job
from nse_lstm.models.cluster.shared_store import absolute_url
from nse_lstm.models.job_checks import find_fault


def test_the_weights_a_job_starts_from_travel_through_the_store(tmp_path):
    job = make_pooled_job()
    generator = np.random.default_rng(0)
    # More than ten arrays: their order must not be that of "1", "10", "2".
    shapes = weight_shapes(job.network) * 2
    start = tuple(generator.normal(size=s).astype(np.float32) for s in shapes)
    job = replace(job, start=start)
    messages = JobMessages(make_study(), absolute_url(str(tmp_path)), {})
    message = messages.write(job)
    assert message.job.start == ()
    restored = restore_job(message)
    assert len(start) > 10 and len(restored.start) == len(start)
    for one, other in zip(restored.start, start, strict=True):
        assert np.array_equal(one, other)
    assert messages.write(make_pooled_job()).bundle != message.bundle
    assert restore_job(messages.write(make_pooled_job())).start == ()


def test_weights_that_do_not_fit_the_network_are_refused_before_any_fit():
    job = make_pooled_job()
    start = tuple(np.zeros(shape, np.float32) for shape in weight_shapes(job.network))
    assert find_fault(replace(job, start=start), make_study()) is None
    fault = find_fault(replace(job, start=start[:-1]), make_study())
    assert fault is not None and "to start from" in fault
    other = (*start[:-1], np.zeros(99, np.float32))
    assert find_fault(replace(job, start=other), make_study()) is not None
