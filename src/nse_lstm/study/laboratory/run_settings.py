"""Settings of a run: those of each model, and suggestions for misspelt ones."""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from types import GenericAlias
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from nse_lstm.config import V2, RankLstm, StockLstm, Training, override_study
from nse_lstm.config import Study as StudySettings
from nse_lstm.errors import ConfigurationError
from nse_lstm.features.stock_channels import STOCK_CHANNELS
from nse_lstm.reporting.canvas import NAMES
from nse_lstm.study.core.suggestions import did_you_mean

if TYPE_CHECKING:
    from nse_lstm.models.architectures import Architecture

NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")
KERAS = "any Keras model"
OWN = "your own network"
RANK_MODELS = ("ridge", "boosting", "ridge_per_stock", "four_signals", "rank_lstm")
PRICE_MODELS = ("stock_lstm", "v2")
"""Models that forecast one stock's price and are named by a word."""


class RunSettings(TypedDict, total=False):
    """Settings of a run that differ from the study's; the study file explains them."""

    lookback: int
    units: int
    dense_units: int
    dropout: float
    dense_dropout: float
    l2: float
    skip_l2: float
    max_epochs: int
    batch_size: int
    learning_rate: float
    warm_up_steps: int
    stopping_patience: int
    plateau_patience: int
    plateau_factor: float
    min_learning_rate: float
    n_members: int
    n_pool: int
    pool_epochs: int
    pool_batch_size: int
    pool_learning_rate: float
    pool_warm_up_steps: int
    threshold: float
    n_seeds: int
    penalty: float
    deep_units: int
    deep_penalty: float
    wide_penalty: float
    distilled_share: float
    distillation_folds: int
    every: int
    ridge_alpha: float
    stock_ridge_alpha: float
    min_stock_rows: int
    boosting_rounds: int
    max_leaves: int
    min_leaf_rows: int
    leaf_l2: float
    feature_share: float


def _names(section: type, *without: str) -> tuple[str, ...]:
    known = RunSettings.__annotations__
    names = (each.name for each in fields(section))
    return tuple(name for name in names if name in known and name not in without)


Sections = dict[str, tuple[str, ...]]
TRAINED: Sections = {"training": _names(Training, "warm_up_steps")}
TREES = ("boosting_rounds", "max_leaves", "min_leaf_rows", "leaf_l2", "feature_share")
SETTINGS: dict[str, Sections] = {
    "v2": {"v2": _names(V2), **TRAINED},
    OWN: TRAINED,
    "stock_lstm": {"stock_lstm": _names(StockLstm)},
    # The optimiser is the one that the model was compiled with.
    KERAS: {
        "stock_lstm": ("lookback", "n_pool"),
        "training": ("max_epochs", "batch_size", "stopping_patience"),
    },
    "rank_lstm": {"rank_lstm": _names(RankLstm)},
    "ridge": {"tabular": ("ridge_alpha",)},
    "ridge_per_stock": {"tabular": ("stock_ridge_alpha", "min_stock_rows")},
    "boosting": {"tabular": (*TREES, "learning_rate")},
    "four_signals": {},
}
"""By model: the settings of a run, by their section of the study file."""

WHY_NOT: Mapping[str, str] = {
    "horizon": "Runs forecast the next session, whose trades are scored. Forecasts of "
    "other horizons enter with `lab.judge`",
    "epochs": "The setting is `max_epochs`",
    "workers": "One network needs only one process",
    "architecture": "Give the network as `model=`",
}
"""What a setting that does not exist should have been, where its name does not say."""


@dataclass(frozen=True)
class Chosen:
    """A checked choice of model and settings."""

    kind: str
    """A key of ``SETTINGS``."""
    study: StudySettings
    """With the run's own settings."""
    given: Mapping[str, Any]
    """Settings that differ from the study's, as they were given."""


def choose_settings(
    study: StudySettings, kind: str, settings: Mapping[str, Any]
) -> Chosen:
    """Put a run's settings into the study.

    Parameters
    ----------
    study : Study
    kind : str
        A key of ``SETTINGS``.
    settings : mapping
        As ``RunSettings``.

    Raises
    ------
    ConfigurationError
        If a setting does not exist for that model, or its value is invalid.
    """
    sections = SETTINGS[kind]
    section_of = {name: section for section, each in sections.items() for name in each}
    for name in settings:
        if name not in section_of:
            raise ConfigurationError(_unknown_setting(name, kind, sorted(section_of)))
    overrides: dict[str, dict[str, Any]] = {}
    for name, value in settings.items():
        if isinstance(value, str):
            raise ConfigurationError(
                f"`{name}` must be a number. Received: {value!r}, a str"
            )
        overrides.setdefault(section_of[name], {})[name] = value
    return Chosen(kind, override_study(study, overrides), dict(settings))


