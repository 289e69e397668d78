import math
from functools import cache

import numpy as np
import pandas as pd
import pytest
from conftest import make_tiny_panel

from nse_lstm.config import CrossSection
from nse_lstm.errors import DataError
from nse_lstm.features.returns import market_sessions, with_returns
from nse_lstm.features.stock_channels import (
    STOCK_CHANNELS,
    StockChannels,
    build_stock_channels,
    scaled_targets,
    volatility_unit,
)
from nse_lstm.features.windows import make_windows

RULE = CrossSection(size=2, liquidity_sessions=20, min_traded_share=0.5)
LOOKBACK = 5


def odd_panel(n: int = 150) -> pd.DataFrame:
    """Give the tiny panel the faults that channels meet: copies, gaps, no trade."""
    panel = make_tiny_panel(n)
    at = panel.groupby("ticker").cumcount()
    # A copied session whose price was mended from the next one's `previous`.
    copied = at == 70
    panel.loc[copied, ["stale", "mended"]] = True
    panel.loc[at == 90, "gap"] = True
    quiet = (panel["ticker"] == "AAA") & at.between(100, 102)
    before = panel.loc[(panel["ticker"] == "AAA") & (at == 99), "price"].item()
    panel.loc[quiet, ["price", "low", "high"]] = before
    panel.loc[quiet, "volume"] = np.nan
    panel.loc[(panel["ticker"] == "AAA") & (at == 110), ["low", "high"]] = np.nan
    # Too large a move to be taken at its size.
    later = (panel["ticker"] == "AAA") & (at >= 120)
    panel.loc[later, ["price", "low", "high"]] *= 1.09
    # BBB is listed late.
    return panel[(panel["ticker"] != "BBB") | (at >= 30)].reset_index(drop=True)


def build(panel: pd.DataFrame) -> StockChannels:
    return build_stock_channels(panel, cross_section=RULE, lookback=LOOKBACK)


@cache
def build_whole() -> StockChannels:
    return build(odd_panel())


def inputs(channels: StockChannels, ticker: str, session: pd.Timestamp) -> np.ndarray:
    last = channels.sequences.last(pd.Series([ticker]), pd.Series([session]))[0]
    return channels.sequences.table[last + 1 - LOOKBACK : last + 1]


def plain_variance(returns: list[float], *, halflife: float, longest: int) -> float:
    """Average r^2 of the known returns; the newest is last, older ones fade."""
    recent = returns[-longest:]
    pairs = [
        (0.5 ** ((len(recent) - 1 - age) / halflife), r * r)
        for age, r in enumerate(recent)
        if not math.isnan(r)
    ]
    if len(pairs) < 20:
        return math.nan
    return sum(w * v for w, v in pairs) / sum(w for w, _ in pairs)


def plain_sigma(returns: list[float]) -> float:
    short = plain_variance(returns, halflife=20, longest=10**9)
    long = plain_variance(returns, halflife=1e18, longest=250)
    variance = 0.75 * short + 0.25 * long
    return 0.02 if math.isnan(variance) else max(0.004, math.sqrt(variance))


def plain_channels(panel: pd.DataFrame, ticker: str) -> dict[pd.Timestamp, list]:
    """Compute one stock's channels session by session, by the definitions alone."""
    sessions = list(market_sessions(panel))
    table = with_returns(panel)
    rows = {
        (row.ticker, row.session): row for row in table.itertuples() if row.price > 0
    }
    universe = universe_of(panel)
    returns: list[float] = []
    market: list[float] = []
    levels: list[float] = []
    found = {}
    for session in sessions:
        row = rows.get((ticker, session))
        r = math.nan if row is None else row.log_return
        returns.append(r)
        of_market = [
            rows[name, session].log_return
            for name in universe.get(session.to_period("M"), [])
            if (name, session) in rows
            and not math.isnan(rows[name, session].log_return)
        ]
        market.append(sum(of_market) / len(of_market) if of_market else math.nan)
        fresh = row is not None and not row.stale
        level = math.nan
        if fresh:
            volume = 0.0 if math.isnan(row.volume) else row.volume
            level = math.log1p(row.price * volume)
        levels.append(level)
        sigma = plain_sigma(returns)
        found[session] = [
            0.0 if math.isnan(r) else clip(r / sigma, -6, 6),
            position(row, sigma) if fresh else 0.0,
            market_move(market),
            1.0 if math.isnan(r) or abs(r) < 1e-12 else 0.0,
            turnover(levels),
            width(row, sigma) if fresh else 0.0,
        ]
    return found


def position(row, sigma: float) -> float:
    if math.isnan(row.low):
        return 0.0
    place = math.log(row.price / math.sqrt(row.low * row.high))
    return clip(clip(place, -0.1, 0.1) / sigma, -4, 4)


def width(row, sigma: float) -> float:
    if math.isnan(row.low):
        return 0.0
    return min(min(math.log(row.high / row.low), 0.3) / sigma, 8) / 2


def market_move(market: list[float]) -> float:
    variance = plain_variance(market, halflife=20, longest=10**9)
    if math.isnan(market[-1]) or math.isnan(variance):
        return 0.0
    return clip(market[-1] / math.sqrt(variance), -6, 6)


