"""The panel as a whole: labels, ledgers, real files, and nothing from the future."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from raw_files import (
    HEADERS,
    Row,
    copy_session,
    random_rows,
    write_folder,
    write_lines,
    write_rows,
)

from nse_lstm.data.ingest import read_raw
from nse_lstm.data.ledger import DUPLICATE, EX_JUMP, JUMP, LOST
from nse_lstm.data.panel import build_panel
from nse_lstm.errors import DataError
from nse_lstm.tables import FILE_LEDGER, INSTRUMENTS, PANEL, REPAIRS, check

SHARED = Path(__file__).resolve().parents[2].parent / "shared/nse"
real_files = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the exchange's files are not on this machine"
)

TICKERS = ("AAA", "BBB", "CCC", "DDD", "EEE", "^IDX")
DAYS = pd.bdate_range("2020-12-01", periods=45)
STALE, STALE_TWICE, MISDATED = DAYS[8], DAYS[30], DAYS[35]
IDLE, EX_DATE, BREAK = DAYS[12:26], DAYS[27], DAYS[32:34]


def eventful_rows() -> list[Row]:
    """Two years' ends with every fault: stale boards, an event, a suspension, a gap."""
    rows = random_rows(DAYS, seed=5, tickers=TICKERS)
    rows = [
        replace(row, volume=None)
        if row.ticker == "CCC" and row.session in IDLE
        else row
        for row in rows
    ]
    rows = [
        replace(row, adjust=round((row.price or 0) / 2, 2))
        if row.ticker == "AAA" and row.session < EX_DATE
        else row
        for row in rows
    ]
    # Days without a market, so long that the session after opens a gap.
    later = [
        replace(row, session=row.session + pd.Timedelta(days=20))
        if row.session >= BREAK[0]
        else row
        for row in rows
    ]
    for stale in (STALE, STALE_TWICE, DAYS[31]):
        later = copy_session(later, stale)
    return later


def write_printed(folder: Path, rows: list[Row]) -> Path:
    """Write the rows with one session's year misprinted."""
    wrong = MISDATED + pd.Timedelta(days=20)
    write_folder(folder, rows)
    year = [row for row in rows if row.session.year == wrong.year]
    if year:
        printed = [
            replace(row, session=row.session.replace(year=2019))
            if row.session == wrong
            else row
            for row in year
        ]
        write_rows(folder / f"NSE_data_all_stocks_{wrong.year}.csv", printed, "new")
    return folder


def settled(panel: pd.DataFrame, until: pd.Timestamp) -> pd.DataFrame:
    """Return the rows up to a session, less what a stale last session learns later."""
    known = panel[panel["session"] <= until].reset_index(drop=True)
    exempt = known["stale"] & (known["session"] == until)
    known.loc[exempt, "price"] = 0.0
    known.loc[exempt, "mended"] = False
    return known


def test_the_eventful_market_has_its_events(tmp_path):
    # The tests below prove nothing on a market where nothing happens.
    panel = build_panel(write_printed(tmp_path, eventful_rows())).panel
    counts = panel[["stale", "mended", "suspended", "gap", "limit"]].sum()
    assert counts["stale"] == 3 * len(TICKERS)
    assert counts["mended"] == 2 * len(TICKERS)
    assert counts["suspended"] > 0 and counts["gap"] == len(TICKERS)
    assert panel.loc[panel["factor"] != 1, "ticker"].tolist() == ["AAA"]
    assert panel["session"].min() == DAYS[0]


@pytest.mark.parametrize("place", [0, 8, 9, 23, 27, 30, 31, 32, 35])
def test_no_row_knows_the_future(tmp_path, place):
    rows = eventful_rows()
    until = sorted({row.session for row in rows})[place]
    past = [row for row in rows if row.session <= until]
    generator = random_rows(
        pd.DatetimeIndex(DAYS[-12:] + pd.Timedelta(days=60)), seed=9
    )
    full = settled(build_panel(write_printed(tmp_path / "full", rows)).panel, until)
    worlds = {
        "as of": build_panel(tmp_path / "full", as_of=until),
        "truncated": build_panel(write_printed(tmp_path / "cut", past)),
        "another future": build_panel(
            write_printed(tmp_path / "other", [*past, *generator])
        ),
    }
    for market in worlds.values():
        pd.testing.assert_frame_equal(settled(market.panel, until), full)


def test_as_of_counts_what_it_leaves_out(tmp_path):
    folder = write_folder(tmp_path, random_rows(DAYS[:4], seed=1))
    market = build_panel(folder, as_of=DAYS[1])
    counts = market.file_ledger.set_index(["action", "reason"])["n_rows"].to_dict()
    # Two tickers on four sessions, half of them later.
    assert counts == {
        ("kept", "as printed"): 4,
        ("dropped", "after the as-of date"): 4,
    }
    assert market.repairs.empty
    with pytest.raises(DataError, match="rows up to 2019"):
        build_panel(folder, as_of=pd.Timestamp("2019-01-01"))


