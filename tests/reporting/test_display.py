import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from nse_lstm.reporting.canvas import put_numbers
from nse_lstm.reporting.display import picture, sentence, show_table
from nse_lstm.reporting.format import DASH

HOSTILE = '"><script>alert(1)</script>'


def plot(n: int = 2) -> Figure:
    figure = Figure()
    figure.subplots().plot(range(n))
    put_numbers(figure, pd.DataFrame({HOSTILE: range(n)}))
    return figure


def test_text_from_data_cannot_become_markup() -> None:
    table = pd.DataFrame({"name": [HOSTILE], HOSTILE: [1.0]})
    for shown in (
        show_table(table, caption=HOSTILE),
        picture(plot(), alt=HOSTILE),
        sentence(HOSTILE, tone=HOSTILE),
    ):
        assert "<script" not in shown.html


def test_a_figure_without_its_numbers_is_refused() -> None:
    with pytest.raises(KeyError):
        picture(Figure(), alt="a")


@pytest.mark.parametrize(("n", "shown"), [(2, 2), (60, 60), (61, 60), (1001, 60)])
def test_long_numbers_are_thinned_and_keep_their_ends(n: int, shown: int) -> None:
    page = picture(plot(n), alt="a").html
    values = re.findall(r'<td class="number">([\d,]+)</td>', page)
    assert len(values) == shown
    assert (values[0], values[-1]) == ("0", f"{n - 1:,}")
    assert (f"60 of {n:,} rows" in page) == (n > 60)


def test_a_missing_value_is_a_dash_and_never_a_number() -> None:
    table = pd.DataFrame({"a": [np.nan], "b": [None], "c": [pd.NaT], "d": [pd.NA]})
    assert show_table(table).html.count(">–<") == 4


def test_numbers_read_as_people_write_them() -> None:
    table = pd.DataFrame({"n_rows": [1234567], "net_return": [-0.125], "met": [True]})
    shown = show_table(table).html
    assert ">1,234,567<" in shown and ">−12.5%<" in shown and ">yes<" in shown


def test_rows_left_out_are_counted() -> None:
    table = pd.DataFrame({"a": range(10)})
    assert "7 more rows" in show_table(table, max_rows=3).html
    assert "more rows" not in show_table(table, max_rows=10).html


def test_the_same_figure_gives_the_same_bytes() -> None:
    assert picture(plot(), alt="a") == picture(plot(), alt="a")


def test_a_log_shows_a_few_words_and_never_a_picture() -> None:
    assert repr(picture(plot(), alt="a")) == "figure"
    assert repr(sentence("1 < 2 & so on")) == "1 < 2 & so on"
    assert "<code>make 1 &lt; 2</code>" in sentence("run `make 1 < 2`").html
    assert len(repr(sentence("long " * 100))) == 101


def test_a_table_without_rows_says_so() -> None:
    empty = pd.DataFrame({"ticker": [], "session": []})
    assert '<td colspan="2">none</td>' in show_table(empty).html


def test_a_column_of_numbers_stands_on_the_right_under_its_heading() -> None:
    table = pd.DataFrame({"n": ["+8.6%", DASH], "share": [0.5, None], "text": ["a", 1]})
    page = show_table(table).html
    assert '<th scope="col" class="number">n</th>' in page
    assert f'<td class="number">{DASH}</td>' in page
    # One word among numbers, and the column is text.
    assert '<th scope="col">text</th>' in page and "<td>1</td>" in page


def test_what_rounds_to_nothing_has_no_sign() -> None:
    page = show_table(pd.DataFrame({"net_return": [-0.0001, 0.0, -0.001]})).html
    assert page.count('<td class="number">0.0%</td>') == 2
    assert '<td class="number">−0.1%</td>' in page


def test_a_model_has_one_name_and_a_long_name_may_break() -> None:
    table = pd.DataFrame({"model": ["v2"], "file": ["NSE_data_all_stocks_2013.csv"]})
    page = show_table(table).html
    assert ">v2 LSTM</td>" in page
    assert "NSE_<wbr>data_<wbr>all_<wbr>stocks_<wbr>2013.csv" in page


def test_a_row_of_a_wide_table_is_a_card_on_a_phone() -> None:
    # Four columns are stacked, three are not, and neither is a long table.
    wide = pd.DataFrame({HOSTILE: ["x"], "net_return": [0.1], "a": [1], "b": [2]})
    page = show_table(wide).html
    assert '<table class="stack">' in page
    assert '<td data-label="net return" class="number">+10.0%</td>' in page
    assert "<script" not in page
    long = pd.concat([wide] * 16)
    for table in (wide.iloc[:, :3], long):
        assert "data-label" not in show_table(table).html
        assert "stack" not in show_table(table).html


@pytest.mark.parametrize(("inches", "swiped"), [(5.2, False), (8.0, True)])
def test_a_narrow_figure_fits_a_phone(inches: float, swiped: bool) -> None:
    figure = plot()
    figure.set_figwidth(inches)
    page = picture(figure, alt="a").html
    assert ('class="picture"' in page) == swiped
    assert ('class="picture whole"' in page) != swiped
