"""Readings of figures of data, training and forecasts, in words and numbers.

A reading is the part of the alternative text that changes with the data, for readers
that cannot see the figure.
"""

import numpy as np
import pandas as pd

from nse_lstm.reporting.canvas import NAMES, name_of
from nse_lstm.reporting.format import format_interval, join_words

OFTEN, SELDOM = 0.95, 0.5
"""Fractions of sessions with a trade that count as nearly always and as seldom."""


def read_ledger(flows: pd.DataFrame) -> str:
    """Summarise the rows kept, mended and dropped, and the main reason."""
    counts = flows.groupby("action")["n_rows"].sum()
    total = counts.sum()
    parts = [f"{n:,} ({n / total:.1%}) {action}" for action, n in counts.items()]
    text = f"Of {total:,} rows {join_words(parts)}."
    dropped = flows[flows["action"] == "dropped"]
    if dropped.empty:
        return text
    reasons = dropped.groupby("reason")["n_rows"].sum()
    most = f"{reasons.idxmax()} ({reasons.max():,})"
    return f"{text} The most frequent reason to drop: {most}."


def read_availability(months: pd.DataFrame) -> str:
    """Summarise how many stocks trade nearly always and how many seldom."""
    mean = months.mean(axis=1)
    return (
        f"Of {len(mean)} stocks {(mean >= OFTEN).sum()} trade on {OFTEN:.0%} of their "
        f"sessions or more and {(mean < SELDOM).sum()} on fewer than half. Most often "
        f"{mean.index[0]} ({mean.iloc[0]:.0%}), least often {mean.index[-1]} "
        f"({mean.iloc[-1]:.0%})."
    )


def read_concentration(ordered: pd.DataFrame) -> str:
    """Summarise the concentration of turnover, first and last year."""
    years = sorted(ordered["year"].unique())
    parts = []
    for year in dict.fromkeys((years[0], years[-1])):
        rows = ordered[ordered["year"] == year].reset_index(drop=True)
        share = rows["cumulative_share"]
        parts.append(
            f"in {year} {rows['ticker'].iloc[0]} alone had {share.iloc[0]:.0%} of the "
            f"turnover and five stocks {share.iloc[min(4, len(rows) - 1)]:.0%}"
        )
    return " ".join(f"{part[0].upper()}{part[1:]}." for part in parts)


def read_autocorrelation(groups: pd.DataFrame) -> str:
    """Summarise the autocorrelation at lag 1 and at later lags, by group."""
    first, later = groups[groups["lag"] == 1], groups[groups["lag"] > 1]
    parts = [
        f"{format_interval(row['value'], row['lower'], row['upper'], '+.2f')} for "
        f"{row['group']} stocks"
        for row in first.to_dict("records")
    ]
    return (
        f"At lag 1 the mean is {join_words(parts)}. At later lags every mean is within "
        f"{later['value'].abs().max():.2f} of 0."
    )


def read_turnover(ranked: pd.DataFrame) -> str:
    """Summarise the turnover of the first and last stocks shown."""
    chosen = ranked[ranked["tier"] == 1]
    places = [ranked.iloc[0], *([chosen.iloc[-1]] if len(chosen) else [])]
    parts = [
        f"{row['ticker']} KES {row['median_turnover'] / 1e6:,.2f} million"
        for row in [*places, ranked.iloc[-1]]
    ]
    return (
        f"Median session of the first, of the last of {len(chosen)} recommended and of "
        f"the last of {len(ranked)} shown: {join_words(parts)}."
    )


def read_training_curves(history: pd.DataFrame, *, best_epoch: int) -> str:
    """Summarise the course of the validation and the training loss.

    Parameters
    ----------
    history : DataFrame
        ``epoch`` and the losses ``huber`` and ``val_huber``.
    best_epoch : int
        The epoch whose weights were kept.
    """
    loss = history.set_index("epoch")[["huber", "val_huber"]]
    best = loss["val_huber"].get(best_epoch, np.nan)
    first, last = loss.iloc[0], loss.iloc[-1]
    return (
        f"Over {len(loss)} epochs the validation loss goes from "
        f"{first['val_huber']:.2g} to {last['val_huber']:.2g}. At epoch {best_epoch}, "
        f"which was kept, it is {best:.2g}. The training loss goes from "
        f"{first['huber']:.2g} to {last['huber']:.2g}."
    )


