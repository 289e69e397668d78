import numpy as np
import pytest

from nse_lstm.models.engine.recurrence import LstmLayer, from_fused, to_fused

# More sessions than are gone back at once.
LOOKBACK, N, WIDTH, UNITS = 17, 3, 2, 5


def weights():
    generator = np.random.default_rng(0)
    shapes = [(WIDTH, 4 * UNITS), (UNITS, 4 * UNITS), (4 * UNITS,)]
    return [generator.normal(0, 0.5, shape) for shape in shapes]


def inputs():
    return np.random.default_rng(1).normal(0, 1, (LOOKBACK, WIDTH, N))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def plain_lstm(x, kernel, recurrent, bias):
    """The textbook's equations, gates in Keras's order i, f, c, o, windows last."""
    h = c = np.zeros((N, UNITS))
    states = []
    for session in x:
        gates = session.T @ kernel + h @ recurrent + bias
        i, f, candidate, o = np.split(gates, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(candidate)
        h = sigmoid(o) * np.tanh(c)
        states.append(h.T)
    return np.array(states)


def recurrence(*, sequences=True, first=False, dtype=float):
    fused = to_fused(*weights()).astype(dtype)
    return LstmLayer(
        fused,
        np.empty_like(fused),
        lookback=LOOKBACK,
        n=N,
        sequences=sequences,
        first=first,
    )


def test_states_are_those_of_the_textbook():
    expected = plain_lstm(inputs(), *weights())
    assert np.allclose(recurrence().forward(inputs()), expected, atol=1e-12)
    last = recurrence(sequences=False).forward(inputs())
    assert np.allclose(last, expected[-1], atol=1e-12)
    single = recurrence(dtype=np.float32).forward(inputs())
    assert single.dtype == np.float32 and np.allclose(single, expected, atol=1e-6)


def test_a_second_batch_starts_from_zero_again():
    layer = recurrence()
    before = layer.forward(inputs()).copy()
    layer.forward(-inputs())
    assert np.array_equal(layer.forward(inputs()), before)


@pytest.mark.parametrize("sequences", [True, False])
def test_the_gradient_is_that_of_the_textbook(sequences):
    layer = recurrence(sequences=sequences)
    slope = layer.backward(2 * layer.forward(inputs()).copy())
    given = [inputs(), *weights()]
    slopes = [slope, *from_fused(layer.grad)]

    def total(arrays):
        states = plain_lstm(*arrays)
        return ((states if sequences else states[-1]) ** 2).sum()

    for place, slope in enumerate(slopes):
        for at in list(np.ndindex(*slope.shape))[::7]:
            step = 1e-5
            moved = [[each.copy() for each in given] for _ in range(2)]
            moved[0][place][at] += step
            moved[1][place][at] -= step
            expected = (total(moved[0]) - total(moved[1])) / (2 * step)
            assert slope[at] == pytest.approx(expected, abs=1e-8, rel=1e-6)


def test_the_first_layer_passes_nothing_back():
    layer = recurrence(first=True)
    assert layer.backward(layer.forward(inputs())).size == 0


def test_fusing_loses_nothing():
    for one, other in zip(from_fused(to_fused(*weights())), weights(), strict=True):
        assert np.array_equal(one, other)
