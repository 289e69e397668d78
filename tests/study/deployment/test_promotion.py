"""Who is promoted, against what evidence, and what the log says of it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from support.finished_study import stocks
from support.tiny_study import tiny_workspace

from nse_lstm.deployment.registry import history, promote, read_registry
from nse_lstm.errors import ArtefactError, ConfigurationError
from nse_lstm.models import keras_agreement
from nse_lstm.study.core.audit_result import AuditOutcome
from nse_lstm.study.core.sealed_year import open_test_year, open_to_serve
from nse_lstm.study.core.study_data import open_study_data
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.deployment import deploy, promotion, promotion_case
from nse_lstm.study.deployment.deploy import promote_selected
from nse_lstm.study.deployment.promotion import (
    promote_by_hand,
    promotion_history,
    roll_back_by_hand,
)
from nse_lstm.study.deployment.promotion_case import build_case
from nse_lstm.tables import (
    COVERAGE,
    FORECASTS,
    STORED_FORECASTS,
    read_table,
    write_table,
)


@pytest.fixture
def study(
    finished: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Workspace:
    """A finished study of one's own whose audit is clean, without a refit."""
    for name in ("data", "trained_models"):
        shutil.copytree(finished.paths.root / name, tmp_path / name)
    workspace = tiny_workspace(tmp_path)
    monkeypatch.setattr(promotion_case, "read_audit", lambda _: AuditOutcome(True, ""))
    monkeypatch.setattr(deploy, "refit", lambda *_, **__: [])
    # Its bundles hold no network.
    monkeypatch.setattr(keras_agreement, "require_keras_agreement", lambda _: None)
    data = open_study_data(workspace)
    open_test_year(data)
    return data


def make_good(workspace: Workspace, ticker: str, *, coverage: float = 0.9) -> None:
    """Let v2 know half of what comes, in the years before the test year."""
    path = workspace.paths.evaluation / "forecasts.parquet"
    table = read_table(FORECASTS, path)
    panel = open_to_serve(workspace)
    joined = promotion_case.realised(table, panel)
    mine = (table["ticker"] == ticker) & (table["model"] == "v2")
    table.loc[mine, "y_hat"] = joined.loc[mine, "y"].fillna(0) / 2
    write_table(table, FORECASTS, path)
    row = {
        "model": "v2",
        "ticker": ticker,
        "quarter": "2023Q1",
        "coverage": coverage,
        "lower": 0.8,
        "upper": 1.0,
        "width": 0.1,
        "interval_score": 0.1,
        "n": 60,
        "n_open": 0,
    }
    # The other stock's intervals and the other model's hold nothing.
    others = [{"ticker": "OTHER"}, {"model": "persistence"}]
    rows = [row, *({**row, "coverage": 0.0, **other} for other in others)]
    write_table(
        pd.DataFrame(rows), COVERAGE, workspace.paths.evaluation / "coverage.parquet"
    )
    for name in ("train", "validation"):
        edit(workspace, ticker, lambda about, name=name: about[name].update(SPAN))


SPAN = {"last_origin": "2023-12-28", "last_target": "2023-12-29"}


def edit(workspace: Workspace, ticker: str, change: Callable[[dict], object]) -> None:
    path = workspace.paths.v2 / ticker / "metadata.json"
    about = json.loads(path.read_text())
    change(about)
    path.write_text(json.dumps(about))


def test_the_selection_puts_tested_weights_below_and_persistence_above(study):
    gate = promote_selected(study)
    registry = read_registry(study.paths.registry)
    assert sorted(registry) == sorted(stocks(study))
    for stages in registry.values():
        models = {stage: entry.model for stage, entry in stages.items()}
        assert models == {"champion": "persistence", "candidate": "v2"}
    assert not gate["passes"].any()
    # v2 is persistence and 5 %: worse, and its age is a year too much.
    words = "not significantly smaller than persistence's"
    assert gate["refusals"].str.contains(words).all()
    log = history(study.paths.registry)
    promote_selected(study)
    pd.testing.assert_frame_equal(history(study.paths.registry), log)