def read_forecast(joined: pd.DataFrame, *, ticker: str) -> str:
    """Summarise the price and each model's mean absolute error.

    Parameters
    ----------
    joined : DataFrame
        Forecasts of one stock with realised ``level``, KES, NaN where not known yet.
    ticker : str
    """
    known = joined.dropna(subset="level").sort_values("target_date")
    prices = known.drop_duplicates("target_date")["level"]
    error = (known["price_hat"] - known["level"]).abs().groupby(known["model"]).mean()
    parts = [f"{name_of(model)} {value:,.2f}" for model, value in error.items()]
    return (
        f"{ticker} goes from {prices.iloc[0]:,.2f} to {prices.iloc[-1]:,.2f} KES, "
        f"between {prices.min():,.2f} and {prices.max():,.2f}. Mean absolute error of "
        f"the forecast in KES: {join_words(parts)}."
    )


def read_training_summary(summary: pd.DataFrame) -> str:
    """Name the stocks with the lowest and the highest loss, last year."""
    year = summary["year"].max()
    loss = summary[summary["year"] == year].set_index("ticker")["validation_loss"]
    return (
        f"{len(summary)} models. Before {year} the loss is lowest for {loss.idxmin()} "
        f"({loss.min():.2g}) and highest for {loss.idxmax()} ({loss.max():.2g})."
    )


def read_rank_ic(rows: pd.DataFrame) -> str:
    """State each model's mean rank IC over all years with its interval."""
    pooled = rows[rows["fold"] == 0]
    columns = pooled[["model", "value", "lower", "upper"]]
    means = {
        model: format_interval(value, lower, upper, "+.3f")
        for model, value, lower, upper in columns.to_numpy()
    }
    parts = [
        f"{name} {means[model]}" for model, name in NAMES.items() if model in means
    ]
    return f"All years: {join_words(parts)}." if parts else ""


def read_price(prices: pd.DataFrame, *, ticker: str, year: int) -> str:
    """Summarise the course of the adjusted price and its test-year change.

    Parameters
    ----------
    prices : DataFrame
        ``session`` and ``adjusted`` (KES) of one stock; missing prices are left out.
    ticker : str
    year : int
        The test year, left out of the text if it has no price.
    """
    level = prices.set_index("session")["adjusted"].dropna()
    top = level.idxmax()
    text = (
        f"{ticker} begins at {level.iloc[0]:,.2f} KES on {level.index[0]:%Y-%m-%d}, is "
        f"highest at {level.max():,.2f} on {top:%Y-%m-%d} and ends at "
        f"{level.iloc[-1]:,.2f} on {level.index[-1]:%Y-%m-%d}"
    )
    test = level[level.index.year == year]  # type: ignore[attr-defined]
    if test.empty:
        return f"{text}."
    return f"{text}. Over {year} it moved by {test.iloc[-1] / test.iloc[0] - 1:+.0%}."


def read_rolling_error(errors: pd.DataFrame, *, ticker: str) -> str:
    """Summarise each model's rolling error as a multiple of persistence's.

    Parameters
    ----------
    errors : DataFrame
        ``model`` and ``ratio``, by time; a missing ratio is left out.
    ticker : str
    """
    parts = []
    for model, rows in errors.groupby("model"):
        ratio = rows["ratio"].dropna()
        if ratio.empty:
            continue
        parts.append(
            f"{name_of(model)} has {ratio.min():.1f} to {ratio.max():.1f} times the "
            f"error of persistence, {ratio.iloc[-1]:.1f} times at the end, and is "
            f"worse {(ratio > 1).mean():.0%} of the time"
        )
    if not parts:
        return f"{ticker}: too few sessions for a rolling error."
    return f"{ticker}: {join_words(parts)}."


def read_liquidity(months: pd.DataFrame, *, ticker: str) -> str:
    """Summarise the monthly turnover and the trading activity.

    Parameters
    ----------
    months : DataFrame
        ``month``, ``turnover`` (KES per session) and ``traded_share``.
    ticker : str
    """
    turnover = months.set_index("month")["turnover"].dropna() / 1e6
    return (
        f"{ticker}: the median session of a month turns over from KES "
        f"{turnover.min():,.2f} million ({turnover.idxmin():%Y-%m}) to "
        f"{turnover.max():,.2f} million ({turnover.idxmax():%Y-%m}), in the last "
        f"{turnover.iloc[-1]:,.2f} million. It trades on at least "
        f"{months['traded_share'].min():.0%} of a month's sessions."
    )
