"""The engine against plain Keras: the same weights and batches give the same network.

Dropout is off, but for the last test: masks are drawn in another way here than there.
"""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from support.plain_keras import fit_plainly, plain_windows

from nse_lstm.config import V2, StockLstm, Training
from nse_lstm.features.scaling import MinMaxScaler
from nse_lstm.models.architectures import (
    Dropout,
    build,
    describe_stock_lstm,
    describe_v1,
    describe_v2,
    single_member,
    split_members,
    take_weights,
)
from nse_lstm.models.bundles import load_keras, save_bundle
from nse_lstm.models.engine.loop import fit, shuffle
from nse_lstm.models.engine.step import Network, adam, huber, pack, unpack
from nse_lstm.models.runtime import keras, set_seeds, tf
from nse_lstm.models.samples import Samples, gather

pytestmark = pytest.mark.slow

LOOKBACK = 20
V2_DRY = describe_v2(V2(lookback=LOOKBACK, dropout=0.0, dense_dropout=0.0))
V1 = describe_v1(LOOKBACK)
V1_DRY = replace(
    V1, layers=tuple(layer for layer in V1.layers if not isinstance(layer, Dropout))
)
SEED = 7
RANDOM = np.random.Generator(np.random.SFC64(SEED))


def make_samples(n: int, *, seed: int, lookback: int = LOOKBACK) -> Samples:
    """A scaled random walk in windows, with the next value as target."""
    steps = np.random.default_rng(seed).normal(0, 0.02, n + lookback)
    walk = np.cumsum(steps)
    walk = ((walk - walk.min()) / np.ptp(walk)).astype(np.float32)[:, None]
    last = np.arange(lookback - 1, n + lookback - 1)
    return Samples(table=walk, last=last, y=walk[last + 1])


def initial(architecture, seed: int = SEED):
    set_seeds(seed)
    model = build(architecture)
    return model, model.get_weights()


def plain_gradient(model, x, y) -> list[np.ndarray]:
    with tf.GradientTape() as tape:
        outputs = model(tf.cast(x, model.dtype), training=True)
        loss = keras.losses.Huber(dtype=model.dtype)(y, outputs)
        loss += tf.add_n(model.losses)
    slopes = tape.gradient(loss, model.trainable_weights)
    return [slope.numpy().ravel() for slope in slopes]


def exact_twin(architecture):
    keras.config.set_dtype_policy("float64")
    try:
        return build(architecture)
    finally:
        keras.config.set_dtype_policy("float32")


def engine_gradient(architecture, state, model) -> list[np.ndarray]:
    """The state's slope in Keras's order, without the moving statistics."""
    arrays = unpack(architecture, state.grad, state.moving)
    return [
        array.ravel()
        for array, weight in zip(arrays, model.weights, strict=True)
        if "moving" not in weight.path
    ]


def test_gradients_of_the_first_20_steps_are_keras_s():
    """In double precision to 1e-6, weight array by weight array.

    In single precision no two programs agree to that: batch normalisation takes
    differences of nearly equal numbers. There the engine is no further from the exact
    gradient than Keras is.
    """
    samples = make_samples(333, seed=0)
    single, weights = initial(V2_DRY)
    exact = exact_twin(V2_DRY)
    state = pack(V2_DRY, [weight.astype(np.float64) for weight in weights])
    order, ours, keras_s = shuffle(333, seed=SEED, epoch=1), [], []
    for step in range(20):
        # Ten full batches, one of 13, and again.
        rows = order[32 * (step % 11) :][:32]
        now = unpack(V2_DRY, state.weights, state.moving)
        single.set_weights(now)
        exact.set_weights(now)
        x, y = gather(samples, samples.table, rows, lookback=LOOKBACK)
        rounded = pack(V2_DRY, single.get_weights())
        for each in (state, rounded):
            Network(V2_DRY, each, len(rows)).differentiate(x, y, RANDOM)
        expected = plain_gradient(exact, x.transpose(2, 0, 1), y.T)
        received = engine_gradient(V2_DRY, state, exact)
        for one, other in zip(received, expected, strict=True):
            assert relative(one, other) < 1e-6
        expected = np.concatenate(expected)
        near = np.concatenate(engine_gradient(V2_DRY, rounded, single))
        plain = np.concatenate(plain_gradient(single, x.transpose(2, 0, 1), y.T))
        ours.append(relative(near, expected))
        keras_s.append(relative(plain, expected))
        adam(state, 1e-3)
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
    train = make_samples(n_train, seed=0)
    validation = make_samples(n_validation, seed=1)
    if name == "plateau and stop":
        validation = replace(validation, y=3 - validation.y)
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