def test_what_a_person_promoted_outlives_a_build(study):
    ticker = stocks(study)[0]
    promote_selected(study)
    promote_by_hand(study, ticker, "v2", to="champion", override="I know better")
    promote_selected(study)
    champion = read_registry(study.paths.registry)[ticker]["champion"]
    assert (champion.model, champion.way) == ("v2", "override")
    roll_back_by_hand(study, ticker, why="no I do not")
    assert read_registry(study.paths.registry)[ticker]["champion"].model != "v2"


def test_a_stock_that_is_no_longer_selected_is_retired(study):
    promote_selected(study)
    _, stays = stocks(study)
    path = study.paths.evaluation / "selection.json"
    rows = [row for row in json.loads(path.read_text()) if row["ticker"] == stays]
    path.write_text(json.dumps(rows))
    promote_selected(study)
    assert list(read_registry(study.paths.registry)) == [stays]
    assert history(study.paths.registry)["stage"].tolist().count("retired") == 2


def test_a_champion_needs_the_gate_or_a_reason_and_both_are_logged(study, monkeypatch):
    ticker = stocks(study)[0]
    promote_selected(study)
    given = []

    def case_of(data, proposal, *, stored):
        given.append(stored)
        return build_case(data, proposal, stored=stored)

    monkeypatch.setattr(promotion, "build_case", case_of)
    # What the store holds is evidence for a champion alone, and so is the gate.
    lower = promote_by_hand(study, ticker, "v2", to="challenger")
    assert (lower.way, lower.why) == ("hand", "Promoted to challenger by hand.")
    assert given.pop() is None
    with pytest.raises(ArtefactError, match=r"gate refuses v2.*--override"):
        promote_by_hand(study, ticker, "v2", to="champion")
    with pytest.raises(ArtefactError, match="gate refuses"):
        promote_by_hand(study, ticker, "v2", to="champion", override="  ")
    entry = promote_by_hand(study, ticker, "v2", to="champion", override="a trial")
    assert all(isinstance(stored, pd.DataFrame) for stored in given)
    assert entry.way == "override"
    assert entry.why.startswith("a trial (against the gate: Its mean")
    last = promotion_history(study, ticker).iloc[-1]
    assert (last["way"], last["stage"]) == ("override", "champion")
    kept = study.paths.registry / "evidence" / f"{entry.evidence}.json"
    assert json.loads(kept.read_text())["version"] == entry.version


def test_a_model_that_is_better_passes_the_gate_on_the_years_before_the_test(study):
    ticker = stocks(study)[0]
    make_good(study, ticker)
    promote_selected(study)
    entry = promote_by_hand(study, ticker, "v2", to="champion")
    assert entry.way == "hand"
    assert "in the walk-forward forecasts differs" in entry.why
    case = build_case(
        study, promotion_case.tested_model(study, ticker), against_persistence=True
    )
    assert case.difference.upper < 0
    table = read_table(FORECASTS, study.paths.evaluation / "forecasts.parquet")
    mine = table[(table["ticker"] == ticker) & (table["model"] == "v2")]
    assert case.difference.n <= (mine["fold"] < 2024).sum() < len(mine)


@pytest.mark.parametrize(
    ("coverage", "clean", "words"),
    [(0.5, True, "held 50.0%"), (0.9, None, "leak audit was not run")],
)
def test_calibration_and_audit_are_asked_for(
    study, monkeypatch, coverage, clean, words
):
    ticker = stocks(study)[0]
    make_good(study, ticker, coverage=coverage)
    promote_selected(study)
    outcome = AuditOutcome(clean, "the leak audit was not run")
    monkeypatch.setattr(promotion_case, "read_audit", lambda _: outcome)
    with pytest.raises(ArtefactError, match=words):
        promote_by_hand(study, ticker, "v2", to="champion")


@pytest.mark.parametrize(
    ("ticker", "how", "says"),
    [
        ("{}X", {}, r"`ticker` must be one of .*Did you mean {}\?"),
        ("{}X", {"model": "persistence"}, r"`ticker` must be one of"),
        ("{}", {"model": "v9"}, r"`model` must be one of .*Did you mean v2\?"),
        ("{}", {"version": "zzz"}, r"`version` must begin one of .* Received: 'zzz'"),
        ("{}", {"to": "champ"}, r"`to` must be one of .*Did you mean champion\?"),
    ],
)
def test_a_refused_promotion_names_the_word_that_is_unknown(study, ticker, how, says):
    own = stocks(study)[0]
    promote_selected(study)
    given = {"model": "v2", "to": "champion", **how}
    with pytest.raises(ConfigurationError, match=says.replace("{}", own)):
        promote_by_hand(study, ticker.replace("{}", own), **given)


