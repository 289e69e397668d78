"""Any Keras model: built by a function of the user's and trained by Keras itself.

The function receives only (lookback, channels), never data. Training sees the samples
that it is given. Each window is forecast alone, so that no layer can mix windows. What
is stored is a Keras file without code, and the forecasts are those of the file.
"""

import hashlib
import inspect
import math
import tempfile
import tokenize
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nse_lstm.errors import ArtefactError, ConfigurationError
from nse_lstm.models.bundles import keras_bytes, without_accidents
from nse_lstm.models.samples import Numbers, Samples, gather, open_table

if TYPE_CHECKING:
    import keras

Build = Callable[[int, int], Any]
"""From (lookback, channels) to a compiled ``keras.Model``."""

EXAMPLE = "def build(lookback, channels): ...; return model"
HISTORY = ["epoch", "loss", "val_loss", "learning_rate"]


@dataclass(frozen=True)
class KerasTraining:
    """Length of the training; optimiser and loss are those of the compiled model."""

    max_epochs: int
    batch_size: int
    patience: int
    """Epochs without a lower validation loss before training stops."""


@dataclass(frozen=True, eq=False)
class KerasFit:
    """A trained model as it is stored, and the epochs of its training."""

    content: bytes
    """Of the ``.keras`` file with the weights of the best epoch."""
    digest: str
    """SHA-256 of the file: the same layers and weights give the same."""
    history: list[dict[str, float]]
    """One row per epoch with the columns ``HISTORY``."""
    best_epoch: int
    n_parameters: int
    described: str
    """SHA-256 of layers, optimiser, loss and the function's source, not of weights."""
    own_classes: tuple[str, ...]
    """Layers that are no part of Keras: to read the file they must be registered."""


def check_build(build: object) -> None:
    """Refuse anything but a function of (lookback, channels).

    Raises
    ------
    ConfigurationError
        Naming what was received.
    """
    if not callable(build) or hasattr(build, "get_weights"):
        raise ConfigurationError(
            "`model` must be a function that returns a compiled Keras model, so that "
            f"every run begins with fresh weights: {EXAMPLE}. "
            f"Received: {type(build).__name__}"
        )
    try:
        inspect.signature(build).bind(20, 6)
    except TypeError as error:
        raise ConfigurationError(
            "`model` must be a function of two arguments (lookback, channels): "
            f"{EXAMPLE}. Received: {_name(build)}{inspect.signature(build)}, {error}"
        ) from None
    except ValueError:
        return  # written in C: its arguments cannot be read


def fit_keras(
    build: Build,
    train: Samples,
    validation: Samples,
    *,
    lookback: int,
    seed: int,
    training: KerasTraining,
) -> KerasFit:
    """Build a model from its seed, check it, and train it.

    The weights of the epoch with the lowest validation loss are kept. The same seed
    gives the same weights.

    Parameters
    ----------
    build : callable
        From (lookback, channels) to a compiled model of one output.
    train, validation : Samples
        With one target per window. The validation windows only stop the training.
    lookback : int
        Sessions per window.
    seed : int
        From 0 to 2**31 - 1.
    training : KerasTraining

    Raises
    ------
    ConfigurationError
        If the function fails, or its model is not compiled, has another shape, keeps
        state between windows, or holds a Lambda layer.
    ArtefactError
        If the training fails or a loss is not finite.
    """
    from nse_lstm.models.runtime import keras, set_seeds

    channels = open_table(train).shape[1]
    # Names of layers are counted per session, and so would change the file.
    keras.backend.clear_session()
    set_seeds(seed)
    model = _build(build, lookback, channels)
    own_classes = _check_stored_form(model)
    described = _describe(build, model)
    set_seeds(seed)
    follow = _follow(training.patience)
    with _told(f"{_name(build)} could not be trained"):
        model.fit(
            *_arrays(train, lookback),
            validation_data=_arrays(validation, lookback),
            epochs=training.max_epochs,
            batch_size=training.batch_size,
            callbacks=[follow],
            verbose=0,
        )
    model.set_weights(follow.best_weights)
    content = keras_bytes(model)
    return KerasFit(
        content=content,
        digest=hashlib.sha256(content).hexdigest(),
        history=follow.rows,
        best_epoch=follow.best_epoch,
        n_parameters=int(model.count_params()),
        described=described,
        own_classes=own_classes,
    )


