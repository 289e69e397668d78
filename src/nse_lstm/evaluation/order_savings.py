"""Savings of timed orders: every stock and session as a buy and as a sell order.

The savings of a forecaster's orders stand beside those of signals without its skill on
the same orders: its own forecasts of 60 and 120 sessions before (their mean is the
placebo: what any persistent preference for stocks would save), random numbers, other
models, and equal slices over the wait. All orders of a session share the market's
moves, so a session is one observation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from arch.bootstrap import StationaryBootstrap
from numpy.typing import NDArray

from nse_lstm.config import Backtest, CrossSection, Verdict
from nse_lstm.errors import TableError
from nse_lstm.evaluation.order_timing import (
    AT_ONCE,
    SIDES,
    OrderMarket,
    Orders,
    forecast_grid,
    make_order_market,
    older_forecasts,
    place_orders,
    saving_of_slicing,
    saving_of_waiting,
)
from nse_lstm.features.market_panel import make_market_panel
from nse_lstm.features.returns import with_returns
from nse_lstm.tables import ORDER_SAVINGS, ORDER_TIMING, conform

WAITS = (1, 2, 3, 5, 7, 10)
"""Longest waits, sessions; the last is declared, the others lead up to it."""
STALE = {"stale_60": 60, "stale_120": 120}
"""Sessions that a placebo's forecasts are old."""
PLACEBO, RANDOM, TWAP = "placebo", "random", "twap"
BOTH, ALL = "both", "all"
"""The mean of both sides, and every session and stock."""
GROUPS = ("turnover_low", "turnover_middle", "turnover_high")
"""Thirds of a session's orders by the stock's trailing median turnover."""
BLOCKS = (10, 20)
"""Mean block lengths of the stationary bootstrap, sessions."""
BPS = 1e4

KEY = ["wait", "side", "session", "ticker", "group"]
Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TimedOrders:
    """Savings of hypothetical orders by every signal, and the number left out."""

    savings: pd.DataFrame
    """``KEY``, then one column per signal: basis points."""
    orders: Orders
    model: str
    """The forecaster, whose column is compared with the others."""

    @property
    def signals(self) -> list[str]:
        """Names of the columns of savings."""
        return [name for name in self.savings.columns if name not in KEY]


def time_orders(
    forecasts: pd.DataFrame,
    panel: pd.DataFrame,
    *,
    model: str,
    others: Sequence[str] = (),
    backtest: Backtest,
    cross_section: CrossSection,
    seed: int,
    waits: Sequence[int] = WAITS,
) -> TimedOrders:
    """Time every stock and session that a model forecasts as a buy and a sell order.

    Parameters
    ----------
    forecasts : DataFrame
        ``FORECASTS`` of the universe; rows of other delays than the backtest's and of
        other horizons than 1 are not used.
    panel : DataFrame
        ``PANEL``, cut where it must not be seen.
    model : str
        The forecaster.
    others : sequence of str
        Models of ``forecasts`` whose orders stand beside it.
    backtest : Backtest
        As for ``make_order_market``.
    cross_section : CrossSection
        Rule of the universe, and the span of the median turnover.
    seed : int
        Of the random signal.
    waits : sequence of int
        Longest waits, sessions.

    Raises
    ------
    TableError
        If the model or another forecasts nothing at that delay and horizon.
    """
    aim = (forecasts["delay"] == backtest.delay) & (forecasts["horizon"] == 1)
    used = forecasts[aim & forecasts["model"].isin([model, *others])]
    if absent := {model, *others} - set(used["model"]):
        raise TableError(
            f"Expected forecasts of the next session at delay {backtest.delay} by "
            f"{', '.join([model, *others])}. Received: none of "
            f"{', '.join(sorted(absent))}"
        )
    own = used[used["model"] == model]
    wide = make_market_panel(panel, cross_section)
    market = make_order_market(
        with_returns(panel),
        tickers=set(own["ticker"]),
        member=wide.member,
        years=set(own["fold"].tolist()),
        backtest=backtest,
    )
    signals = _signals(used, market, model=model, others=others, seed=seed)
    orders = place_orders(market, list(signals.values()), longest=max(waits))
    recent = wide.turnover.fillna(0.0).rolling(
        cross_section.liquidity_sessions, min_periods=1
    )
    group = _turnover_groups(recent.median(), market, orders)
    blocks = [
        _block(market, signals, orders, group, side=side, wait=wait)
        for wait in waits
        for side in SIDES
    ]
    table = pd.concat(blocks, ignore_index=True)
    table[PLACEBO] = table[list(STALE)].mean(axis=1)
    return TimedOrders(table, orders, model)


def savings_by_session(timed: TimedOrders) -> pd.DataFrame:
    """Return each session's mean saving by signal, wait and side.

    Returns
    -------
    DataFrame
        ``ORDER_TIMING``.
    """
    groups = timed.savings.groupby(["wait", "side", "session"])
    means = groups[timed.signals].mean().assign(n_orders=groups.size()).reset_index()
    rows = means.melt(
        ["wait", "side", "session", "n_orders"],
        var_name="signal",
        value_name="saving_bps",
    )
    return conform(rows, ORDER_TIMING)


