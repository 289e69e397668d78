from dataclasses import replace

import numpy as np
import pytest

from nse_lstm.config import V2, RankLstm, StockLstm
from nse_lstm.models.architectures import (
    Dropout,
    build,
    describe_rank_lstm,
    describe_stock_lstm,
    describe_v1,
    describe_v2,
    give_weights,
    single_member,
    split_members,
    take_weights,
    weight_shapes,
)
from nse_lstm.models.engine.layers import DropoutLayer, LayerNormLayer
from nse_lstm.models.engine.step import Network, huber, mean_output, pack, unpack
from nse_lstm.models.inference import StoredNetwork, network_of

SMALL = V2(lookback=5, units=3, dense_units=2)
BRANCHED = describe_rank_lstm(
    RankLstm(lookback=5, units=3, deep_units=4), channels=2, n_outputs=2, n_windows=1000
)
PAIR = describe_stock_lstm(StockLstm(lookback=5, units=3, n_members=2), channels=2)
STOCK = single_member(PAIR)
DESCRIBED = {
    "v1": describe_v1(5, units=3),
    "v2": describe_v2(SMALL, channels=2),
    "rank_lstm": BRANCHED,
    "stock_lstm": STOCK,
}


def random_weights(architecture):
    generator = np.random.default_rng(0)
    plain = take_weights(build(architecture), architecture)
    shapes = [weight.shape for weight in plain]
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
    give_weights(model, architecture, weights)
    X = windows(architecture)
    state = pack(architecture, weights)
    moving = state.moving.copy()
    outputs = Network(architecture, state, len(X)).apply(X.transpose(1, 2, 0))
    assert np.allclose(outputs.T, model(X, training=False), atol=1e-6)
    assert np.array_equal(moving, state.moving)


def test_branches_see_the_last_session_and_are_added():
    # By hand: what is before the last session moves the recurrent part only.
    weights = random_weights(BRANCHED)
    for kernel in (0, 1, 3):  # of the LSTM, and of the layer after it
        weights[kernel][:] = 0
    n = 6
    X = windows(BRANCHED, n).transpose(1, 2, 0)
    outputs = Network(BRANCHED, pack(BRANCHED, weights), n).apply(X)
    places, deep, deep_places, wide = (
        weights[4],
        weights[5:7],
        weights[7:9],
        weights[9:],
    )
    last = X[-1].T
    hidden = np.maximum(last @ deep[0] + deep[1], 0)
    expected = places + hidden @ deep_places[0] + deep_places[1]
    expected = expected + last @ wide[0] + wide[1]
    assert np.allclose(outputs.T, expected, atol=1e-6)


@pytest.mark.parametrize("branched", [BRANCHED, STOCK], ids=["rank", "stock"])
def test_the_gradient_through_branches_is_that_of_finite_differences(branched):
    dry = replace(
        branched,
        layers=tuple(e for e in branched.layers if not isinstance(e, Dropout)),
        beside=tuple(
            tuple(e for e in branch if not isinstance(e, Dropout))
            for branch in branched.beside
        ),
    )
    n = 6
    weights = [weight.astype(float) for weight in random_weights(dry)]
    X = windows(dry, n).transpose(1, 2, 0).astype(float)
    y = np.random.default_rng(2).normal(size=(dry.n_outputs, n))
    y[0, 3] = np.nan
    state = pack(dry, weights)
    network = Network(dry, state, n)
    network.differentiate(X, y, generator())
    slope, step = state.grad.copy(), 1e-6
    for place in range(state.weights.size):
        losses = []
        for sign in (1, -1):
            state.weights[place] += sign * step
            losses.append(network.differentiate(X, y, generator())[0])
            state.weights[place] -= sign * step
        by_hand = (losses[0] - losses[1]) / (2 * step)
        assert slope[place] == pytest.approx(by_hand, rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("branched", [BRANCHED, STOCK], ids=["rank", "stock"])
def test_what_starts_at_zero_says_nothing_before_training(branched):
    weights = take_weights(build(branched), branched)
    outputs = Network(branched, pack(branched, weights), 6).apply(
        windows(branched).transpose(1, 2, 0)
    )
    assert not outputs.any()


def test_layer_normalisation_is_that_of_each_window():
    gamma, beta = np.array([2.0, 1.0, 0.5]), np.array([0.0, 1.0, -1.0])
    layer = LayerNormLayer([gamma, beta], [np.empty(3), np.empty(3)])
    x = np.array([[1.0, 5.0], [2.0, 5.0], [6.0, 5.0]])
    # First window: mean 3, variance (4 + 1 + 9) / 3; the second is flat.
    scale = (14 / 3 + 1e-3) ** -0.5
    expected = np.array([-2, -1, 3]) * scale * gamma + beta
    received = layer.forward(x, None)
    assert received[:, 0] == pytest.approx(expected)
    assert received[:, 1] == pytest.approx(beta)


def test_members_are_averaged_by_keras_and_here():
    model = build(PAIR)
    generator = np.random.default_rng(5)
    weights = [
        generator.normal(size=shape).astype(np.float32) for shape in weight_shapes(PAIR)
    ]
    give_weights(model, PAIR, weights)
    for one, other in zip(take_weights(model, PAIR), weights, strict=True):
        assert np.array_equal(one, other)
    X = windows(PAIR).transpose(1, 2, 0)
    alone = [
        Network(STOCK, pack(STOCK, own), 6).apply(X)
        for own in split_members(PAIR, weights)
    ]
    assert not np.allclose(*alone)
    expected = (alone[0] + alone[1]) / 2
    networks = [
        Network(STOCK, pack(STOCK, own), 6) for own in split_members(PAIR, weights)
    ]
    assert np.array_equal(mean_output(networks, X), expected)
    stored = StoredNetwork(PAIR, tuple(weights))
    assert np.allclose(network_of(stored, n_windows=6)(X), expected, atol=1e-5)
    assert np.allclose(
        model(windows(PAIR), training=False).numpy().T, expected, atol=1e-5
    )


def test_a_penalty_is_shared_out_among_the_windows():
    rank_lstm = RankLstm(penalty=50.0, deep_penalty=20.0, wide_penalty=10.0)
    described = describe_rank_lstm(rank_lstm, channels=2, n_outputs=1, n_windows=100)
    assert described.layers[0].l2 == 0.5
    assert [branch[-1].l2 for branch in described.beside] == [0.2, 0.1]


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
    assert np.allclose(six.grad, three.grad, atol=1e-6)
    y[:] = np.nan
    assert Network(dry, six, 6).differentiate(X, y, random=generator()) == (0.0, 0.0)
    assert not six.grad.any()


def generator():
    return np.random.Generator(np.random.SFC64(1))


def test_a_dropout_rate_is_met_and_the_mean_kept():
    x = np.ones((60, 32, 51), np.float32)
    layer = DropoutLayer(0.3)
    dropped = layer.forward(x, generator())
    # 97,920 draws: a standard deviation of 0.0015.
    assert abs((dropped == 0).mean() - 0.3) < 0.006
    assert np.unique(dropped).tolist() == pytest.approx([0, 1 / 0.7])
    assert np.array_equal(layer.backward(x), dropped)
    assert np.array_equal(layer.forward(x, generator()), dropped)
    assert layer.forward(x, None) is x
