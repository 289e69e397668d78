"""The panel as a whole: labels, ledgers, real files, and nothing from the future."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.places import REAL_FILES
from support.raw_files import (
    HEADERS,
    Row,
    copy_session,
    random_rows,
    write_folder,
    write_lines,
    write_rows,
)

from nse_lstm.data.adjusted import with_returns
from nse_lstm.data.ingest import read_raw
from nse_lstm.data.panel import build_panel
from nse_lstm.data.row_accounting import (
    DUPLICATE,
    EX_JUMP,
    JUMP,
    KEPT,
    LOST,
    RENAMED,
)
from nse_lstm.errors import DataError
from nse_lstm.tables import INSTRUMENTS, PANEL, REPAIRS, ROW_COUNTS, check

real_files = pytest.mark.skipif(
    not REAL_FILES.is_dir(), reason="the exchange's files are not on this machine"
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


def wild(rows: list[Row]) -> list[Row]:
    """Turn rows into a future that nobody could have foreseen, faults and all."""
    generator = np.random.default_rng(3)
    scale = generator.choice([0.001, 0.1, 1, 10, 1000], len(rows))
    return [
        replace(
            row,
            price=None if n % 7 == 0 else round((row.price or 1) * scale[n] + 0.01, 2),
            volume=None if n % 3 == 0 else 1e9,
            previous=3.0,
            low=500.0,
            high=0.5,
            adjust=77.0,
            name="Another REIT and Rights ETF",
        )
        for n, row in enumerate(rows)
    ]


@pytest.mark.parametrize("place", [0, 8, 9, 23, 27, 30, 31, 32, 35])
def test_no_row_knows_the_future(tmp_path, place):
    rows = eventful_rows()
    until = sorted({row.session for row in rows})[place]
    past = [row for row in rows if row.session <= until]
    future = [row for row in rows if row.session > until]
    others = random_rows(pd.DatetimeIndex(DAYS[-12:] + pd.Timedelta(days=60)), seed=9)
    full = build_panel(write_printed(tmp_path / "full", rows))
    write_printed(tmp_path / "two", past)
    write_rows(tmp_path / "two" / "later.csv", future or others)
    markets = {
        "whole": full,
        "as of": build_panel(tmp_path / "full", as_of=until),
        "truncated": build_panel(write_printed(tmp_path / "cut", past)),
        "another future": build_panel(
            write_printed(tmp_path / "other", [*past, *others])
        ),
        "in a file of its own": build_panel(tmp_path / "two", as_of=until),
    }
    if place < 35:
        wild_folder = write_printed(tmp_path / "wild", [*past, *wild(future)])
        markets["wild future"] = build_panel(wild_folder, as_of=until)
    expected = settled(full.panel, until)
    for name, market in markets.items():
        found = settled(market.panel, until)
        pd.testing.assert_frame_equal(found, expected, obj=name)
    # All that is said of the panel on that evening is known then, to the last bit.
    for name in ("wild future", "in a file of its own"):
        if name in markets:
            for table in ("panel", "instruments", "repairs"):
                one, other = (getattr(markets[n], table) for n in (name, "truncated"))
                pd.testing.assert_frame_equal(one, other, obj=f"{name}, {table}")


@pytest.mark.parametrize("dialect", HEADERS)
def test_the_panel_of_half_a_file_is_the_panel_as_of_its_last_session(
    tmp_path, dialect
):
    rows = random_rows(DAYS[:20], seed=3, tickers=TICKERS)
    name = "NSE_data_all_stocks_2020.csv"
    whole = write_folder(tmp_path / "whole", rows)
    write_rows(whole / name, rows, dialect)
    # Of one session in numbers alone nothing tells the day from the month.
    for n_sessions in (2 if dialect == "first" else 1, 7, 19):
        folder = tmp_path / str(n_sessions)
        shutil.copytree(whole, folder)
        path = folder / name
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(lines[: 1 + n_sessions * len(TICKERS)]))
        cut = build_panel(folder)
        known = build_panel(whole, as_of=DAYS[n_sessions - 1])
        pd.testing.assert_frame_equal(cut.panel, known.panel)
        pd.testing.assert_frame_equal(cut.repairs, known.repairs)


def test_who_stops_stays_until_then_and_a_suspension_is_missing_not_flat(tmp_path):
    idle = {"CCC": DAYS[12:40]}
    rows = [
        replace(row, price=30.0, previous=30.0, volume=None)
        if row.session in idle.get(row.ticker, ())
        else row
        for row in random_rows(DAYS, seed=5, tickers=TICKERS)
        if row.ticker != "DDD" or row.session <= DAYS[15]
    ]
    panel = build_panel(write_folder(tmp_path, rows)).panel
    gone = panel[panel["ticker"] == "DDD"]
    assert gone["session"].tolist() == list(DAYS[:16])
    assert not gone["suspended"].iloc[-1]
    stock = with_returns(panel).query("ticker == 'CCC'").reset_index(drop=True)
    # Ten idle rows may be chance; from the eleventh on nobody could have dealt.
    assert stock.index[stock["suspended"]].tolist() == list(range(22, 40))
    assert stock["log_return"].iloc[22:41].isna().all()
    assert stock["log_return"].iloc[1:22].notna().all()


def test_as_of_counts_what_it_leaves_out(tmp_path):
    folder = write_folder(tmp_path, random_rows(DAYS[:4], seed=1))
    market = build_panel(folder, as_of=DAYS[1])
    counts = market.row_counts.set_index(["action", "reason"])["n_rows"].to_dict()
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
        (market.row_counts, ROW_COUNTS),
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
    counts = market.row_counts.set_index(["source_file", "action", "reason"])["n_rows"]
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


def test_all_dialects_give_the_same_market(tmp_path):
    assert len(set(HEADERS.values())) == 3
    rows = random_rows(DAYS[:5], seed=2, tickers=TICKERS)
    panels = []
    for dialect in HEADERS:
        write_rows(tmp_path / dialect / "p.csv", rows, dialect)
        panels.append(build_panel(tmp_path / dialect).panel)
    for other in panels[1:]:
        pd.testing.assert_frame_equal(panels[0], other)


def test_a_code_of_its_time_gets_todays(tmp_path):
    table = tmp_path / "renamed.csv"
    table.write_text("printed,ticker,until,source,note\nA&B,AAB,2020-12-02,x,\n")
    rows = random_rows(DAYS[:4], seed=1, tickers=("A&B", "CCC"))
    rows = [
        replace(row, ticker="AAB")
        if row.ticker == "A&B" and row.session > DAYS[1]
        else row
        for row in rows
    ]
    write_rows(tmp_path / "raw" / "p_2020.csv", rows)
    market = build_panel(tmp_path / "raw", renamed=table)
    assert market.panel["ticker"].value_counts().to_dict() == {"AAB": 4, "CCC": 4}
    counts = market.row_counts.set_index("reason")["n_rows"].to_dict()
    assert counts == {RENAMED: 2, KEPT: 6}
    # Without the table the text is no code, and after its last day neither.
    with pytest.raises(DataError, match=r"a stock code.*'A&B'.*p_2020.csv, line 2\)"):
        build_panel(tmp_path / "raw")
    table.write_text("printed,ticker,until,source,note\nA&B,AAB,2020-12-01,x,\n")
    with pytest.raises(DataError, match=r"'A&B'.*p_2020.csv, line 4\)"):
        build_panel(tmp_path / "raw", renamed=table)


@real_files
def test_the_real_files_add_up():
    market = build_panel(REAL_FILES)
    panel, ledger = market.panel, market.row_counts
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
    # The board of 10 December 2019 came a day early, and no file tells the price of the
    # 9th. Of two stale sessions in a row only the second can be mended: three pairs.
    early = panel[panel["session"] == pd.Timestamp("2019-12-09")]
    is_index = early["kind"] == "index"
    assert early.loc[~is_index, "price"].isna().all()
    assert early.loc[is_index, "price"].notna().all()
    assert panel.loc[panel["mended"], "session"].nunique() == 16 - 1 - 3
    opening = panel[panel["session"] == "2021-01-04"]
    assert opening["gap"].all()
    # 20.4 % of ordinary rows print no volume (the panel drops the stale copies' too).
    printed = read_raw(REAL_FILES).rows[["source_file", "source_line", "volume"]]
    ordinary = panel.loc[panel["kind"] == "ordinary", ["source_file", "source_line"]]
    printed = ordinary.merge(printed.astype({"source_file": "str"}))
    assert round((printed["volume"] == "-").mean(), 3) == 0.204
    sectors = market.instruments.set_index("ticker")["sector"]
    assert (
        sectors[["KEGN", "KPLC-P4", "TOTL", "UMME"]] == "Energy and Petroleum"
    ).all()
    assert sectors["GLD"] == "Exchange Traded Funds"
