"""The market statistics of a whole Phase 1: sealed, written, and read in sentences."""

from dataclasses import fields, replace

import pandas as pd
import pytest
from conftest import make_tiny_panel
from support.places import REAL_FILES
from support.tiny_study import tiny_workspace

from nse_lstm.config import Market, Study, Universe
from nse_lstm.data.panel import build_panel
from nse_lstm.data.universe import stock_statistics
from nse_lstm.pages import data_analysis
from nse_lstm.study.core.phase_tables import read_sealed_panel
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.data_analysis.analyse import analyse_data
from nse_lstm.study.data_analysis.market_statistics import (
    SCHEMAS,
    MarketStatistics,
    compute_market_statistics,
)
from nse_lstm.study.data_analysis.raw_files import prepare_raw
from nse_lstm.tables import read_table

RULES = Universe(n_recommended=1, min_sessions=20, liquidity_sessions=10)
BEFORE = pd.Timestamp("2021-01-01")


def statistics_of(panel: pd.DataFrame) -> MarketStatistics:
    """Compute the market statistics of what lies before a date, as Phase 1 does."""
    rows = panel.groupby("ticker")["session"]
    labels = panel.drop_duplicates("ticker")[["ticker", "kind", "sector"]]
    instruments = labels.assign(name=labels["ticker"] + " Plc").merge(
        rows.agg(first_session="first", last_session="last").reset_index()
    )
    statistics = stock_statistics(panel, instruments, before=BEFORE, universe=RULES)
    sealed = panel[panel["session"] < BEFORE].reset_index(drop=True)
    return compute_market_statistics(
        sealed,
        statistics=statistics,
        instruments=instruments,
        study=Study(market=Market(name="any", label="Any")),
    )


def test_every_table_of_the_atlas_has_a_schema() -> None:
    assert [field.name for field in fields(MarketStatistics)] == list(SCHEMAS)


def test_another_future_moves_no_table() -> None:
    panel = make_tiny_panel(300, seed=9)
    other = panel.copy()
    late = other["session"] >= BEFORE
    assert late.any()
    other.loc[late, ["price", "volume"]] *= 13.0
    other.loc[late, ["stale", "limit", "suspended"]] = True
    one, two = statistics_of(panel), statistics_of(other)
    for field in fields(MarketStatistics):
        before, after = getattr(one, field.name), getattr(two, field.name)
        pd.testing.assert_frame_equal(before, after, check_exact=True)


def test_a_code_of_later_is_named_with_its_reason() -> None:
    panel = make_tiny_panel(300, seed=9)
    is_late = panel["session"] >= BEFORE
    later = panel[is_late & (panel["ticker"] == "AAA")].assign(ticker="NEW")
    found = statistics_of(pd.concat([panel, later], ignore_index=True)).differences
    own = found.set_index("ticker").loc["NEW"]
    assert own["here"] == "not worth training on"
    assert own["reason"] == "Has no session before the test year."
    assert found["here"].tolist()[0] == "recommended"


@pytest.fixture(scope="module")
def phase_one(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Workspace, MarketStatistics]:
    workspace = tiny_workspace(tmp_path_factory.mktemp("market_statistics"))
    prepare_raw(workspace)
    return workspace, analyse_data(workspace).market_statistics


def test_every_table_lies_on_disk_and_ends_before_the_test_year(phase_one) -> None:
    workspace, market = phase_one
    for name, schema in SCHEMAS.items():
        path = workspace.paths.processed / "market_statistics" / f"{name}.parquet"
        key = schema.metadata["key"]
        kept = getattr(market, name).sort_values(key, ignore_index=True)
        pd.testing.assert_frame_equal(read_table(schema, path), kept)
    assert market.stock_years["year"].max() == 2023
    assert market.market_years["year"].max() == 2023
    assert market.lifespans["last_session"].max() < pd.Timestamp("2024-01-01")


def test_phase_1_shows_the_panel_the_later_phases_may_read(phase_one) -> None:
    workspace, _ = phase_one
    shown = analyse_data(workspace).panel
    pd.testing.assert_frame_equal(shown, read_sealed_panel(workspace))


