"""Realised values and scores, against arithmetic on panels of a few rows."""

import math

import numpy as np
import pandas as pd
import pytest
from conftest import make_tiny_panel

from nse_lstm.config import Backtest
from nse_lstm.errors import TableError
from nse_lstm.evaluation import metrics
from nse_lstm.evaluation.scoring import (
    POOL,
    STRATEGY_METRICS,
    TRADED,
    check_forecasts,
    on_traded,
    realised,
    score_accuracy,
    score_strategies,
    score_traded,
)
from nse_lstm.evaluation.strategies import strategy_returns
from nse_lstm.tables import SCORES, check

START = "2019-11-04"  # 60 sessions: 42 of 2019, the split of BBB at session 40


@pytest.fixture
def panel():
    return make_tiny_panel(start=START)


def zero(rows):
    return rows["ahead"] * 0


def perfect(rows):
    return rows["ahead"]


def value_of(scores, *, ticker, model, metric):
    named = (
        (scores["ticker"] == ticker)
        & (scores["model"] == model)
        & (scores["metric"] == metric)
    )
    (row,) = scores[named].to_dict("records")
    return row["value"]


def n_of(scores, **names):
    named = np.logical_and.reduce([scores[k] == v for k, v in names.items()])
    return int(scores.loc[named, "n"].iloc[0])


def test_a_target_after_a_split_is_measured_in_shares_of_the_origin(forecasts_of):
    panel = make_tiny_panel(start="2020-01-06")
    forecasts = forecasts_of(panel, model="persistence", y_hat=zero, fold=2020)
    found = realised(forecasts, panel).set_index(["ticker", "origin"])
    rows = panel[panel["ticker"] == "BBB"].set_index("session")
    before, after = rows.index[39], rows.index[40]
    # Two shares after for one before, so the level is twice the printed price.
    level = 2 * rows.loc[after, "price"]
    assert found.loc[("BBB", before), "level"] == pytest.approx(level)
    expected = math.log(level / rows.loc[before, "price"])
    assert found.loc[("BBB", before), "y"] == pytest.approx(expected)
    last_price = rows.loc[after, "price"]
    assert found.loc[("BBB", after), "last_price"] == pytest.approx(last_price)


def test_a_later_session_earns_from_entry_to_target(panel, forecasts_of):
    forecasts = forecasts_of(panel, model="late", y_hat=zero, fold=2020)
    sessions = pd.Series(np.sort(panel["session"].unique()))
    later = dict(zip(sessions, sessions.shift(-1), strict=True))
    forecasts = forecasts.assign(
        delay=1,
        entry_date=forecasts["target_date"],
        target_date=forecasts["target_date"].map(later),
    ).dropna(subset="target_date")
    row = realised(forecasts, panel).iloc[0]
    price = panel[panel["ticker"] == row["ticker"]].set_index("session")["price"]
    expected = math.log(price[row["target_date"]] / price[row["entry_date"]])
    assert row["y"] == pytest.approx(expected)


@pytest.mark.parametrize("flag", ["gap", "stale"])
def test_nothing_is_realised_across_a_gap_or_on_a_stale_session(
    panel, forecasts_of, flag
):
    forecasts = forecasts_of(panel, model="persistence", y_hat=zero, fold=2020)
    session = forecasts["target_date"].iloc[3]
    panel.loc[panel["session"] == session, flag] = True
    found = realised(forecasts, panel)
    assert (found["y"].isna() == (found["target_date"] == session)).all()
    assert found["level"].isna().equals(found["y"].isna())


def test_realised_values_do_not_depend_on_the_order_of_rows(panel, forecasts_of):
    forecasts = forecasts_of(panel, model="persistence", y_hat=zero, fold=2020)
    shuffled = forecasts.sample(frac=1, random_state=3)
    found = realised(shuffled, panel.sample(frac=1, random_state=4)).sort_index()
    pd.testing.assert_frame_equal(found, realised(forecasts, panel))


