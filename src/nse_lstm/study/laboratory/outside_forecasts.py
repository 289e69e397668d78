"""Forecasts made elsewhere: read and check a file, and put it on the study's origins.

Known are the long table of Nixtla's libraries (``unique_id``, ``ds``, ``cutoff`` and
one column per model, with ``-lo-90`` and ``-hi-90`` for intervals) and the study's own
forecast table. Every refusal names the file, the line and the value.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import numpy as np
import pandas as pd

from nse_lstm.config import Study
from nse_lstm.errors import ConfigurationError, DataError
from nse_lstm.features.folds import make_folds
from nse_lstm.features.returns import market_sessions
from nse_lstm.features.windows import FoldSplit
from nse_lstm.models.baselines import forecast_baselines, forecast_rows
from nse_lstm.study.core.jobs import split_stock

IDS = {
    "ticker": ("unique_id", "ticker"),
    "target_date": ("ds", "target_date"),
    "origin": ("cutoff", "origin"),
}
"""Columns by their names in Nixtla's table and in the study's."""
OURS = {"model", "seed", "fold", "delay", "horizon", "entry_date", "lower", "upper"}
OURS |= {"price_hat"}
"""Further columns of the study's table."""
VALUES = ("y_hat", "price_hat")
REALISED = "y"
BOUND = re.compile(r"(?P<model>.+)-(?P<side>lo|hi)-(?P<level>[0-9]{1,2}(?:\.[0-9]+)?)")
LEVEL = 90.0
"""Level of intervals in per cent that is preferred where a file has several."""
SCALE = np.log(2.0)
"""Largest median log distance of forecasts from the last price."""
LIKE = 0.005
"""Relative difference up to which the file's realised prices are the market's."""


@dataclass(frozen=True)
class OutsideForecasts:
    """A checked file of forecasts.

    ``rows`` has ``ticker origin target_date price_hat`` and, where the file has an
    interval, ``price_lower price_upper``; ``realised`` (NaN where the file has none)
    and the file's ``line``.
    """

    file: str
    column: str
    rows: pd.DataFrame
    level: float
    """Level of the interval in per cent, 0 without one."""
    unread: tuple[str, ...]
    digest: str
    """SHA-256 of the forecasts, whatever the order of rows and columns."""


@dataclass(frozen=True)
class PlacedForecasts:
    """Forecasts of one horizon on the origins of the study's own models."""

    horizon: int
    rows: pd.DataFrame
    """``FORECASTS`` of the outside model and the baselines, ``lower`` and ``upper`` as
    log returns."""
    n_left_out: int
    """Rows of the file from origins that the study's own models do not forecast."""


def read_outside(path: Path, *, column: str = "") -> OutsideForecasts:
    """Read a file of forecasts and check every row.

    Parameters
    ----------
    path : Path
        CSV, compressed or not, or parquet.
    column : str
        The model's column, where the file has several.

    Raises
    ------
    DataError
        If a column is missing, a row lacks a value, a target is not after its cutoff,
        or two rows forecast one target of a stock from one cutoff.
    ConfigurationError
        If ``column`` is not in the file, or has to be named.
    """
    table = _read_table(path)
    names = {role: _find(table, both, path) for role, both in IDS.items()}
    chosen = _value_column(table, names, column, path)
    rows = pd.DataFrame({"line": table.index + 2})
    rows["ticker"] = table[names["ticker"]].str.strip()
    _refuse(path, rows["ticker"] == "", table[names["ticker"]], "a stock's code")
    for role in ("target_date", "origin"):
        rows[role] = _days(table[names[role]], path)
    rows["price_hat"] = _numbers(table[chosen], path, "a forecast price")
    level, bounds = _bounds(table, chosen)
    for side, name in bounds.items():
        rows[f"price_{side}"] = _numbers(table[name], path, "a bound of the interval")
    rows["realised"] = np.nan
    if REALISED in table and chosen != REALISED:
        rows["realised"] = pd.to_numeric(table[REALISED], errors="coerce")
    _check_times(rows, path)
    used = {*names.values(), chosen, *bounds.values(), REALISED}
    return OutsideForecasts(
        file=path.name,
        column=chosen,
        rows=rows,
        level=level,
        unread=tuple(name for name in table.columns if name not in used | OURS),
        digest=_digest(rows.drop(columns=["line", "realised"])),
    )