def read_keras(content: bytes) -> "keras.Model":
    """Read a Keras file in safe mode: nothing in it can run code.

    Parameters
    ----------
    content : bytes
        Of a ``.keras`` file.

    Raises
    ------
    ArtefactError
        If Keras does not read it.
    """
    from nse_lstm.models.runtime import keras

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.keras"
        path.write_bytes(content)
        try:
            return keras.saving.load_model(path, compile=False, safe_mode=True)
        except Exception as error:  # Keras raises whatever the file provokes.
            raise ArtefactError(
                "Expected a model that Keras reads in safe mode. Received: "
                f"{_first_line(error)}"
            ) from error


def predict_alone(
    model: "keras.Model", samples: Samples, *, lookback: int
) -> NDArray[np.float64]:
    """Apply a model to each window alone.

    So a forecast depends on its own window only, whatever the layers do with a batch.

    Parameters
    ----------
    model : keras.Model
    samples : Samples
        Targets are not used.
    lookback : int

    Returns
    -------
    array of shape (n,)

    Raises
    ------
    ArtefactError
        If an output is not finite, or not the same twice.
    """
    x, _ = _arrays(samples, lookback)
    if not len(x):
        return np.empty(0)
    found, again = (_outputs(model, each) for each in (x, x[:1]))
    if not np.isfinite(found).all():
        raise ArtefactError(
            f"Expected finite forecasts. Received: {int((~np.isfinite(found)).sum())} "
            f"of {len(found)} that are not"
        )
    if found[0] != again[0]:
        raise ArtefactError(
            "Expected the same forecast from the same window. Received: "
            f"{found[0]:.6g} and {again[0]:.6g}: a layer draws random numbers in "
            "forecasts, or keeps state"
        )
    return found


def _outputs(model: "keras.Model", x: Numbers) -> NDArray[np.float64]:
    outputs = model.predict(x, batch_size=1, verbose=0)
    return np.asarray(outputs, np.float64)[:, 0]


def _build(build: Build, lookback: int, channels: int) -> "keras.Model":
    from nse_lstm.models.runtime import keras

    name = _name(build)
    with _told(f"{name}({lookback}, {channels}) failed", ConfigurationError):
        model = build(lookback, channels)
    if not isinstance(model, keras.Model):
        hint = "; does it end with `return model`?" if model is None else ""
        raise ConfigurationError(
            f"{name} must return a keras.Model. Received: {type(model).__name__}{hint}"
        )
    if not model.compiled or model.loss is None:
        raise ConfigurationError(
            f"{name} must return a compiled model with a loss: call "
            'model.compile(optimizer="adam", loss="mse") before `return model`'
        )
    windows = f"{name}'s model must take windows of shape ({lookback}, {channels})"
    taken = getattr(model, "input_shape", (None, lookback, channels))
    if tuple(taken)[1:] not in ((lookback, channels), (None, channels)):
        raise ConfigurationError(f"{windows}. Received: {taken}")
    with _told(windows, ConfigurationError):
        outputs = model(np.zeros((2, lookback, channels), np.float32))
    shape = tuple(getattr(outputs, "shape", ())) or type(outputs).__name__
    if shape != (2, 1):
        raise ConfigurationError(
            f"{name}'s model must have one output per window, shape (n, 1), as from "
            f"Dense(1). Received: {shape} for 2 windows"
        )
    return model


def _check_stored_form(model: "keras.Model") -> tuple[str, ...]:
    """Refuse a model whose file would hold code or state; return its own classes."""
    stored = "Expected a model that can be stored without code"
    hint = (
        f"{stored}: Sequential or functional, own layers registered with "
        "@keras.saving.register_keras_serializable()"
    )
    with _told(hint, ConfigurationError):
        layers = list(_described(_plain(model.get_config)))
    for layer in layers:
        if layer["class_name"] == "Lambda":
            raise ConfigurationError(
                f"{stored}. Received: the Lambda layer "
                f"{layer['config'].get('name')!r}, whose file would hold Python code. "
                "Use layers or keras.ops instead"
            )
        if layer["config"].get("stateful"):
            raise ConfigurationError(
                "Expected layers that forget between windows. Received: "
                f"{layer['config'].get('name')!r} with stateful=True"
            )
    with _told(hint, ConfigurationError):
        read_keras(keras_bytes(model))
    own = {
        str(layer["class_name"])
        for layer in layers
        if not str(layer.get("module") or "own").startswith(("keras", "builtins"))
    }
    return tuple(sorted(own))


