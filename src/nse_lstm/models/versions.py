"""Name an artefact by all that makes its bytes: data, configuration, seed and code."""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from nse_lstm.fingerprint import code_digest, imported_packages, locked_versions
from nse_lstm.paths import find_root

PANEL = "data.panel"
"""Every artefact is made from the panel, so its code counts everywhere."""


@cache
def code_version(*modules: str) -> str:
    """Return the SHA-256 of code: its import closure, and the packages it runs on.

    Parameters
    ----------
    *modules : str
        Modules that compute the bytes, by ``__name__`` or below the library. The panel
        is added. Of the packages that the code imports, the locked versions count.
    """
    roots = (*modules, PANEL)
    lock = (find_root() / "requirements.lock").read_text(encoding="utf-8")
    return _hash(
        {
            "code": code_digest(*roots),
            "packages": locked_versions(lock, imported_packages(*roots)),
        }
    )


def artefact_version(
    data_digest: str,
    configuration: Mapping[str, Any],
    seed: int,
    *,
    ticker: str,
    year: int,
    made_by: tuple[str, ...],
) -> str:
    """Return the SHA-256 that names a model before it is trained.

    Parameters
    ----------
    data_digest : str
        Of the raw files.
    configuration : mapping
        Plain values, such as those of ``config.study_document``.
    seed : int
        The study's seed.
    ticker, year
        The stock, and the fold that the model forecasts.
    made_by : tuple of str
        Modules whose code computes the bytes, as for ``code_version``.
    """
    return _hash(
        {
            "code": code_version(*made_by),
            "configuration": dict(configuration),
            "data": data_digest,
            "seed": seed,
            "ticker": ticker,
            "year": year,
        }
    )


def _hash(document: Mapping[str, Any]) -> str:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
