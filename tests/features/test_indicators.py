"""Every indicator against a loop over single cells, and no later row in any of them."""

import math
import statistics
from collections.abc import Callable
from dataclasses import fields

import numpy as np
import pandas as pd
import pytest
from support.odd_panel import GAP, IDLE, SMALL, STALE, odd_panel

from nse_lstm.errors import DataError
from nse_lstm.features import market_indicators as market
from nse_lstm.features import price_indicators as price
from nse_lstm.features import volume_indicators as volume
from nse_lstm.features.indicators import (
    INDICATORS,
    MARKET_INDICATORS,
    build_features,
)
from nse_lstm.features.market_panel import MarketPanel, make_market_panel
from nse_lstm.tables import FEATURES, MARKET_FEATURES, RANKED_FEATURES, check

Number = float | None
N = 6


@pytest.fixture(scope="module")
def board() -> MarketPanel:
    return make_market_panel(odd_panel(), SMALL)


def cell(frame: pd.DataFrame, t: int, k: int) -> Number:
    value = frame.to_numpy()[t, k] if t >= 0 else math.nan
    return None if math.isnan(value) else float(value)


def span(frame: pd.DataFrame, t: int, k: int, n: int = N) -> list[float]:
    """Known values of the last n sessions; none of them if fewer than half are."""
    found = [cell(frame, i, k) for i in range(t - n + 1, t + 1)]
    known = [value for value in found if value is not None]
    return known if len(known) >= n / 2 else []


def mean(values: list[float]) -> Number:
    return sum(values) / len(values) if values else None


def products(board: MarketPanel, t: int, k: int) -> list[float]:
    pairs = [
        (cell(board.log_return, i, k), cell(board.log_return, i - 1, k))
        for i in range(t - N + 1, t + 1)
    ]
    known = [a * b for a, b in pairs if a is not None and b is not None]
    return known if len(known) >= N / 2 else []


def plain_reversal(board: MarketPanel, t: int, k: int) -> Number:
    known = span(board.log_return, t, k)
    return -sum(known) if known else None


def plain_momentum(board: MarketPanel, t: int, k: int) -> Number:
    known = span(board.log_return, t - 2, k, N - 2)
    return sum(known) if known else None


def plain_volatility(board: MarketPanel, t: int, k: int) -> Number:
    known = span(board.log_return, t, k)
    return statistics.stdev(known) if len(known) > 1 else None


def plain_skewness(board: MarketPanel, t: int, k: int) -> Number:
    known = span(board.log_return, t, k)
    n = len(known)
    if n < 3 or not any(known):
        return None
    centre = sum(known) / n
    second = sum((x - centre) ** 2 for x in known) / n
    third = sum((x - centre) ** 3 for x in known) / n
    return math.sqrt(n * (n - 1)) / (n - 2) * third / second**1.5


def plain_largest(board: MarketPanel, t: int, k: int) -> Number:
    return max(span(board.log_return, t, k), default=None)


def plain_autocorrelation(board: MarketPanel, t: int, k: int) -> Number:
    square = mean([x * x for x in span(board.log_return, t, k)])
    product = mean(products(board, t, k))
    return None if product is None or not square else product / square


def plain_range_place(board: MarketPanel, t: int, k: int) -> Number:
    found = []
    for i in range(max(0, t - N + 1), t + 1):
        low, high, at = (cell(f, i, k) for f in (board.low, board.high, board.price))
        if low is None or high is None or at is None:
            continue
        place = 0.0 if high == low else (at - low) / (high - low) - 0.5
        found.append(min(0.5, max(-0.5, place)))
    return mean(found) if len(found) >= N / 2 else None


def plain_range_width(board: MarketPanel, t: int, k: int) -> Number:
    return mean(span((board.high - board.low) / board.price, t, k))


def plain_channel_place(board: MarketPanel, t: int, k: int) -> Number:
    known, now = span(board.adjusted, t, k), cell(board.adjusted, t, k)
    if not known or now is None:
        return None
    width = max(known) - min(known)
    return 0.5 if width == 0 else (now - min(known)) / width