def test_persistence_has_no_skill_and_a_perfect_forecast_has_all(panel, forecasts_of):
    forecasts = pd.concat(
        [
            forecasts_of(panel, model="persistence", y_hat=zero, fold=2020),
            forecasts_of(panel, model="oracle", y_hat=perfect, fold=2020),
        ]
    )
    scores = score_accuracy(forecasts, panel)
    for ticker in ("AAA", POOL):
        naive = {"ticker": ticker, "model": "persistence"}
        oracle = {"ticker": ticker, "model": "oracle"}
        assert value_of(scores, **naive, metric="skill") == 0.0
        assert math.isnan(value_of(scores, **naive, metric="directional_accuracy"))
        assert value_of(scores, **oracle, metric="skill") == pytest.approx(1.0)
        assert value_of(scores, **oracle, metric="r_squared") == pytest.approx(1.0)
        assert value_of(scores, **oracle, metric="directional_accuracy") == 1.0
    assert set(scores["metric"]) == {
        *("mae", "rmse", "mape", "bias", "r_squared", "negative_predictions"),
        *("skill", "mase", "directional_accuracy", "three_way_accuracy"),
    }


def test_mase_divides_by_the_sessions_before_the_fold(panel, forecasts_of):
    forecasts = forecasts_of(panel, model="persistence", y_hat=zero, fold=2020)
    scores = score_accuracy(forecasts, panel)
    rows = panel[panel["ticker"] == "AAA"].set_index("session")["price"]
    moves = np.abs(np.diff(np.log(rows)))
    in_year = rows.index[1:].year == 2020
    expected = moves[in_year].mean() / moves[~in_year].mean()
    found = value_of(scores, ticker="AAA", model="persistence", metric="mase")
    assert found == pytest.approx(expected)


def test_kes_metrics_are_pooled_as_the_median_over_stocks(panel, forecasts_of):
    forecasts = forecasts_of(panel, model="persistence", y_hat=zero, fold=2020)
    scores = score_accuracy(forecasts, panel)
    for metric in ("mae", "r_squared"):
        single = [
            value_of(scores, ticker=ticker, model="persistence", metric=metric)
            for ticker in ("AAA", "BBB", "CCC")
        ]
        pooled = value_of(scores, ticker=POOL, model="persistence", metric=metric)
        assert pooled == pytest.approx(sorted(single)[1])


def test_a_negative_price_counts_and_leaves_the_return_metrics(panel, forecasts_of):
    def broken(rows):
        forecast = pd.Series(0.0, index=rows.index)
        return forecast.where(rows["session"] != rows["session"].iloc[4])

    forecasts = forecasts_of(panel, model="v2", y_hat=broken, fold=2020)
    scores = score_accuracy(forecasts, panel)
    n = int((forecasts["ticker"] == "AAA").sum())
    assert (
        value_of(scores, ticker="AAA", model="v2", metric="negative_predictions") == 1
    )
    assert value_of(scores, ticker=POOL, model="v2", metric="negative_predictions") == 3
    assert n_of(scores, ticker="AAA", metric="mae") == n
    assert n_of(scores, ticker="AAA", metric="skill") == n - 1


def test_seeds_are_scored_alone_and_averaged(panel, forecasts_of):
    parts = [
        forecasts_of(panel, model="v2", y_hat=y_hat, fold=2020, seed=seed)
        for seed, y_hat in [(1, zero), (2, perfect)]
    ]
    scores = score_accuracy(pd.concat(parts), panel)
    # Skills 0 and 1; the skill of the mean forecast would be 0.75.
    assert value_of(scores, ticker="AAA", model="v2", metric="skill") == pytest.approx(
        0.5
    )


def test_a_model_with_two_aims_is_refused(panel, forecasts_of):
    forecasts = forecasts_of(panel, model="v2", y_hat=zero, fold=2020)
    both = pd.concat([forecasts, forecasts.assign(delay=1)])
    with pytest.raises(TableError, match="two of v2"):
        score_accuracy(both, panel)
    # Two targets of one origin are two aims, two origins of one target are not.
    later = forecasts["target_date"] + pd.Timedelta(days=7)
    with pytest.raises(TableError, match="two of v2"):
        check_forecasts(pd.concat([forecasts, forecasts.assign(target_date=later)]))
    check_forecasts(forecasts.assign(target_date=forecasts["target_date"].max()))


