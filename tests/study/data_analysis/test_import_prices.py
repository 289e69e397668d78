"""`nse-lstm import`: files, entry of the study file, alarms and refusals."""

import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.foreign_files import price_table, write_foreign
from support.places import ROOT
from typer.testing import CliRunner

from nse_lstm.cli import app
from nse_lstm.config import load_study
from nse_lstm.data.panel import build_panel
from nse_lstm.data.price_import.shapes import ImportOptions
from nse_lstm.errors import ConfigurationError, DataError
from nse_lstm.study.data_analysis.import_prices import (
    RECORD,
    ImportedRules,
    import_prices,
    read_options,
    read_rules,
)

TODAY = date(2026, 1, 1)
STOCKS = {code: price_table(1300, seed=n) for n, code in enumerate(("AAA", "BBB"))}


@pytest.fixture
def study(tmp_path):
    return Path(shutil.copy(ROOT / "study.toml", tmp_path / "study.toml"))


def run(tmp_path, study, folder, **how):
    how = {"today": TODAY, **how}
    return import_prices(folder, "mine", root=str(tmp_path), study=str(study), **how)


def test_files_and_an_entry_of_the_study_file_are_written(tmp_path, study):
    folder = write_foreign(tmp_path / "theirs", "yahoo", STOCKS)
    found = run(tmp_path, study, folder)
    raw = tmp_path / "data" / "raw" / "mine"
    assert found.written
    assert len(build_panel(raw, limit=0).panel) == 2600 == found.row_counts.n_rows.sum()
    loaded = load_study(study, "mine")
    assert loaded.backtest.limit == 0 and loaded.backtest.order_limit == np.inf
    assert loaded.cross_section.ticks == "none" and loaded.backtest.indices == ()
    nse = load_study(study, "nse")
    assert nse.backtest.limit == 0.095 and nse.cross_section.ticks == "nse"
    record = (raw / RECORD).read_text()
    assert "| AAA.csv | kept | as printed | 1300 |" in record
    assert "Column 'Adj Close' of 2 files is not read" in record
    # The universe of the study needs 1000 sessions before each of three years.
    assert "none before 2021, 2022, 2023. Before 2023" in found.lines[-1]


def test_a_second_import_replaces_the_first_and_keeps_the_entry(tmp_path, study):
    folder = write_foreign(tmp_path / "theirs", "yahoo", STOCKS)
    run(tmp_path, study, folder)
    text = study.read_text()
    shutil.rmtree(folder)
    write_foreign(folder, "wsj", {"AAA": STOCKS["AAA"][:300]})
    found = run(tmp_path, study, folder)
    assert study.read_text() == text
    raw = tmp_path / "data" / "raw" / "mine"
    assert sorted(p.name for p in raw.iterdir())[1:] == [
        "mine_prices_2019.csv",
        "mine_prices_2020.csv",
        "mine_prices_2021.csv",
    ]
    assert "study.toml has an entry [markets.mine], which is kept" in found.lines


def test_the_exchanges_rules_are_the_users(tmp_path, study):
    index = price_table(1300, seed=9)
    folder = write_foreign(tmp_path / "theirs", "yahoo", {**STOCKS, "^IDX": index})
    rules = read_rules(limit=0.1, ticks="0.01", indices="^idx", label='A "b"')
    run(tmp_path, study, folder, rules=rules)
    loaded = load_study(study, "mine")
    assert (loaded.backtest.limit, loaded.cross_section.ticks) == (0.1, 0.01)
    assert loaded.backtest.indices == ("^IDX",)
    assert loaded.market.label == 'A "b"'
    with pytest.raises(ConfigurationError, match="codes of the files"):
        run(tmp_path, study, folder, rules=ImportedRules(indices=("^NO",)))


def test_an_alarm_writes_nothing_until_it_is_accepted(tmp_path, study):
    slipped = STOCKS["AAA"].copy()
    slipped.loc[700, ["low", "high", "close"]] *= 10
    folder = write_foreign(tmp_path / "theirs", "yahoo", {"AAA": slipped})
    before = study.read_text()
    found = run(tmp_path, study, folder)
    assert not found.written and "1 alarms" in found.lines[-1]
    assert any("misprint" in line and "line 702" in line for line in found.lines)
    assert not (tmp_path / "data").exists() and study.read_text() == before
    assert run(tmp_path, study, folder, accept="Looked up by AB.").written
    record = tmp_path / "data" / "raw" / "mine" / RECORD
    assert "in spite of 1 alarms: Looked up by AB." in record.read_text()


def test_other_files_and_markets_are_not_overwritten(tmp_path, study):
    folder = write_foreign(tmp_path / "theirs", "yahoo", STOCKS)
    how = {"root": str(tmp_path), "study": str(study), "today": TODAY}
    with pytest.raises(ConfigurationError, match="simulated"):
        import_prices(folder, "simulated", **how)
    for name in ("", "My market", "../x"):
        with pytest.raises(ConfigurationError, match="--market must be lower-case"):
            import_prices(folder, name, **how)
    raw = tmp_path / "data" / "raw" / "nse"
    raw.mkdir(parents=True)
    (raw / "own.csv").write_text("mine")
    with pytest.raises(ConfigurationError, match="no import wrote"):
        import_prices(folder, "nse", **how)
    assert (raw / "own.csv").read_text() == "mine"


def test_options_of_the_command_line_are_checked():
    none = {"columns": "", "dates": "", "decimal": "", "tickers": (), "volume": 0}
    assert read_options(**none) == ImportOptions()
    assert read_options(**none | {"tickers": ["a=b.csv=SCOM"]}).tickers == {
        "a=b.csv": "SCOM"
    }
    for wrong in (
        {"dates": "us"},
        {"decimal": ","},
        {"tickers": ["SCOM"]},
        {"tickers": ["a.csv=A B"]},
    ):
        with pytest.raises(ConfigurationError, match="Received"):
            read_options(**none | wrong)
    for rules in ({"limit": 1.0}, {"ticks": "some"}, {"ticks": "-1"}, {"indices": "A"}):
        given = {"limit": 0.0, "ticks": "none", "indices": "", "label": ""} | rules
        with pytest.raises(ConfigurationError, match="Received"):
            read_rules(**given)


def test_the_verb_prints_the_ledger_and_ends_with_1_on_an_alarm(tmp_path, study):
    folder = write_foreign(tmp_path / "theirs", "investing", STOCKS)
    how = ["--market", "mine", "--root", str(tmp_path), "--study", str(study)]
    done = CliRunner().invoke(app, ["import", str(folder), *how])
    assert done.exit_code == 0, done.output
    assert "as printed" in done.output and "make all MARKET=mine" not in done.output
    both = pd.concat([STOCKS["AAA"], STOCKS["AAA"]])
    with pytest.raises(DataError):
        run(tmp_path, study, write_foreign(tmp_path / "x", "yahoo", {"AAA": both}))
    twins = {"AAA": STOCKS["AAA"], "BBB": STOCKS["AAA"]}
    write_foreign(tmp_path / "twins", "yahoo", twins)
    done = CliRunner().invoke(app, ["import", str(tmp_path / "twins"), *how])
    assert done.exit_code == 1 and "alarm: BBB" in done.output
