"""The verdict says no without skill, yes with skill, and its counts add up."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nse_lstm.config import (
    Backtest,
    Market,
    Simulation,
    Study,
    Universe,
    Verdict,
    load_study,
)
from nse_lstm.data.simulate import SimulatedMarket, simulate_market
from nse_lstm.errors import ArtefactError
from nse_lstm.evaluation.verdict import judge
from nse_lstm.pages.calibration import (
    answers_table,
    own_ratio_words,
    power_points,
    write_calibration,
)
from nse_lstm.paths import find_root, write_text
from nse_lstm.study.experiments.calibration import calibrate
from nse_lstm.study.experiments.calibration import market as market_module
from nse_lstm.study.experiments.calibration.calibrate import (
    claims_limit,
    judge_markets,
)
from nse_lstm.study.experiments.calibration.claims import judge_market_claims
from nse_lstm.study.experiments.calibration.counts import (
    CLAIMS_DOCUMENT,
    DOCUMENT,
    count_answers,
    count_claims,
    false_yes,
)
from nse_lstm.study.experiments.calibration.market import (
    BEST_TRIAL,
    MODEL,
    ORACLE,
    judge_market,
)

STUDY = Study(
    market=Market(name="simulated", label="A test", simulated=True),
    universe=Universe(n_recommended=4),
    verdict=Verdict(bootstrap_reps=200),
)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shrink the markets, so that one is judged in a second."""
    monkeypatch.setattr(market_module, "N_ORDINARY", 8)
    monkeypatch.setattr(market_module, "LAST_YEAR", 2015)
    monkeypatch.setattr(market_module, "N_WALK_FORWARD", 2)


@pytest.mark.usefixtures("small")
def test_planted_skill_gets_a_yes_and_luck_does_not() -> None:
    lines = [judge_market(STUDY, signal=s, seed=1) for s in (0.0, 0.3)]
    counts = count_answers(lines).set_index(["signal", "strategy", "rule", "cost_bps"])
    # Who knows so strong a plan has a net Sharpe ratio above 2 where deals are free.
    assert counts.loc[(0.3, ORACLE, "sign", 0), "oracle_sharpe"] > 2
    assert counts.loc[(0.3, ORACLE, "sign", 0), "yes"] == 1
    assert counts.loc[0.0, "yes"].sum() == 0
    assert ORACLE not in counts.loc[0.0].index.get_level_values("strategy")
    assert {len(line["judged"]) > 0 for line in lines} == {True}


@pytest.mark.usefixtures("small")
def test_no_forecast_knows_what_comes_after_its_fold() -> None:
    simulation = Simulation(first_year=2013, last_year=2015, n_ordinary=8, signal=0.2)
    market = simulate_market(simulation, seed=3)
    panel = market.panel.copy()
    later = panel["session"] >= pd.Timestamp(2015, 1, 1)
    for name in ("price", "low", "high", "volume"):
        panel.loc[later, name] *= 3.0
    other = SimulatedMarket(panel, market.instruments, market.oracle)
    first, second = (
        market_module._forecasts(each, STUDY).query("fold == 2014")
        for each in (market, other)
    )
    assert first["model"].nunique() == 4 and len(first) > 1000
    pd.testing.assert_frame_equal(first, second, check_exact=True)


def test_a_pool_is_judged_as_its_stocks_are() -> None:
    generator = np.random.default_rng(1)
    days = pd.bdate_range("2015-01-01", periods=60)
    keys = [(model, stock) for model in ("ridge", "hold") for stock in ("A", "B", "C")]
    rows = pd.concat(
        pd.DataFrame({"session": days, "position": generator.random(60)}).assign(
            ticker=stock,
            model=model,
            rule="sign",
            seed=0,
            cost_bps=66,
            cash_return=1e-4,
        )
        for model, stock in keys
    ).assign(net_return=lambda table: generator.normal(0, 0.01, len(table)))
    pooled = market_module._pool(rows)
    found = [
        judge(
            table[table["model"] == "ridge"],
            table[table["model"] == "hold"],
            backtest=Backtest(),
            verdict=STUDY.verdict,
            seed=1,
            deflated_sharpe=0.5,
            audit_clean=True,
        )
        for table in (rows, pooled)
    ]
    assert found[0] == found[1]


