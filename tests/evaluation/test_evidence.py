"""The table of every test, on forecasts and strategies whose answer is known."""

from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
from conftest import make_tiny_panel

from nse_lstm.config import Verdict
from nse_lstm.evaluation.comparison import diebold_mariano, losses_by_date
from nse_lstm.evaluation.evidence import (
    collect_evidence,
    strategy_evidence,
)
from nse_lstm.evaluation.forecast_evidence import (
    BETTER,
    IN_SET,
    WORSE,
    with_historical_mean,
)
from nse_lstm.evaluation.metrics import expanding_mean
from nse_lstm.evaluation.significance import (
    deflated_sharpe_ratio,
    moments_of,
    trial_variance,
)
from nse_lstm.features.returns import with_returns
from nse_lstm.tables import EVIDENCE, check

QUICK = Verdict(bootstrap_reps=300, bootstrap_block=5)
N = 250


def make_forecasts(seed: int = 1) -> pd.DataFrame:
    """Forecasts of four stocks: one good, one worthless, one that says nothing."""
    rng = np.random.default_rng(seed)
    sessions = pd.bdate_range("2022-01-03", periods=N + 1).as_unit("us")
    parts = []
    for ticker in ("AAA", "BBB", "CCC", "DDD"):
        y = rng.normal(0, 0.01, N)
        hats = {
            "good": 0.3 * y + rng.normal(0, 0.002, N),
            "worthless": rng.normal(0, 0.004, N),
            "persistence": np.zeros(N),
        }
        parts += [
            pd.DataFrame(
                {
                    "ticker": ticker,
                    "model": model,
                    "seed": 1,
                    "origin": sessions[:-1],
                    "target_date": sessions[1:],
                    "delay": 0,
                    "horizon": 1,
                    "y": y,
                    "y_hat": y_hat,
                    "historical_mean": expanding_mean(y),
                }
            )
            for model, y_hat in hats.items()
        ]
    return pd.concat(parts, ignore_index=True)


def make_trials(mean: float = 0.002) -> pd.DataFrame:
    trials = np.random.default_rng(2).normal(0, 0.01, (N, 6))
    trials[:, 0] += mean
    sessions = pd.bdate_range("2022-01-04", periods=N)
    return pd.DataFrame(trials, index=sessions, columns=list("abcdef"))


def make_both(joined: pd.DataFrame) -> pd.DataFrame:
    """Return what came later: half of it again for the one, nothing for the other."""
    noise = np.random.default_rng(5).normal(0, 0.01, len(joined))
    lasting = joined["model"] == "worthless"
    return joined.assign(y_later=noise + lasting * joined["y"])


def evidence(joined: pd.DataFrame) -> pd.DataFrame:
    trials = make_trials()
    return collect_evidence(
        joined,
        both=make_both(joined),
        excess=trials["a"],
        trials=trials,
        other_sharpes=[moments_of(trials[name]).sharpe for name in trials.columns[1:]],
        verdict=QUICK,
        sessions_per_year=250,
        seed=1,
    )


def luck_of(excess: pd.Series, *, sharpes=(0.01,), n_trials=6) -> pd.DataFrame:
    rows = strategy_evidence(
        excess,
        trials=make_trials().iloc[:, :n_trials],
        other_sharpes=sharpes,
        verdict=QUICK,
        sessions_per_year=250,
        seed=1,
    )
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return evidence(make_forecasts())


def one(table: pd.DataFrame, test: str, model: str, **more: str) -> pd.Series:
    chosen = table[(table["test"] == test) & (table["model"] == model)]
    for name, value in more.items():
        chosen = chosen[chosen[name] == value]
    assert len(chosen) == 1
    return chosen.iloc[0]


def test_the_table_keeps_its_schema_and_is_the_same_twice(table):
    check(table, EVIDENCE)
    pd.testing.assert_frame_equal(table, evidence(make_forecasts()), check_exact=True)


def test_persistence_is_the_benchmark_and_is_not_tested_against_itself(table):
    assert set(table.loc[table["model"] == "persistence", "test"]) == {
        "model confidence set"
    }


