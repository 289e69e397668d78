"""Doubts about imported prices: misprints, another scale, columns mixed up, invention.

An alarm stops an import until a person accepts it. What is for review is listed only.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.diagnostic import acorr_ljungbox

from nse_lstm.config import Ticks
from nse_lstm.data.exchange_rules import off_tick
from nse_lstm.data.flags import widest_move

ALARM, REVIEW = "alarm", "review"
SLIP, SLIP_ROWS = np.log(5), 5
"""A move of five times or more that is taken back within five rows is a misprint."""
FEWEST, TWO_YEARS = 60, 500
OUTSIDE, TWINS, CONSTANT = 0.2, 0.95, 0.5
OFF_TICK = (0.05, 0.6)
"""Fractions of prices off the tick for review and for an alarm. In the exchange's own
files, which print some adjusted prices, up to 0.43 of a code's prices are off."""
SAME_SCALE = 0.1
"""Largest difference of a median ratio from 1 to known prices."""
LEVEL_NOISE = -0.46
"""Autocorrelation of returns of independent prices is -0.5, above -0.46 with 1,000."""
UNCHANGED = 0.05
"""Fraction of unchanged prices; real prices that move so rarely have fat tails."""


@dataclass(frozen=True)
class PriceDoubt:
    """One doubt about a stock's prices."""

    ticker: str
    severity: str
    """``ALARM`` or ``REVIEW``."""
    detail: str
    source_file: str = ""
    source_line: int = 0


def find_doubts(
    rows: pd.DataFrame,
    *,
    limit: float,
    ticks: Ticks,
    known: pd.DataFrame | None = None,
) -> list[PriceDoubt]:
    """List what a person should know of imported prices before using them.

    Parameters
    ----------
    rows : DataFrame
        ``ArrangedPrices.rows``.
    limit : float
        Daily limit as a fraction, 0 for none.
    ticks : Ticks
        Price steps of the exchange.
    known : DataFrame, optional
        ``ticker session price`` of a trusted source of the same market.
    """
    doubts: list[PriceDoubt] = []
    columns = ["ticker", "session", "price", "low", "high", "volume"]
    for ticker, stock in rows.sort_values(["ticker", "session"]).groupby("ticker"):
        doubts += _misprints(stock, limit)
        doubts += _mixed_columns(stock)
        if not str(ticker).startswith("^"):
            doubts += _off_ticks(stock, ticks)
            doubts += _invented(stock[columns])
        if known is not None:
            doubts += _other_scale(stock, known[known["ticker"] == ticker])
    return doubts + list(_twins(rows))


def _misprints(stock: pd.DataFrame, limit: float) -> Iterator[PriceDoubt]:
    """Yield moves beyond the limit, or prices that leave and come back at once."""
    level = np.log(stock["price"].to_numpy())
    allowed = widest_move(limit)
    skip = 0
    for place in range(1, len(level)):
        move = level[place] - level[place - 1]
        if abs(move) <= allowed or place < skip:
            continue
        after = level[place + 1 : place + 1 + SLIP_ROWS]
        back = np.flatnonzero(np.abs(after - level[place - 1]) < abs(move) / 4)
        is_slip = abs(move) >= SLIP and len(back) > 0
        now, before = stock.iloc[place], stock.iloc[place - 1]
        what = (
            f"a misprint that the next rows take back: {before['price']:g} before, "
            f"{now['price']:g}, {stock['price'].iloc[place + 1 + back[0]]:g} after"
            if is_slip
            else f"price {before['price']:g} to {now['price']:g} in one session"
        )
        if is_slip:
            skip = place + 2 + int(back[0])
        yield PriceDoubt(
            ticker=str(now["ticker"]),
            severity=ALARM if is_slip else REVIEW,
            detail=f"{now['session']:%Y-%m-%d}: {what}",
            source_file=str(now["source_file"]),
            source_line=int(now["source_line"]),
        )


def _mixed_columns(stock: pd.DataFrame) -> Iterator[PriceDoubt]:
    has_range = stock["low"].notna() & stock["high"].notna()
    inside = stock[has_range]
    if len(inside) < FEWEST:
        return
    step = 1e-6 * inside["price"]
    outside = inside["price"].lt(inside["low"] - step)
    outside |= inside["price"].gt(inside["high"] + step)
    if outside.mean() > OUTSIDE:
        yield _alarm(
            stock,
            f"the close lies outside the day's low and high in {outside.mean():.0%} of "
            "the rows; are columns mixed up, or one of them adjusted?",
        )


