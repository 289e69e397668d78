"""What the figures of the market statistics show."""

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from conftest import make_tiny_panel
from matplotlib.collections import PolyCollection

from nse_lstm.reporting.market_figures import (
    draw_autocorrelation,
    draw_availability,
    draw_concentration,
    draw_row_counts,
)


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    plt.close("all")


LEDGER = pd.DataFrame(
    [
        ("all_2013.csv", "kept", "as printed", 900),
        ("all_2014.csv", "kept", "as printed", 700),
        ("all_2014.csv", "mended", "stale copy", 60),
        ("all_2014.csv", "dropped", "same as an earlier row " * 4, 30),
        ("all_2014.csv", "dropped", "blank row", 0),
    ],
    columns=["source_file", "action", "reason", "n_rows"],
)


def texts(figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_the_flow_names_every_file_and_every_fate_with_its_rows() -> None:
    figure = draw_row_counts(LEDGER)
    assert texts(figure)[:2] == ["2013  900", "2014  790"]
    # Labels are placed from the bottom up.
    dropped, mended, kept = texts(figure)[2:]
    assert (kept, mended) == ("1,600 kept: as printed", "60 mended: stale copy")
    assert dropped.startswith("30 dropped: same as an") and dropped.endswith(" …")
    assert "1,690 rows" in figure.axes[0].get_title(loc="left")


def test_bands_are_as_high_as_their_rows_and_lose_none() -> None:
    (axes,) = draw_row_counts(LEDGER).axes
    heights = []
    for patch in axes.patches:
        points = patch.get_path().vertices
        heights.append((points[7, 1] - points[0, 1], points[4, 1] - points[3, 1]))
    assert [left for left, _ in heights] == [900, 700, 60, 30]
    assert [right for _, right in heights] == [900, 700, 60, 30]
    nodes = [c for c in axes.collections if isinstance(c, PolyCollection)]
    assert len(nodes) == 2 + 3


def test_one_file_keeps_its_name() -> None:
    assert texts(draw_row_counts(LEDGER.head(1)))[0] == "all_2013.csv  900".replace(
        ".csv", ""
    )


def test_availability_is_the_share_of_each_months_sessions() -> None:
    panel = make_tiny_panel(60)
    figure = draw_availability(panel)
    table = figure.axes[0].images[0].get_array()
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names[-1] == "CCC"
    for i, month in enumerate(sorted(set(panel["session"].dt.month))):
        is_own = (panel["ticker"] == "CCC") & (panel["session"].dt.month == month)
        rows = panel[is_own]
        assert table[2, i] == pytest.approx(rows["volume"].count() / len(rows))


def test_a_month_without_files_is_said() -> None:
    panel = make_tiny_panel(60)
    whole = draw_availability(panel)
    assert texts(whole) == []
    gap = draw_availability(panel[panel["session"].dt.month != 2])
    assert texts(gap) == ["not in the files"]


def test_the_first_and_last_year_are_named_apart() -> None:
    table = pd.DataFrame(
        {
            "year": [2013, 2013, 2014, 2014, 2015, 2015],
            "rank": [1, 2] * 3,
            "ticker": ["A", "B"] * 3,
            "turnover_share": [0.6, 0.4, 0.7, 0.3, 0.61, 0.39],
            "cumulative_share": [0.6, 1.0, 0.7, 1.0, 0.61, 1.0],
        }
    )
    figure = draw_concentration(table)
    assert texts(figure) == ["2013: A 60%", "2015: A 61%"]
    first, last = (text.xyann[1] for text in figure.axes[0].texts)
    assert last - first == 12


def test_bars_are_the_intervals_and_a_missing_one_has_none() -> None:
    groups = pd.DataFrame(
        {
            "group": ["liquid", "liquid", "thin"],
            "lag": [1, 2, 1],
            "value": [0.2, 0.0, -0.1],
            "lower": [0.1, np.nan, -0.3],
            "upper": [0.3, np.nan, 0.1],
        }
    )
    (axes,) = draw_autocorrelation(groups).axes
    ends = [bars.get_segments() for bars in axes.collections]
    spans = [[(s[0][1], s[1][1]) for s in segments] for segments in ends]
    assert spans[0][0] == pytest.approx((0.1, 0.3))
    assert spans[0][1] == pytest.approx((0.0, 0.0))
    assert spans[1][0] == pytest.approx((-0.3, 0.1))
