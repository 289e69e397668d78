"""Compare the numbers of two builds: those that changed, and by more than noise.

A change is measured in half widths of the old number's interval on that side. Above 1
the new number lies outside that interval. A change of a number without an interval is
listed but not judged.
"""

import math
from pathlib import Path
from typing import Any

import pandas as pd

from nse_lstm.errors import ArtefactError
from nse_lstm.json_files import read_json
from nse_lstm.paths import Paths
from nse_lstm.tables import FORECASTS, SCORES, read_table

BEYOND, WITHIN, UNJUDGED, WORDS = "more than noise", "within noise", "moved", "changed"
ONLY_FIRST, ONLY_SECOND = "only in the first", "only in the second"
COLUMNS = ["what", "name", "first", "second", "change", "half_widths", "result"]
FORECAST_KEY = ["ticker", "model", "seed", "fold", "origin", "delay", "horizon"]
SENTENCES = {
    "basis",
    "cautions",
    "evidence",
    "reason",
    "reasons",
    "sentence",
    "evaluation",
}
SCORE_KEY = ["ticker", "model", "fold", "rule", "metric", "cost_bps"]


def build_differences(first: Path, second: Path, *, market: str) -> pd.DataFrame:
    """Compare scores, rank IC, verdict, selection and forecasts of two builds.

    Parameters
    ----------
    first, second : Path
        Roots of finished builds; the intervals are the first one's.
    market : str
        The market of both.

    Returns
    -------
    DataFrame
        Only differences, with the ``COLUMNS``, largest change in half widths first.
        ``result`` says whether the change is more than noise. ``first`` and ``second``
        are numbers or words, missing where a build lacks them.

    Raises
    ------
    ArtefactError
        If neither build has anything to compare.
    """
    places = [Paths(first, market), Paths(second, market)]
    rows = [
        *_scores("score", *[each.evaluation / "scores.parquet" for each in places]),
        *_scores("rank IC", *[each.ranking / "scores.parquet" for each in places]),
        *_fields("verdict", *[each.evaluation / "verdict.json" for each in places]),
        *_fields("selection", *[each.evaluation / "selection.json" for each in places]),
        *_forecasts(*[each.evaluation / "forecasts.parquet" for each in places]),
    ]
    if not any(each.evaluation.is_dir() for each in places):
        raise ArtefactError(
            f"Expected finished builds of market {market!r} in {first} and {second}. "
            "Received: neither has an evaluation"
        )
    table = pd.DataFrame(rows, columns=COLUMNS)
    order = table["half_widths"].fillna(-1.0)
    # Changed words and missing values come before numbers without an interval.
    order = order.mask(table["result"].isin([WORDS, ONLY_FIRST, ONLY_SECOND]), -0.5)
    return table.loc[
        order.sort_values(ascending=False, kind="stable").index
    ].reset_index(drop=True)


def _scores(what: str, first: Path, second: Path) -> list[tuple[Any, ...]]:
    tables = [_table(SCORES, path) for path in (first, second)]
    return [
        _row(what, _name(key), old, new)
        for key, old, new in _paired(*[_by_key(t, SCORE_KEY) for t in tables])
        if _differ(old, new)
    ]


def _fields(what: str, first: Path, second: Path) -> list[tuple[Any, ...]]:
    """Compare two documents leaf by leaf, but for sentences that repeat numbers."""
    trees = [_leaves(path) for path in (first, second)]
    return [
        _row(what, key, old, new)
        for key, old, new in _paired(*trees)
        if _differ(old, new) and not SENTENCES & set(key.split("."))
    ]


def _forecasts(first: Path, second: Path) -> list[tuple[Any, ...]]:
    """Return each model's largest change of forecasts, and rows on one side only."""
    tables = [_table(FORECASTS, path) for path in (first, second)]
    if any(table is None for table in tables):
        return []
    both = tables[0].merge(
        tables[1], on=FORECAST_KEY, how="outer", suffixes=("", "_new"), indicator=True
    )
    rows: list[tuple[Any, ...]] = []
    for model, block in both.groupby("model"):
        for side, result in (("left_only", ONLY_FIRST), ("right_only", ONLY_SECOND)):
            if n := int((block["_merge"] == side).sum()):
                counts = (n, None) if result == ONLY_FIRST else (None, n)
                rows.append(
                    ("forecasts", f"{model}: rows", *counts, None, None, result)
                )
        for column in ("y_hat", "price_hat"):
            change = (block[f"{column}_new"] - block[column]).abs()
            if change.max() > 0:
                at = block.loc[change.idxmax()]
                name = (
                    f"{model}: {column}, largest of {int((change > 0).sum())} changes"
                )
                where = f" ({at['ticker']} {at['origin']:%Y-%m-%d})"
                old, new = float(at[column]), float(at[f"{column}_new"])
                rows.append(
                    ("forecasts", name + where, old, new, new - old, None, UNJUDGED)
                )
    return rows