def choose_channels(channels: Sequence[str] | None) -> tuple[str, ...]:
    """Return the channels of a network; all of them if none are named.

    Raises
    ------
    ConfigurationError
        If one does not exist or is there twice.
    """
    if channels is None:
        return STOCK_CHANNELS
    if isinstance(channels, str):
        raise ConfigurationError(
            f"`channels` must be a list such as ['return']. Received: {channels!r}"
        )
    names = tuple(channels)
    for name in names:
        if name not in STOCK_CHANNELS:
            raise ConfigurationError(
                f"`channels` must be of {', '.join(STOCK_CHANNELS)}. "
                f"Received: {name!r}{did_you_mean(name, STOCK_CHANNELS)}"
            )
    if not names or len(set(names)) < len(names):
        raise ConfigurationError(
            f"`channels` must name at least one channel, each once. Received: {names}"
        )
    return names


def check_whole(name: str, value: object, example: int) -> int:
    """Return a whole number, or say what it must be.

    Parameters
    ----------
    name : str
        Of the setting.
    value : object
        As it was given.
    example : int
        For the message.

    Raises
    ------
    ConfigurationError
        If it is a text, a fraction, or something else.
    """
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise ConfigurationError(
            f"`{name}` must be a whole number, such as {name}={example}. "
            f"Received: {value!r}, a {type(value).__name__}"
        )
    return int(value)


Function = TypeVar("Function", bound=Callable[..., Any])


def with_settings(*, listed: bool = False) -> Callable[[Function], Function]:
    """Show every setting in a function's signature, for help and tab completion.

    Parameters
    ----------
    listed : bool
        Whether a list of values is accepted in place of one.
    """

    def show(function: Function) -> Function:
        signature = inspect.signature(function)
        known = [
            each
            for each in signature.parameters.values()
            if each.kind != each.VAR_KEYWORD
        ]
        more = [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=None,
                annotation=kind | GenericAlias(list, (kind,)) if listed else kind,
            )
            for name, kind in RunSettings.__annotations__.items()
        ]
        changed = signature.replace(parameters=[*known, *more])
        function.__signature__ = changed  # type: ignore[attr-defined]
        return function

    return show


def _unknown_setting(name: str, kind: str, known: list[str]) -> str:
    whose = kind if kind in (OWN, KERAS) else f"`{kind}`"
    near = did_you_mean(name, known)
    elsewhere = [
        other
        for other, sections in SETTINGS.items()
        if any(name in each for each in sections.values())
    ]
    if name in WHY_NOT:
        return f"`{name}` is no setting of a run. {WHY_NOT[name]}"
    if elsewhere:
        return (
            f"`{name}` is no setting of {whose} but of {' and '.join(elsewhere)}. "
            f"{_advice(kind)}Settings here: {', '.join(known) or 'none'}"
        )
    if near:
        return f"`{name}` is no setting of {whose}{near}"
    return (
        f"`{name}` is no setting of {whose}. Settings: {', '.join(known) or 'none'}. "
        "Other sections of the study file: open_laboratory(overrides=...)"
    )


def _advice(kind: str) -> str:
    if kind == KERAS:
        return "Layers and optimiser are set in your function. "
    return "Layers are set in your architecture. " if kind == OWN else ""


def check_model(model: object) -> str:
    """Return a model's kind, a key of ``SETTINGS``.

    Raises
    ------
    ConfigurationError
        If there is no such model, or it ranks stocks.
    """
    from nse_lstm.models.architectures import Architecture

    if isinstance(model, Architecture):
        return OWN
    if not isinstance(model, str):
        from nse_lstm.models.keras_models import check_build

        check_build(model)
        return KERAS
    if model in RANK_MODELS:
        raise ConfigurationError(
            f"`{model}` ranks all stocks at once: use lab.rank({model!r}, year=...)"
        )
    if model not in PRICE_MODELS:
        raise ConfigurationError(
            f"`model` must be {' or '.join(map(repr, PRICE_MODELS))}, an Architecture, "
            "or a function (lookback, channels) that returns a compiled Keras model. "
            f"Received: {model!r}{did_you_mean(model, PRICE_MODELS)}"
        )
    return model


def check_network(network: "Architecture") -> None:
    """Refuse a network of the engine's that cannot forecast one price.

    Raises
    ------
    ConfigurationError
        If its name is taken, or it has several channels or outputs.
    """
    _check_name(network.name, "Your network's name")
    if (network.channels, network.n_outputs) != (1, 1):
        raise ConfigurationError(
            "Your network must have 1 channel and 1 output: prices in, a price out. "
            f"Received: {network.channels} and {network.n_outputs}"
        )


def check_name(build: object, name: str) -> str:
    """Return the name of a Keras model in tables: the given one, or the function's.

    Parameters
    ----------
    build : callable
    name : str
        Empty for the function's own.

    Raises
    ------
    ConfigurationError
        If it is no plain word, or that of a model of the study.
    """
    found = name or str(getattr(build, "__name__", type(build).__name__))
    return _check_name(found, "`name` (by default the function's)")


def _check_name(name: str, what: str) -> str:
    if not NAME.fullmatch(name) or name in NAMES:
        raise ConfigurationError(
            f"{what} must be lower-case letters, digits and underscores, at most 31, "
            f"and differ from the study's models. Received: {name!r}"
        )
    return name