def summarise_savings(
    timed: TimedOrders, *, verdict: Verdict, seed: int
) -> pd.DataFrame:
    """Average the savings over sessions, with bootstrapped intervals.

    Every signal is compared with sending at once, and the model with every other
    signal on the same orders. Years and groups of turnover are shown for the model and
    its placebo.

    Parameters
    ----------
    timed : TimedOrders
        From ``time_orders``.
    verdict : Verdict
        Confidence and repetitions of the stationary bootstrap of sessions.
    seed : int
        Of the bootstrap.

    Returns
    -------
    DataFrame
        ``ORDER_SAVINGS``: means over sessions, each of them the mean of its orders.
    """
    table, rest = timed.savings, [x for x in timed.signals if x != timed.model]
    differences = {(timed.model, other): (timed.model, other) for other in rest}
    every = {(name, AT_ONCE): (name, "") for name in timed.signals} | differences
    few = {
        key: pair for key, pair in every.items() if {*key} <= {timed.model, PLACEBO}
    } | {(name, AT_ONCE): (name, "") for name in (timed.model, PLACEBO)}
    parts = {ALL: table}
    years = table["session"].dt.year
    parts |= {str(year): table[years == year] for year in sorted(years.unique())}
    parts |= {name: table[table["group"] == name] for name in GROUPS}
    rows = [
        _summarise_part(
            part, name, every if name == ALL else few, verdict=verdict, seed=seed
        )
        for name, part in parts.items()
        if len(part)
    ]
    return conform(pd.concat(rows, ignore_index=True), ORDER_SAVINGS)


def _signals(
    used: pd.DataFrame,
    market: OrderMarket,
    *,
    model: str,
    others: Sequence[str],
    seed: int,
) -> dict[str, Numbers]:
    def grid(name: str) -> Numbers:
        return forecast_grid(used[used["model"] == name], market)

    own = grid(model)
    stale = {name: older_forecasts(own, n) for name, n in STALE.items()}
    drawn = np.random.default_rng(seed).standard_normal(own.shape)
    return {
        model: own,
        **{name: grid(name) for name in others},
        **stale,
        RANDOM: drawn,
    }


def _block(
    market: OrderMarket,
    signals: Mapping[str, Numbers],
    orders: Orders,
    group: NDArray[np.object_],
    *,
    side: str,
    wait: int,
) -> pd.DataFrame:
    session, stock = np.nonzero(orders.placed)
    key = {
        "wait": wait,
        "side": side,
        "session": market.sessions[session],
        "ticker": np.array(market.tickers, object)[stock],
        "group": group[session, stock],
    }
    timed = {
        name: saving_of_waiting(market, y_hat, side=side, wait=wait)
        for name, y_hat in signals.items()
    }
    timed[TWAP] = saving_of_slicing(market, side=side, wait=wait)
    columns = {name: BPS * grid[session, stock] for name, grid in timed.items()}
    return pd.DataFrame({**key, **columns})


def _turnover_groups(
    median: pd.DataFrame, market: OrderMarket, orders: Orders
) -> NDArray[np.object_]:
    """Return the third of each order's stock by turnover, known at the origin."""
    wide = median.reindex(index=market.sessions, columns=list(market.tickers))
    rank = wide.where(orders.placed).rank(axis=1, pct=True, method="first")
    third = np.ceil(3 * rank.to_numpy(float) - 1e-9) - 1
    place = np.nan_to_num(third).astype(int).clip(0, len(GROUPS) - 1)
    return np.asarray(np.array(GROUPS, object)[place])


def _summarise_part(
    part: pd.DataFrame,
    name: str,
    pairs: Mapping[tuple[str, str], tuple[str, str]],
    *,
    verdict: Verdict,
    seed: int,
) -> pd.DataFrame:
    compared = part[["wait", "side", "session"]].copy()
    columns = []
    for place, (first, second) in enumerate(pairs.values()):
        columns.append(place)
        compared[place] = part[first] - (part[second] if second else 0.0)
    both = compared.assign(side=BOTH)
    rows = pd.concat([compared, both], ignore_index=True)
    means = rows.groupby(["session", "wait", "side"])[columns].mean().unstack([1, 2])
    values = means.to_numpy(float)
    bounds = [_bounds(values, block, verdict, seed) for block in BLOCKS]
    groups = rows.groupby(["wait", "side"])[columns]
    spread, n_orders = groups.std(ddof=1), groups.size()
    keys = means.columns.to_frame(index=False)
    places, wait, side = (keys[level].tolist() for level in keys.columns)
    signals = [list(pairs)[place] for place in places]
    cells = list(zip(wait, side, strict=True))
    return pd.DataFrame(
        {
            "signal": [signal for signal, _ in signals],
            "against": [against for _, against in signals],
            "wait": wait,
            "side": side,
            "part": name,
            "value_bps": values.mean(axis=0),
            "lower_bps": bounds[0][0],
            "upper_bps": bounds[0][1],
            "lower_20_bps": bounds[1][0],
            "upper_20_bps": bounds[1][1],
            "sd_bps": [
                spread.loc[cell, place]
                for cell, place in zip(cells, places, strict=True)
            ],
            "n_orders": [n_orders.loc[cell] for cell in cells],
            "n_sessions": len(values),
        }
    )


def _bounds(
    values: Numbers, block: int, verdict: Verdict, seed: int
) -> tuple[Numbers, Numbers]:
    """Return percentile bounds of the columns' means, all resampled together."""
    n = len(values)
    bootstrap = StationaryBootstrap(block, np.arange(n), seed=seed)
    weights = np.stack(
        [
            np.bincount(data[0][0], minlength=n)
            for data in bootstrap.bootstrap(verdict.bootstrap_reps)
        ]
    )
    # Not by BLAS, whose sums depend on the number of its threads.
    means = np.einsum("rs,sc->rc", weights / n, values)
    tail = (1 - verdict.confidence) / 2
    lower, upper = np.quantile(means, [tail, 1 - tail], axis=0)
    return lower, upper
