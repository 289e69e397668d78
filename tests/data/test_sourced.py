"""Sourced tables are read with care, and the committed ones are sound."""

from datetime import date

import pandas as pd
import pytest
from support.places import ROOT

from nse_lstm.data.cash import read_bill_rates, read_withholding_tax
from nse_lstm.data.dividends import read_dividend_years, read_dividends
from nse_lstm.data.renamed_codes import RenamedCode, read_renamed
from nse_lstm.data.trading_days import read_trading_days
from nse_lstm.errors import DataError

DIVIDENDS = "ticker,register_date,ex_date,amount_kes,kind,source,note\n"
YEARS = "ticker,year,source,note\n"
CASH = "month,rate_percent,source,note\n"
TAX = "year,income,rate_percent,source,note\n"
DAYS = "day,trades,source,note\n"

DIVIDEND = "AAA,2022-07-29,2022-08-01,0.75,final,a paper,a note\n"
READERS = {
    "dividends": (read_dividends, DIVIDENDS),
    "years": (read_dividend_years, YEARS),
    "cash": (read_bill_rates, CASH),
    "tax": (read_withholding_tax, TAX),
    "days": (read_trading_days, DAYS),
}


def written(tmp_path, text):
    path = tmp_path / "market.csv"
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", READERS)
def test_a_missing_table_and_one_without_rows_hold_nothing(tmp_path, name):
    read, header = READERS[name]
    assert len(read(None)) == 0
    assert len(read(tmp_path / "none.csv")) == 0
    assert len(read(written(tmp_path, header))) == 0


@pytest.mark.parametrize("name", READERS)
def test_another_header_is_refused(tmp_path, name):
    with pytest.raises(DataError, match="header") as caught:
        READERS[name][0](written(tmp_path, "a,b\n1,2\n"))
    assert (caught.value.file, caught.value.line) == ("market.csv", 1)


def test_dividends_are_read_as_printed(tmp_path):
    text = DIVIDENDS + DIVIDEND + "BBB,2020-01-31,,2,interim,a paper,\n"
    table = read_dividends(written(tmp_path, text))
    assert table["ticker"].tolist() == ["AAA", "BBB"]
    assert table["ex_date"].tolist() == [pd.Timestamp("2022-08-01"), pd.NaT]
    assert table["amount_kes"].tolist() == [0.75, 2.0]


@pytest.mark.parametrize(
    ("name", "rows", "line", "says"),
    [
        ("dividends", DIVIDEND.replace("AAA", "a a"), 2, "stock code"),
        ("dividends", DIVIDEND.replace("0.75", "-1"), 2, "positive number"),
        ("dividends", DIVIDEND.replace("final", "bonus"), 2, "interim"),
        ("dividends", DIVIDEND.replace("a paper", ""), 2, "source"),
        ("dividends", DIVIDEND.replace("2022-07-29", "29 July"), 2, "2020-08-04"),
        ("dividends", DIVIDEND.replace("2022-08-01", "2022-07-29"), 2, "31 days"),
        ("dividends", DIVIDEND.replace("2022-08-01", "2022-08-30"), 2, "31 days"),
        ("dividends", DIVIDEND + "\n" + DIVIDEND, 4, "one payment"),
        ("years", "AAA,2022,a paper,\nAAA,2022,a paper,\n", 3, "one row"),
        ("years", "AAA,22,a paper,\n", 2, "a year"),
        ("cash", "2020-13,8,a bank,\n", 2, "month"),
        ("cash", "2020-12,-8,a bank,\n", 2, "percent"),
        ("cash", "2020-12,nan,a bank,\n", 2, "percent"),
        ("cash", "2020-12,8,,\n", 2, "source"),
        ("cash", "2020-12,8,a bank,\n2020-12,9,a bank,\n", 3, "one rate"),
        ("tax", "2020,wages,8,a law,\n", 2, "income"),
        ("tax", "2020,bill,15,a law,\n", 2, "for each of"),
        ("days", "2022-09-12,perhaps,a paper,\n", 2, "yes or no"),
        ("days", "2022-09-12,yes,a paper\n", 2, "4 fields"),
    ],
)
def test_a_wrong_row_is_refused_with_its_place(tmp_path, name, rows, line, says):
    read, header = READERS[name]
    with pytest.raises(DataError, match=says) as caught:
        read(written(tmp_path, header + rows))
    assert (caught.value.file, caught.value.line) == ("market.csv", line)


def test_rates_are_fractions_in_the_order_of_time(tmp_path):
    text = CASH + "2020-12,6.9,a bank,\n2020-11,6.7,a bank,\n"
    assert list(read_bill_rates(written(tmp_path, text)).items()) == [
        ("2020-11", pytest.approx(0.067)),
        ("2020-12", pytest.approx(0.069)),
    ]
    text = TAX + "2020,bill,15,a law,\n2020,dividend,5,a law,\n"
    assert read_withholding_tax(written(tmp_path, text)) == {
        2020: {"bill": pytest.approx(0.15), "dividend": pytest.approx(0.05)}
    }
    text = DAYS + "2022-09-12,yes,the files,\n2021-01-08,no,a paper,\n"
    assert list(read_trading_days(written(tmp_path, text)).items()) == [
        (date(2021, 1, 8), False),
        (date(2022, 9, 12), True),
    ]


def test_the_committed_tables_are_sound():
    for folder, (read, _) in {
        "dividends": READERS["dividends"],
        "cash": READERS["cash"],
        "withholding_tax": READERS["tax"],
        "holidays": READERS["days"],
    }.items():
        read(ROOT / "data" / folder / "nse.csv")
    read_dividend_years(ROOT / "data/dividends/nse_years.csv")


RENAMED = "printed,ticker,until,source,note\n"


def test_renamed_codes_are_read_as_printed(tmp_path):
    path = written(tmp_path, RENAMED + "A&B,AAB,2012-12-31,the files,a note\n")
    assert read_renamed(path) == [RenamedCode("A&B", "AAB", date(2012, 12, 31))]
    assert read_renamed(None) == []


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("AAA,AAA,2012-12-31,x,", "another code"),
        ("A A,AAA,2012-12-31,x,", "a code without spaces"),
        ("A&B,A&B,2012-12-31,x,", "a stock code"),
        ("A&B,AAB,31-Dec-12,x,", "a date"),
        ("A&B,AAB,2012-12-31,,", "source"),
    ],
)
def test_a_wrong_renaming_is_refused(tmp_path, row, says):
    with pytest.raises(DataError, match=says) as caught:
        read_renamed(written(tmp_path, f"{RENAMED}{row}\n"))
    assert (caught.value.file, caught.value.line) == ("market.csv", 2)
