"""One contestant of ``training.py``, in a process of its own.

``contestant.py KIND CHANNELS`` gets ready and says so, then reads a line and answers
with the seconds that one epoch on the next stock took, validation included, by the
wall's clock and the processor's. The network is v2, written here as each library's
manual would have it; the engine alone comes from the project. Threads are the
environment's business.
"""

import sys
import time
from collections.abc import Callable
from itertools import cycle

import numpy as np

LOOKBACK, N_TRAIN, N_VALIDATION, BATCH = 60, 2125, 375, 32
UNITS, DENSE, L2 = 50, 25, 0.01

Arrays = tuple[np.ndarray, np.ndarray]
Epoch = Callable[[Arrays, Arrays], object]


def make_stock(number: int, channels: int) -> tuple[Arrays, Arrays]:
    """Make windows of scaled random walks; the target is the first one's next value."""
    n = N_TRAIN + N_VALIDATION
    steps = np.random.default_rng(number).normal(0, 0.02, (n + LOOKBACK, channels))
    walks = np.cumsum(steps, axis=0)
    walks = ((walks - walks.min(0)) / np.ptp(walks, axis=0)).astype(np.float32)
    X = np.lib.stride_tricks.sliding_window_view(walks, LOOKBACK, axis=0)[:n]
    X = np.ascontiguousarray(X.transpose(0, 2, 1))
    y = walks[LOOKBACK:, 0]
    return (X[:N_TRAIN], y[:N_TRAIN]), (X[N_TRAIN:], y[N_TRAIN:])


def start_keras(channels: int) -> Epoch:
    """Take Keras's own fit."""
    import keras
    from keras import layers

    def lstm(sequences: bool) -> layers.Layer:
        penalty = keras.regularizers.L2(L2)
        return layers.LSTM(
            UNITS,
            return_sequences=sequences,
            kernel_regularizer=penalty,
            recurrent_regularizer=penalty,
        )

    model = keras.Sequential(
        [
            keras.Input((LOOKBACK, channels)),
            lstm(True),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            lstm(False),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.Dense(DENSE, "relu", kernel_regularizer=keras.regularizers.L2(L2)),
            layers.Dropout(0.2),
            layers.Dense(1),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss=keras.losses.Huber())
    return lambda train, validation: model.fit(
        *train, batch_size=BATCH, epochs=1, validation_data=validation, verbose=0
    )


def start_torch(channels: int) -> Epoch:
    """Take PyTorch's ``nn.LSTM`` in the usual loop."""
    import torch
    from torch import nn

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm_1 = nn.LSTM(channels, UNITS, batch_first=True)
            self.lstm_2 = nn.LSTM(UNITS, UNITS, batch_first=True)
            self.norm_1 = nn.BatchNorm1d(UNITS, eps=1e-3)
            self.norm_2 = nn.BatchNorm1d(UNITS, eps=1e-3)
            self.dense, self.price = nn.Linear(UNITS, DENSE), nn.Linear(DENSE, 1)
            self.drop, self.drop_dense = nn.Dropout(0.3), nn.Dropout(0.2)

        def forward(self, x: "torch.Tensor") -> "torch.Tensor":
            h = self.lstm_1(x)[0]
            h = self.drop(self.norm_1(h.flatten(0, 1)).unflatten(0, h.shape[:2]))
            h = self.drop(self.norm_2(self.lstm_2(h)[0][:, -1]))
            return self.price(self.drop_dense(torch.relu(self.dense(h))))[:, 0]

    model, huber = Network(), nn.HuberLoss()
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    kernels = [p for n, p in model.named_parameters() if "lstm" in n and "weight" in n]
    kernels.append(model.dense.weight)

    def epoch(train: Arrays, validation: Arrays) -> None:
        X, y = map(torch.from_numpy, train)
        model.train()
        for rows in torch.randperm(len(y)).split(BATCH):
            optimizer.zero_grad(set_to_none=True)
            penalty = L2 * sum((kernel**2).sum() for kernel in kernels)
            (huber(model(X[rows]), y[rows]) + penalty).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            huber(
                model(torch.from_numpy(validation[0])), torch.from_numpy(validation[1])
            )

    return epoch


def start_engine(channels: int) -> Epoch:
    """Take the engine of this project."""
    from nse_lstm.config import V2, Training
    from nse_lstm.models.architectures import build, describe_v2
    from nse_lstm.models.engine.loop import fit
    from nse_lstm.models.samples import Samples

    architecture = describe_v2(V2(), channels=channels)
    weights = build(architecture).get_weights()

    def refer(windows: Arrays) -> Samples:
        """Put a stock's windows back into the table they were cut from."""
        X, y = windows
        table = np.concatenate([X[0], X[1:, -1]])
        last = np.arange(LOOKBACK - 1, len(table))
        return Samples(table, last, y[:, np.newaxis])

    return lambda train, validation: fit(
        architecture,
        weights,
        refer(train),
        validation=refer(validation),
        training=Training(max_epochs=1),
        seed=1,
    )


def start_limit(channels: int) -> Epoch:
    """Multiply as the recurrence does, ten stocks in each operation, and no more.

    Seven times one batch of ten stocks, there and back, are what one stock's epoch
    multiplies: 66.4 batches of training and 11.7 of validation, there only.
    """
    from nse_lstm.models.runtime import tf

    n_stocks, generator = 10, np.random.default_rng(0)

    def filled(*shape: int) -> "tf.Variable":
        return tf.Variable(
            generator.normal(0, 0.1, (n_stocks, *shape)), dtype="float32"
        )

    passes = [
        (filled(BATCH, width + UNITS), filled(width + UNITS, 4 * UNITS))
        for width in (channels, UNITS)
    ]
    gates = filled(BATCH, 4 * UNITS)

    @tf.function
    def step() -> "tf.Tensor":
        totals = []
        for given, kernel in passes:
            for _ in range(LOOKBACK):
                # Forwards, back to the state, back to the kernel.
                totals.append(tf.matmul(given, kernel)[0, 0, 0])
                totals.append(tf.matmul(gates, kernel, transpose_b=True)[0, 0, 0])
                totals.append(tf.matmul(given, gates, transpose_a=True)[0, 0, 0])
        return tf.add_n(totals)

    def epoch(train: Arrays, validation: Arrays) -> None:
        for _ in range(7):
            step()

    return epoch


KINDS = {
    "keras": start_keras,
    "torch": start_torch,
    "engine": start_engine,
    "limit": start_limit,
}


def main() -> None:
    """Get ready, then answer until the input ends."""
    kind, channels = sys.argv[1], int(sys.argv[2])
    stocks = [make_stock(number, channels) for number in range(10)]
    epoch = KINDS[kind](channels)
    (X, y), _ = stocks[0]
    epoch((X[:BATCH], y[:BATCH]), (X[:BATCH], y[:BATCH]))
    print("ready", flush=True)
    for _, stock in zip(sys.stdin, cycle(stocks), strict=False):
        started, used = time.perf_counter(), time.process_time()
        epoch(*stock)
        seconds = time.perf_counter() - started, time.process_time() - used
        print(*seconds, flush=True)


if __name__ == "__main__":
    main()
