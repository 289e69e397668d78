"""Reading of study files, with their bases and overrides."""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from nse_lstm.config.settings import Study
from nse_lstm.errors import ConfigurationError

FALLBACK = "simulated"
"""The market that is studied where neither caller nor study file names one."""


@dataclass(frozen=True)
class StudyDefaults:
    """Default market and source folders of a study file. They change no number."""

    market: str
    """Its ``default_market``."""
    raw: Mapping[str, str]
    """By market: the folder of its source files, ``raw`` under ``[markets.<name>]``."""


def read_defaults(path: Path) -> StudyDefaults:
    """Read the default market of a study file, and the markets' source folders.

    Parameters
    ----------
    path : Path
        As for ``load_study``.

    Raises
    ------
    ConfigurationError
        If a file is missing or not TOML.
    """
    document = _read_with_base(Path(path), above=())
    markets = document.get("markets", {})
    found = {
        name: str(about["raw"])
        for name, about in (markets.items() if isinstance(markets, dict) else ())
        if isinstance(about, dict) and "raw" in about
    }
    return StudyDefaults(str(document.get("default_market", FALLBACK)), found)


def load_study(
    path: Path, market: str = "", *, test_year: int = 0, seed: int = 0
) -> Study:
    """Read and validate a study file for one of its markets.

    Parameters
    ----------
    path : Path
        TOML file. Its key ``base`` may name a file beside it that it overrides.
    market : str
        One of the tables under ``[markets]``; the file's ``default_market`` if empty.
        Tables below it, such as ``[markets.nse.backtest]``, hold settings for this
        market alone.
    test_year, seed : int
        Override the file's values; 0 keeps them.

    Raises
    ------
    ConfigurationError
        If a file is missing or not TOML, a key is unknown, or a value is invalid.
    """
    document = _read_with_base(Path(path), above=())
    market = market or str(document.get("default_market", FALLBACK))
    document.pop("default_market", None)
    markets = document.pop("markets", {})
    if not isinstance(markets, dict) or not all(
        isinstance(about, dict) for about in markets.values()
    ):
        raise ConfigurationError(
            f"`markets` must hold one table per market in {path}. Received: {markets!r}"
        )
    if market not in markets:
        raise ConfigurationError(
            f"`market` must be one of {', '.join(sorted(markets))} in {path}. "
            f"Received: {market!r}"
        )
    sections = {each.name for each in fields(Study)} - {"market"}
    about = markets[market]
    own = {key: about[key] for key in about if key in sections}
    document = _merge(document, own)
    kept = sections | {"raw"}
    about = {key: value for key, value in about.items() if key not in kept}
    document["market"] = {"name": market, **about}
    overrides = {"test_year": test_year, "seed": seed}
    document |= {key: value for key, value in overrides.items() if value}
    return _validated(document, str(path))


def override_study(study: Study, overrides: Mapping[str, Any]) -> Study:
    """Return a study with some of its settings replaced, validated like a file.

    Parameters
    ----------
    study : Study
        It is not changed.
    overrides : mapping
        As in a study file: a value, or a mapping for a section.

    Raises
    ------
    ConfigurationError
        If a section or setting is unknown, or a value is invalid.

    Examples
    --------
    >>> from nse_lstm.config import Market, Study
    >>> study = Study(market=Market(name="any", label="Any"))
    >>> override_study(study, {"v2": {"units": 8}}).v2.units
    8
    """
    document = TypeAdapter(Study).dump_python(study, mode="json")
    return _validated(_merge(document, dict(overrides)), "The study with overrides")


def study_document(study: Study) -> dict[str, Any]:
    """Return the settings that can change a number, as plain values.

    Left out are workers and cluster, which change only the time, the review of new
    files, the budgets of ablation and search, the limits of deployment, and a market's
    label.
    """
    document: dict[str, Any] = TypeAdapter(Study).dump_python(study, mode="json")
    for setting in ("workers", "engine", "scheduler", "store"):
        del document["training"][setting]
    for section in ("review", "ablation", "search", "deployment"):
        del document[section]
    document["market"] = {"name": study.market.name}
    return document


def configuration_hash(study: Study) -> str:
    """Return the SHA-256 of the canonical JSON of ``study_document``."""
    text = json.dumps(study_document(study), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def invalid_values(error: ValidationError) -> list[str]:
    """Describe each invalid value of a document in one line."""
    return [
        f"  {'.'.join(map(str, e['loc']))}: {e['msg']}. Received: {e['input']!r}"
        for e in error.errors()
    ]


def _validated(document: dict[str, Any], what: str) -> Study:
    try:
        return TypeAdapter(Study).validate_python(document)
    except ValidationError as error:
        raise ConfigurationError(
            "\n".join([f"{what} is not a valid study:", *invalid_values(error)])
        ) from None


def _read_with_base(path: Path, *, above: tuple[Path, ...]) -> dict[str, Any]:
    if path in above:
        raise ConfigurationError(f"{path} is its own `base`, directly or not")
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(f"No study file at {path}") from None
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not TOML: {error}") from None
    base = document.pop("base", None)
    if base is None:
        return document
    if not isinstance(base, str):
        raise ConfigurationError(
            f"`base` must name a file. Received: {base!r} ({path})"
        )
    below = _read_with_base(path.parent / base, above=(*above, path))
    return _merge(below, document)


def _merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        inner = merged.get(key)
        if isinstance(value, dict) and isinstance(inner, dict):
            value = _merge(inner, value)
        merged[key] = value
    return merged