def place_forecasts(
    outside: OutsideForecasts,
    prices: pd.DataFrame,
    *,
    study: Study,
    test_year: int,
    model: str,
) -> list[PlacedForecasts]:
    """Put forecasts on the study's origins, beside the baselines, by horizon.

    Parameters
    ----------
    outside : OutsideForecasts
        As read.
    prices : DataFrame
        ``with_returns`` of the panel before the test year.
    study : Study
        Its ``v2`` says which origins have enough history.
    test_year : int
        Sealed: no target may lie in it.
    model : str
        Name of the outside model in the tables.

    Raises
    ------
    DataError
        If a stock is unknown, a date is no session, a target lies in the test year, the
        prices are on another scale, or an origin of a forecast year is missing.
    """
    rows = outside.rows
    sessions = market_sessions(prices)
    _check_market(outside, prices, sessions, test_year)
    place = sessions.get_indexer(pd.DatetimeIndex(rows["target_date"]))
    before = sessions.get_indexer(pd.DatetimeIndex(rows["origin"]))
    rows = rows.assign(horizon=place - before, fold=rows["target_date"].dt.year)
    _check_scale(outside, rows, prices)
    found = []
    for horizon, block in rows.groupby("horizon"):
        aimed = replace(study, v2=replace(study.v2, horizon=int(str(horizon))))
        parts, n_used = [], 0
        for (ticker, year), own in block.groupby(["ticker", "fold"]):
            fold = make_folds(int(str(year)) + 1, 1)[0]
            split = split_stock(aimed, prices, str(ticker), fold)
            forecasts = _on_origins(outside, own, split, model=model)
            n_used += len(split.forecast)
            baselines = forecast_baselines(
                split, ticker=str(ticker), year=fold.year, horizon=aimed.v2.horizon
            )
            parts += [forecasts, baselines]
        table = pd.concat(parts, ignore_index=True)
        found.append(
            PlacedForecasts(aimed.v2.horizon, table, n_left_out=len(block) - n_used)
        )
    return found


def other_prices(outside: OutsideForecasts, placed: pd.DataFrame) -> tuple[int, int]:
    """Count the realised prices of the file that are not the market's, and all of them.

    Parameters
    ----------
    outside : OutsideForecasts
        As read.
    placed : DataFrame
        Forecasts with the realised ``level``.
    """
    known = placed[["ticker", "origin", "target_date", "level"]].dropna()
    both = outside.rows.dropna(subset="realised").merge(known)
    differs = (both["realised"] / both["level"] - 1).abs() > LIKE
    return int(differs.sum()), len(both)


def _read_table(path: Path) -> pd.DataFrame:
    """Read all cells as text."""
    if not path.is_file():
        raise DataError(f"Expected a file of forecasts. Received: {path}")
    try:
        if path.suffix == ".parquet":
            table = pd.read_parquet(path)
            if any(name is not None for name in table.index.names):
                table = table.reset_index()
            table = table.astype("str").replace({"nan": "", "NaT": "", "<NA>": ""})
        else:
            table = pd.read_csv(
                path, dtype="str", keep_default_na=False, encoding="utf-8-sig"
            )
    except (OSError, ValueError, ImportError) as error:
        raise DataError(f"Cannot read: {error}", file=path.name, line=1) from None
    if table.isna().any(axis=None):
        bad = int(table.isna().any(axis=1).to_numpy().argmax())
        message = f"Expected {table.shape[1]} fields. Received: fewer"
        raise DataError(message, file=path.name, line=bad + 2)
    if table.empty:
        message = "Expected rows of forecasts. Received: none"
        raise DataError(message, file=path.name, line=1)
    unnamed = [name for name in table.columns if str(name).startswith("Unnamed")]
    return table.drop(columns=unnamed).reset_index(drop=True)