def test_an_empty_table_of_forecasts_is_refused(panel, forecasts_of):
    forecasts = forecasts_of(panel, model="v2", y_hat=zero, fold=2020)
    with pytest.raises(TableError, match="no row"):
        score_accuracy(forecasts[:0], panel)


def make_returns(net, position, *, ticker="AAA", seed=1, cash=0.0):
    n = len(net)
    return pd.DataFrame(
        {
            "ticker": ticker,
            "model": "v2",
            "seed": seed,
            "fold": 2020,
            "rule": "sign",
            "cost_bps": 66,
            "session": pd.bdate_range("2020-01-06", periods=n).as_unit("us"),
            "position": np.asarray(position, float),
            "turnover": np.abs(np.diff(position, append=0.0)),
            "gross_return": np.asarray(net, float),
            "net_return": np.asarray(net, float),
            "cash_return": cash,
            "stock_return": 0.0,
        }
    )


def test_strategy_scores_are_the_metrics_of_the_booked_returns():
    returns = make_returns([0.0, 0.02, -0.01, 0.0], [0, 1, 1, 0], cash=0.001)
    scores = score_strategies(returns, backtest=Backtest(sessions_per_year=100))
    found = {
        metric: value_of(scores, ticker="AAA", model="v2", metric=metric)
        for metric in STRATEGY_METRICS
    }
    assert found["net_return"] == pytest.approx(1.02 * 0.99 - 1)
    assert found["win_rate"] == pytest.approx(1 / 2)
    assert found["win_rate_all"] == pytest.approx(1 / 4)
    assert found["exposure"] == pytest.approx(2 / 4)
    # Bought and sold once in 4 of 100 sessions a year: 2 / 4 * 100.
    assert found["turnover"] == pytest.approx(50)
    assert found["max_drawdown"] == pytest.approx(-0.01)
    # Mean 0.0025; cash takes 0.001 off the mean and nothing off the deviation.
    ratio = found["sharpe_over_cash"] / found["sharpe_ratio"]
    assert ratio == pytest.approx(0.0015 / 0.0025)
    assert n_of(scores, ticker="AAA", metric="win_rate") == 2


def test_the_pool_holds_equal_capital_in_every_stock():
    parts = [
        make_returns([0.02, 0.04], [1, 1], ticker="AAA"),
        make_returns([0.0, -0.02], [0, 1], ticker="BBB"),
    ]
    scores = score_strategies(pd.concat(parts), backtest=Backtest())
    # Sessions' means: 0.01 and 0.01.
    pooled = value_of(scores, ticker=POOL, model="v2", metric="net_return")
    assert pooled == pytest.approx(1.01**2 - 1)
    exposure = value_of(scores, ticker=POOL, model="v2", metric="exposure")
    assert exposure == pytest.approx(3 / 4)


def test_the_pools_wins_are_the_stocks_own_sessions_and_interest_is_none():
    # AAA: a win and an unchanged price; BBB in cash, which earns in both sessions.
    parts = [
        make_returns([0.02, 0.0], [1, 1], ticker="AAA", cash=0.001),
        make_returns([0.001, 0.001], [0, 0], ticker="BBB", cash=0.001),
    ]
    scores = score_strategies(pd.concat(parts), backtest=Backtest())
    pooled = {"ticker": POOL, "model": "v2"}
    assert value_of(scores, **pooled, metric="win_rate") == pytest.approx(1 / 2)
    assert value_of(scores, **pooled, metric="win_rate_all") == pytest.approx(1 / 4)
    assert n_of(scores, **pooled, metric="win_rate") == 2
    assert n_of(scores, **pooled, metric="win_rate_all") == 4
    # One account of two that is invested throughout: half of the capital.
    assert value_of(scores, **pooled, metric="exposure") == pytest.approx(1 / 2)


def test_a_partly_invested_account_does_not_win_by_its_interest():
    # Half in stocks that did not move, half in cash at 0.001; then 0.001 of stocks.
    net = [(1 + 0.0005) - 1, 0.5 * 0.001 + 0.5 * 0.001]
    returns = make_returns(net, [0.5, 0.5], ticker=POOL, cash=0.001)
    scores = score_strategies(returns, backtest=Backtest())
    found = value_of(scores, ticker=POOL, model="v2", metric="win_rate")
    assert found == pytest.approx(1 / 2)


