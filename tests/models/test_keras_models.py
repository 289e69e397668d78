"""Any Keras model: what is refused, what is kept, and that no window sees another."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from nse_lstm.errors import ArtefactError, ConfigurationError
from nse_lstm.models.keras_models import (
    KerasTraining,
    check_build,
    fit_keras,
    predict_alone,
    read_keras,
)
from nse_lstm.models.samples import Samples

LOOKBACK, CHANNELS = 4, 2
TRAINING = KerasTraining(max_epochs=3, batch_size=16, patience=3)


def samples(n: int, *, seed: int) -> Samples:
    """Windows of noise; the target is half of the last value of the first channel."""
    table = np.random.default_rng(seed).normal(size=(n + LOOKBACK, CHANNELS))
    last = np.arange(LOOKBACK, n + LOOKBACK)
    return Samples(
        table.astype(np.float32), last, (0.5 * table[last, :1]).astype(np.float32)
    )


def network(
    *layers: Any, loss: Any = "mse", optimizer: Any = "adam", outputs: int = 1
) -> Any:
    import keras

    given = keras.Input((LOOKBACK, CHANNELS))
    last = [keras.layers.Flatten(), keras.layers.Dense(outputs)]
    model = keras.Sequential([given, *layers, *last])
    if loss:
        model.compile(optimizer=optimizer, loss=loss)
    return model


def linear(lookback: int, channels: int) -> Any:
    import keras

    return network(optimizer=keras.optimizers.Adam(0.05))


def fit(build: Callable[[int, int], Any], **how: Any) -> Any:
    settings: dict[str, Any] = {"seed": 1, "training": TRAINING, **how}
    train, validation = samples(200, seed=1), samples(50, seed=2)
    return fit_keras(build, train, validation, lookback=LOOKBACK, **settings)


def one(a): ...
def three(a, b, c): ...
def named(lookback, *, channels): ...


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (one, r"two arguments \(lookback, channels\).*Received: one\(a\)"),
        (three, r"Received: three\(a, b, c\), missing"),
        (named, r"Received: named\(lookback, \*, channels\)"),
        (5, "Received: int"),
    ],
)
def test_only_a_function_of_two_arguments_is_taken(build: Any, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        check_build(build)
    check_build(linear)
    check_build(lambda lookback, channels: None)


@pytest.mark.slow
def test_the_best_epoch_is_kept_and_the_file_holds_it() -> None:
    found = fit(linear, training=KerasTraining(8, 16, 8))
    losses = [row["val_loss"] for row in found.history]
    assert found.history[found.best_epoch - 1]["val_loss"] == min(losses)
    # It learns the planted half.
    assert min(losses) < 0.5 * losses[0]
    validation = samples(50, seed=2)
    forecasts = predict_alone(read_keras(found.content), validation, lookback=LOOKBACK)
    error = np.mean((forecasts - validation.y[:, 0]) ** 2)
    assert error == pytest.approx(min(losses), rel=1e-4)
    # Four weights per input and a constant.
    assert found.n_parameters == LOOKBACK * CHANNELS + 1
    assert found.own_classes == ()


@pytest.mark.slow
def test_the_seed_alone_decides_the_bytes() -> None:
    import keras

    def build(lookback: int, channels: int) -> Any:
        return network(
            keras.layers.GRU(3, return_sequences=True), keras.layers.Dropout(0.5)
        )

    first, again, other = (fit(build, seed=seed) for seed in (1, 1, 2))
    assert first.content == again.content and first.history == again.history
    assert first.digest != other.digest


@pytest.mark.slow
def test_training_stops_when_the_validation_loss_no_longer_falls() -> None:
    import keras

    def build(lookback: int, channels: int) -> Any:
        return network(optimizer=keras.optimizers.SGD(1e-12))

    found = fit(build, training=KerasTraining(50, 16, 2))
    assert len(found.history) == found.best_epoch + 2


@pytest.mark.slow
def test_a_layer_that_mixes_windows_mixes_none_in_forecasts() -> None:
    import keras

    @keras.saving.register_keras_serializable("tests")
    class LessTheBatch(keras.layers.Layer):
        def call(self, inputs: Any) -> Any:
            return inputs - keras.ops.mean(inputs, axis=0, keepdims=True)

    def build(lookback: int, channels: int) -> Any:
        return network(keras.layers.Dense(3), LessTheBatch())

    found = fit(build)
    model = read_keras(found.content)
    every = samples(30, seed=3)
    alone = predict_alone(
        model, Samples(every.table, every.last[:1], every.y[:1]), lookback=LOOKBACK
    )
    together = predict_alone(model, every, lookback=LOOKBACK)
    assert together[0] == alone[0]
    assert found.own_classes == ("LessTheBatch",)
    # Keras's own batches would have let each window see the others.
    windows = np.stack([every.table[i - LOOKBACK + 1 : i + 1] for i in every.last])
    assert not np.allclose(model.predict(windows, verbose=0)[:, 0], together)


def wrong_builds() -> dict[str, tuple[Callable[[int, int], Any], str]]:
    import keras

    class Own(keras.layers.Layer):
        def call(self, inputs: Any) -> Any:
            return 2 * inputs

    def raises(lookback: int, channels: int) -> Any:
        raise ValueError("no such layer\nand more")

    def of(*layers: Callable[[], Any], **how: Any) -> Callable[[int, int], Any]:
        def build(lookback: int, channels: int) -> Any:
            return network(*(layer() for layer in layers), **how)

        return build

    def other_shape(lookback: int, channels: int) -> Any:
        model = keras.Sequential([keras.Input((9, 9)), keras.layers.Flatten()])
        model.compile(loss="mse")
        return model

    layers = keras.layers
    return {
        "nothing": (lambda lookback, channels: None, "does it end with `return model`"),
        "a layer": (lambda lookback, channels: layers.Dense(1), "Received: Dense"),
        "an error": (raises, r"raises\(4, 2\) failed: ValueError: no such layer$"),
        "not compiled": (of(loss=None), r"call model\.compile"),
        "two outputs": (of(outputs=2), r"shape \(n, 1\).*Received: \(2, 2\)"),
        "other windows": (
            other_shape,
            r"must take windows of shape \(4, 2\). Received: \(None, 9, 9\)",
        ),
        "Lambda": (
            of(partial(layers.Lambda, lambda x: 2 * x, output_shape=(4, 2))),
            "the Lambda layer 'lambda'.*Python code",
        ),
        "own layer": (of(Own), r"@keras\.saving\.register_keras_serializable"),
    }


@pytest.mark.slow
def test_what_cannot_be_trained_or_stored_is_refused_before_training() -> None:
    for what, (build, says) in wrong_builds().items():
        with pytest.raises(ConfigurationError, match=says) as caught:
            fit(build)
        assert "\n" not in str(caught.value), what


@pytest.mark.slow
def test_state_between_windows_is_refused() -> None:
    import keras

    def build(lookback: int, channels: int) -> Any:
        given = keras.Input(batch_shape=(2, lookback, channels))
        output = keras.layers.Dense(1)(keras.layers.LSTM(2, stateful=True)(given))
        model = keras.Model(given, output)
        model.compile(loss="mse")
        return model

    with pytest.raises(ConfigurationError, match="stateful=True"):
        fit(build)


@pytest.mark.slow
def test_a_loss_that_is_not_finite_and_a_failing_loss_are_one_line() -> None:
    import keras

    def explodes(lookback: int, channels: int) -> Any:
        return network(optimizer=keras.optimizers.SGD(1e30))

    def fails(lookback: int, channels: int) -> Any:
        return network(loss=lambda y, y_hat: {}["none"])

    for build, says in (
        (explodes, "explodes could not be trained: the loss of epoch 1 is"),
        (fails, "fails could not be trained: KeyError"),
    ):
        with pytest.raises(ArtefactError, match=says) as caught:
            fit(build)
        assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_a_forecast_that_is_random_is_refused() -> None:
    import keras

    @keras.saving.register_keras_serializable("tests")
    class Noise(keras.layers.Layer):
        def __init__(self, **about: Any) -> None:
            super().__init__(**about)
            self.seeds = keras.random.SeedGenerator(1)

        def call(self, inputs: Any) -> Any:
            size = keras.ops.shape(inputs)
            return inputs + keras.random.normal(size, seed=self.seeds)

    def build(lookback: int, channels: int) -> Any:
        return network(Noise())

    model = read_keras(fit(build).content)
    with pytest.raises(ArtefactError, match="draws random numbers in forecasts"):
        predict_alone(model, samples(10, seed=3), lookback=LOOKBACK)
