"""The recount: every published number is found, and a wrong one is an alarm."""

import itertools
import json
import math
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from arch.bootstrap import StationaryBootstrap
from audit_power.defects_recount import RECOUNT_DEFECTS
from audit_power.measure import STUDY
from scipy import stats
from statsmodels.stats.multitest import multipletests

from nse_lstm.paths import Paths
from nse_lstm.study.audit import recount as recount_module
from nse_lstm.study.audit.alarms import AuditAlarm
from nse_lstm.study.audit.compare_reference import (
    compare_with_reference,
    recount_summary,
    reference_for,
)
from nse_lstm.study.audit.markets import open_audit, shrink_study, write_small_market
from nse_lstm.study.audit.pipeline_run import PipelineRun, run_pipeline
from nse_lstm.study.audit.published import Printed, published_numbers, table_numbers
from nse_lstm.study.audit.recount import compare_numbers, recount
from nse_lstm.study.audit.reference import ranks
from nse_lstm.study.audit.reference import statistics as plain
from nse_lstm.study.audit.reference import tests as plain_tests
from nse_lstm.study.audit.reference.intervals import chance_range
from nse_lstm.study.audit.reference.market import ReferenceMarket
from nse_lstm.study.audit.unchecked import NO_REASON, reason_for, unread_files
from nse_lstm.study.core.workspace import Workspace


def test_every_number_of_a_table_is_listed_but_those_of_its_key() -> None:
    table = pd.DataFrame(
        {
            "ticker": ["AAA"],
            "model": ["v2"],
            "quarter": ["2021Q2"],
            "coverage": [0.9],
            "lower": [math.nan],
            "says": ["v2 is \N{MINUS SIGN}1.25 % over 1,500 sessions, 5e-05 a day"],
        }
    )
    found = list(table_numbers("coverage.parquet", table))
    place = ("coverage.parquet", "v2", "AAA", "2021Q2")
    first = Printed("coverage.parquet coverage", (*place, "coverage"), 0.9, 0.0)
    assert found[0] == first
    assert found[1].place == (*place, "lower") and math.isnan(found[1].value)
    assert [each.value for each in found[2:]] == [-1.25, 1500.0, 5e-05]
    assert [each.unit for each in found[2:]] == pytest.approx([0.01, 1.0, 1e-05])


def test_a_new_column_or_key_is_unchecked_by_itself(tmp_path: Path) -> None:
    pd.DataFrame({"fold": [2020], "capital_kes": [1e5], "new": [0.5]}).to_parquet(
        tmp_path / "capacity.parquet"
    )
    (tmp_path / "verdict.json").write_text(json.dumps({"deep": [{"key": 2.0}]}))
    found = compare_numbers(published_numbers(tmp_path), {}, {})
    assert found.unchecked == {"capacity.parquet new": 1, "verdict.json deep.[].key": 1}
    assert found.alarms == [] and found.n_recounted == 0
    assert reason_for("capacity.parquet new") == NO_REASON


@pytest.mark.parametrize(
    ("printed", "unit", "expected", "agree"),
    [
        (1.0, 0.0, 1.0 + 1e-8, True),
        (1.0, 0.0, 1.0 + 1e-5, False),
        (40.3, 0.1, 40.34, True),
        (40.3, 0.1, 40.36, False),
        (math.nan, 0.0, math.nan, True),
        (math.nan, 0.0, 0.0, False),
    ],
)
def test_a_number_agrees_to_rounding_or_to_half_its_last_digit(
    printed: float, unit: float, expected: float, agree: bool
) -> None:
    number = Printed("a", ("file", "a"), printed, unit)
    found = compare_numbers([number], {("file", "a"): expected}, {})
    assert (found.alarms == []) == agree


def test_a_number_that_is_published_nowhere_is_missed() -> None:
    (alarm,) = compare_numbers([], {("scores.parquet", "a", "value"): 0.5}, {}).alarms
    assert alarm.check == "recount: scores.parquet" and "nothing" in alarm.detail


def test_a_sentence_may_say_its_own_numbers_alone() -> None:
    place = ("verdict.json", "basis")
    said = [Printed("basis", (*place, at), at + 8.5, 0.1) for at in (0, 1)]
    (alarm,) = compare_numbers(said, {}, {place: [0.085]}).alarms
    assert alarm.detail.startswith("9.5 ")