def test_every_ordinary_share_is_among_the_differences(phase_one) -> None:
    workspace, market = phase_one
    instruments = build_panel(workspace.paths.raw).instruments
    ordinary = instruments.query("kind == 'ordinary'")["ticker"]
    assert set(market.differences["ticker"]) == set(ordinary)
    assert (market.differences["reason"].str.len() > 10).all()


def sentences(market: MarketStatistics) -> list[str]:
    names = [name for name in vars(data_analysis) if name.endswith("_sentence")]
    return [getattr(data_analysis, name)(market).html for name in names]


def test_every_sentence_is_made_of_numbers_that_are_there(phase_one) -> None:
    found = sentences(phase_one[1])
    assert len(found) == 8
    assert not any("nan" in text or "NaN" in text for text in found)


def test_the_survivorship_sentence_says_the_tables_mean_gap(phase_one) -> None:
    table = phase_one[1].survivorship
    shown = data_analysis.survivorship_table(phase_one[1])
    assert len(shown) == len(table)
    said = data_analysis.survivorship_sentence(phase_one[1]).html
    for _, rows in table.groupby("universe"):
        gap = (rows["survivor_return"] - rows["all_return"]).mean()
        assert f"{100 * abs(gap):.1f} percentage points" in said


def test_a_market_too_young_to_tell_says_so() -> None:
    found = sentences(statistics_of(make_tiny_panel(30)))
    assert not any("nan" in text for text in found)
    assert sum("No stock has enough returns for a test." in text for text in found) == 2


def test_the_sentences_follow_their_tables(phase_one) -> None:
    market = phase_one[1]
    nothing = market.dependence.assign(p_value=1.0, p_holm=1.0, p_fdr=1.0)
    none = data_analysis.dependence_table(replace(market, dependence=nothing))
    assert (none[["no correction", "Holm", "Benjamini–Hochberg"]] == 0).all(axis=None)
    everything = market.dependence.assign(
        p_value=0.01, p_holm=0.01, p_fdr=0.01, autocorrelation=0.2
    )
    shown = replace(market, dependence=everything)
    table = data_analysis.dependence_table(shown)
    assert (table["Holm"] == table["tested"]).all()
    n = len(everything[everything["group"] == "thin"])
    if n:
        expected = f"{n} of {n} thin shares are rejected, {n} of them after Holm"
        assert expected in data_analysis.dependence_sentence(shown).html


def test_the_difference_counts_what_the_table_says(phase_one) -> None:
    market = phase_one[1]
    here = list(market.differences["here"])
    n_in = here.count("recommended") + here.count("tradable")
    text = data_analysis.difference_sentence(market).html
    assert f"{n_in} of these are tradable by our rule" in text
    assert f"The other {len(here) - n_in} are listed" in text


@pytest.mark.skipif(
    not REAL_FILES.is_dir(), reason="the exchange's files are not on this machine"
)
def test_the_real_market_is_as_its_documentation_says() -> None:
    market = build_panel(REAL_FILES)
    start = pd.Timestamp("2023-01-01")
    statistics = stock_statistics(
        market.panel, market.instruments, before=start, universe=Universe()
    )
    market = compute_market_statistics(
        market.panel[market.panel["session"] < start],
        statistics=statistics,
        instruments=market.instruments,
        study=Study(market=Market(name="any", label="Any")),
    )
    # The source's documentation: sessions a year, the 2020 gap, 63 ordinary codes,
    # turnover of the median session in KES million, and who carries the market.
    years = market.market_years.set_index("year")
    assert years["n_sessions"].tolist() == [
        *(247, 251, 251, 248, 243, 250, 250, 123, 250, 246)
    ]
    assert years["n_gap"].sum() == 133
    assert len(market.differences) == 63
    assert (years.loc[[2013, 2014, 2016], "turnover"] / 1e6).round().tolist() == [
        *(536, 769, 502)
    ]
    lives = market.lifespans.set_index("ticker")
    assert lives.loc["KENO", "fate"] == "left"
    assert lives.loc[["ARM", "DCON", "NBK", "MSC", "KQ"], "fate"].eq("stopped").all()
    groups = market.autocorrelation_groups.set_index(["group", "lag"])
    assert groups.loc[("liquid", 1), "lower"] > 0
    assert groups.loc[("thin", 1), "upper"] < 0
