"""What is published follows from phases and notebooks; what never ran is an alarm."""

import pytest
from support.places import ROOT

from nse_lstm.features.folds import make_folds
from nse_lstm.study.audit.walk_trace import (
    FULL_ONLY,
    LEFT_OUT,
    WalkTrace,
    find_unwalked,
    is_listed,
    published_functions,
)


@pytest.fixture(scope="module")
def published() -> dict[str, list[str]]:
    return published_functions({**LEFT_OUT, **FULL_ONLY}, ROOT)


def all_of(published: dict[str, list[str]]) -> set[str]:
    return {f"{module}:{name}" for module, names in published.items() for name in names}


PATHS = [
    *("study.ranking.rank_models:rank_stocks", "models.distillation:distil"),
    "evaluation.rank_ensemble:fit_ensemble_weights",
    *("evaluation.portfolio_backtest:tilt_accounts", "models.training:train"),
    *("study.validation.validate:validate", "study.core.trials:record_trials"),
    "models.stock_lstm:forecast_stock_lstm",
]


@pytest.mark.parametrize("path", PATHS)
def test_every_kind_of_path_is_published(published, path) -> None:
    assert path in all_of(published)


def test_the_search_is_published_in_the_full_audit() -> None:
    names = published_functions(LEFT_OUT, ROOT)
    assert "search" in names["study.experiments.search"]


def test_all_that_ran_sets_off_no_alarm(published) -> None:
    assert find_unwalked(all_of(published), full=False) == []


def test_a_path_that_nobody_walked_is_an_alarm_that_names_it(published) -> None:
    """The careless colleague's case: Phase 2 is left out of the audit to save time."""
    left = {"study.ranking.rank_models:rank_stocks", "models.distillation:distil"}
    alarms = find_unwalked(all_of(published) - left, full=False)
    assert {alarm.where for alarm in alarms} == {path.split(":")[0] for path in left}
    assert all("never ran under another future" in alarm.detail for alarm in alarms)


def test_each_entry_of_the_list_is_of_code_that_is_there_and_has_a_reason() -> None:
    from nse_lstm.fingerprint import source_path

    for place, reason in {**LEFT_OUT, **FULL_ONLY}.items():
        module, _, name = place.partition(":")
        text = source_path(f"nse_lstm.{module}").read_text()
        assert len(reason) > 5
        assert not name or f"def {name}(" in text or f"class {name}" in text, place


def test_a_list_entry_covers_what_lies_below_it() -> None:
    listed = {"models.cluster": "", "data.parse:refuse": ""}
    assert is_listed("models.cluster.client", "fit_on_cluster", listed)
    assert is_listed("data.parse", "refuse", listed)
    assert not is_listed("data.parse", "read", listed)
    assert not is_listed("models.clusters", "read", listed)


def test_the_trace_notes_functions_of_the_library_only_while_it_is_on() -> None:
    trace = WalkTrace()
    make_folds(2024, 1)
    with trace.on():
        make_folds(2024, 1)
        all_of({})
    assert "features.folds:make_folds" in trace.executed
    assert not [name for name in trace.executed if name.startswith("test_")]