def turnover(levels: list[float]) -> float:
    recent = [level for level in levels[-60:] if not math.isnan(level)]
    if math.isnan(levels[-1]) or len(recent) < 30:
        return 0.0
    return clip((levels[-1] - sum(recent) / len(recent)) / 3, -3, 3)


def clip(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


def universe_of(panel: pd.DataFrame) -> dict[pd.Period, list[str]]:
    """The two most traded stocks of 20 fresh sessions, before each month starts."""
    stale = set(panel.loc[panel["stale"], "session"])
    traded = panel.assign(
        kes=(panel["price"] * panel["volume"]).fillna(0.0)
    ).pivot_table(index="session", columns="ticker", values="kes", aggfunc="sum")
    traded = traded[~traded.index.isin(stale)].fillna(0.0)
    months = sorted({session.to_period("M") for session in market_sessions(panel)})
    chosen = {}
    for month in months:
        recent = traded[traded.index < month.start_time].tail(20)
        if len(recent) == 20:
            often = recent.columns[(recent > 0).mean() >= 0.5]
            medians = recent[often].median().sort_values(ascending=False)
            chosen[month] = list(medians.index[:2])
    return chosen


@pytest.mark.parametrize("ticker", ["AAA", "BBB", "CCC"])
def test_channels_are_those_of_plain_sums(ticker):
    panel = odd_panel()
    channels, expected = build_whole(), plain_channels(panel, ticker)
    for session, values in expected.items():
        received = inputs(channels, ticker, session)[-1]
        assert received == pytest.approx(values, abs=2e-6), session
    table = np.array(list(expected.values()))
    # The panel has what each rule is for.
    assert (np.ptp(table, axis=0) > 0).all()


def test_volatility_is_that_of_plain_sums():
    panel = odd_panel()
    channels = build_whole()
    returns = with_returns(panel).pivot(
        index="session", columns="ticker", values="log_return"
    )
    for place in (3, 25, 60, 91, 149):
        session = returns.index[place]
        for ticker in returns:
            expected = plain_sigma(returns[ticker].iloc[: place + 1].tolist())
            assert channels.sigma.loc[session, ticker] == pytest.approx(expected)


@pytest.mark.parametrize("place", [60, 71, 89, 90, 101, 111, 120, 140])
def test_a_file_cut_at_the_origin_gives_the_same_inputs_to_the_bit(place):
    panel = odd_panel()
    origin = market_sessions(panel)[place]
    whole, cut = build_whole(), build(panel[panel["session"] <= origin])
    for ticker in ("AAA", "BBB", "CCC"):
        one, other = (inputs(each, ticker, origin) for each in (whole, cut))
        assert one.tobytes() == other.tobytes()
        assert whole.sigma.loc[origin, ticker] == cut.sigma.loc[origin, ticker]


def test_a_split_moves_no_channel():
    panel = make_tiny_panel(60)
    ex_date = market_sessions(panel)[40]
    channels = build(panel)
    row = inputs(channels, "BBB", ex_date)[-1]
    moves = with_returns(panel).set_index(["ticker", "session"])["log_return"]
    sigma = channels.sigma.loc[ex_date, "BBB"]
    assert row[0] == pytest.approx(moves["BBB", ex_date] / sigma, rel=1e-5)
    assert abs(row[0]) < 4 and row[1] == pytest.approx(0.0, abs=0.02)


def test_before_a_stock_s_first_session_all_is_missing():
    early = inputs(build_whole(), "BBB", market_sessions(odd_panel())[30])
    # Unchanged and nothing else, but the market, which was there.
    assert not np.delete(early[:-1], [2, 3], axis=1).any()
    assert (early[:-1, 3] == 1).all()


def test_targets_are_returns_in_units_of_volatility():
    panel = odd_panel()
    prices = with_returns(panel)
    windows = make_windows(
        prices[prices["ticker"] == "AAA"],
        market_sessions(panel),
        lookback=LOOKBACK,
        horizon=1,
    )
    sigma = build_whole().sigma_at("AAA", windows.origin)
    received = scaled_targets(windows, sigma)
    leap = windows.target_date == market_sessions(panel)[120].to_datetime64()
    assert received[leap] == 6.0
    other = np.flatnonzero(~leap)[::17]
    for place in other:
        move = math.log(windows.y[place] / windows.last_price[place])
        assert received[place] == pytest.approx(move / sigma[place])


def test_a_still_stock_has_the_smallest_volatility_and_a_new_one_the_usual():
    returns = pd.DataFrame({"STILL": np.zeros(40), "NEW": np.full(40, np.nan)})
    sigma = volatility_unit(returns)
    assert sigma["STILL"].iloc[-1] == 0.004 and sigma["STILL"].iloc[18] == 0.02
    assert (sigma["NEW"] == 0.02).all()


def test_an_unknown_stock_is_refused():
    channels = build(make_tiny_panel(60))
    assert len(STOCK_CHANNELS) == channels.sequences.table.shape[1]
    with pytest.raises(DataError, match="not in it"):
        inputs(channels, "ZZZ", channels.sequences.sessions[-1])
