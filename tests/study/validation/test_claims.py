"""The claims' series against plain loops, and what is absent told."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from nse_lstm.config import Claim, load_study
from nse_lstm.paths import find_root
from nse_lstm.study.core.study_data import StudyData
from nse_lstm.study.validation.claims import (
    best_account_series,
    crps_series,
    direction_series,
    gather_claims,
    money_series,
    rank_ic_series,
    read_claims,
    saving_series,
    squared_error_series,
)

STUDY = load_study(find_root() / "study.toml", "nse")
CLAIMS = {claim.name: claim for claim in STUDY.claims.family}
DAYS = pd.bdate_range("2019-06-03", periods=40)


def declared(name: str) -> Claim:
    return CLAIMS[name]


@pytest.fixture(scope="module")
def joined() -> pd.DataFrame:
    generator = np.random.default_rng(1)
    rows = []
    for day in DAYS:
        for ticker in ("AAA", "BBB", "CCC"):
            y = 0.0 if generator.random() < 0.2 else generator.normal(0, 0.02)
            hats = {
                "persistence": 0.0,
                "ar1": 0.2 * y + generator.normal(0, 0.02),
                "stock_lstm": 0.4 * y + generator.normal(0, 0.01),
            }
            for model, y_hat in hats.items():
                if (model, ticker) == ("ar1", "CCC") and day < DAYS[5]:
                    continue  # Rows that one model lacks are nobody's.
                rows.append((ticker, model, day, 0, 1, y_hat, y))
    names = ["ticker", "model", "target_date", "delay", "horizon", "y_hat", "y"]
    return pd.DataFrame(rows, columns=names)


def test_the_seven_claims_are_those_that_were_declared() -> None:
    assert str(STUDY.claims.declared) == "2026-11-30"
    assert STUDY.claims.level == 0.01
    found = {
        name: (claim.model, claim.against, claim.horizon, claim.delay, claim.smallest)
        for name, claim in CLAIMS.items()
    }
    assert found == {
        "price": ("stock_lstm", ("persistence",), 1, 0, 0.02),
        "direction": ("stock_lstm", ("ar1",), 1, 0, 0.02),
        "ranking": ("ensemble_equal", ("four_signals",), 5, 1, 0.01),
        "risk": ("stock_lstm", ("ewma_volatility", "garch"), 5, 0, 0.01),
        "tilt": ("ensemble_equal", ("equal_weight", "buy_and_hold"), 1, 1, 0.02),
        "execution": ("ensemble_equal", ("placebo",), 10, 1, 5),
        "cash": ("best", ("cash",), 1, 1, 0.01),
    }


def test_skill_is_the_squared_error_saved_by_session(joined: pd.DataFrame) -> None:
    found = squared_error_series(joined, declared("price"))
    assert found is not None and len(found.gain) == 40
    saved = whole = 0.0
    for row in joined[joined["model"] == "stock_lstm"].itertuples():
        saved += row.y**2 - (row.y - row.y_hat) ** 2
        whole += row.y**2
    assert found.gain.sum() / found.base.sum() == pytest.approx(saved / whole)
    assert found.base.iloc[0] == pytest.approx(
        sum({row.ticker: row.y**2 for row in joined.head(8).itertuples()}.values())
    )


def test_direction_counts_moving_sessions_that_both_models_forecast(
    joined: pd.DataFrame,
) -> None:
    found = direction_series(joined, declared("direction"))
    assert found is not None
    right: dict[str, int] = {"stock_lstm": 0, "ar1": 0}
    n_moved = 0
    for _, rows in joined.groupby(["target_date", "ticker"]):
        by_model = rows.set_index("model")
        y = by_model["y"].iloc[0]
        if y == 0 or "ar1" not in by_model.index:
            continue
        n_moved += 1
        for model in right:
            right[model] += int((by_model.loc[model, "y_hat"] > 0) == (y > 0))
    assert found.base.sum() == n_moved
    assert found.gain.sum() == right["stock_lstm"] - right["ar1"] > 0


def test_a_forecast_of_no_change_is_a_wrong_direction(joined: pd.DataFrame) -> None:
    idle = joined["model"] == "stock_lstm"
    silent = joined.assign(y_hat=joined["y_hat"].mask(idle, 0.0))
    found = direction_series(silent, declared("direction"))
    assert found is not None and (found.gain <= 0).all()


def test_rank_ics_are_compared_on_shared_sessions_with_seeds_averaged() -> None:
    rows = [
        *(("ensemble_equal", 0, day, 0.1 + 0.01 * i) for i, day in enumerate(DAYS)),
        *(
            ("four_signals", seed, day, 0.02 * seed)
            for day in DAYS[3:]
            for seed in (1, 3)
        ),
    ]
    daily = pd.DataFrame(rows, columns=["model", "seed", "origin", "rank_ic"])
    found = rank_ic_series(daily.assign(horizon=5, delay=1), declared("ranking"))
    assert found is not None and len(found.gain) == 37
    assert found.gain.tolist() == pytest.approx(
        [0.1 + 0.01 * i - 0.04 for i in range(3, 40)]
    )
    assert (
        rank_ic_series(daily.assign(horizon=10, delay=1), declared("ranking")) is None
    )


def losses(days: pd.DatetimeIndex, **crps: float) -> pd.DataFrame:
    blocks = [
        pd.DataFrame(
            {"model": model, "horizon": 5, "target_date": days, "crps": value, "n": 3}
        )
        for model, value in crps.items()
    ]
    return pd.concat(blocks, ignore_index=True)


def test_risk_has_the_benchmark_that_was_better_where_settings_were_chosen() -> None:
    chosen_on = pd.bdate_range("2015-01-05", periods=10)
    table = pd.concat(
        [
            losses(DAYS, stock_lstm=0.9, ewma_volatility=1.0, garch=1.2),
            losses(chosen_on, stock_lstm=0.9, ewma_volatility=1.3, garch=1.1),
        ]
    )
    found = crps_series(table, declared("risk"), study=STUDY)
    assert found is not None and found.against == "garch"
    saved, whole = 40 * 0.3 + 10 * 0.2, 40 * 1.2 + 10 * 1.1
    assert found.gain.sum() / found.base.sum() == pytest.approx(saved / whole)
    late = crps_series(
        losses(DAYS, stock_lstm=0.9, ewma_volatility=1.0, garch=1.2),
        declared("risk"),
        study=STUDY,
    )
    assert late is not None and late.against == "ewma_volatility"


def accounts(**means: float) -> pd.DataFrame:
    generator = np.random.default_rng(2)
    noise = generator.normal(0, 0.001, 40)
    rules = {"equal_weight": "rebalance", "buy_and_hold": "hold"}
    blocks = [
        pd.DataFrame(
            {
                "model": name.split("__")[0],
                "rule": rules.get(name, name.split("__")[-1]),
                "start": start,
                "cost_bps": cost,
                "session": DAYS,
                "net_return": mean + noise + 0.0001 * start - 0.001 * (cost == 212),
                "cash_return": 0.0003,
            }
        )
        for name, mean in means.items()
        for start in (0, 1)
        for cost in (66, 212)
    ]
    return pd.concat(blocks, ignore_index=True)


def test_a_tilt_is_judged_against_the_better_benchmark_per_year() -> None:
    table = accounts(
        ensemble_equal__optimised=0.002, equal_weight=0.0005, buy_and_hold=0.001
    )
    found = money_series(table, declared("tilt"), study=STUDY)
    assert found is not None and found.against == "buy_and_hold"
    # 0.001 a session, 250 sessions a year; start days have one mean
    assert found.gain.sum() / found.base.sum() == pytest.approx(0.25)
    assert money_series(table[:80], declared("tilt"), study=STUDY) is None


def test_the_best_account_over_the_bill_pays_for_having_been_chosen() -> None:
    table = accounts(
        ensemble_equal__optimised=0.0005,
        four_signals__buffer=0.0008,
        equal_weight=0.01,
        buy_and_hold=0.01,
    )
    found = best_account_series(table, declared("cash"), study=STUDY)
    assert found is not None
    assert (found.model, found.against) == ("four_signals buffer", "cash")
    excess = (
        table[(table["model"] == "four_signals") & (table["cost_bps"] == 66)]
        .groupby("session")["net_return"]
        .mean()
        - 0.0003
    )
    assert found.gain.tolist() == pytest.approx(excess.tolist())
    assert 0 < found.least_p < 1
    alone = table[table["model"] == "four_signals"]
    single = best_account_series(alone, declared("cash"), study=STUDY)
    assert single is not None and single.least_p < found.least_p


def test_an_order_counts_once_and_sides_are_pooled() -> None:
    rows = [
        (signal, 10, side, day, n, saving)
        for day in DAYS[:2]
        for signal, side, n, saving in (
            ("ensemble_equal", "buy", 3, 20.0),
            ("placebo", "buy", 3, 8.0),
            ("ensemble_equal", "sell", 1, 10.0),
            ("placebo", "sell", 1, 14.0),
        )
    ]
    names = ["signal", "wait", "side", "session", "n_orders", "saving_bps"]
    found = saving_series(pd.DataFrame(rows, columns=names), declared("execution"))
    assert found is not None
    # (3 x 12 + 1 x -4) / 4 orders
    assert found.gain.tolist() == [32, 32] and found.base.tolist() == [4, 4]


def test_what_is_not_in_the_build_is_told(tmp_path: Path, joined: pd.DataFrame) -> None:
    paths = SimpleNamespace(evaluation=tmp_path, ranking=tmp_path)
    data = cast(StudyData, SimpleNamespace(study=STUDY, paths=paths))
    table = gather_claims(data, joined, pd.DataFrame())
    whole = table[table["span"] == "all"].set_index("claim")
    assert list(whole.index) == list(CLAIMS)
    assert set(whole.index[whole["answer"] == "not measured"]) == {
        *("ranking", "risk", "tilt", "execution", "cash")
    }
    assert whole.loc["price", "n"] == 40
    assert table["place"].tolist() == [1, 1, 2, 2, 3, 4, 5, 6, 7]
    pd.testing.assert_frame_equal(read_claims(tmp_path), table)
    none: Any = read_claims(tmp_path / "nowhere")
    assert none.empty
