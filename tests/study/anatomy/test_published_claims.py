"""Persistence by published metrics, against a plain loop on the same rows."""

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from nse_lstm.pages import published_claims as page
from nse_lstm.study.anatomy import published_claims
from nse_lstm.study.anatomy.published_claims import (
    CLAIMS,
    PAPER,
    WALK,
    PublishedScores,
    score_persistence,
)

N = 130


def prices(seed: int = 3, ticker: str = "SCOM") -> pd.DataFrame:
    """A walk of one stock with sessions without a move, and one missing return."""
    draws = np.random.default_rng(seed)
    y = np.where(draws.random(N) < 0.3, 0.0, draws.normal(0, 0.02, N))
    y[40] = np.nan
    price = 20 * np.exp(np.cumsum(np.nan_to_num(y)))
    sessions = pd.bdate_range("2020-01-01", periods=N)
    return pd.DataFrame(
        {"ticker": ticker, "session": sessions, "adjusted": price, "log_return": y}
    )


def plain(rows: pd.DataFrame) -> dict[str, float]:
    """The same numbers, one session at a time."""
    price, y = rows["adjusted"].tolist(), rows["log_return"].tolist()
    found: list[tuple[float, float, float, float, float]] = []
    for t in range(5, N):
        if not math.isnan(y[t]) and not math.isnan(y[t - 1]):
            found.append((price[t], price[t - 1], price[t - 5], y[t], y[t - 1]))
    n = len(found)
    mean = sum(each[0] for each in found) / n
    spread = sum((each[0] - mean) ** 2 for each in found)
    moves = [each[3] for each in found if each[3] != 0]
    return {
        "n": n,
        "mape": sum(abs(a - b) / a for a, b, *_ in found) / n,
        "mape_week": sum(abs(a - w) / a for a, _, w, *_ in found) / n,
        "r_squared": 1 - sum((a - b) ** 2 for a, b, *_ in found) / spread,
        "scaled_rmse": math.sqrt(sum((a - b) ** 2 for a, b, *_ in found) / n)
        / (max(price) - min(price)),
        "naive_ratio": math.sqrt(sum(each[3] ** 2 for each in found))
        / math.sqrt(sum((each[3] - each[4]) ** 2 for each in found)),
        "not_down": sum(each[3] >= 0 for each in found) / n,
        "up": sum(move > 0 for move in moves) / len(moves),
        "unchanged": 1 - len(moves) / n,
    }


def test_every_metric_is_that_of_a_plain_loop() -> None:
    rows = prices()
    (found,) = score_persistence(rows, tickers=["SCOM"], years=[2020]).to_dict(
        "records"
    )
    for name, value in plain(rows).items():
        assert found[name] == pytest.approx(value), name
    assert found["accuracy"] == pytest.approx(1 - found["mape"])


def test_a_stock_with_too_few_sessions_and_other_years_are_left_out() -> None:
    rows = pd.concat([prices(), prices(ticker="KCB").head(90)])
    found = score_persistence(rows, tickers=["SCOM", "KCB", "EQTY"], years=[2020])
    assert found["ticker"].tolist() == ["SCOM"]
    assert score_persistence(rows, tickers=["SCOM"], years=[2021]).empty


def test_repeating_an_uncorrelated_return_looks_worse_by_the_root_of_two() -> None:
    # E(y - y')^2 = 2 E y^2, so "no change" has 0.71 of its RMSE without any skill.
    y = np.random.default_rng(0).normal(0, 0.01, 20_000)
    sessions = pd.date_range("1900-01-01", periods=len(y))
    walk = pd.DataFrame(
        {
            "ticker": "A",
            "session": sessions,
            "adjusted": np.exp(np.cumsum(y)),
            "log_return": y,
        }
    )
    found = score_persistence(walk, tickers=["A"], years=range(1900, 1960))
    assert found["naive_ratio"].iloc[0] == pytest.approx(1 / math.sqrt(2), abs=0.01)


def test_years_that_are_kept_untouched_and_the_test_year_are_not_scored() -> None:
    data = SimpleNamespace(
        study=SimpleNamespace(market=SimpleNamespace(untouched=(2011, 2012, 2013))),
        facts=SimpleNamespace(test_year=2010),
    )
    assert published_claims._paper_years(data) == [2008, 2009]


def test_the_page_states_published_numbers_beside_persistence() -> None:
    scores = score_persistence(prices(), tickers=["SCOM"], years=[2020])
    published = PublishedScores(
        simulated=True, spans={WALK: [2020]}, scores=scores.assign(span=WALK)
    )
    table = page.claims_table(published)
    assert table["definition"].tolist() == [claim.definition for claim in CLAIMS]
    shown = f"{scores['mape'].iloc[0]:.2%}"
    assert table.iloc[0, 2] == f"{shown} ({shown} to {shown})"
    assert shown in page.headline(published).html
    assert "simulated" in page.headline(published).html
    assert "may be scored" not in page.what_it_shows(published).html
    real = PublishedScores(
        simulated=False, spans=published.spans, scores=published.scores
    )
    assert "years that may be scored" in page.what_it_shows(real).html
    both = PublishedScores(
        simulated=False,
        spans={PAPER: [2008, 2009, 2010], WALK: [2020]},
        scores=pd.concat([scores.assign(span=PAPER), scores.assign(span=WALK)]),
    )
    axes = page.draw_errors(both).axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == [
        "2008 to 2010",
        "2020",
    ]
    inside = int(scores["mape"].between(0.0077, 0.0191).sum())
    assert axes.get_title("left").startswith(f"Yesterday's price: {2 * inside} of 2")
