"""A test's state: paired losses, one observation a session, no memory."""

import numpy as np
import pandas as pd
import pytest

from nse_lstm.deployment.experiment import pair_sessions, run_test
from nse_lstm.errors import TableError
from nse_lstm.evaluation.e_process import betting_e_process

ORIGINS = pd.bdate_range("2024-01-01", periods=60).as_unit("us")


def make_rows(
    ticker: str, model: str, stage: str, *, y_hat: object, y: object, n: int = 60
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "ticker": ticker,
            "stage": stage,
            "model": model,
            "origin": ORIGINS[:n],
            "delay": 0,
            "horizon": 1,
            "y_hat": y_hat,
            "y": y,
        }
    )


def make_market(seed: int = 1, stocks: str = "ABC") -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    blocks = []
    for ticker in stocks:
        y = 0.02 * generator.standard_t(3, 60)
        hat = np.where(generator.random(60) < 0.6, np.sign(y), -np.sign(y)) * 0.005
        blocks += [
            make_rows(ticker, "persistence", "champion", y_hat=0.0, y=y),
            make_rows(ticker, "v2", "challenger", y_hat=hat, y=y),
        ]
    return pd.concat(blocks, ignore_index=True)


def test_one_session_is_one_observation_of_all_stocks():
    rows = pd.concat(
        [
            make_rows("A", "persistence", "champion", y_hat=0.0, y=0.03, n=1),
            make_rows("A", "v2", "challenger", y_hat=0.01, y=0.03, n=1),
            make_rows("B", "persistence", "champion", y_hat=0.0, y=0.01, n=1),
            make_rows("B", "v2", "challenger", y_hat=-0.03, y=0.01, n=1),
        ]
    )
    # A: 0.03 - 0.02 = +0.01; B: 0.01 - 0.04 = -0.03. Apart by 0.01 and 0.03.
    found = pair_sessions(rows, challenger="v2").iloc[0]
    assert found["difference"] == pytest.approx((0.01 - 0.03) / 2)
    assert found["bound"] == pytest.approx((0.01 + 0.03) / 2)
    assert found["gain"] == pytest.approx(-0.5)
    assert (found["n_stocks"], found["n_known"]) == (2, 2)


def test_ten_copies_of_a_stock_are_no_more_evidence_than_one():
    one = make_market(stocks="A")
    ten = pd.concat([one.assign(ticker=name) for name in "ABCDEFGHIJ"])
    last = [
        run_test(pair_sessions(rows, challenger="v2"), origins=ORIGINS, ahead=1)[
            "evidence"
        ].iloc[-1]
        for rows in (one, ten)
    ]
    assert last[1] == pytest.approx(last[0], rel=1e-9)


def test_gains_never_leave_their_bounds_whatever_the_returns():
    rows = make_market()
    rows["y"] *= 50  # moves of 100 % and more
    gains = pair_sessions(rows, challenger="v2")["gain"]
    assert gains.abs().max() <= 1
    assert gains.abs().max() > 0.5


def test_an_unknown_return_is_a_draw_and_counted():
    rows = make_market(stocks="AB")
    origin = ORIGINS[7]
    rows.loc[(rows["ticker"] == "B") & (rows["origin"] == origin), "y"] = np.nan
    pairs = pair_sessions(rows, challenger="v2")
    alone = pair_sessions(rows[rows["ticker"] == "A"], challenger="v2")
    assert pairs.loc[origin, ["n_stocks", "n_known"]].tolist() == [2, 1]
    # B is a draw of a stake as large as A's, so A's gain counts half.
    assert pairs.loc[origin, "gain"] == pytest.approx(alone.loc[origin, "gain"] / 2)


def test_a_stock_is_paired_only_where_both_forecast_it():
    rows = make_market(stocks="AB")
    refused = (rows["model"] == "v2") & (rows["ticker"] == "B")
    rows.loc[refused & (rows["origin"] == ORIGINS[3]), "y_hat"] = np.nan
    gone = refused & (rows["origin"] == ORIGINS[4])
    pairs = pair_sessions(rows[~gone], challenger="v2")
    assert pairs.loc[ORIGINS[3:6], "n_stocks"].tolist() == [1, 1, 2]


def test_a_champion_is_not_tested_against_itself():
    rows = make_market(stocks="A")
    own = make_rows("B", "v2", "champion", y_hat=0.01, y=0.0)
    pairs = pair_sessions(pd.concat([rows, own]), challenger="v2")
    assert (pairs["n_stocks"] == 1).all()
    assert pair_sessions(own, challenger="v2").empty


def test_a_session_without_a_pair_is_one_without_a_bet():
    rows = make_market()
    without = rows[rows["origin"] != ORIGINS[10]]
    state = run_test(pair_sessions(without, challenger="v2"), origins=ORIGINS, ahead=1)
    assert len(state) == 60
    assert state["n_stocks"].iloc[10] == 0
    assert np.isnan(state["gain"].iloc[10])
    assert state["evidence"].iloc[10] == state["evidence"].iloc[9]


def test_the_state_is_a_function_of_the_rows_and_never_rewrites_itself():
    rows = make_market().sample(frac=1, random_state=0)
    whole = run_test(pair_sessions(rows, challenger="v2"), origins=ORIGINS, ahead=1)
    for n in (1, 25, 59):
        known = rows[rows["origin"].isin(ORIGINS[:n])]
        early = run_test(
            pair_sessions(known, challenger="v2"), origins=ORIGINS[:n], ahead=1
        )
        pd.testing.assert_frame_equal(early, whole.head(n), check_exact=True)
    pairs = pair_sessions(make_market(), challenger="v2")
    gains = pairs["gain"].to_numpy()
    assert whole["evidence"].to_numpy() == pytest.approx(betting_e_process(gains))


def test_a_better_challenger_is_found_and_a_worse_one_is_not():
    rows = make_market(seed=3)
    better = run_test(pair_sessions(rows, challenger="v2"), origins=ORIGINS, ahead=1)
    rows.loc[rows["model"] == "v2", "y_hat"] *= -1
    worse = run_test(pair_sessions(rows, challenger="v2"), origins=ORIGINS, ahead=1)
    assert better["evidence"].iloc[-1] > 1 > worse["evidence"].iloc[-1]
    assert better["lower"].iloc[-1] > worse["lower"].iloc[-1]


def test_rows_that_are_no_test_are_refused():
    rows = make_market(stocks="A")
    with pytest.raises(TableError, match="two of v2"):
        pair_sessions(pd.concat([rows, rows.tail(1)]), challenger="v2")
    with pytest.raises(TableError, match="one delay and horizon"):
        pair_sessions(
            pd.concat([rows, rows.tail(1).assign(horizon=5)]), challenger="v2"
        )
    pairs = pair_sessions(rows, challenger="v2")
    with pytest.raises(TableError, match="market's sessions"):
        run_test(pairs, origins=ORIGINS[:5], ahead=1)