def plain_tick(board: MarketPanel, t: int, k: int) -> Number:
    at = cell(board.price, t, k)
    if at is None:
        return None
    # 2020: the table of 26 November 2018, of which the panel's prices need this part.
    return (0.05 if at < 50 else 0.25) / at


def plain_turnover(board: MarketPanel, t: int, k: int, n: int = N) -> Number:
    level = mean(span(board.turnover, t, k, n))
    return None if level is None else math.log(1 + level)


def plain_surprise(board: MarketPanel, t: int, k: int) -> Number:
    now, usual = plain_turnover(board, t, k), plain_turnover(board, t, k, 60)
    return None if now is None or usual is None else now - usual


def plain_illiquidity(board: MarketPanel, t: int, k: int) -> Number:
    found = []
    for i in range(max(0, t - N + 1), t + 1):
        move, dealt = cell(board.log_return, i, k), cell(board.turnover, i, k)
        if move is not None and dealt:
            found.append(abs(move) / dealt)
    return math.log(mean(found)) if len(found) >= N / 2 and any(found) else None


def plain_since(board: MarketPanel, t: int, k: int) -> Number:
    if cell(board.turnover, t, k) is None:
        return None
    dealt = [i for i in range(t + 1) if cell(board.turnover, i, k)]
    idle = [i for i in range(t + 1) if cell(board.turnover, i, k) == 0.0]
    return float(sum(i > dealt[-1] for i in idle)) if dealt else None


def plain_traded(board: MarketPanel, t: int, k: int) -> Number:
    return mean([float(x > 0) for x in span(board.turnover, t, k)])


def plain_zeros(board: MarketPanel, t: int, k: int) -> Number:
    return mean([float(abs(x) < 1e-12) for x in span(board.log_return, t, k)])


def plain_signed(board: MarketPanel, t: int, k: int) -> Number:
    signed, dealt = [], span(board.turnover, t, k)
    for i in range(max(0, t - N + 1), t + 1):
        move, amount = cell(board.log_return, i, k), cell(board.turnover, i, k)
        if move is not None and amount is not None:
            still = abs(move) < 1e-12
            signed.append(0.0 if still else math.copysign(amount, move))
    known = len(signed) >= N / 2 and sum(dealt) > 0
    return sum(signed) / sum(dealt) if known else None


def slope(board: MarketPanel, t: int, k: int, n: int, lag: int = 0) -> Number:
    pairs = []
    for i in range(max(0, t - n + 1), t + 1):
        own = cell(board.log_return, i, k)
        other = board.market.to_numpy()[i - lag] if i >= lag else math.nan
        if own is not None and not math.isnan(other):
            pairs.append((other, own))
    if len(pairs) < n / 2:
        return None
    return statistics.linear_regression(*zip(*pairs, strict=True)).slope


def plain_beta(board: MarketPanel, t: int, k: int) -> Number:
    return slope(board, t, k, N)


def plain_lagged_beta(board: MarketPanel, t: int, k: int) -> Number:
    return slope(board, t, k, N, lag=1)


def plain_residual_reversal(board: MarketPanel, t: int, k: int) -> Number:
    sensitivity, back = slope(board, t, k, 12), plain_reversal(board, t, k)
    moves = span(board.market.to_frame(), t, 0)
    if sensitivity is None or back is None or not moves:
        return None
    return back + sensitivity * sum(moves)


def plain_idiosyncratic(board: MarketPanel, t: int, k: int) -> Number:
    found = []
    for i in range(max(0, t - N + 1), t + 1):
        own, sensitivity = cell(board.log_return, i, k), slope(board, i, k, 12)
        if own is not None and sensitivity is not None:
            moved = float(board.market.to_numpy()[i])
            if not math.isnan(moved):
                found.append(own - sensitivity * moved)
    return statistics.stdev(found) if len(found) >= max(2, N / 2) else None


def faded(values: dict[int, float], t: int) -> Number:
    """Mean of values by session, each half as much every N sessions."""
    if len(values) < N:
        return None
    weights = {i: 0.5 ** ((t - i) / N) for i in values}
    return sum(weights[i] * x for i, x in values.items()) / sum(weights.values())