def test_without_an_earlier_champion_a_roll_back_says_so(study):
    promote_selected(study)
    for ticker, words in ((stocks(study)[0], "persistence, its first"), ("X", "no ch")):
        with pytest.raises(ConfigurationError, match=f"go back to. Received: {words}"):
            roll_back_by_hand(study, ticker, why="a trial")


def test_only_what_stands_below_becomes_champion(study):
    ticker = stocks(study)[0]
    with pytest.raises(
        ConfigurationError, match=r"candidate or challenger of .* before"
    ):
        promote_by_hand(study, ticker, "v2", to="champion", override="now")
    with pytest.raises(ConfigurationError, match="`to` must be one of"):
        promote_by_hand(study, ticker, "v2", to="best")
    promote_by_hand(study, ticker, "v2", to="candidate")
    promote_by_hand(study, ticker, "v2", to="challenger")
    promote_by_hand(study, ticker, "v2", to="champion", override="now")
    promote_by_hand(study, ticker, "persistence", to="champion")
    with pytest.raises(ConfigurationError, match="another model than the current"):
        promote_by_hand(study, ticker, "persistence", to="champion")


def test_enough_shadow_forecasts_are_the_evidence(study):
    """A version without walk-forward forecasts is judged by what the store holds."""
    ticker = stocks(study)[0]
    promote_selected(study)
    version = "9" * 64
    edit(study, ticker, lambda about: about.update(version=version))
    promote(
        study.paths.registry,
        ticker=ticker,
        stage="challenger",
        model="v2",
        version=version,
        bundle=f"stock_specific_v2/{ticker}",
        evidence="e" * 64,
        why="a refit",
        way="refit",
    )
    edit(study, ticker, lambda about: about.update(version="8" * 64))
    rows = shadow_rows(study, ticker, version)
    case = build_case(
        study, promotion._in_stages(study, ticker, "v2", "champion")[0], stored=rows
    )
    assert case.source == "the stored forecasts"
    # 80 origins each: the challenger knows half of what comes, and its bands all of it.
    assert case.difference.n > 60
    assert case.difference.upper < 0
    assert case.coverage == 1.0
    few = build_case(
        study,
        promotion._in_stages(study, ticker, "v2", "champion")[0],
        stored=rows[rows["origin"] < rows["origin"].sort_values().iloc[40]],
    )
    assert few.difference.n < 60


def shadow_rows(study: Workspace, ticker: str, version: str) -> pd.DataFrame:
    table = read_table(FORECASTS, study.paths.evaluation / "forecasts.parquet")
    naive = table[(table["ticker"] == ticker) & (table["model"] == "persistence")]
    naive = naive.tail(80).reset_index(drop=True)
    y = promotion_case.realised(naive, open_to_serve(study))["y"].fillna(0)
    # The expected date is a weekday on, whatever holidays there are.
    expected = naive["origin"] + pd.offsets.BusinessDay(1)
    shared = {"target_date": expected, "data_digest": "d" * 64, "flags": ""}
    champion = naive.assign(
        stage="champion", version="persistence", lower=-1.0, upper=1.0, **shared
    )
    challenger = champion.assign(
        model="v2", stage="challenger", version=version, y_hat=y / 2
    )
    both = pd.concat([champion, challenger], ignore_index=True)
    return both[list(STORED_FORECASTS.columns)]


def test_a_network_that_the_two_runtimes_disagree_on_never_enters(
    study: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def disagree(folder: Path) -> None:
        asked.append(folder.name)
        raise ArtefactError("Expected NumPy within 1e-05 of Keras")

    monkeypatch.setattr(keras_agreement, "require_keras_agreement", disagree)
    with pytest.raises(ArtefactError, match="within 1e-05 of Keras"):
        promote_selected(study)
    assert len(asked) == 1
    log = history(study.paths.registry)
    assert not (log["model"] == "v2").any()


def test_a_bundle_that_the_registry_keeps_is_not_tried_again(
    study: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote_selected(study)
    (study.paths.evaluation / "selection.json").touch()
    monkeypatch.setattr(keras_agreement, "require_keras_agreement", lambda _: 1 / 0)
    promote_selected(study)
