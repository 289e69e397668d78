"""The slow, plain way to fit a described network: what the engine is measured by."""

from collections.abc import Sequence

import numpy as np

from nse_lstm.config import Training
from nse_lstm.models.architectures import Architecture
from nse_lstm.models.engine.loop import shuffle
from nse_lstm.models.runtime import keras
from nse_lstm.models.samples import Samples


def fit_plainly(
    model: "keras.Model",
    architecture: Architecture,
    train: Samples,
    *,
    validation: Samples | None,
    training: Training,
    seed: int,
) -> list[dict[str, float]]:
    """Fit in place with Keras's own fit and callbacks, in the engine's batch order."""
    train, validation = (
        plain_windows(architecture, train),
        (None if validation is None else plain_windows(architecture, validation)),
    )
    huber = keras.metrics.MeanMetricWrapper(keras.losses.huber, name="huber")
    rate = training.learning_rate
    if training.decays:
        rate = _Falling(training, len(train[1]))
    model.compile(
        optimizer=keras.optimizers.Adam(rate),
        loss={"huber": keras.losses.Huber(), "mse": "mse"}[architecture.loss],
        metrics=[huber],
    )
    batches = Batches(*train, training.batch_size, seed)
    callbacks = [keras.callbacks.LambdaCallback(on_epoch_begin=batches.begin)]
    # Keras's callbacks set a fixed rate only.
    validates = validation is not None and not training.decays
    callbacks += _callbacks(training) if validates else []
    record = model.fit(
        batches,
        validation_data=validation,
        validation_batch_size=training.batch_size,
        epochs=training.max_epochs,
        callbacks=callbacks,
        shuffle=False,
        verbose=0,
    ).history
    return [
        {"epoch": place + 1, **{name: record[name][place] for name in record}}
        for place in range(len(record["loss"]))
    ]


class _Falling(keras.optimizers.schedules.LearningRateSchedule):
    """A rate that warms up, and falls linearly by the windows seen."""

    def __init__(self, training: Training, n: int) -> None:
        self.training, self.n = training, n

    def __call__(self, step):
        training = self.training
        step = keras.ops.cast(step, "float32")
        per_epoch = -(-self.n // training.batch_size)
        epoch = keras.ops.floor(step / per_epoch)
        seen = epoch * self.n + (step - epoch * per_epoch) * training.batch_size
        left = 1 - seen / (self.n * training.max_epochs)
        warm = keras.ops.minimum((step + 1) / max(training.warm_up_steps, 1), 1.0)
        return training.learning_rate * left * warm


def plain_windows(architecture: Architecture, samples: Samples):
    """Copy every window out: (n, lookback, channels), and targets (n, n_outputs)."""
    windows = [
        samples.table[end + 1 - architecture.lookback : end + 1] for end in samples.last
    ]
    return np.array(windows), samples.y


class Batches(keras.utils.PyDataset):
    """The engine's batches, epoch by epoch."""

    def __init__(self, X, y, batch_size: int, seed: int) -> None:
        super().__init__()
        self.given, self.batch_size, self.seed = (X, y), batch_size, seed
        self.begin(0, None)

    def begin(self, epoch: int, logs) -> None:
        size = len(self.given[1])
        self.order = shuffle(size, seed=self.seed, epoch=epoch + 1)

    def __len__(self) -> int:
        return -(-len(self.given[1]) // self.batch_size)

    def __getitem__(self, place: int):
        X, y = self.given
        rows = self.order[place * self.batch_size :][: self.batch_size]
        return X[rows], y[rows]


def _callbacks(training: Training) -> Sequence["keras.callbacks.Callback"]:
    return [
        keras.callbacks.ReduceLROnPlateau(
            monitor="val_huber",
            mode="min",
            factor=training.plateau_factor,
            patience=training.plateau_patience,
            min_lr=training.min_learning_rate,
            min_delta=0.0,
        ),
        keras.callbacks.EarlyStopping(
            monitor="val_huber",
            mode="min",
            patience=training.stopping_patience,
            restore_best_weights=True,
        ),
    ]
