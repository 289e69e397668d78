"""What Phase 1 says that a market of few stocks or years cannot do."""

import numpy as np
import pandas as pd
import pytest
from support.foreign_files import price_table

from nse_lstm.config import (
    CrossSection,
    Folds,
    Market,
    Study,
    Tabular,
    Universe,
)
from nse_lstm.data.price_import.exchange_files import exchange_files
from nse_lstm.errors import DataError
from nse_lstm.paths import Paths
from nse_lstm.study.core.market_scope import (
    GONE,
    RANK,
    RANK_IC,
    can_rank,
    check_trainable,
    market_scope,
    scope_sentences,
)
from nse_lstm.study.core.study_data import open_study_data
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.data_analysis.prepare import prepare_data, preview_scope
from nse_lstm.study.ranking.tabular_models import ranking_folds


def market_of(
    root, n_stocks: int, *, n_sessions: int = 1200, study: Study | None = None
) -> Workspace:
    """Write a market of a few stocks, from December 2019 on."""
    parts = []
    for n in range(n_stocks):
        rows = price_table(n_sessions, seed=n)
        code = "ABCDE"[n] * 3
        before = rows["close"].shift()
        parts.append(rows.assign(ticker=code, name=code, previous=before))
    rows = pd.concat(parts).rename(columns={"close": "price"})
    workspace = Workspace(
        study=study
        or Study(
            market=Market(name="mine", label="Mine"),
            universe=Universe(min_sessions=400),
            folds=Folds(n_walk_forward=1),
            tabular=Tabular(first_year=2021),
            cross_section=CrossSection(ticks="none"),
        ),
        paths=Paths(root, "mine"),
    )
    workspace.paths.raw.mkdir(parents=True)
    ordered = rows.sort_values(["session", "ticker"], ignore_index=True)
    for name, data in exchange_files(ordered, "mine").items():
        (workspace.paths.raw / name).write_bytes(data)
    return workspace


@pytest.mark.parametrize(
    ("n_stocks", "cannot"), [(1, {RANK}), (2, {RANK_IC}), (3, set())]
)
def test_few_stocks_cannot_be_ranked_and_phase_1_says_so(n_stocks, cannot, tmp_path):
    workspace = market_of(tmp_path, n_stocks)
    scope = prepare_data(workspace).scope
    assert set(scope["cannot"]) - {"judge a whole year"} == cannot
    assert can_rank(workspace) == (n_stocks > 1)
    pd.testing.assert_frame_equal(preview_scope(workspace), scope)


def test_a_recommended_stock_that_is_gone_is_named_with_its_year(tmp_path):
    workspace = market_of(tmp_path, 3)
    before = prepare_data(workspace)
    assert not (before.scope["cannot"] == GONE).any()
    panel, year = before.market.panel, before.facts.test_year
    inside = panel["session"].dt.year == year
    without = panel[~(inside & (panel["ticker"] == "BBB"))]
    scope = market_scope(
        workspace.study,
        without,
        before.statistics,
        recommended=before.recommended,
        test_year=year,
    )
    (row,) = scope[scope["cannot"] == GONE].itertuples()
    assert (row.phase, row.year, row.ticker) == ("Phase 4", year, "BBB")
    assert "cannot forecast and trade for BBB" in " ".join(scope_sentences(scope))


def without(root, *years: int, n_walk_forward: int) -> Workspace:
    """Three stocks over six years, of which some have no file."""
    study = Study(
        market=Market(name="mine", label="Mine"),
        universe=Universe(min_sessions=400),
        folds=Folds(n_walk_forward=n_walk_forward),
        tabular=Tabular(first_year=2021),
        cross_section=CrossSection(ticks="none"),
    )
    workspace = market_of(root, 3, n_sessions=1480, study=study)
    for year in years:
        (workspace.paths.raw / f"mine_prices_{year}.csv").unlink()
    return workspace


def test_a_walk_forward_year_without_a_file_is_told_and_the_others_are_done(tmp_path):
    workspace = without(tmp_path, 2022, n_walk_forward=2)
    prepared = prepare_data(workspace)
    assert prepared.facts.test_year == 2024
    assert prepared.facts.walk_forward == [2023] and sorted(prepared.statistics) == [
        2023,
        2024,
    ]
    assert prepared.facts.missing_years == [2022]
    data = open_study_data(workspace)
    assert [fold.year for fold in ranking_folds(data)] == [2021, 2023]
    said = scope_sentences(prepared.scope)
    assert said[0] == (
        "Phases 2 to 5 2022: cannot forecast or judge the year. "
        "No file holds a session of it."
    )


def test_no_walk_forward_year_with_a_file_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"walk-forward year: 2023\. Received: none"):
        prepare_data(without(tmp_path, 2023, n_walk_forward=1))


def test_a_history_that_lacks_a_file_is_too_short_and_the_file_is_named(tmp_path):
    workspace = without(tmp_path, 2020, 2021, n_walk_forward=2)
    with pytest.raises(DataError) as caught:
        prepare_data(workspace)
    assert "No file holds a session of 2020. No file holds a session of 2021." in str(
        caught.value
    )


def test_a_short_history_has_no_year_to_rank(tmp_path):
    study = Study(
        market=Market(name="mine", label="Mine"),
        universe=Universe(min_sessions=20),
        folds=Folds(n_walk_forward=1),
        tabular=Tabular(first_year=2015),
    )
    scope = preview_scope(market_of(tmp_path, 3, n_sessions=500, study=study))
    (row,) = scope[scope["cannot"] == RANK].itertuples()
    # Two years of data from December 2019 end in 2021, the test year.
    assert "a year to rank from 2021 on, before the test year 2021" in row.why


def test_a_year_without_a_stock_is_refused_with_the_setting_that_helps():
    columns = {
        "ticker": ["AAA", "BBB"],
        "kind": "ordinary",
        "n_sessions": [300, 500],
        "reason": ["Too short.", "Suspended."],
    }
    empty = pd.DataFrame({**columns, "rank": 0})
    whole = pd.DataFrame({**columns, "rank": [1, 2]})
    study = Study(market=Market(name="mine", label="Mine"))
    check_trainable(study, {2022: whole, 2023: whole})
    with pytest.raises(DataError) as caught:
        check_trainable(study, {2020: empty, 2021: empty, 2022: whole, 2023: whole})
    text = str(caught.value)
    assert "none before 2020, 2021" in text
    assert "BBB: Suspended. AAA: Too short." in text
    assert "[markets.mine.folds] with n_walk_forward = 1 leaves" in text
    with pytest.raises(
        DataError, match="No year before the test year has such a stock"
    ):
        check_trainable(study, {2022: empty, 2023: whole})


def test_stocks_of_one_reason_share_a_sentence():
    row = ("Phase 3", 2022, "train a network", "Too short.")
    table = pd.DataFrame(
        [(*row[:2], ticker, *row[2:]) for ticker in ("AAA", "BBB")],
        columns=["phase", "year", "ticker", "cannot", "why"],
    )
    assert scope_sentences(table) == [
        "Phase 3 2022: cannot train a network for AAA, BBB. Too short."
    ]
    assert "can be done" in scope_sentences(table[:0])[0]
    assert not np.any(table.duplicated())
