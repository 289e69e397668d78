import numpy as np

from nse_lstm.models.engine.recurrence import lstm
from nse_lstm.models.runtime import tf

LOOKBACK, N, CHANNELS, UNITS = 4, 3, 2, 5


def weights():
    generator = np.random.default_rng(0)
    shapes = [(LOOKBACK, N, CHANNELS), (CHANNELS, 4 * UNITS), (UNITS, 4 * UNITS)]
    shapes.append((4 * UNITS,))
    return [generator.normal(0, 0.5, shape).astype(np.float32) for shape in shapes]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def plain_lstm(x, kernel, recurrent, bias):
    """The textbook's equations, gates in the order i, c, f, o, double precision."""
    h = c = np.zeros((N, UNITS))
    states = []
    for session in x:
        gates = session @ kernel + h @ recurrent + bias
        i, candidate, f, o = np.split(gates, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(candidate)
        h = sigmoid(o) * np.tanh(c)
        states.append(h)
    return np.array(states)


def test_states_are_those_of_the_textbook():
    expected = plain_lstm(*[each.astype(np.float64) for each in weights()])
    assert np.allclose(lstm(*weights()), expected, atol=1e-6)


def test_the_gradient_is_that_of_the_textbook():
    # The successor of this operation gets it wrong without a word.
    given = [tf.constant(each) for each in weights()]
    with tf.GradientTape() as tape:
        tape.watch(given)
        total = tf.reduce_sum(lstm(*given) ** 2)
    slopes = tape.gradient(total, given)
    exact = [each.astype(np.float64) for each in weights()]
    for place, slope in enumerate(slopes):
        for at in list(np.ndindex(*slope.shape))[::7]:
            step = 1e-5
            moved = [[each.copy() for each in exact] for _ in range(2)]
            moved[0][place][at] += step
            moved[1][place][at] -= step
            up, down = ((plain_lstm(*each) ** 2).sum() for each in moved)
            expected = (up - down) / (2 * step)
            assert abs(slope.numpy()[at] - expected) < 1e-5