@pytest.mark.parametrize(
    ("test", "words"),
    [
        ("Diebold-Mariano", BETTER),
        ("Clark-West", "its forecasts have predictive content"),
        ("direction", "predicts the direction"),
    ],
)
def test_a_good_forecast_and_a_worthless_one_are_told_apart(table, test, words):
    good, worthless = one(table, test, "good"), one(table, test, "worthless")
    assert good["p_value"] < 0.001 and good["says"].startswith(words)
    assert not worthless["says"].startswith(words)
    assert good["n"] == N  # dates, not stock-days


def test_a_worthless_forecast_loses_to_persistence(table):
    row = one(table, "Diebold-Mariano", "worthless")
    assert row["statistic"] > 0 and row["says"] == WORSE


def test_the_pooled_test_is_that_of_the_losses_by_date(table):
    joined = make_forecasts()
    losses = losses_by_date(joined[joined["model"] == "good"])
    expected = diebold_mariano(losses["good"], losses["persistence"])
    assert one(table, "Diebold-Mariano", "good")["statistic"] == expected.statistic


def test_the_r_squared_is_of_all_stocks_and_lies_in_its_interval(table):
    joined = make_forecasts()
    rows = joined[joined["model"] == "good"]
    share = 1 - ((rows["y"] - rows["y_hat"]) ** 2).sum() / (rows["y"] ** 2).sum()
    row = one(table, "out-of-sample R²", "good", against="persistence")
    assert row["statistic"] == pytest.approx(share)
    assert 0 < row["lower"] < row["statistic"] < row["upper"]
    # The historical mean is a slightly worse forecast than none.
    mean = one(table, "out-of-sample R²", "good", against="historical mean")
    assert mean["statistic"] > row["statistic"] and mean["n"] == N - 1


def test_the_mean_so_far_is_of_all_sessions_up_to_the_origin(forecasts_of):
    panel = make_tiny_panel(start="2019-11-04")
    forecasts = forecasts_of(panel, model="m", y_hat=lambda r: r["ahead"], fold=2020)
    found = with_historical_mean(forecasts, panel)
    returns = with_returns(panel).set_index(["ticker", "session"])["log_return"]
    known = found.dropna(subset="historical_mean")
    assert len(known) > 20
    for row in known.itertuples():
        own = returns[row.ticker]
        assert row.historical_mean == pytest.approx(own[own.index <= row.origin].mean())


def test_what_is_gone_a_session_later_is_the_artefact_of_averaging(table):
    row = one(table, "artefact of averaged prices", "good")
    # The later return has nothing of this one, so all of the gain is gone.
    assert row["statistic"] == pytest.approx(1, abs=0.3)
    assert row["lower"] < 1 < row["upper"] and row["n"] == N
    now = one(table, "out-of-sample R²", "good", against="persistence")
    later = one(table, "out-of-sample R², a session later", "good")
    assert now["lower"] > 0 > later["statistic"]


def test_single_stocks_are_adjusted_for_their_number(table):
    rows = table[
        (table["test"] == "Diebold-Mariano, Holm") & (table["model"] == "good")
    ]
    joined = make_forecasts()
    raw = {}
    for ticker in rows["ticker"]:
        own = joined[(joined["ticker"] == ticker) & (joined["model"] == "good")]
        losses = losses_by_date(own)
        raw[ticker] = diebold_mariano(losses["good"], losses["persistence"]).p_value
    assert len(rows) == 4
    words = "over 0 lags, Harvey-Leybourne-Newbold, two-sided; Holm over 4 stocks"
    assert rows["method"].str.endswith(words).all()
    smallest = min(raw, key=lambda ticker: raw[ticker])
    found = rows.set_index("ticker")["p_value"]
    assert found[smallest] == pytest.approx(4 * raw[smallest])
    assert all(found[ticker] >= raw[ticker] for ticker in raw)


def test_of_all_models_together_the_good_one_is_found(table):
    assert one(table, "superior predictive ability", "all")["p_value"] < 0.01
    assert one(table, "stepwise superior", "all")["says"].endswith(": good")
    assert one(table, "model confidence set", "good")["says"] == IN_SET
    assert one(table, "model confidence set", "worthless")["p_value"] < 0.05


def test_noise_alone_beats_nothing():
    joined = make_forecasts()
    found = evidence(joined[joined["model"] != "good"])
    row = one(found, "superior predictive ability", "all")
    assert row["p_value"] > 0.05 and row["says"].startswith("no model beats")


