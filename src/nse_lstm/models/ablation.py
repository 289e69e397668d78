"""Ablation of v2: networks and training with any subset of its changes to v1.

None of the changes gives v1's network and training, all of them v2's. Every mixture is
fitted per stock, so that changes are compared on the same windows. Every mixture of a
seed begins with the same random numbers.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from nse_lstm.config import Study, Training
from nse_lstm.errors import ArtefactError
from nse_lstm.features.scaling import MinMaxScaler, fit_min_max, scaler_document
from nse_lstm.features.windows import PER_WINDOW, FoldSplit, Windows
from nse_lstm.models.architectures import (
    Architecture,
    BatchNorm,
    Dense,
    Dropout,
    Layer,
    LayerNorm,
    Lstm,
    describe_v1,
    describe_v2,
)
from nse_lstm.models.jobs import SampleJob
from nse_lstm.models.samples import scale_windows

CHANGES = (
    "stock_scaler",
    "l2",
    "normalisation",
    "dropout",
    "relu",
    "huber",
    "early_stopping",
)
"""Everything that v2 changes in v1, except that each stock has its own weights."""


def describe_mixture(changes: Collection[str], study: Study) -> Architecture:
    """Describe v1's network with some of v2's changes.

    ``dropout`` raises both rates after the recurrent layers and adds a third, before
    the output; ``relu`` bends the dense layer.

    Parameters
    ----------
    changes : collection of str
        Of ``CHANGES``.
    study : Study

    Raises
    ------
    ArtefactError
        If a change is none of ``CHANGES``.
    """
    unknown = sorted(set(changes) - set(CHANGES))
    if unknown:
        raise ArtefactError(f"Expected changes of {CHANGES}. Received: {unknown}")
    v1 = describe_v1(study.v2.lookback, units=study.v2.units)
    v2 = describe_v2(study.v2)
    old = {layer.name: layer for layer in v1.layers}
    layers = [
        mixed
        for layer in v2.layers
        if (mixed := _mix(old.get(layer.name), layer, changes)) is not None
    ]
    loss: Literal["huber", "mse"] = "huber" if "huber" in changes else "mse"
    return replace(v2, name="ablation", layers=tuple(layers), loss=loss)


def _mix(old: Layer | None, new: Layer, changes: Collection[str]) -> Layer | None:
    """Return a layer of v2 with only the changes named; None where v1 has none."""
    penalty = 1.0 if "l2" in changes else 0.0
    match new:
        case BatchNorm() | LayerNorm():
            return new if "normalisation" in changes else old
        case Dropout():
            return new if "dropout" in changes else old
        case Lstm():
            return replace(new, l2=penalty * new.l2)
        case Dense():
            bent = new.activation if "relu" in changes else "linear"
            return replace(new, l2=penalty * new.l2, activation=bent)


def mixture_training(changes: Collection[str], study: Study) -> Training:
    """Return how a mixture is trained: v2's way if it stops early, else v1's epochs.

    Parameters
    ----------
    changes : collection of str
        Of ``CHANGES``.
    study : Study
    """
    training = study.training
    if "early_stopping" in changes:
        return replace(training, max_epochs=study.ablation.max_epochs)
    return Training(
        batch_size=training.batch_size,
        max_epochs=min(study.v1.max_epochs, study.ablation.max_epochs),
        learning_rate=training.learning_rate,
    )


def training_windows(
    split: FoldSplit, changes: Collection[str], *, at_most: int
) -> Windows:
    """Return the windows that a mixture's weights and its own scaler are fitted on.

    Without early stopping, which alone needs them for something else, these are the
    validation windows as well. If there are more than ``at_most``, every k-th is kept.

    Parameters
    ----------
    split : FoldSplit
        Of the stock.
    changes : collection of str
        Of ``CHANGES``.
    at_most : int
        Windows.
    """
    spans = [split.train]
    if "early_stopping" not in changes:
        spans.append(split.validation)
    joined = {
        name: np.concatenate([getattr(span, name) for span in spans])
        for name in PER_WINDOW
    }
    step = -(-len(joined["last"]) // at_most)
    kept: dict[str, Any] = {name: values[::step] for name, values in joined.items()}
    # The later span's prices reach as far as its windows do, and no further.
    return replace(spans[-1], **kept)


def ablation_job(
    split: FoldSplit,
    changes: Collection[str],
    *,
    mixture: str,
    study: Study,
    ticker: str,
    year: int,
    seed: int,
    market: MinMaxScaler,
    version: str,
) -> SampleJob:
    """Describe the fit of one mixture for one stock.

    Parameters
    ----------
    split : FoldSplit
        Of the stock; forecast windows are not used.
    changes : collection of str
        Those of v2's that are in.
    mixture : str
        Its name, kept among the bundle's metadata.
    study : Study
    ticker : str
    year : int
        First year that the model forecasts.
    seed : int
        Equal for all mixtures that are to begin alike.
    market : MinMaxScaler
        Of all ordinary stocks, from the training span; not used with a
        "stock_scaler".
    version : str
        Names all that the model depends on.
    """
    train = training_windows(split, changes, at_most=study.ablation.max_windows)
    own = "stock_scaler" in changes
    scaler = fit_min_max(np.append(train.X, train.y)) if own else market
    stops = "early_stopping" in changes
    about: Mapping[str, Any] = {
        "mixture": mixture,
        "horizon": study.v2.horizon,
        "scaler": scaler_document(scaler),
    }
    return SampleJob(
        ticker=ticker,
        year=year,
        seed=seed,
        network=describe_mixture(changes, study),
        training=mixture_training(changes, study),
        train=scale_windows(scaler, train),
        validation=scale_windows(scaler, split.validation) if stops else None,
        version=version,
        about=about,
    )