def test_the_same_returns_are_one_trial_and_the_oracle_is_none() -> None:
    excess = pd.Series([0.01, 0.03, -0.01])
    series = {
        ("ridge", "sign"): excess,
        ("ridge", "gate"): excess.copy(),
        ("drift", "sign"): -excess,
        (ORACLE, "sign"): excess + 0.01,
    }
    sharpes = market_module._trials(series)
    assert list(sharpes.index) == [("ridge", "sign"), ("drift", "sign")]
    # Mean 0.01 over a standard deviation of 0.02.
    np.testing.assert_allclose(sharpes.to_numpy(), [0.5, -0.5])


def line(signal: float, seed: int, *judged: dict[str, Any]) -> dict[str, Any]:
    plain = {
        "rule": "sign",
        "cost_bps": 66,
        "sharpe": 1.0,
        "over_cash": [-0.1, 0.1],
        "over_holding": [0.1, 0.2],
        "yes_with_own": False,
    }
    rows = [plain | row for row in judged]
    return {"signal": signal, "seed": seed, "judged": rows}


LINES = [
    line(
        0.0,
        1,
        {"strategy": MODEL, "answer": "no"},
        {"strategy": BEST_TRIAL, "answer": "yes"},
    ),
    line(0.0, 2, {"strategy": MODEL, "answer": "yes", "cost_bps": 0}),
    line(
        0.2,
        9,
        {"strategy": MODEL, "answer": "yes", "over_cash": [0.1, 0.2]},
        {"strategy": ORACLE, "answer": "undecided", "sharpe": 3.0},
    ),
]


def test_counts_add_up_and_a_strategy_without_trades_is_undecided() -> None:
    counts = count_answers(LINES).set_index(["signal", "strategy", "rule", "cost_bps"])
    assert (counts[["yes", "undecided", "no"]].sum(axis=1) == counts["n"]).all()
    null = counts.loc[(0.0, MODEL, "sign", 66)]
    assert null[["n", "n_traded", "yes", "undecided", "no"]].tolist() == [2, 1, 0, 1, 1]
    # The gate never traded, but it is counted.
    assert counts.loc[(0.0, MODEL, "gate", 66), ["n_traded", "undecided"]].tolist() == [
        0,
        2,
    ]
    assert counts.loc[(0.0, BEST_TRIAL, "any", 66), "yes"] == 1
    found = counts.loc[(0.2, MODEL, "sign", 66)]
    assert found[["above_cash", "above_holding"]].tolist() == [1, 1]
    assert found["oracle_sharpe"] == 3.0
    # One of one: the lower bound is 0.025 ** (1 / 1).
    assert found["lower"] == pytest.approx(0.025) and found["upper"] == 1.0


def test_a_false_yes_is_any_strategys_at_the_cost_asked_for() -> None:
    assert false_yes(LINES, cost_bps=66) == [1]
    assert false_yes(LINES, cost_bps=0) == [2]


def test_the_power_curve_leaves_out_chance_and_skill_without_trades() -> None:
    points = power_points(count_answers(LINES))
    assert points["skill"].tolist() == [3.0, 3.0]
    assert points["share"].tolist() == [0.0, 1.0]  # the oracle's, then the model's
    assert set(points["terms"]) == {"66 bps, sign"}


def test_a_run_resumes_and_forgets_another_studys_markets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[tuple[float, int]] = []

    def fake(study: Study, *, signal: float, seed: int) -> dict[str, Any]:
        judged.append((signal, seed))
        return line(signal, seed)

    monkeypatch.setattr(calibrate, "judge_market", fake)
    path, jobs = tmp_path / "markets.jsonl", [(0.0, 1), (0.2, 7), (0.0, 2)]

    def run(study: Study, jobs: list[tuple[float, int]]) -> list[tuple[float, int]]:
        lines = judge_markets(study, jobs, path, workers=1, progress=lambda _: None)
        return [(each["signal"], each["seed"]) for each in lines]

    assert run(STUDY, jobs[1:]) == jobs[1:]
    assert run(STUDY, jobs) == jobs
    assert judged == [(0.2, 7), (0.0, 2), (0.0, 1)]
    backtest = replace(STUDY.backtest, headline_cost_bps=36)
    assert run(replace(STUDY, backtest=backtest), jobs[:1]) == jobs[:1]
    assert judged[3:] == [(0.0, 1)]


