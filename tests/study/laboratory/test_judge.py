"""Forecasts made elsewhere: refusals, the study's origins, scores, ledger and page."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from support.foreign_files import price_table

from nse_lstm.config import V2, CrossSection, Folds, Market, Study, Universe, Verdict
from nse_lstm.data.price_import.exchange_files import exchange_files
from nse_lstm.errors import ConfigurationError, DataError
from nse_lstm.pages.outside import write_outside
from nse_lstm.paths import Paths
from nse_lstm.study.core.ledger import read_lines
from nse_lstm.study.core.phase_tables import read_sealed_panel
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.data_analysis.prepare import prepare_data
from nse_lstm.study.laboratory.judge import judge_outside
from nse_lstm.study.laboratory.outside_forecasts import read_outside

STUDY = Study(
    market=Market(name="mine", label="Mine"),
    universe=Universe(min_sessions=200),
    folds=Folds(n_walk_forward=1),
    v2=V2(lookback=8),
    cross_section=CrossSection(ticks="none"),
    verdict=Verdict(bootstrap_reps=50),
)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory) -> Workspace:
    """Two stocks from December 2019 on; 2021 is judged, 2022 is the test year."""
    paths = Paths(tmp_path_factory.mktemp("market"), "mine")
    paths.raw.mkdir(parents=True)
    parts = []
    for seed, code in enumerate(("AAA", "BBB")):
        rows = price_table(800, seed=seed).rename(columns={"close": "price"})
        before = rows["price"].shift()
        parts.append(rows.assign(ticker=code, name=code, previous=before))
    rows = pd.concat(parts).sort_values(["session", "ticker"], ignore_index=True)
    for name, data in exchange_files(rows, "mine").items():
        (paths.raw / name).write_bytes(data)
    found = Workspace(STUDY, paths)
    prepare_data(replace(found, study=replace(STUDY, test_year=2022)))
    return replace(found, study=replace(STUDY, test_year=2022))


@pytest.fixture(scope="module")
def table(workspace) -> pd.DataFrame:
    """A forecast of half the coming move for every session of 2021, with intervals."""
    panel = read_sealed_panel(workspace)
    parts = []
    for code, stock in panel.groupby("ticker"):
        price = stock["price"].to_numpy()
        half = (price[:-1] + price[1:]) / 2
        parts.append(
            pd.DataFrame(
                {
                    "unique_id": code,
                    "ds": stock["session"].to_numpy()[1:],
                    "cutoff": stock["session"].to_numpy()[:-1],
                    "y": price[1:],
                    "Half": half,
                    "Half-lo-90": half * 0.98,
                    "Half-hi-90": half * 1.02,
                }
            )
        )
    rows = pd.concat(parts, ignore_index=True)
    return rows[rows["ds"].dt.year == 2021].reset_index(drop=True)


def judged(workspace, table, tmp_path, *, name="half", **how):
    path = tmp_path / "forecasts.csv"
    table.to_csv(path, index=False)
    return judge_outside(workspace, path, name=name, **how)


@pytest.mark.slow
def test_half_of_the_coming_move_has_the_skill_that_algebra_gives(
    workspace, table, tmp_path
):
    found = judged(workspace, table, tmp_path)
    skill = found.scores.query("metric == 'skill' and ticker == 'ALL' and horizon == 1")
    values = skill.set_index("model")["value"]
    # The error is half the move in prices, so a quarter of its square.
    assert values["half"] == pytest.approx(0.75, abs=0.01)
    assert values["persistence"] == 0
    panel = read_sealed_panel(workspace)
    own = found.joined[found.joined["model"] == "half"]
    last = panel.set_index(["ticker", "session"])["price"]
    at = last.reindex(pd.MultiIndex.from_frame(own[["ticker", "origin"]])).to_numpy()
    expected = np.log(
        table.sort_values(["unique_id", "cutoff"])["Half"].to_numpy() / at
    )
    assert own["y_hat"].to_numpy() == pytest.approx(expected)
    inside = (own["y"] >= own["lower"]) & (own["y"] <= own["upper"])
    covered = found.coverage.set_index("model")["coverage"]
    assert covered["half"] == pytest.approx(inside.mean())
    assert found.judgement is not None and found.judgement.answer != "yes"
    assert not found.warnings


@pytest.mark.slow
def test_every_strategy_is_a_trial_once_and_the_page_says_exploratory(
    workspace, table, tmp_path
):
    judged(workspace, table, tmp_path, name="twice")
    path = workspace.paths.ledger / "trials.jsonl"
    n_trials = len(read_lines(path))
    found = judged(
        workspace, table.sample(frac=1, random_state=1), tmp_path, name="twice"
    )
    assert len(read_lines(path)) == n_trials and found.counted == (2021,)
    text = write_outside(workspace, found).read_text()
    assert "exploratory, never confirmatory" in text
    assert "author" in text and "It is no profit" in text


BAD = {
    "ds at its cutoff": (lambda t: t.assign(ds=t["cutoff"]), "a ds after its cutoff"),
    "twice": (lambda t: pd.concat([t, t[3:4]]), "the first is on line 5"),
    "a gap": (lambda t: t.drop(index=7), "1 of 261 origins are missing"),
    "unknown": (lambda t: t.replace("BBB", "ZZZ"), "a stock of the market"),
    "a Sunday": (
        lambda t: t.assign(ds=t["ds"].mask(t.index == 4, pd.Timestamp("2021-01-10"))),
        "a ds on a session",
    ),
    "the test year": (
        lambda t: t.assign(ds=t["ds"].mask(t.index == 4, pd.Timestamp("2022-01-10"))),
        "which is sealed",
    ),
    "returns": (lambda t: t.assign(Half=0.001), "forecasts of the printed price"),
    "missing": (lambda t: t.assign(Half=t["Half"].mask(t.index == 4)), "line 6"),
    "no cutoff": (lambda t: t.drop(columns="cutoff"), "cutoff is missing"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_file_that_cannot_be_judged_is_refused_with_its_line(
    what, workspace, table, tmp_path
):
    change, says = BAD[what]
    before = read_lines(workspace.paths.ledger / "laboratory.jsonl")
    with pytest.raises(DataError, match=r"forecasts\.csv, line [0-9]+") as caught:
        judged(workspace, change(table), tmp_path, name="bad")
    assert says in str(caught.value)
    assert read_lines(workspace.paths.ledger / "laboratory.jsonl") == before


@pytest.mark.slow
def test_training_data_after_the_first_cutoff_and_other_prices_are_warned_of(
    workspace, table, tmp_path
):
    late = judged(workspace, table, tmp_path, trained_through="2021-06-30")
    assert "reach 2021-06-30" in late.warnings[0]
    named = judged(workspace, table, tmp_path, name="chronos_tiny")
    assert "pretrained model" in named.warnings[0]
    known = judged(
        workspace, table, tmp_path, name="chronos_tiny", trained_through="2019-01-01"
    )
    assert known.warnings == ()
    other = judged(workspace, table.assign(y=table["y"] * 1.1), tmp_path)
    assert "realised prices in the file differ" in other.warnings[0]


def test_names_and_columns_are_checked(workspace, table, tmp_path):
    for name in ("v2", "My model", ""):
        with pytest.raises(ConfigurationError, match="--name"):
            judged(workspace, table, tmp_path, name=name)
    path = tmp_path / "two.csv"
    table.assign(Other=table["Half"]).to_csv(path, index=False)
    with pytest.raises(ConfigurationError, match="Half, Other"):
        read_outside(path)
    assert read_outside(path, column="Other").column == "Other"
    assert read_outside(path, column="Half").level == 90