def _table(schema: Any, path: Path) -> Any:
    return read_table(schema, path) if path.is_file() else None


def _by_key(table: pd.DataFrame | None, key: list[str]) -> dict[Any, Any]:
    """Return value, lower and upper bound by key."""
    if table is None:
        return {}
    columns = [table[name] for name in ("value", "lower", "upper")]
    keys = table[key].itertuples(index=False, name=None)
    return dict(zip(keys, zip(*columns, strict=True), strict=True))


def _leaves(path: Path) -> dict[str, Any]:
    return _flat(read_json(path)) if path.is_file() else {}


def _flat(document: Any, name: str = "") -> dict[str, Any]:
    """Return a document's leaves by their path. An interval is one leaf."""
    if isinstance(document, dict):
        if {"mean", "lower", "upper"} <= set(document):
            return {name: tuple(document[k] for k in ("mean", "lower", "upper"))}
        pairs = [(str(key), inner) for key, inner in document.items()]
    elif isinstance(document, list):
        pairs = [(_label(inner, n), inner) for n, inner in enumerate(document)]
    else:
        return {name: document}
    return {
        path: leaf
        for key, inner in pairs
        for path, leaf in _flat(inner, f"{name}.{key}" if name else key).items()
    }


def _label(item: Any, number: int) -> str:
    """Name an item of a list by its stock, else by its number."""
    return str(item.get("ticker", number) if isinstance(item, dict) else number)


def _paired(
    first: dict[Any, Any], second: dict[Any, Any]
) -> list[tuple[Any, Any, Any]]:
    keys = list(dict.fromkeys([*first, *second]))
    return [(key, first.get(key, ...), second.get(key, ...)) for key in keys]


def _differ(old: Any, new: Any) -> bool:
    """Say whether two leaves differ. Missing equals missing."""
    return _value(old) != _value(new)


def _value(leaf: Any) -> Any:
    """Return a leaf without its bounds, a missing number as None."""
    value = leaf[0] if isinstance(leaf, tuple) else leaf
    is_missing = isinstance(value, float) and math.isnan(value)
    return None if is_missing else value


def _row(what: str, name: str, old: Any, new: Any) -> tuple[Any, ...]:
    if old is ... or new is ...:
        found = ONLY_SECOND if old is ... else ONLY_FIRST
        shown = (None if leaf is ... else _value(leaf) for leaf in (old, new))
        return (what, name, *shown, None, None, found)
    before, after = _value(old), _value(new)
    numeric = all(type(value) in (int, float) for value in (before, after))
    if not numeric:
        return (what, name, before, after, None, None, WORDS)
    change = after - before
    half = _half_width(old, up=change > 0)
    if half is None:
        return (what, name, before, after, change, None, UNJUDGED)
    ratio = round(abs(change) / half, 2) if half > 0 else math.inf
    return (
        what,
        name,
        before,
        after,
        change,
        ratio,
        BEYOND if abs(change) > half else WITHIN,
    )


def _half_width(leaf: Any, *, up: bool) -> float | None:
    """Return the distance to the bound above or below, None without an interval."""
    if not isinstance(leaf, tuple) or any(_value((each,)) is None for each in leaf):
        return None
    value, lower, upper = leaf
    # A number on its bound is measured by half of the whole interval.
    return float(upper - value if up else value - lower) or float(upper - lower) / 2


def _name(key: tuple[Any, ...]) -> str:
    ticker, model, fold, rule, metric, cost = key
    strategy = "" if rule == "none" else f" {rule} at {cost} bps"
    return f"{ticker} {model} {fold}{strategy}: {metric}"