def _described(document: Any) -> Iterator[dict[str, Any]]:
    """Give every object of a model's description, the inner ones too."""
    if isinstance(document, list | tuple):
        for each in document:
            yield from _described(each)
    elif isinstance(document, dict):
        if isinstance(document.get("config"), dict) and document.get("class_name"):
            yield document
        for each in document.values():
            yield from _described(each)


def _describe(build: Build, model: "keras.Model") -> str:
    """Name what the user wrote, whatever the seed: two of it are two strategies."""
    from nse_lstm.models.runtime import keras

    whole = partial(keras.saving.serialize_keras_object, model)
    parts = [repr(_plain(whole)), *map(_source, (build, model.loss))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _plain(describe: Callable[[], Any]) -> Any:
    """Return a description of a model as plain values."""
    with warnings.catch_warnings():
        # Python code in layers is refused; a loss is not stored.
        warnings.simplefilter("ignore")
        return without_accidents(describe())


def _source(function: object) -> str:
    try:
        return inspect.getsource(function)  # type: ignore[arg-type]
    except (TypeError, OSError, SyntaxError, tokenize.TokenError):
        # Typed into a shell, or its file is another by now.
        code = getattr(function, "__code__", None)
        if code is None:
            return function if isinstance(function, str) else repr(type(function))
        plain = [each for each in code.co_consts if not inspect.iscode(each)]
        return repr((code.co_code, plain, code.co_names))


def _arrays(samples: Samples, lookback: int) -> tuple[Numbers, Numbers]:
    """Copy all windows out, as Keras takes them: (n, lookback, channels), (n, 1)."""
    rows = np.arange(len(samples))
    x, _ = gather(samples, open_table(samples), rows, lookback=lookback)
    return np.ascontiguousarray(x.transpose(2, 0, 1)), samples.y


def _follow(patience: int) -> Any:
    """Return a callback that keeps the best weights and stops the training."""
    from nse_lstm.models.runtime import keras

    class Follow(keras.callbacks.Callback):
        def __init__(self) -> None:
            super().__init__()
            self.rows: list[dict[str, float]] = []
            self.best_epoch, self.best_loss = 0, math.inf
            self.best_weights: list[Numbers] = []

        def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
            loss, validation = float(logs["loss"]), float(logs["val_loss"])
            number = epoch + 1
            if not (math.isfinite(loss) and math.isfinite(validation)):
                raise ArtefactError(
                    f"the loss of epoch {number} is {loss:g} on the training windows "
                    f"and {validation:g} on the validation windows; lower the learning "
                    "rate or change the loss"
                )
            rate = float(np.asarray(self.model.optimizer.learning_rate))
            values = (float(number), loss, validation, rate)
            self.rows.append(dict(zip(HISTORY, values, strict=True)))
            if validation < self.best_loss:
                self.best_epoch, self.best_loss = number, validation
                self.best_weights = self.model.get_weights()
            elif number - self.best_epoch >= patience:
                self.model.stop_training = True

    return Follow()


def _name(build: object) -> str:
    return str(getattr(build, "__name__", type(build).__name__))


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}".rstrip(": ")


class _told:
    """Turn whatever a user's model raises into one line; the cause stays chained."""

    def __init__(
        self,
        what: str,
        kind: type[ArtefactError] | type[ConfigurationError] = ArtefactError,
    ) -> None:
        self.what, self.kind = what, kind

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        if isinstance(error, ArtefactError | ConfigurationError):
            raise self.kind(f"{self.what}: {error}") from None
        if isinstance(error, Exception):
            raise self.kind(f"{self.what}: {_first_line(error)}") from error
