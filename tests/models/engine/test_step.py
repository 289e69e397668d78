import numpy as np
import pytest

from nse_lstm.config import V2
from nse_lstm.models.architectures import build, describe_v1, describe_v2
from nse_lstm.models.engine.step import apply, gradient, huber, pack, unpack
from nse_lstm.models.runtime import tf

SMALL = V2(lookback=5, units=3, dense_units=2)
DESCRIBED = {"v1": describe_v1(5, units=3), "v2": describe_v2(SMALL, channels=2)}


def random_weights(architecture):
    generator = np.random.default_rng(0)
    shapes = [weight.shape for weight in build(architecture).get_weights()]
    # Away from 0, for moving variances are among them.
    return [generator.uniform(0.1, 0.9, s).astype(np.float32) for s in shapes]


def windows(architecture, n=6):
    generator = np.random.default_rng(1)
    shape = (n, architecture.lookback, architecture.channels)
    return generator.random(shape, np.float32)


@pytest.mark.parametrize("architecture", DESCRIBED.values(), ids=DESCRIBED)
def test_packing_loses_nothing(architecture):
    weights = random_weights(architecture)
    again = unpack(architecture, pack(architecture, weights))
    for one, other in zip(weights, again, strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("architecture", DESCRIBED.values(), ids=DESCRIBED)
def test_outputs_are_those_of_the_plain_network(architecture):
    model, weights = build(architecture), random_weights(architecture)
    model.set_weights(weights)
    X = windows(architecture)
    state = pack(architecture, weights)
    outputs, moving = apply(architecture, state, X.transpose(1, 0, 2), seed=None)
    assert np.allclose(outputs, model(X, training=False)[:, 0], atol=1e-6)
    assert np.array_equal(moving, state.moving)


def test_the_huber_term_is_a_parabola_and_then_a_line():
    # 0.5**2 / 2; 1**2 / 2; 3 - 0.5
    errors = tf.constant([0.5, -1.0, -3.0])
    assert huber(errors).numpy().tolist() == [0.125, 0.5, 2.5]


def test_a_mask_depends_on_its_seed_and_keeps_the_mean():
    architecture = describe_v2(V2(lookback=1, units=50))
    state = pack(architecture, random_weights(architecture))
    X = tf.constant(np.ones((1, 400, 1), np.float32))
    y = tf.zeros([400])
    slopes = [
        gradient(architecture, state, X, y, seed=tf.constant([1, step]))[0].numpy()
        for step in (0, 0, 9)
    ]
    assert np.array_equal(slopes[0], slopes[1])
    assert not np.array_equal(slopes[0], slopes[2])


def test_a_dropout_rate_is_met():
    from nse_lstm.models.engine.step import _drop

    dropped = _drop(tf.ones([60, 32, 51]), 0.3, tf.constant([3, 4])).numpy()
    # 97,920 draws: a standard deviation of 0.0015.
    assert abs((dropped == 0).mean() - 0.3) < 0.006
    assert np.unique(dropped).tolist() == pytest.approx([0, 1 / 0.7])
