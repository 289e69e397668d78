"""What a figure of data, training or forecasts says, in words and numbers.

A reading is the part of the alternative text that changes with the data: who cannot see
the figure learns from it what others read off, not only what is drawn.
"""

import numpy as np
import pandas as pd

from nse_lstm.reporting.canvas import NAMES, name_of
from nse_lstm.reporting.format import format_interval, join_words

OFTEN, SELDOM = 0.95, 0.5
"""Shares of sessions with a deal that count as always, and below which as hardly."""


def read_ledger(flows: pd.DataFrame) -> str:
    """Say how many rows were kept, mended and dropped, and why most were dropped."""
    counts = flows.groupby("action")["n_rows"].sum()
    total = counts.sum()
    parts = [f"{n:,} ({n / total:.1%}) {action}" for action, n in counts.items()]
    text = f"Of {total:,} rows {join_words(parts)}."
    dropped = flows[flows["action"] == "dropped"]
    if dropped.empty:
        return text
    reasons = dropped.groupby("reason")["n_rows"].sum()
    return f"{text} Most are dropped for: {reasons.idxmax()} ({reasons.max():,})."


def read_availability(months: pd.DataFrame) -> str:
    """Say how many shares trade nearly always, and how many hardly ever."""
    mean = months.mean(axis=1)
    return (
        f"Of {len(mean)} shares {(mean >= OFTEN).sum()} trade on {OFTEN:.0%} of their "
        f"sessions or more and {(mean < SELDOM).sum()} on fewer than half; most often "
        f"{mean.index[0]} ({mean.iloc[0]:.0%}), least often {mean.index[-1]} "
        f"({mean.iloc[-1]:.0%})."
    )


def read_concentration(ordered: pd.DataFrame) -> str:
    """Say what the first and the first five shares had, first and last year."""
    years = sorted(ordered["year"].unique())
    parts = []
    for year in dict.fromkeys((years[0], years[-1])):
        rows = ordered[ordered["year"] == year].reset_index(drop=True)
        share = rows["cumulative_share"]
        parts.append(
            f"in {year} {rows['ticker'].iloc[0]} alone had {share.iloc[0]:.0%} of the "
            f"turnover and five shares {share.iloc[min(4, len(rows) - 1)]:.0%}"
        )
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def read_autocorrelation(groups: pd.DataFrame) -> str:
    """Say the mean at lag 1 of either group, and how near to 0 the later ones are."""
    first, later = groups[groups["lag"] == 1], groups[groups["lag"] > 1]
    parts = [
        f"{format_interval(row['value'], row['lower'], row['upper'], '+.2f')} for "
        f"{row['group']} shares"
        for row in first.to_dict("records")
    ]
    return (
        f"At lag 1 the mean is {join_words(parts)}; at later lags none is further than "
        f"{later['value'].abs().max():.2f} from 0."
    )


def read_turnover(ranked: pd.DataFrame) -> str:
    """Say what the first, the last recommended and the last share shown turn over."""
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
    """Say where the validation loss began, was lowest and ended, and the training."""
    loss = history.set_index("epoch")[["huber", "val_huber"]]
    best = loss["val_huber"].get(best_epoch, np.nan)
    first, last = loss.iloc[0], loss.iloc[-1]
    return (
        f"Over {len(loss)} epochs the validation loss goes from "
        f"{first['val_huber']:.2g} to {last['val_huber']:.2g}; at epoch {best_epoch}, "
        f"which was kept, it is {best:.2g}. The training loss goes from "
        f"{first['huber']:.2g} to {last['huber']:.2g}."
    )


def read_forecast(joined: pd.DataFrame, *, ticker: str) -> str:
    """Say where the price went, and how far each forecast was from it in the mean."""
    known = joined.dropna(subset="level").sort_values("target_date")
    prices = known.drop_duplicates("target_date")["level"]
    error = (known["price_hat"] - known["level"]).abs().groupby(known["model"]).mean()
    parts = [f"{name_of(model)} {value:,.2f}" for model, value in error.items()]
    return (
        f"{ticker} goes from {prices.iloc[0]:,.2f} to {prices.iloc[-1]:,.2f} KES, "
        f"between {prices.min():,.2f} and {prices.max():,.2f}. Mean distance of the "
        f"forecast from it in KES: {join_words(parts)}."
    )


def read_training_summary(summary: pd.DataFrame) -> str:
    """Say whose loss is lowest and highest in the last year."""
    year = summary["year"].max()
    loss = summary[summary["year"] == year].set_index("ticker")["validation_loss"]
    return (
        f"{len(summary)} models. Before {year} the loss is lowest for {loss.idxmin()} "
        f"({loss.min():.2g}) and highest for {loss.idxmax()} ({loss.max():.2g})."
    )


def read_rank_ic(rows: pd.DataFrame) -> str:
    """Say each model's mean over all years with its interval."""
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
    """Say where the adjusted price began, was highest and ended, and the test year."""
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
    return f"{text}; over {year} it moved by {test.iloc[-1] / test.iloc[0] - 1:+.0%}."


def read_rolling_error(errors: pd.DataFrame, *, ticker: str) -> str:
    """Say between which multiples of persistence's error each model lies."""
    parts = []
    for model, rows in errors.groupby("model"):
        ratio = rows["ratio"].dropna()
        parts.append(
            f"{name_of(model)} is between {ratio.min():.1f} and {ratio.max():.1f} "
            f"times as wrong, {ratio.iloc[-1]:.1f} at the end, and worse than "
            f"persistence {(ratio > 1).mean():.0%} of the time"
        )
    return f"{ticker}: {join_words(parts)}."


def read_liquidity(months: pd.DataFrame, *, ticker: str) -> str:
    """Say the largest, the smallest and the last month, and how seldom it trades."""
    turnover = months.set_index("month")["turnover"].dropna() / 1e6
    return (
        f"{ticker}: the median session of a month turns over from KES "
        f"{turnover.min():,.2f} million ({turnover.idxmin():%Y-%m}) to "
        f"{turnover.max():,.2f} million ({turnover.idxmax():%Y-%m}), in the last "
        f"{turnover.iloc[-1]:,.2f} million; it trades on at least "
        f"{months['traded_share'].min():.0%} of a month's sessions."
    )