def beyond_usual(frame: pd.DataFrame, t: int, k: int) -> dict[int, float]:
    """Values beyond their mean of 60 sessions, by session up to t."""
    found = {}
    for i in range(t + 1):
        now, usual = cell(frame, i, k), mean(span(frame, i, k, 60))
        if now is not None and usual is not None:
            found[i] = now - usual
    return found


def plain_fading_reversal(board: MarketPanel, t: int, k: int) -> Number:
    moves = {i: cell(board.log_return, i, k) for i in range(t + 1)}
    level = faded({i: x for i, x in moves.items() if x is not None}, t)
    return None if level is None else -level


def plain_fading_surprise(board: MarketPanel, t: int, k: int) -> Number:
    dealt = board.turnover.map(lambda x: math.log(x) if x > 0 else math.nan)
    return faded(beyond_usual(dealt, t, k), t)


def plain_fading_restlessness(board: MarketPanel, t: int, k: int) -> Number:
    return faded(beyond_usual(board.log_return.abs(), t, k), t)


CASES: dict[str, tuple[Callable[..., pd.DataFrame], Callable[..., Number]]] = {
    "reversal": (price.reversal, plain_reversal),
    "volatility": (price.volatility, plain_volatility),
    "skewness": (price.skewness, plain_skewness),
    "largest_return": (price.largest_return, plain_largest),
    "autocorrelation": (price.autocorrelation, plain_autocorrelation),
    "range_position": (price.range_position, plain_range_place),
    "range_width": (price.range_width, plain_range_width),
    "channel_position": (price.channel_position, plain_channel_place),
    "turnover_level": (volume.turnover_level, plain_turnover),
    "volume_surprise": (volume.volume_surprise, plain_surprise),
    "illiquidity": (volume.illiquidity, plain_illiquidity),
    "traded_share": (volume.traded_share, plain_traded),
    "zero_return_share": (volume.zero_return_share, plain_zeros),
    "signed_turnover": (volume.signed_turnover, plain_signed),
    "beta": (market.beta, plain_beta),
    "lagged_beta": (market.lagged_beta, plain_lagged_beta),
    "residual_reversal": (market.residual_reversal, plain_residual_reversal),
    "idiosyncratic_volatility": (market.idiosyncratic_volatility, plain_idiosyncratic),
    "ewm_reversal": (price.ewm_reversal, plain_fading_reversal),
    "ewm_volume_surprise": (volume.ewm_volume_surprise, plain_fading_surprise),
    "ewm_abs_return": (price.ewm_abs_return, plain_fading_restlessness),
}


