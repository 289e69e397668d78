"""The engine against plain Keras: the same weights and batches give the same network.

Dropout is off, but for the last test: masks are drawn in another way here than there.
"""

from dataclasses import replace

import numpy as np
import pytest
from models.plain_keras import fit_plainly
from scipy import stats

from nse_lstm.config import V2, Training
from nse_lstm.features.scaling import MinMaxScaler
from nse_lstm.models.architectures import Dropout, build, describe_v1, describe_v2
from nse_lstm.models.bundles import load_bundle, save_bundle
from nse_lstm.models.engine.loop import fit, shuffle
from nse_lstm.models.engine.step import adam, apply, gradient, pack, unpack
from nse_lstm.models.runtime import keras, tf
from nse_lstm.models.training import set_seeds

pytestmark = pytest.mark.slow

LOOKBACK = 20
V2_DRY = describe_v2(V2(lookback=LOOKBACK, dropout=0.0, dense_dropout=0.0))
V1 = describe_v1(LOOKBACK)
V1_DRY = replace(
    V1, layers=tuple(layer for layer in V1.layers if not isinstance(layer, Dropout))
)
SEED = 7


def make_windows(n: int, *, seed: int, lookback: int = LOOKBACK):
    """A scaled random walk in windows, with the next value as target."""
    steps = np.random.default_rng(seed).normal(0, 0.02, n + lookback)
    walk = np.cumsum(steps)
    walk = ((walk - walk.min()) / np.ptp(walk)).astype(np.float32)
    X = np.lib.stride_tricks.sliding_window_view(walk, lookback)[:n, :, None]
    return np.ascontiguousarray(X), walk[lookback:]


def initial(architecture, seed: int = SEED):
    set_seeds(seed)
    model = build(architecture)
    return model, model.get_weights()


def plain_gradient(model, x, y) -> np.ndarray:
    """Keras's gradient in Keras's order, in the precision of the model."""
    with tf.GradientTape() as tape:
        outputs = model(tf.cast(x, model.dtype), training=True)
        loss = keras.losses.Huber(dtype=model.dtype)(y[:, None], outputs)
        loss += tf.add_n(model.losses)
    slopes = tape.gradient(loss, model.trainable_weights)
    return np.concatenate([slope.numpy().ravel() for slope in slopes])


def exact_twin(architecture):
    keras.config.set_dtype_policy("float64")
    try:
        return build(architecture)
    finally:
        keras.config.set_dtype_policy("float32")


def unpacked(architecture, state, slope) -> np.ndarray:
    """A flat gradient in Keras's order of gates, without the moving statistics."""
    arrays = unpack(architecture, state._replace(weights=slope))
    names = [weight.path for weight in build(architecture).weights]
    return np.concatenate(
        [
            array.ravel()
            for array, name in zip(arrays, names, strict=True)
            if "moving" not in name
        ]
    )


def test_gradients_of_the_first_20_steps_are_keras_s():
    """Both are single-precision roundings of one exact gradient.

    How far each is from the exact one, which Keras gives in double precision, is up to
    rounding, 1e-6 in the middle and a few times that at worst: batch normalisation
    takes differences of nearly equal numbers. The engine rounds no worse than Keras.
    """
    (X, y), (model, weights) = make_windows(333, seed=0), initial(V2_DRY)
    exact, state = exact_twin(V2_DRY), pack(V2_DRY, weights)
    order, ours, keras_s, between = shuffle(len(y), seed=SEED, epoch=1), [], [], []
    for step in range(20):
        # Ten full batches, one of 13, and again.
        rows = order[32 * (step % 11) :][:32]
        model.set_weights(unpack(V2_DRY, state))
        exact.set_weights(unpack(V2_DRY, state))
        slope, _, moving = gradient(
            V2_DRY,
            state,
            X[rows].transpose(1, 0, 2),
            y[rows],
            seed=tf.zeros(2, "int32"),
        )
        received = unpacked(V2_DRY, state, slope)
        plain = plain_gradient(model, X[rows], y[rows])
        expected = plain_gradient(exact, X[rows], y[rows])
        ours.append(relative(received, expected))
        keras_s.append(relative(plain, expected))
        between.append(relative(received, plain))
        state = adam(state, slope, moving=moving, rate=tf.constant(1e-3))
    assert np.median(between) < 2e-6 and max(between) < 1e-5
    assert np.median(ours) < 2 * np.median(keras_s)
    assert max(ours) < 1e-5