def test_every_table_keeps_its_schema_even_when_empty(tmp_path):
    market = build_panel(write_folder(tmp_path, random_rows(DAYS[:2], seed=1)))
    assert market.repairs.empty
    for table, schema in [
        (market.panel, PANEL),
        (market.instruments, INSTRUMENTS),
        (market.file_ledger, FILE_LEDGER),
        (market.repairs, REPAIRS),
    ]:
        check(table, schema)


def test_the_order_of_rows_in_a_session_does_not_matter(tmp_path):
    rows = random_rows(DAYS[:5], seed=1)
    turned = [rows[n + 1 - 2 * (n % 2)] for n in range(len(rows))]
    panels = [
        build_panel(write_folder(tmp_path / name, part)).panel.drop(
            columns="source_line"
        )
        for name, part in (("a", rows), ("b", turned))
    ]
    pd.testing.assert_frame_equal(*panels)


def test_the_ledger_counts_each_line_once(tmp_path):
    rows = random_rows(DAYS[:3], seed=1)
    lines = [row.line() for row in rows]
    lines = [*lines[:4], "," * 12, *lines[2:4], *lines[4:], "," * 12]
    odd = "03-Dec-20,ZZZ,Z Plc,1,9,10,11,12,12,-,-,100,-"
    bare = "03-Dec-20,YYY,Y Plc,1,9,-,-,-,12,-,-,100,-"
    flat = "03-Dec-20,XXX,X Plc,1,9,-,-,12,12,-,-,100,-"
    write_lines(tmp_path / "p_2020.csv", [*lines, odd, bare, flat])
    write_lines(tmp_path / "q_2021.csv", [])
    market = build_panel(tmp_path)
    counts = market.file_ledger.set_index(["source_file", "action", "reason"])["n_rows"]
    assert counts.to_dict() == {
        ("p_2020.csv", "dropped", "blank row"): 2,
        ("p_2020.csv", "dropped", DUPLICATE): 2,
        ("p_2020.csv", "kept", "as printed"): 6,
        ("p_2020.csv", "kept", "no day range"): 1,
        ("p_2020.csv", "kept", "no price"): 1,
        ("p_2020.csv", "kept", "price outside its day range"): 1,
        ("q_2021.csv", "kept", "as printed"): 0,
    }
    assert len(market.panel) == 9
    blank = market.repairs[market.repairs["reason"] == "blank row"]
    assert blank["source_line"].tolist() == [6, 11]
    assert blank["session"].isna().all() and (blank["ticker"] == "").all()


def test_a_change_that_does_not_add_up_is_reviewed(tmp_path):
    line = "02-Dec-20,ZZZ,Z Plc,1,9,-,-,12,10,1.5,15%,100,-"
    write_lines(tmp_path / "p.csv", [line])
    repairs = build_panel(tmp_path).repairs
    assert repairs["action"].tolist() == ["review"]
    assert "price 12, previous 10, change 1.5" in repairs["detail"].iloc[0]


def test_kinds_and_sectors_follow_rules(tmp_path):
    sectors = """Sector,Stock_code,Stock_name
Construction and Allied,BAMB,Bamburi
Construction and Allied,Energy and Petroleum,
Construction and Allied,KEGN,KenGen
Telecommunication,SCOM,Safaricom
Telecommunication,Real Estate Investment Trusts,
Telecommunication,LAPR,Imara
Telecommunication,Exchange Traded Funds,
Telecommunication,GLD,Gold
Insurance,JUB,Jubilee
"""
    expected = {
        "BAMB": ("ordinary", "Construction and Allied"),
        "FAHR": ("reit", "Unknown"),
        "GLD": ("etf", "Exchange Traded Funds"),
        "HFCK-R": ("rights", "Unknown"),
        "JUB": ("ordinary", "Insurance"),
        "KEGN": ("ordinary", "Energy and Petroleum"),
        "KPLC-P4": ("preference", "Unknown"),
        "LAPR": ("reit", "Real Estate Investment Trusts"),
        "SCOM": ("ordinary", "Telecommunication"),
        "^NASI": ("index", "Unknown"),
    }
    names = {"FAHR": "Stanlib Fahari Income-REIT"}
    rows = [Row(DAYS[0], t, 10.0, name=names.get(t, "A")) for t in expected]
    write_rows(tmp_path / "p.csv", rows)
    # The first rows are of December 2020.
    (tmp_path / "sectors_2013.csv").write_text("SECTOR,CODE,NAME\nBanking,JUB,J\n")
    (tmp_path / "sectors_2020.csv").write_text(sectors)
    found = build_panel(tmp_path).instruments.set_index("ticker")[["kind", "sector"]]
    assert {t: tuple(row) for t, row in found.T.items()} == expected


