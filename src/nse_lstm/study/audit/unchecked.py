"""Published numbers without a second computation, and why they have none."""

import re
from collections import Counter
from pathlib import Path

from nse_lstm.paths import Paths

DESCRIBED = (
    "forecast distributions and faults of forecasts decide nothing: the quantiles are "
    "compared under other futures, and every score is tested against plain arithmetic"
)

REASONS = (
    (
        "forecasts.parquet price_hat of",
        "no second model is written: each model's inputs, spans and stored bytes are "
        "checked instead, and its forecasts under other futures",
    ),
    ("distribution_", DESCRIBED),
    ("claims.parquet", DESCRIBED),
    ("forecast_faults.parquet", DESCRIBED),
    (
        "portfolio_",
        "the optimised rule, the benchmarks by risk and the accounts in whole lots are "
        "not booked a second time: they are compared under other futures",
    ),
    (
        "order_",
        "the ensemble's own orders, spreads and groups by turnover are not counted a "
        "second time: they are compared under other futures, and tested against a loop",
    ),
    (
        "file analysis/",
        "the recommended stocks are compared with the reference, the rest describes "
        "stocks and decides nothing",
    ),
    (
        "file stock_specific_v2/",
        "losses, epochs and sizes describe how networks were trained",
    ),
    (
        "file registry/",
        "Phase 5 runs after the audit: losses and intervals of the gate come from the "
        "selection's forecasts, which are recounted",
    ),
    (
        "file latest_ranking/",
        "forecasts of the next session, made after the audit: nothing is judged by "
        "them",
    ),
    ("file replay/", "a rehearsal of daily operation, which unit tests alone check"),
    ("file data/", "statistics that describe the market, on which no choice rests"),
    ("file ablation/", "an experiment beside the study"),
    ("file anatomy/", "an account of published mistakes, beside the study"),
    ("file calibration/", "verdicts on simulated markets, beside the study"),
)
"""Start of a kind of number, and the reason."""
NO_REASON = "no reason is given"

TABLES = (".parquet", ".csv", ".json")
RECOUNTED = ("evaluation", "ledger", "audit")
"""Folders whose files are recounted, or are the audit's own."""
NETWORK = "model.keras"
"""Beside it lie the files of one network, whose bytes are checked."""
INPUTS = (
    *("panel", "instruments", "repairs", "row_counts", "market", "summary"),
    "dividends",
)
"""Tables of Phase 1 that are rows of the files, counts of them, or digests."""


def reason_for(kind: str) -> str:
    """Return why nothing recounts a kind of published number."""
    return next((why for start, why in REASONS if kind.startswith(start)), NO_REASON)


def unread_files(paths: Paths) -> dict[str, int]:
    """Count the published files that no recount reads, by name without years.

    Parameters
    ----------
    paths : Paths
        Of the study.
    """
    found = Counter[str]()
    for path in _tables(paths.models):
        place = path.relative_to(paths.models)
        if place.parts[0] not in RECOUNTED and not _is_read(path):
            found[f"file {_plain(place)}"] += 1
    for path in _tables(paths.processed):
        if path.stem not in INPUTS:
            found[f"file data/{_plain(path.relative_to(paths.processed))}"] += 1
    return dict(found)


def _tables(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.rglob("*") if path.suffix in TABLES)


def _is_read(path: Path) -> bool:
    """Say whether a recount reads a file, or it belongs to a network."""
    if (path.parent / NETWORK).is_file():
        return True
    ranking = path.parent.name == "ranking"
    fold = path.parent.parent.name in ("ranking", "rank_lstm")
    return ranking or fold or path.name == "run.json"


def _plain(place: Path) -> str:
    """Return a path with stars for years, stocks and digests."""
    names = [
        "*" if re.fullmatch(r"\d{4}|[0-9a-f]{64}(\.json)?", part) else part
        for part in place.parts
    ]
    return "/".join(names)