def _off_ticks(stock: pd.DataFrame, ticks: Ticks) -> Iterator[PriceDoubt]:
    is_off = off_tick(stock["price"].to_numpy(), stock["session"], ticks).mean()
    if len(stock) >= FEWEST and is_off > OFF_TICK[0]:
        yield PriceDoubt(
            str(stock["ticker"].iloc[0]),
            ALARM if is_off > OFF_TICK[1] else REVIEW,
            f"{is_off:.0%} of the prices are no multiple of the exchange's tick; are "
            "they of another exchange or currency, averages, or adjusted?",
        )


def _other_scale(stock: pd.DataFrame, known: pd.DataFrame) -> Iterator[PriceDoubt]:
    both = stock.merge(known, on="session", suffixes=("", "_known"))
    if len(both) < FEWEST:
        return
    ratio = both["price"] / both["price_known"]
    median = float(ratio.median())
    if abs(median - 1) > SAME_SCALE:
        yield _alarm(
            stock,
            f"the price is {median:.4g} times the known one in the median of "
            f"{len(both)} common sessions: another exchange, currency or adjustment",
        )


def _invented(stock: pd.DataFrame) -> Iterator[PriceDoubt]:
    """Yield signs that a series was made by a program."""
    moves = np.diff(np.log(stock["price"].to_numpy()))
    volume = stock["volume"][stock["volume"] > 0]
    if len(moves) < FEWEST:
        return
    for steps in (moves, np.diff(stock["price"].to_numpy())):
        _, counts = np.unique(steps[steps != 0].round(9), return_counts=True)
        if len(counts) and counts.max() > CONSTANT * len(moves):
            yield _alarm(stock, "one and the same move in more than half of the rows")
            return
    if len(moves) < TWO_YEARS or np.mean(np.abs(moves) < 1e-12) > UNCHANGED:
        return
    signs: list[tuple[Callable[[np.ndarray], bool], str]] = [
        (_is_level_noise, "prices that are independent of the session before"),
        (_is_gaussian_noise, "returns that are normal and independent"),
    ]
    for is_so, what in signs:
        if is_so(moves):
            yield _alarm(
                stock,
                f"{what} over {len(moves)} sessions, which no real stock has; were "
                "the prices invented?",
            )
            return
    if len(volume) >= TWO_YEARS and len(stock) == len(volume) and np.ptp(volume) == 0:
        yield PriceDoubt(
            str(stock["ticker"].iloc[0]), REVIEW, "one and the same volume in all rows"
        )


def _is_level_noise(moves: np.ndarray) -> bool:
    return float(np.corrcoef(moves[1:], moves[:-1])[0, 1]) < LEVEL_NOISE


def _is_gaussian_noise(moves: np.ndarray) -> bool:
    """Return whether tails are thin and volatility does not cluster."""
    error = np.sqrt(24 / len(moves))
    if stats.kurtosis(moves) > 3 * error or abs(stats.skew(moves)) > 1.5 * error:
        return False
    clustering = acorr_ljungbox(np.abs(moves), lags=[10])["lb_pvalue"]
    return bool(clustering.iloc[0] > 0.01)


def _twins(rows: pd.DataFrame) -> Iterator[PriceDoubt]:
    """Yield pairs of stocks that have the same price on nearly every session."""
    wide = rows.pivot(index="session", columns="ticker", values="price")
    last = {name: wide[name].dropna() for name in wide.columns}
    medians = wide.median()
    for one, other in combinations(wide.columns, 2):
        if not 0.9 < medians[one] / medians[other] < 1.1:
            continue
        same = (last[one] - last[other]).dropna().abs() <= 1e-9
        if len(same) >= FEWEST and same.mean() > TWINS:
            yield PriceDoubt(
                str(other),
                ALARM,
                f"the prices of {one} on {same.mean():.0%} of {len(same)} sessions",
            )


def _alarm(stock: pd.DataFrame, detail: str) -> PriceDoubt:
    return PriceDoubt(str(stock["ticker"].iloc[0]), ALARM, detail)
