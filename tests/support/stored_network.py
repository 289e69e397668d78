"""A stored network written by hand: what Keras would write, without Keras."""

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from nse_lstm.paths import write_text

LOOKBACK = 10
UNITS = 4

Layer = dict[str, Any]


def leave_network(folder: Path, *, seed: int = 1, **about: object) -> str:
    """Write a bundle of an LSTM and a dense layer with random weights.

    Returns the digest that a registry would remember.
    """
    given = {"ticker": "BBB", "architecture": "v2", "version": "1" * 64, "seed": 1}
    files = {
        "model.keras": _keras_file(seed),
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


def _keras_file(seed: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("metadata.json", '{"keras_version": "3.15.1"}')
        archive.writestr("config.json", json.dumps(_outline()))
        archive.writestr("model.weights.h5", _weights(seed))
    return buffer.getvalue()


def _outline() -> Layer:
    layers = [
        _layer(
            "InputLayer",
            batch_shape=[None, LOOKBACK, 1],
            dtype="float32",
            ragged=False,
            sparse=False,
        ),
        _layer(
            "LSTM",
            units=UNITS,
            activation="tanh",
            recurrent_activation="sigmoid",
            use_bias=True,
            go_backwards=False,
            return_state=False,
            return_sequences=False,
            stateful=False,
        ),
        _layer(
            "Dense",
            units=1,
            activation="linear",
            use_bias=True,
            quantization_config=None,
        ),
    ]
    sequential = {"class_name": "Sequential", "module": "keras"}
    return {**sequential, "config": {"name": "v2", "layers": layers}}


def _layer(kind: str, **options: object) -> Layer:
    config = {"name": kind.lower(), **options}
    return {"class_name": kind, "module": "keras.layers", "config": config}


def _weights(seed: int) -> bytes:
    random, buffer = np.random.default_rng(seed), io.BytesIO()
    shapes = {
        "layers/lstm/cell/vars/0": (1, 4 * UNITS),
        "layers/lstm/cell/vars/1": (UNITS, 4 * UNITS),
        "layers/lstm/cell/vars/2": (4 * UNITS,),
        "layers/dense/vars/0": (UNITS, 1),
        "layers/dense/vars/1": (1,),
    }
    with h5py.File(buffer, "w") as file:
        for name, shape in shapes.items():
            file[name] = random.normal(0.1, 0.3, shape).astype(np.float32)
    return buffer.getvalue()