def test_persistence_alone_leaves_nothing_to_compare():
    joined = make_forecasts()
    found = evidence(joined[joined["model"] == "persistence"])
    assert not set(found["test"]) & {"Diebold-Mariano", "model confidence set"}


def test_the_strategys_luck_is_counted_over_all_trials_of_the_ledger():
    trials = make_trials()
    sharpes = np.append(np.random.default_rng(3).normal(0, 0.05, 40), np.nan)
    found = one(luck_of(trials["a"], sharpes=sharpes), "deflated Sharpe ratio", "v2")
    moments = moments_of(trials["a"])
    expected = deflated_sharpe_ratio(
        moments.sharpe,
        n=N,
        skew=moments.skew,
        kurtosis=moments.kurtosis,
        n_trials=41,  # the judged strategy counts, its own ratio is not in the variance
        variance=trial_variance(sharpes[:-1], N),
    )
    assert found["statistic"] == pytest.approx(expected)
    assert "best of 41 trials" in found["says"]


def test_the_sharpe_ratio_comes_with_its_interval_and_what_could_be_seen(table):
    row = one(table, "Sharpe ratio", "v2")
    excess = make_trials()["a"]
    assert row["statistic"] == pytest.approx(
        excess.mean() / excess.std(ddof=1) * np.sqrt(250)
    )
    assert row["lower"] < row["statistic"] < row["upper"]
    seen = one(table, "smallest detectable Sharpe", "v2")
    assert seen["statistic"] == pytest.approx(1.959964, abs=1e-5)  # one year
    assert seen["upper"] == pytest.approx(1.959964 + 0.841621, abs=1e-5)


def test_the_strategys_rows_are_those_of_the_papers_formulas(table):
    own = table[table["model"] == "v2"]
    assert (own["n"] == N).all() and (own["method"].str.len() > 10).all()
    found = moments_of(make_trials()["a"])
    ratio = found.sharpe
    # Mertens (2002): the variance of a Sharpe ratio per session.
    shape = 1 - found.skew * ratio + (found.kurtosis - 1) / 4 * ratio**2
    error = np.sqrt(shape / (N - 1))
    row = one(table, "Sharpe ratio", "v2")
    reach = 1.959964 * error
    bounds = [np.sqrt(250) * (ratio + step) for step in (-reach, reach)]
    assert [row["lower"], row["upper"]] == pytest.approx(bounds, abs=1e-6)
    row = one(table, "probabilistic Sharpe ratio", "v2")
    probability = NormalDist().cdf(ratio / error)
    assert row["statistic"] == pytest.approx(probability)
    assert row["p_value"] == pytest.approx(1 - probability)
    row = one(table, "deflated Sharpe ratio", "v2")
    assert 0.01 < row["statistic"] < 0.99
    assert row["p_value"] == pytest.approx(1 - row["statistic"])


def test_a_losing_strategy_is_said_to_need_no_record():
    losing = -make_trials()["a"].abs()
    found = luck_of(losing)
    record = one(found, "minimum track record", "v2")
    assert record["statistic"] == np.inf and "no record" in record["says"]
    assert "not above 0" in one(found, "minimum backtest length", "v2")["says"]


def test_a_strategy_that_never_traded_has_only_what_could_have_been_seen():
    idle = pd.Series(0.0, index=make_trials().index)
    found = luck_of(idle, n_trials=1)
    own = found[found["model"] == "v2"]
    assert own["test"].tolist() == ["smallest detectable Sharpe"]
    assert "probability of backtest overfitting" not in set(found["test"])


def test_one_lucky_strategy_is_no_superior_one_and_a_good_one_is():
    name = "superior predictive ability of strategies"
    # Six coins, and six of which one earns 0.4 of its deviation a session.
    for mean, some in ((0.0, False), (0.004, True)):
        trials = make_trials(mean)
        found = pd.DataFrame(
            strategy_evidence(
                trials["b"],
                trials=trials,
                other_sharpes=[0.01],
                verdict=QUICK,
                sessions_per_year=250,
                seed=1,
            )
        )
        row = one(found, name, "all")
        assert (row["p_value"] <= 0.05) == some
        assert row["lower"] <= row["p_value"] <= row["upper"] and row["n"] == N
        assert row["says"].startswith("at least one of 6" if some else "none of 6")