def _find(table: pd.DataFrame, names: tuple[str, ...], path: Path) -> str:
    for name in names:
        if name in table.columns:
            return name
    raise DataError(
        f"Expected the columns unique_id, ds, cutoff and a forecast, or those of the "
        f"study's forecasts; {names[0]} is missing. Received: "
        f"{', '.join(map(str, table.columns))[:200]}",
        file=path.name,
        line=1,
    )


def _value_column(
    table: pd.DataFrame, names: dict[str, str], column: str, path: Path
) -> str:
    """Return the column of forecasts: the named one, ``y_hat``, or the only model."""
    taken = {*names.values(), REALISED, *OURS, "index"} - {"price_hat"}
    models = [
        str(name)
        for name in table.columns
        if name not in taken and not BOUND.fullmatch(str(name))
    ]
    if column:
        if column not in models:
            raise ConfigurationError(
                f"--column must be one of {', '.join(models) or 'none'}. "
                f"Received: {column!r}"
            )
        return column
    # The study's table has its price beside a log return of the name y_hat.
    for name in reversed(VALUES):
        if name in models:
            return name
    if len(models) == 1:
        return models[0]
    raise ConfigurationError(
        f"--column must say which column of {path.name} is the model's. "
        f"Received: {', '.join(models) or 'no column of forecasts'}"
    )


def _bounds(table: pd.DataFrame, chosen: str) -> tuple[float, dict[str, str]]:
    """Return the level nearest to 90 % of the chosen model, and its two columns."""
    found: dict[float, dict[str, str]] = {}
    for name in map(str, table.columns):
        match = BOUND.fullmatch(name)
        if match and match["model"] == chosen:
            side = "lower" if match["side"] == "lo" else "upper"
            found.setdefault(float(match["level"]), {})[side] = name
    whole = [level for level, sides in found.items() if len(sides) == 2 and level]
    if not whole:
        return 0.0, {}
    level = min(whole, key=lambda each: (abs(each - LEVEL), each))
    return level, found[level]


def _days(texts: "pd.Series[str]", path: Path) -> pd.Series:
    days = pd.to_datetime(texts, errors="coerce", format="ISO8601", utc=False)
    is_bad = days.isna()
    if not is_bad.any():
        days = days.dt.tz_localize(None) if days.dt.tz is not None else days
        is_bad = days != days.dt.normalize()
    _refuse(path, is_bad, texts, "a day as 2022-06-30")
    return days.astype("datetime64[us]")


def _numbers(texts: "pd.Series[str]", path: Path, what: str) -> "pd.Series[float]":
    values = pd.to_numeric(texts, errors="coerce").astype("float64")
    _refuse(path, ~values.map(np.isfinite), texts, what)
    return values


def _check_times(rows: pd.DataFrame, path: Path) -> None:
    early = rows["target_date"] <= rows["origin"]
    if early.any():
        row = rows[early].iloc[0]
        _fail(
            path,
            int(row["line"]),
            f"a ds after its cutoff, {row['origin']:%Y-%m-%d}",
            f"{row['target_date']:%Y-%m-%d} of {row['ticker']}",
        )
    key = ["ticker", "origin", "target_date"]
    twice = rows.duplicated(key)
    if twice.any():
        row = rows[twice].iloc[0]
        first = rows[(rows[key] == row[key]).all(axis=1)].iloc[0]
        _fail(
            path,
            int(row["line"]),
            "one forecast per stock, cutoff and ds",
            f"a second of {row['ticker']} from {row['origin']:%Y-%m-%d}; the first is "
            f"on line {first['line']}",
        )