def test_the_stock_lstm_is_trained_as_by_keras():
    """With warm-up and linear decay, from the weights of another fit."""
    dry = describe_stock_lstm(
        StockLstm(lookback=LOOKBACK, units=4, dropout=0.0, n_members=1), channels=1
    )
    train, validation = make_samples(150, seed=0), make_samples(60, seed=1)
    model, _ = initial(dry)
    weights = take_weights(model, dry)
    training = Training(
        max_epochs=3,
        batch_size=16,
        learning_rate=1e-2,
        decays=True,
        warm_up_steps=7,
        keeps_start=True,
    )
    given = {"validation": validation, "training": training, "seed": SEED}
    expected = fit_plainly(model, dry, train, **given)
    _, history = fit(dry, weights, train, **given)
    assert [row["epoch"] for row in history] == [0, 1, 2, 3]
    # Zero kernels: the start's loss is that of forecasting 0.
    start = np.mean(huber(validation.y))
    assert history[0]["val_huber"] == pytest.approx(start, rel=1e-5)
    for row, plain in zip(history[1:], expected, strict=True):
        for column in ("loss", "huber", "val_huber"):
            assert row[column] == pytest.approx(plain[column], abs=1e-5, rel=1e-5)
    # Validation only chooses: without it the last epoch's weights are kept.
    received, _ = fit(dry, weights, train, **given | {"validation": None})
    for one, other in zip(received, take_weights(model, dry), strict=True):
        assert np.abs(one - other).max() < 1e-5


def test_what_only_gets_worse_stays_as_it_started():
    pair = describe_stock_lstm(
        StockLstm(lookback=LOOKBACK, units=4, n_members=2), channels=1
    )
    train, validation = make_samples(96, seed=0), make_samples(40, seed=1)
    # What is learned is the opposite of what is validated.
    train = replace(train, y=np.ones_like(train.y))
    validation = replace(validation, y=-np.ones_like(validation.y))
    model, _ = initial(pair)
    weights = take_weights(model, pair)
    training = Training(max_epochs=2, keeps_start=True)
    received, history = fit(
        pair, weights, train, validation=validation, training=training, seed=SEED
    )
    assert min(history, key=lambda row: row["val_huber"])["epoch"] == 0
    for one, other in zip(received, weights, strict=True):
        assert np.array_equal(one, other)


def test_members_are_trained_as_each_would_be_alone():
    pair = describe_stock_lstm(
        StockLstm(lookback=LOOKBACK, units=4, n_members=2), channels=1
    )
    train = make_samples(96, seed=0)
    model, _ = initial(pair)
    weights = take_weights(model, pair)
    training = Training(max_epochs=2, learning_rate=1e-2)
    both, history = fit(
        pair, weights, train, validation=None, training=training, seed=SEED
    )
    losses = []
    for place, own in enumerate(split_members(pair, weights)):
        alone, rows = fit(
            single_member(pair),
            own,
            train,
            validation=None,
            training=training,
            seed=SEED + place,
        )
        losses.append([row["loss"] for row in rows])
        for one, other in zip(split_members(pair, both)[place], alone, strict=True):
            assert np.array_equal(one, other)
    assert [row["loss"] for row in history] == pytest.approx(np.mean(losses, axis=0))


def test_the_exported_network_forecasts_what_the_engine_does(tmp_path):
    architecture = describe_v2(V2(lookback=LOOKBACK))
    train, validation = make_samples(200, seed=0), make_samples(64, seed=1)
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
    save_bundle(tmp_path / "a", model, architecture=architecture, **about)
    stored = load_keras(tmp_path / "a")
    assert all(type(layer).__module__.startswith("keras") for layer in stored.layers)
    X, _ = plain_windows(architecture, validation)
    network = Network(architecture, pack(architecture, weights), len(X))
    expected = network.apply(X.transpose(1, 2, 0)).T
    assert np.abs(stored(X, training=False) - expected).max() < 1e-6


def test_v1_is_as_near_to_keras_as_keras_to_itself():
    # Without penalty training is chaotic: the yardstick is what the smallest possible
    # change of the initial weights does to Keras.
    train = make_samples(333, seed=0)
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


@pytest.mark.exhaustive
def test_under_dropout_the_validation_loss_is_equivalent():
    """Two one-sided tests: means of the log loss differ by less than 0.2."""
    small = V2(lookback=8, units=8, dense_units=4)
    architecture = describe_v2(small)
    train = make_samples(200, seed=0, lookback=8)
    validation = make_samples(60, seed=1, lookback=8)
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