@pytest.mark.parametrize(("n_held", "defined"), [(9, False), (10, True)])
def test_an_account_that_is_nearly_all_cash_has_no_sharpe_ratio(n_held, defined):
    # Two stocks, 100 sessions, one of the stocks held in 9 or 10: 4.5 % or 5 %.
    held = np.arange(100) < n_held
    net = np.where(held, 0.01, 0.0003)
    parts = [
        make_returns(net, held, ticker="AAA", cash=0.0003),
        make_returns(np.full(100, 0.0003), held * 0, ticker="BBB", cash=0.0003),
    ]
    scores = score_strategies(pd.concat(parts), backtest=Backtest())
    for metric in ("sharpe_ratio", "sharpe_over_cash"):
        found = value_of(scores, ticker=POOL, model="v2", metric=metric)
        assert math.isnan(found) != defined


def test_never_being_invested_has_no_sharpe_ratio_even_after_a_late_entry():
    # Bought in the last session: a cost, and not one session held.
    returns = make_returns([0.0, 0.0, -0.0066], [0, 0, 0])
    scores = score_strategies(returns, backtest=Backtest())
    assert math.isnan(value_of(scores, ticker="AAA", model="v2", metric="sharpe_ratio"))
    assert math.isnan(value_of(scores, ticker="AAA", model="v2", metric="win_rate"))


def test_a_traded_panel_is_scored_like_its_own_columns(panel, forecasts_of):
    forecasts = forecasts_of(panel, model="oracle", y_hat=perfect, fold=2020)
    backtest = Backtest()
    returns = strategy_returns(forecasts, panel, backtest=backtest)
    scores = score_strategies(returns, backtest=backtest)
    one = returns.query("ticker == 'AAA' and rule == 'gate' and cost_bps == 36")
    found = scores.query("ticker == 'AAA' and rule == 'gate' and cost_bps == 36")
    expected = metrics.total_return(one["net_return"])
    by_metric = found.set_index("metric")["value"]
    assert by_metric["net_return"] == pytest.approx(expected)


def test_targets_without_a_trade_or_on_a_stale_copy_are_left_out(panel, forecasts_of):
    forecasts = forecasts_of(panel, model="m", y_hat=lambda r: r["ahead"], fold=2020)
    key = ["ticker", "target_date"]
    silent = forecasts.iloc[[0, 7]][key].apply(tuple, axis=1).tolist()
    places = panel[["ticker", "session"]].apply(tuple, axis=1)
    panel.loc[places == silent[0], "volume"] = np.nan
    panel.loc[places == silent[1], "stale"] = True
    traded = {
        (row.ticker, row.session)
        for row in panel.itertuples()
        if row.volume > 0 and not row.stale
    }
    kept = on_traded(forecasts, panel)
    expected = [
        place for place in forecasts[key].apply(tuple, axis=1) if place in traded
    ]
    assert kept[key].apply(tuple, axis=1).tolist() == expected
    assert not set(silent) & set(expected)


def test_scores_carry_the_name_and_are_those_of_the_traded_rows(panel, forecasts_of):
    forecasts = forecasts_of(
        panel, model="m", y_hat=lambda r: r["ahead"] * 0 + 0.001, fold=2020
    )
    panel.loc[panel["ticker"] == "AAA", "volume"] = np.nan
    found = check(score_traded(forecasts, panel), SCORES)
    assert "AAA" not in set(found["ticker"])
    rows = realised(on_traded(forecasts, panel), panel).dropna(subset="y")
    rows = rows[rows["ticker"] == "BBB"]
    traded = found[found["ticker"] == "BBB"].set_index("metric")
    error = (rows["level"] - rows["price_hat"]).abs()
    assert traded.loc["mae" + TRADED, "value"] == pytest.approx(error.mean())
    assert traded.loc["skill" + TRADED, "n"] == len(rows) > 0
    assert found["metric"].str.endswith(TRADED).all()


def test_where_nothing_traded_there_is_no_score(panel, forecasts_of):
    forecasts = forecasts_of(panel, model="m", y_hat=lambda r: r["ahead"], fold=2020)
    assert score_traded(forecasts, panel.assign(volume=np.nan)).empty
