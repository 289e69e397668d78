"""Catalogue of public data sets that may be downloaded, with digests of their rows.

``data/catalogue.toml`` is the only place that names a server.
"""

import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from nse_lstm.config.loading import invalid_values
from nse_lstm.errors import ConfigurationError

FORBID = ConfigDict(extra="forbid")

Year = Annotated[int, Field(ge=1954, le=2099)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


@dataclass(frozen=True, kw_only=True, config=FORBID)
class Dataset:
    """One version of a published data set."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9]{6,20}$")]
    version: Annotated[int, Field(ge=1)]
    years: tuple[Year, Year]
    """First and last year it covers."""
    licence: str
    citation: str


@dataclass(frozen=True, kw_only=True, config=FORBID)
class Catalogue:
    """All public data sets of one market."""

    market: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    address: Annotated[str, Field(pattern=r"^https?://[^/]+$")]
    """Address of the server, without a path."""
    years: tuple[Year, Year]
    """First and last year that are fetched if no others are asked for."""
    datasets: tuple[Dataset, ...]
    rows: dict[str, Digest]
    """Digest of the rows (``row_digest``) of files whose content is known, by name."""


def read_catalogue(path: Path) -> Catalogue:
    """Read and validate a catalogue.

    Raises
    ------
    ConfigurationError
        If it is missing, not TOML, or not a valid catalogue.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
        return TypeAdapter(Catalogue).validate_python(document)
    except FileNotFoundError:
        raise ConfigurationError(f"No catalogue of data sets at {path}") from None
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not TOML: {error}") from None
    except ValidationError as error:
        raise ConfigurationError(
            "\n".join([f"{path} is not a valid catalogue:", *invalid_values(error)])
        ) from None


def years_of(catalogue: Catalogue, years: str = "") -> tuple[int, int]:
    """Return the first and last year that are asked for.

    Parameters
    ----------
    catalogue : Catalogue
    years : str
        A year, the first and last year as ``2013-2023``, or empty for the catalogue's
        own years.

    Raises
    ------
    ConfigurationError
        If the text holds no years, or no data set covers them.
    """
    if not years:
        return catalogue.years
    parts = years.split("-")
    if len(parts) > 2 or not all(part.isdecimal() for part in parts):
        raise ConfigurationError(
            f"`years` must be a year or two, as 2013-2023. Received: {years!r}"
        )
    asked = int(parts[0]), int(parts[-1])
    if not datasets_of(catalogue, asked):
        covered = ", ".join(
            f"{a}-{b}" for a, b in (d.years for d in catalogue.datasets)
        )
        raise ConfigurationError(
            f"`years` must meet one of {covered}. Received: {years!r}"
        )
    return asked


def datasets_of(catalogue: Catalogue, years: tuple[int, int]) -> tuple[Dataset, ...]:
    """Return the data sets that cover any of the years.

    Parameters
    ----------
    catalogue : Catalogue
    years : (int, int)
        First and last year, both included.
    """
    first, last = years
    return tuple(
        each
        for each in catalogue.datasets
        if each.years[0] <= last and each.years[1] >= first
    )