@pytest.mark.parametrize("file", ["sectors_2021.csv", "sectors_2020_2021.csv", "s.csv"])
def test_a_kind_is_not_known_from_a_file_written_after_the_first_row(tmp_path, file):
    first = Row(DAYS[0], "AAA", 10.0)
    later = Row(DAYS[1], "AAA", 10.0, name="AAA Income-REIT")
    write_rows(tmp_path / "p_2020.csv", [first, later])
    text = "SECTOR,CODE,NAME\nReal Estate Investment Trusts,AAA,AAA Income-REIT\n"
    (tmp_path / file).write_text(text)
    found = build_panel(tmp_path).instruments.iloc[0]
    assert found["kind"] == "ordinary"
    # The labels for the reader are today's.
    assert found["name"] == "AAA Income-REIT"
    assert found["sector"] == "Real Estate Investment Trusts"


def test_a_sector_row_without_a_code_is_refused(tmp_path):
    write_rows(tmp_path / "p.csv", [Row(DAYS[0], "AAA", 10.0)])
    (tmp_path / "s.csv").write_text("SECTOR,CODE,NAME\nBanking,A A,A Plc\n")
    with pytest.raises(DataError, match=r"'A A' \(s.csv, line 2\)"):
        build_panel(tmp_path)


def test_instruments_carry_the_last_name_and_their_span(tmp_path):
    rows = [Row(DAYS[n], "AAA", 10.0, name=f"<i>Name {n}</i>") for n in range(3)]
    table = build_panel(write_folder(tmp_path, rows)).instruments
    assert table["name"].tolist() == ["<i>Name 2</i>"]
    assert table["first_session"].tolist() == [DAYS[0]]
    assert table["last_session"].tolist() == [DAYS[2]]
    assert table["n_sessions"].tolist() == [3]


def test_both_dialects_give_the_same_market(tmp_path):
    assert HEADERS["old"] != HEADERS["new"]
    rows = random_rows(DAYS[:5], seed=2, tickers=TICKERS)
    panels = []
    for dialect in ("old", "new"):
        write_rows(tmp_path / dialect / "p.csv", rows, dialect)
        panels.append(build_panel(tmp_path / dialect).panel)
    pd.testing.assert_frame_equal(*panels)


@real_files
def test_the_real_files_add_up():
    market = build_panel(SHARED)
    panel, ledger = market.panel, market.file_ledger
    # Counts measured on the files by hand when they were received.
    assert ledger["n_rows"].sum() == 182_950
    assert ledger["source_file"].nunique() == 12
    counts = ledger.groupby(["action", "reason"])["n_rows"].sum()
    assert counts["dropped"].to_dict() == {
        "blank row": 21,
        DUPLICATE: 5_822 + 69,
    }
    assert counts["mended"].filter(like="re-dated").tolist() == [70]
    assert len(panel) == 177_038
    assert panel["session"].nunique() == 2_602
    assert market.instruments["kind"].value_counts().to_dict() == {
        "ordinary": 63,
        "index": 8,
        "preference": 2,
        "reit": 2,
        "etf": 1,
    }
    assert (panel["kind"] == "ordinary").sum() == 155_500
    kinds = market.instruments.set_index("ticker")["kind"]
    assert kinds[["FAHR", "LAPR", "GLD", "KPLC-P4", "KPLC-P7"]].tolist() == [
        *["reit", "reit", "etf"],
        *["preference", "preference"],
    ]
    # A second count by hand: 12 of the 27 events move by more than 0.135 all the same.
    review = market.repairs[market.repairs["action"] == "review"]
    counts = review["reason"].value_counts().to_dict()
    assert counts == {JUMP: 49, EX_JUMP: 12, LOST: 1}
    # Friday 8 January 2021 is in no file.
    lost = review.loc[review["reason"] == LOST, "session"]
    assert lost.tolist() == [pd.Timestamp("2021-01-11")]
    found = review[review["reason"] == EX_JUMP].set_index("ticker")["session"]
    assert found["CGEN"] == pd.Timestamp("2022-03-25")
    stale = panel.loc[panel["stale"], "session"].drop_duplicates()
    assert len(stale) == 16
    # Of two stale sessions in a row only the second can be mended: three pairs.
    assert panel.loc[panel["mended"], "session"].nunique() == 16 - 3
    opening = panel[panel["session"] == "2021-01-04"]
    assert opening["gap"].all()
    # 20.4 % of ordinary rows print no volume (the panel drops the stale copies' too).
    printed = read_raw(SHARED).rows[["source_file", "source_line", "volume"]]
    ordinary = panel.loc[panel["kind"] == "ordinary", ["source_file", "source_line"]]
    printed = ordinary.merge(printed.astype({"source_file": "str"}))
    assert round((printed["volume"] == "-").mean(), 3) == 0.204
    sectors = market.instruments.set_index("ticker")["sector"]
    assert (
        sectors[["KEGN", "KPLC-P4", "TOTL", "UMME"]] == "Energy and Petroleum"
    ).all()
    assert sectors["GLD"] == "Exchange Traded Funds"
