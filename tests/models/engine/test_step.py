from dataclasses import replace

import numpy as np
import pytest

from nse_lstm.config import V2
from nse_lstm.models.architectures import Dropout, build, describe_v1, describe_v2
from nse_lstm.models.engine.layers import Mask
from nse_lstm.models.engine.step import Network, huber, pack, unpack

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
    state = pack(architecture, weights)
    again = unpack(architecture, state.weights, state.moving)
    for one, other in zip(weights, again, strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("architecture", DESCRIBED.values(), ids=DESCRIBED)
def test_outputs_are_those_of_the_plain_network(architecture):
    model, weights = build(architecture), random_weights(architecture)
    model.set_weights(weights)
    X = windows(architecture)
    state = pack(architecture, weights)
    moving = state.moving.copy()
    outputs = Network(architecture, state, len(X)).apply(X.transpose(1, 2, 0))
    assert np.allclose(outputs.T, model(X, training=False), atol=1e-6)
    assert np.array_equal(moving, state.moving)


def test_the_huber_term_is_a_parabola_and_then_a_line():
    # 0.5**2 / 2; 1**2 / 2; 3 - 0.5
    errors = np.array([0.5, -1.0, -3.0])
    assert huber(errors).tolist() == [0.125, 0.5, 2.5]


def test_a_missing_target_is_left_out_of_the_loss():
    v1 = DESCRIBED["v1"]
    dry = replace(v1, layers=tuple(e for e in v1.layers if not isinstance(e, Dropout)))
    X, y = windows(dry).transpose(1, 2, 0), np.linspace(0, 1, 6)[None]
    weights = random_weights(dry)
    three, six = pack(dry, weights), pack(dry, weights)
    expected = Network(dry, three, 3).differentiate(
        X[..., :3], y[:, :3], random=generator()
    )
    y[:, 3:] = np.nan
    received = Network(dry, six, 6).differentiate(X, y, random=generator())
    assert received == pytest.approx(expected)
    assert np.allclose(six.slope, three.slope, atol=1e-6)
    y[:] = np.nan
    assert Network(dry, six, 6).differentiate(X, y, random=generator()) == (0.0, 0.0)
    assert not six.slope.any()


def generator():
    return np.random.Generator(np.random.SFC64(1))


def test_a_dropout_rate_is_met_and_the_mean_kept():
    x = np.ones((60, 32, 51), np.float32)
    mask = Mask(0.3)
    dropped = mask.forward(x, generator())
    # 97,920 draws: a standard deviation of 0.0015.
    assert abs((dropped == 0).mean() - 0.3) < 0.006
    assert np.unique(dropped).tolist() == pytest.approx([0, 1 / 0.7])
    assert np.array_equal(mask.backward(x), dropped)
    assert np.array_equal(mask.forward(x, generator()), dropped)
    assert mask.forward(x, None) is x