def test_resamples_are_those_of_the_same_rule_and_block_1_is_another() -> None:
    drawn = plain.draw_resamples(40, block=10, repetitions=3, seed=5)
    bootstrap = StationaryBootstrap(10, np.arange(40), seed=5)
    assert drawn == [data[0][0].tolist() for data in bootstrap.bootstrap(3)]
    assert drawn != plain.draw_resamples(40, block=1, repetitions=3, seed=5)
    follow = [(b - a) % 40 == 1 for each in drawn for a, b in itertools.pairwise(each)]
    assert np.mean(follow) == pytest.approx(0.9, abs=0.1)


def test_plain_statistics_are_those_of_other_libraries() -> None:
    values = np.random.default_rng(1).normal(0.01, 1, 30).tolist()
    assert plain.quantile(values, 0.3) == pytest.approx(np.quantile(values, 0.3))
    skew, kurtosis = plain.shape(values)
    assert skew == pytest.approx(stats.skew(values))
    assert kurtosis == pytest.approx(stats.kurtosis(values, fisher=False))
    tested = plain_tests.diebold_mariano(values)
    other = stats.ttest_1samp(values, 0)  # the same for one session ahead
    assert tested.statistic == pytest.approx(other.statistic)
    assert tested.p_value == pytest.approx(other.pvalue)
    p_values = {"a": 0.01, "b": 0.04, "c": math.nan, "d": 0.03}
    adjusted = plain_tests.holm(p_values)
    expected = multipletests([0.01, 0.04, 0.03], method="holm")[1]
    assert [adjusted[name] for name in "abd"] == pytest.approx(expected.tolist())
    assert math.isnan(adjusted["c"])
    law = stats.betabinom(60, 180, 20)  # rank 180 of 199 errors
    expected = [law.ppf(0.025) / 60, law.ppf(0.975) / 60]
    assert chance_range(60, 199, 0.95) == pytest.approx(expected)


@dataclass(frozen=True)
class Finished:
    """A small market after Phase 4."""

    run: PipelineRun
    market: ReferenceMarket

    @property
    def workspace(self) -> Workspace:
        """Where the results lie."""
        return self.run.workspace


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    root = tmp_path_factory.mktemp("recount")
    write_small_market(root / "raw", 5)
    workspace = open_audit(shrink_study(STUDY), root / "base", root / "raw")
    run = run_pipeline(workspace, "surrogate")
    return Finished(run, reference_for(run).market)


@pytest.mark.slow
def test_a_clean_study_is_recounted_and_few_numbers_are_not(finished: Finished) -> None:
    assert compare_with_reference(finished.run, reference_for(finished.run)) == []
    found = recount(finished.workspace, finished.market)
    assert found.alarms == []
    assert found.n_recounted > 5000
    summary = recount_summary([None, finished.run])
    assert summary == {"n": found.n_recounted, "unchecked": found.unchecked_rows()}
    unexplained = [kind for kind in found.unchecked if reason_for(kind) == NO_REASON]
    assert unexplained == []
    assert len(found.unchecked_rows()) <= 8


