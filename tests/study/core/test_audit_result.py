"""A result counts for exactly the study that it was made of, in words too."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from nse_lstm.errors import ArtefactError
from nse_lstm.features.returns import with_returns
from nse_lstm.fingerprint import (
    FOLDER,
    counted,
    read_imports,
    source_module,
    source_path,
)
from nse_lstm.json_files import write_json
from nse_lstm.study.audit.compare_reference_data import compare_panel, compare_universe
from nse_lstm.study.audit.reference.rows import read_market
from nse_lstm.study.audit.stages import STAGES
from nse_lstm.study.core import audit_result
from nse_lstm.study.core.phase_tables import read_recommended, study_folds
from nse_lstm.study.core.workspace import Workspace, sourced_path
from nse_lstm.tables import PANEL, read_table


def leave(own_study: Workspace, **other: Any) -> None:
    found = {
        "identity": audit_result.audit_identity(own_study),
        "size": "small",
        "clean": True,
        "alarms": [],
        "changes": ["cut after 2024-03-01"],
        "n_placebos": 7,
    }
    write_json(audit_result.audit_path(own_study), found | other)


def test_without_a_result_nothing_is_known(own_study: Workspace) -> None:
    assert audit_result.read_audit(own_study).clean is None
    assert "was not run" in audit_result.read_audit(own_study).words
    with pytest.raises(ArtefactError, match="run nse-lstm audit"):
        audit_result.audit_table(own_study)


def test_a_clean_result_of_this_study_counts(own_study: Workspace) -> None:
    leave(own_study)
    assert audit_result.read_audit(own_study).clean is True
    assert (
        "is clean: 1 other futures, 7 placebos"
        in audit_result.read_audit(own_study).words
    )
    assert audit_result.audit_table(own_study)["alarms"].sum() == 0


def test_an_alarm_is_named(own_study: Workspace) -> None:
    alarm = {"check": "futures: scalers", "where": "SCOM 2024", "detail": "changed"}
    leave(own_study, clean=False, alarms=[alarm])
    assert audit_result.read_audit(own_study).clean is False
    assert (
        "found 1 leaks or faults: futures: scalers"
        in audit_result.read_audit(own_study).words
    )
    table = audit_result.audit_table(own_study).set_index("check")
    assert table.loc["futures: scalers", "alarms"] == 1


@pytest.mark.parametrize("part", ["data", "study", "code"])
def test_a_result_of_anything_else_is_none(own_study: Workspace, part: str) -> None:
    mine = audit_result.audit_identity(own_study)
    leave(own_study, identity=mine | {part: "another"})
    assert audit_result.read_audit(own_study).clean is None
    assert "out of date" in audit_result.read_audit(own_study).words


def test_another_configuration_is_another_study(own_study: Workspace) -> None:
    leave(own_study)
    other = Workspace(replace(own_study.study, seed=2), own_study.paths)
    assert audit_result.read_audit(other).clean is None


def test_every_stage_has_a_line_in_the_table() -> None:
    named = {check for check, _ in audit_result.CHECKS}
    assert {f"futures: {stage.name}" for stage in STAGES} <= named


FEEDS_THE_VERDICT = [
    "data.panel",
    "features.windows",
    "models.engine.step",
    "evaluation.backtest",
    "evaluation.significance",
    "evaluation.verdict",
    "study.core.verdict",
    # The deflated Sharpe ratio counts every trial, of the portfolio rules too.
    "study.core.trials",
    "study.validation.portfolios",
    "evaluation.portfolio_backtest",
    "study.ranking.rank_models",
    "study.audit.stages",
]


@pytest.mark.parametrize("module", FEEDS_THE_VERDICT)
def test_the_audits_identity_covers_all_that_feeds_the_verdict(module: str) -> None:
    assert f"nse_lstm.{module}" in counted(*audit_result.AUDITED)


def test_every_caller_that_records_a_trial_is_audited() -> None:
    modules = [source_module(path) for path in FOLDER.rglob("*.py")]
    callers = {
        name
        for name in modules
        for each in read_imports(source_path(name).read_text())
        if each.symbol == "record_trials"
    }
    # The laboratory records a researcher's trials, the audit those of its market.
    apart = (".laboratory.", ".audit.")
    callers = {name for name in callers if not any(room in name for room in apart)}
    assert callers == {
        "nse_lstm.study.validation.validate",
        "nse_lstm.study.validation.portfolios",
    }
    assert callers <= counted(*audit_result.AUDITED)


def test_own_panel_and_recommendations_agree_with_the_raw_text(
    finished: Workspace,
) -> None:
    panel = read_table(PANEL, finished.paths.processed / "panel.parquet")
    market = read_market(
        finished.paths.raw, payments=sourced_path(finished, "dividends")
    )
    assert panel["dividend"].any()
    assert list(compare_panel(with_returns(panel), market)) == []
    wrong = panel.assign(price=panel["price"].where(panel.index != 900, 1.0))
    assert len(list(compare_panel(with_returns(wrong), market))) >= 1
    ordinary = set(panel.loc[panel["kind"] == "ordinary", "ticker"])
    recommended = read_recommended(finished)
    compare = partial(
        compare_universe,
        folds=study_folds(finished),
        ordinary=ordinary,
        market=market,
        universe=finished.study.universe,
    )
    assert list(compare(recommended)) == []
    assert len(list(compare({y: n[::-1] for y, n in recommended.items()}))) == 2


def test_power_is_empty_until_it_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "audit_power.json"
    monkeypatch.setattr(audit_result, "power_path", lambda: path)
    assert audit_result.power_table().empty
    row = {
        **{"name": "centred window", "caught_by": ["placebo"]},
        **{"sharpe": 3.0, "sharpe_clean": 0.1, "r_squared": 0.9},
        "r_squared_clean": 0.0,
    }
    write_json(path, {"defects": [row], "clean_runs": []})
    assert audit_result.power_table()["caught by"].tolist() == ["placebo"]