def _check_market(
    outside: OutsideForecasts,
    prices: pd.DataFrame,
    sessions: pd.DatetimeIndex,
    test_year: int,
) -> None:
    rows, path = outside.rows, Path(outside.file)
    stocks = set(prices.loc[prices["kind"] == "ordinary", "ticker"])
    sealed = rows["target_date"] >= pd.Timestamp(test_year, 1, 1)
    checks: list[tuple[pd.Series, str, str]] = [
        (
            ~rows["ticker"].isin(stocks),
            "ticker",
            f"a stock of the market, such as {', '.join(sorted(stocks)[:5])}",
        ),
        (
            sealed,
            "target_date",
            f"a ds before the test year {test_year}, which is sealed",
        ),
        (~rows["origin"].isin(sessions), "origin", "a cutoff on a session"),
        (~rows["target_date"].isin(sessions), "target_date", "a ds on a session"),
    ]
    for is_bad, name, expected in checks:
        if is_bad.any():
            row = rows[is_bad].iloc[0]
            value = row[name]
            text = value if name == "ticker" else f"{value:%Y-%m-%d}"
            _fail(path, int(row["line"]), expected, str(text))


def _check_scale(
    outside: OutsideForecasts, rows: pd.DataFrame, prices: pd.DataFrame
) -> None:
    """Refuse returns in place of prices, and prices of another scale."""
    last = prices[["ticker", "session", "price"]].rename(columns={"session": "origin"})
    both = rows.merge(last, on=["ticker", "origin"], how="left")
    for ticker, own in both.groupby("ticker"):
        ratio = (own["price_hat"] / own["price"]).median()
        if not ratio > 0 or abs(np.log(ratio)) > SCALE:
            _fail(
                Path(outside.file),
                int(own["line"].iloc[0]),
                "forecasts of the printed price",
                f"{own['price_hat'].iloc[0]:g} for {ticker}, {ratio:.3g} times the "
                "last price in the median; returns, logarithms and adjusted prices are "
                "not read",
            )


def _on_origins(
    outside: OutsideForecasts, own: pd.DataFrame, split: FoldSplit, *, model: str
) -> pd.DataFrame:
    """Return one stock's and year's ``FORECASTS``; refuse a missing origin."""
    windows = split.forecast
    ticker, year = str(own["ticker"].iloc[0]), int(own["fold"].iloc[0])
    horizon = int(own["horizon"].iloc[0])
    by_origin = own.set_index("origin").reindex(pd.DatetimeIndex(windows.origin))
    missing = by_origin["price_hat"].isna().to_numpy()
    if missing.any():
        first = pd.Timestamp(windows.origin[missing.argmax()])
        _fail(
            Path(outside.file),
            int(own["line"].iloc[0]),
            f"a forecast {horizon} sessions ahead of {ticker} for every session of "
            f"{year}",
            f"{int(missing.sum())} of {len(missing)} origins are missing, the first "
            f"{first:%Y-%m-%d}",
        )
    table = forecast_rows(
        windows,
        by_origin["price_hat"].to_numpy() * windows.shares,
        ticker=ticker,
        model=model,
        seed=0,
        year=year,
        horizon=horizon,
    )
    if outside.level:
        for side in ("lower", "upper"):
            price = by_origin[f"price_{side}"].to_numpy() * windows.shares
            ratio = np.where(price > 0, price, np.nan) / windows.last_price
            table[side] = np.log(ratio)
    return table


def _digest(rows: pd.DataFrame) -> str:
    ordered = rows.sort_values(["ticker", "origin", "target_date"], ignore_index=True)
    text = ordered[sorted(ordered.columns)].to_csv(index=False, lineterminator="\n")
    return hashlib.sha256(text.encode()).hexdigest()


def _refuse(
    path: Path, is_bad: "pd.Series[bool]", texts: pd.Series, expected: str
) -> None:
    if is_bad.any():
        place = int(np.asarray(is_bad).argmax())
        _fail(path, place + 2, expected, repr(texts.iloc[place]))


def _fail(path: Path, line: int, expected: str, received: str) -> NoReturn:
    raise DataError(
        f"Expected {expected}. Received: {received}", file=path.name, line=line
    )


def years_of(placed: list[PlacedForecasts]) -> Iterator[int]:
    """Yield the forecast years of all horizons, in order.

    Parameters
    ----------
    placed : list of PlacedForecasts
        Of one file.
    """
    yield from sorted({int(year) for each in placed for year in each.rows["fold"]})