def _scaled(name: str, column: str, **where: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        table = pd.read_parquet(folder / name)
        own = table
        for key, value in where.items():
            own = own[own[key] == value]
        at = own[column].abs().idxmax()
        table = table.astype({column: float})
        table.loc[at, column] *= 1.001
        table.to_parquet(folder / name)

    return change


def _document(name: str, *keys: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        document = json.loads((folder / name).read_text())
        part = document
        for key in keys[:-1]:
            part = part[key]
        part[keys[-1]] = part[keys[-1]] * 1.001
        (folder / name).write_text(json.dumps(document))

    return change


def _card(folder: Path) -> None:
    path = folder / "report_card.csv"
    text = path.read_text()
    path.write_text(text.replace(" of 3 stocks", " of 4 stocks", 1))


WRONG = {
    ("scores.parquet", "value"): _scaled("scores.parquet", "value"),
    ("scores.parquet", "upper"): _scaled("scores.parquet", "upper"),
    ("coverage.parquet", "interval_score"): _scaled(
        "coverage.parquet", "interval_score"
    ),
    ("capacity.parquet", "net_excess"): _scaled("capacity.parquet", "net_excess"),
    ("evidence.parquet", "p_value"): _scaled("evidence.parquet", "p_value"),
    ("returns.parquet", "net_return"): _scaled("returns.parquet", "net_return"),
    ("verdict.json", "exposure"): _document("verdict.json", "verdict", "exposure"),
    ("verdict.json", "excess_over_holding"): _document(
        "verdict.json", "verdict", "excess_over_holding", "lower"
    ),
    ("selection.json", "standard_error"): _document(
        "selection.json", 0, "standard_error"
    ),
    ("report_card.csv", "stocks"): _card,
    ("claims.parquet", "upper"): _scaled("claims.parquet", "upper"),
    ("portfolio_scores.parquet", "value"): _scaled("portfolio_scores.parquet", "value"),
    ("order_savings.parquet", "n_sessions"): _scaled(
        "order_savings.parquet", "n_sessions"
    ),
}
"""By file and number: what makes one published number wrong."""


BOOKED = {
    "portfolio_returns.parquet": _scaled(
        "portfolio_returns.parquet", "turnover", model="four_signals", rule="partial"
    ),
    "order_timing.parquet": _scaled(
        "order_timing.parquet", "saving_bps", signal="four_signals"
    ),
}
"""By file: what makes one session wrong, from which other numbers follow."""


def _recount_after(
    finished: Finished, kept: Path, changes: Iterable[Callable[[Path], None]]
) -> list[AuditAlarm]:
    folder = finished.workspace.paths.evaluation
    shutil.copytree(folder, kept)
    try:
        for change in changes:
            change(folder)
        return recount(finished.workspace, finished.market).alarms
    finally:
        shutil.rmtree(folder)
        shutil.copytree(kept, folder)


@pytest.mark.slow
def test_each_wrong_number_is_an_alarm_and_nothing_else_is(
    finished: Finished, tmp_path: Path
) -> None:
    alarms = _recount_after(finished, tmp_path / "kept", WRONG.values())
    assert {alarm.check for alarm in alarms} == {f"recount: {f}" for f, _ in WRONG}
    assert len(alarms) == len(WRONG)


@pytest.mark.slow
def test_a_wrong_session_of_a_portfolio_or_an_order_is_an_alarm(
    finished: Finished, tmp_path: Path
) -> None:
    alarms = _recount_after(finished, tmp_path / "kept", BOOKED.values())
    assert {f"recount: {name}" for name in BOOKED} <= {a.check for a in alarms}


def test_the_strangers_defects_are_all_tried() -> None:
    names = {defect.name for defect in RECOUNT_DEFECTS}
    assert {"card before costs", "bootstrap of single sessions"} <= names
    assert len(names) == len(RECOUNT_DEFECTS) >= 13
    assert recount_module.NEAR < 1e-5


def test_rank_correlations_are_scipys_and_near_ties_have_a_range() -> None:
    draws = np.random.default_rng(4).normal(size=(2, 12))
    one, other = draws.tolist()
    expected = stats.spearmanr(one, other).statistic
    assert ranks.spearman(one, other) == pytest.approx(expected)
    assert ranks.spearman_span(one, other) == pytest.approx((expected, expected))
    tied = [1.0, 1.0 + 1e-15, 1.0, 2.0]
    low, high = ranks.spearman_span(tied, [0.1, 0.2, 0.3, 0.4])
    # Ordered against the returns 0.2, with them 1. As ties their spread is smaller by
    # sqrt(3 / 5), and a correlation is at most 1.
    assert low == pytest.approx(0.2) and high == 1.0


def test_the_blend_of_a_useful_and_a_useless_member_prefers_the_useful() -> None:
    returns = [0.1, 0.2, 0.3, 0.4]
    good, bad = [1.0, 2.0, 3.0, 4.0], [3.0, 1.0, 4.0, 2.0]
    assert ranks.best_weights([([good, bad], returns)], 2) == [1.0, 0.0]
    assert ranks.best_weights([], 2) == [0.5, 0.5]
    # Both rise by 1 a rank. Mean of (-1.5, -0.5, 0.5, 1.5) and (0.5, -1.5, 1.5, -0.5).
    assert ranks.blend([good, bad], [0.5, 0.5]) == pytest.approx([-0.5, -1, 1, 0.5])


def test_files_that_no_recount_reads_are_named(tmp_path: Path) -> None:
    paths = Paths(tmp_path, "audit")
    for name in ("evaluation/scores.parquet", "replay/2024/tests.parquet", "new/a.csv"):
        path = paths.models / name
        path.parent.mkdir(parents=True)
        path.touch()
    found = unread_files(paths)
    assert found == {"file replay/*/tests.parquet": 1, "file new/a.csv": 1}
    assert reason_for("file new/a.csv") == NO_REASON
    assert reason_for("file replay/*/tests.parquet") != NO_REASON