def relative(one, other) -> float:
    return float(np.linalg.norm(one - other) / np.linalg.norm(other))


SCHEDULES = {
    # Ten full batches and one of 13; nothing stops.
    "partial batch": (333, 77, Training(max_epochs=3)),
    # Nine batches and one of 2; what is validated runs against what is learned.
    "plateau and stop": (
        290,
        300,
        Training(max_epochs=9, plateau_patience=1, stopping_patience=2),
    ),
    "no remainder": (96, 20, Training(max_epochs=3, plateau_patience=1)),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_losses_and_weights_over_three_epochs_are_keras_s(name):
    n_train, n_validation, training = SCHEDULES[name]
    train = make_windows(n_train, seed=0)
    validation = make_windows(n_validation, seed=1)
    if name == "plateau and stop":
        validation = (validation[0], 3 - validation[1])
    model, weights = initial(V2_DRY)
    given = {"validation": validation, "training": training, "seed": SEED}
    expected = fit_plainly(model, V2_DRY, train, **given)
    received, history = fit(V2_DRY, weights, train, **given)
    assert len(history) == len(expected) == 3
    for row, plain in zip(history, expected, strict=True):
        for column, value in row.items():
            assert value == pytest.approx(plain[column], abs=1e-5, rel=1e-5)
    for one, other in zip(received, model.get_weights(), strict=True):
        assert np.abs(one - other).max() < 1e-5
    if name == "plateau and stop":
        rates = [row["learning_rate"] for row in history]
        assert rates[2] == pytest.approx(rates[0] / 2)


def test_the_exported_network_forecasts_what_the_engine_does(tmp_path):
    architecture = describe_v2(V2(lookback=LOOKBACK))
    train, validation = make_windows(200, seed=0), make_windows(64, seed=1)
    model, weights = initial(architecture)
    weights, history = fit(
        architecture,
        weights,
        train,
        validation=validation,
        training=Training(max_epochs=2),
        seed=SEED,
    )
    model.set_weights(weights)
    scaler = MinMaxScaler(0.0, 1.0)
    about = {"metadata": {}, "history": history, "run": {}, "scaler": scaler}
    save_bundle(tmp_path / "a", model, **about)
    stored = load_bundle(tmp_path / "a").model
    assert all(type(layer).__module__.startswith("keras") for layer in stored.layers)
    X = validation[0]
    state = pack(architecture, weights)
    expected, _ = apply(architecture, state, X.transpose(1, 0, 2), seed=None)
    assert np.abs(stored(X, training=False)[:, 0] - expected).max() < 1e-6


def test_v1_is_as_near_to_keras_as_keras_to_itself():
    # Without penalty training is chaotic: the yardstick is what the smallest possible
    # change of the initial weights does to Keras.
    train = make_windows(333, seed=0)
    given = {"validation": None, "training": Training(max_epochs=3), "seed": SEED}
    model, weights = initial(V1_DRY)
    fit_plainly(model, V1_DRY, train, **given)
    twin = build(V1_DRY)
    twin.set_weights([np.nextafter(each, np.float32(9)) for each in weights])
    fit_plainly(twin, V1_DRY, train, **given)
    received, history = fit(V1_DRY, weights, train, **given)
    spread = distance(model.get_weights(), twin.get_weights())
    assert distance(model.get_weights(), received) < 10 * spread
    assert np.isnan([row["val_huber"] for row in history]).all()


def distance(one, other) -> float:
    return max(np.abs(a - b).max() for a, b in zip(one, other, strict=True))


def test_under_dropout_the_validation_loss_is_equivalent():
    """Two one-sided tests: means of the log loss differ by less than 0.2."""
    small = V2(lookback=8, units=8, dense_units=4)
    architecture = describe_v2(small)
    train = make_windows(200, seed=0, lookback=8)
    validation = make_windows(60, seed=1, lookback=8)
    training = Training(max_epochs=8, learning_rate=3e-3)
    differences = []
    for seed in range(12):
        given = {"validation": validation, "training": training, "seed": seed}
        model, weights = initial(architecture, seed)
        plain = fit_plainly(model, architecture, train, **given)
        _, history = fit(architecture, weights, train, **given)
        best = [min(row["val_huber"] for row in rows) for rows in (history, plain)]
        differences.append(np.log(best[0] / best[1]))
    margin = 0.2
    above = stats.ttest_1samp(differences, -margin, alternative="greater").pvalue
    below = stats.ttest_1samp(differences, margin, alternative="less").pvalue
    assert max(above, below) < 0.05
