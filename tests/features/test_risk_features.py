"""Risk features by plain sums, and equal to the bit where the future is cut."""

import math

import numpy as np
import pandas as pd
import pytest
from conftest import make_tiny_panel

from nse_lstm.config import CrossSection
from nse_lstm.features.returns import with_returns
from nse_lstm.features.risk_features import SMALLEST, build_risk_features

RULE = CrossSection(size=2, liquidity_sessions=20, min_traded_share=0.5)


def values(panel: pd.DataFrame, ticker: str, session: pd.Timestamp) -> dict[str, float]:
    risk = build_risk_features(panel, cross_section=RULE)
    row = risk.at(ticker, np.array([session], "datetime64[us]"))[0]
    return dict(zip(risk.frames, row, strict=True))


def faded(sizes: list[float], half_life: float) -> float:
    """Weigh the newest most, as an exponentially weighted mean does."""
    weights = [0.5 ** (age / half_life) for age in range(len(sizes))][::-1]
    return sum(w * s for w, s in zip(weights, sizes, strict=True)) / sum(weights)


def test_features_are_plain_sums_of_what_is_known():
    panel = make_tiny_panel(150)
    session = panel["session"].unique()[100]
    found = values(panel, "AAA", session)
    rows = with_returns(panel)
    own = rows[(rows["ticker"] == "AAA") & (rows["session"] <= session)]
    moves = own["log_return"].abs().dropna().tolist()
    for half_life in (3, 10, 40):
        expected = math.log(faded(moves, half_life) + SMALLEST)
        assert found[f"move_{half_life}"] == pytest.approx(expected)
    assert found["move_250"] == pytest.approx(math.log(np.mean(moves) + SMALLEST))
    still = [float(move <= 1e-12) for move in moves]
    assert found["unchanged_20"] == pytest.approx(faded(still, 20))
    last = own.iloc[-1]
    width = math.log(last["high"] / last["low"])
    assert found["range"] == pytest.approx(math.log(width + SMALLEST))
    middle = math.log(last["high"] * last["low"]) / 2
    distance = abs(math.log(last["price"]) - middle)
    assert found["range_distance"] == pytest.approx(math.log(distance + SMALLEST))
    turnover = math.log1p(last["price"] * last["volume"])
    assert found["turnover"] == pytest.approx(turnover)


def test_a_cut_file_gives_the_same_bits():
    panel = make_tiny_panel(150)
    whole = build_risk_features(panel, cross_section=RULE)
    for place in (60, 99, 120):
        session = panel["session"].unique()[place]
        cut = panel[panel["session"] <= session]
        part = build_risk_features(cut, cross_section=RULE)
        at = np.array([session], "datetime64[us]")
        for ticker in ("AAA", "BBB", "CCC"):
            np.testing.assert_array_equal(part.at(ticker, at), whole.at(ticker, at))


def test_unknown_features_are_zero_and_never_missing():
    panel = make_tiny_panel(60)
    first = np.array([panel["session"].min()], "datetime64[us]")
    found = build_risk_features(panel, cross_section=RULE).at("AAA", first)
    assert np.isfinite(found).all()
