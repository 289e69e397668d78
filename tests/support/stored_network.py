"""A stored network written by hand, without Keras and its own copy of it."""

import hashlib
import json
from pathlib import Path

import numpy as np

from nse_lstm.models.architectures import (
    Architecture,
    Dense,
    Lstm,
    architecture_document,
    weight_shapes,
)
from nse_lstm.models.inference import weights_bytes
from nse_lstm.paths import write_text

LOOKBACK = 10
UNITS = 4
NETWORK = Architecture(
    name="v2",
    lookback=LOOKBACK,
    channels=1,
    layers=(Lstm("lstm", UNITS, sequences=False), Dense("dense", 1)),
    loss="mse",
)


def leave_network(folder: Path, *, seed: int = 1, **about: object) -> str:
    """Write a bundle of an LSTM and a dense layer with random weights.

    Returns the digest that a registry would remember.
    """
    given = {"ticker": "BBB", "architecture": "v2", "version": "1" * 64, "seed": 1}
    files = {
        "architecture.json": json.dumps(architecture_document(NETWORK)).encode(),
        "weights.npy": _weights(seed),
        "model.keras": b"Keras's own copy",
        "scaler.json": b'{"maximum": 80.0, "minimum": 20.0}\n',
        "history.csv": b"epoch\n1\n",
    }
    digests = {name: hashlib.sha256(each).hexdigest() for name, each in files.items()}
    metadata = {**given, "lookback": LOOKBACK, "horizon": 1, **about}
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    write_text(folder / "run.json", "{}\n")
    write_text(
        folder / "metadata.json", json.dumps({**metadata, "digests": digests}) + "\n"
    )
    return hashlib.sha256((folder / "metadata.json").read_bytes()).hexdigest()


def _weights(seed: int) -> bytes:
    random = np.random.default_rng(seed)
    return weights_bytes(
        [random.normal(0.1, 0.3, shape) for shape in weight_shapes(NETWORK)]
    )