def check_cells(
    board: MarketPanel, found: pd.DataFrame, plain: Callable[..., Number]
) -> None:
    rows = range(board.price.shape[0])
    expected = [[plain(board, t, k) for k in range(3)] for t in rows]
    wanted = np.array(expected, float)
    assert np.isfinite(wanted).sum() > 60  # else there was nothing to compare
    np.testing.assert_allclose(found.to_numpy(), wanted, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_an_indicator_is_what_a_plain_loop_makes_of_its_span(
    board: MarketPanel, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(market, "BETA_SESSIONS", 12)
    indicator, plain = CASES[name]
    check_cells(board, indicator(board, N), plain)


def test_momentum_leaves_the_last_sessions_out(board: MarketPanel) -> None:
    check_cells(board, price.momentum(board, N, skip=2), plain_momentum)


def test_sessions_since_a_trade_count_idle_ones_and_pass_over_stale_ones(
    board: MarketPanel,
) -> None:
    found = volume.sessions_since_trade(board)
    check_cells(board, found, plain_since)
    assert found["CCC"].iloc[IDLE].tolist() == list(range(1, 15))
    assert math.isnan(found["CCC"].iloc[STALE])


def test_the_tick_is_taken_on_the_printed_price(board: MarketPanel) -> None:
    check_cells(board, price.relative_tick(board), plain_tick)


def test_a_markets_return_is_given_in_its_usual_spread(
    board: MarketPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(market, "LEVEL_SESSIONS", 12)
    found = market.market_return(board, 4)
    moves = board.market.to_frame()
    for t in range(len(found)):
        recent, usual = span(moves, t, 0, 4), span(moves, t, 0, 12)
        if not recent or len(usual) < 2:
            assert math.isnan(found.iloc[t])
            continue
        score = sum(recent) / (statistics.stdev(usual) * 2)  # root of 4 sessions
        assert found.iloc[t] == pytest.approx(min(3.0, max(-3.0, score)))


def test_the_schema_names_what_is_built() -> None:
    assert tuple(INDICATORS) == RANKED_FEATURES
    assert tuple(MARKET_INDICATORS) == MARKET_FEATURES


def test_the_board_knows_no_copied_range_no_unmended_price_and_no_index() -> None:
    panel = odd_panel()
    index = panel[panel["ticker"] == "AAA"].assign(ticker="^NASI", kind="index")
    board = make_market_panel(pd.concat([panel, index], ignore_index=True), SMALL)
    assert list(board.price) == ["AAA", "BBB", "CCC"]
    for frame in (board.low, board.high, board.turnover):
        assert frame.iloc[STALE].isna().all()
    assert board.price.iloc[STALE].isna().tolist() == [False, False, True]
    assert not board.usable.iloc[STALE].any()
    assert board.log_return["CCC"].iloc[[STALE, STALE + 1]].isna().all()
    assert board.log_return.iloc[GAP].isna().all()
    # The split at session 40 halves the printed price and moves no return by half.
    assert board.log_return["BBB"].abs().max() < 0.1
    # CCC is suspended on the last three of its 14 sessions without a deal.
    assert (~board.usable["CCC"]).sum() == 1 + 3


def test_every_row_of_the_panel_has_features_but_a_stale_one() -> None:
    panel = odd_panel()
    features = build_features(panel, cross_section=SMALL)
    check(features, FEATURES)
    assert len(features) == len(panel)
    stale = features[features["session"] == panel["session"].iloc[STALE]]
    values = [*RANKED_FEATURES, *MARKET_FEATURES]
    assert stale[values].isna().all(axis=None)
    assert not stale["usable"].any()


def test_with_history_every_feature_is_known() -> None:
    features = build_features(odd_panel(420), cross_section=SMALL)
    last = features[features["session"] == features["session"].max()]
    assert last[[*RANKED_FEATURES, *MARKET_FEATURES]].notna().all(axis=None)


@pytest.mark.parametrize("last", [STALE + 1, 45])
def test_another_future_moves_no_feature_and_no_universe(last: int) -> None:
    one = odd_panel()
    cut_at = one["session"].iloc[last]
    other = odd_panel(seed=1)
    spliced = pd.concat(
        [one[one["session"] <= cut_at], other[other["session"] > cut_at]]
    ).sort_values(["ticker", "session"], ignore_index=True)
    tables = [
        build_features(panel, cross_section=SMALL)
        for panel in (one, one[one["session"] <= cut_at], spliced)
    ]
    known = [
        table[table["session"] <= cut_at].reset_index(drop=True) for table in tables
    ]
    for table in known[1:]:
        pd.testing.assert_frame_equal(known[0], table, check_exact=True)
    # The other future does move what comes after, else this would prove nothing.
    assert not tables[0].equals(tables[2])


def test_a_later_split_rewrites_no_feature() -> None:
    panel = odd_panel()
    before = panel["session"] < panel["session"].iloc[55]
    later = panel.assign(
        factor=panel["factor"].mask(~before & (panel["ticker"] == "AAA"), 2.0)
    )
    tables = [build_features(p, cross_section=SMALL) for p in (panel, later)]
    one, other = (t[t["session"] < panel["session"].iloc[55]] for t in tables)
    pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_a_panel_without_shares_is_refused() -> None:
    panel = odd_panel().assign(kind="etf")
    with pytest.raises(DataError, match=r"ordinary shares .* kinds \['etf'\]"):
        make_market_panel(panel, SMALL)


def test_a_board_is_of_one_shape(board: MarketPanel) -> None:
    shapes = {
        getattr(board, field.name).shape
        for field in fields(MarketPanel)
        if field.name not in ("market", "ticks")
    }
    assert shapes == {(60, 3)}
    assert board.market.shape == (60,)