@pytest.mark.slow
def test_the_number_of_processes_changes_nothing(tmp_path: Path) -> None:
    jobs = [(0.0, 1), (0.3, 1)]
    one, two = (
        judge_markets(STUDY, jobs, tmp_path / f"{n}.jsonl", workers=n) for n in (1, 2)
    )
    assert one == two
    assert (tmp_path / "1.jsonl").read_bytes() == (tmp_path / "2.jsonl").read_bytes()


def test_the_committed_counts_keep_the_limit() -> None:
    document = json.loads((find_root() / DOCUMENT).read_text())
    counts = pd.DataFrame(document["counts"])
    null = counts[(counts["signal"] == 0) & (counts["cost_bps"] > 0)]
    assert set(null["strategy"]) == {MODEL, BEST_TRIAL}
    # None of 120 leaves a rate below 3 %; `make calibrate` judges 300.
    assert (null["n"] >= 120).all()
    assert (null["yes"] <= 0.02 * null["n"]).all()


def test_the_table_of_a_page_is_text_with_a_row_a_count(tmp_path: Path) -> None:
    shown = answers_table(count_answers(LINES))
    assert shown["net Sharpe ratio"].tolist().count("–") == 2  # the gates never dealt
    assert all(isinstance(cell, str) for row in shown.to_numpy() for cell in row)
    with pytest.raises(ArtefactError, match=r"No calibration\.json"):
        write_calibration(tmp_path, STUDY)


def test_the_page_says_what_the_judged_ratio_does_to_the_variance() -> None:
    line_of = {"strategy": ORACLE, "answer": "yes"}
    lines = [*LINES, line(0.2, 10, line_of), line(0.2, 11, line_of)]
    words = own_ratio_words(count_answers(lines))
    assert "the oracle got 2 yes, and 0 with its own ratio" in words
    # Two strategies without skill got a yes, so leaving it out is not free.
    assert "all strategies got 2 yes, and 0 with it." in words
    assert "stays out" not in words


def test_the_page_shows_the_committed_counts_and_their_power_curve(
    tmp_path: Path,
) -> None:
    document = find_root() / DOCUMENT
    for name in (DOCUMENT, CLAIMS_DOCUMENT):
        write_text(tmp_path / name, (find_root() / name).read_text())
    text = write_calibration(tmp_path, STUDY).read_text()
    assert text == document.with_suffix(".md").read_text()
    assert (tmp_path / "docs" / "figures" / "power.png").is_file()
    assert "](figures/power.png)" in text


def claims_line(signal: float, seed: int, **answers: str) -> dict[str, Any]:
    rows = [
        {"claim": name, "answer": answer, "effect": float(seed)}
        for name, answer in answers.items()
    ]
    return {"signal": signal, "seed": seed, "claims": rows}


def test_a_market_counts_once_however_many_of_its_claims_get_a_yes() -> None:
    lines = [
        claims_line(0.0, 1, ranking="yes", tilt="yes"),
        claims_line(0.0, 2, ranking="no", tilt="undecided"),
        claims_line(0.0, 3, ranking="yes", tilt="no"),
        claims_line(0.2, 4, ranking="yes", tilt="no"),
    ]
    counts = count_claims(lines).set_index(["signal", "claim"])
    assert counts.loc[(0.0, "ranking"), ["n", "yes", "no"]].tolist() == [3, 2, 1]
    assert counts.loc[(0.0, "ranking"), "effect"] == 2.0
    assert counts.loc[(0.0, "tilt"), ["yes", "undecided", "no"]].tolist() == [1, 1, 1]
    assert counts.loc[(0.0, "any"), ["n", "yes"]].tolist() == [3, 2]
    assert counts.loc[(0.2, "any"), ["n", "yes"]].tolist() == [1, 1]
    assert [claims_limit(n) for n in (300, 100, 37)] == [8, 2, 0]


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_claims_of_a_market_are_judged_as_declared() -> None:
    declared = load_study(find_root() / "study.toml").claims
    study = replace(STUDY, claims=replace(declared, bootstrap_reps=200))
    found = judge_market_claims(study, signal=0.3, seed=5)
    names = [row["claim"] for row in found["claims"]]
    assert names == ["ranking", "tilt", "execution", "cash"]
    for row in found["claims"]:
        assert row["lower"] < row["effect"] < row["upper"]
        # Seven claims are declared; those that are not measured count.
        assert row["adjusted"] >= min(1.0, 4 * row["p_value"])
