from pathlib import Path

import pandas as pd
import pytest
from conftest import make_tiny_panel

from nse_lstm.errors import ArtefactError, TableError
from nse_lstm.tables import (
    ACCEPTED_JUMPS,
    PANEL,
    check,
    conform,
    empty_table,
    read_table,
    write_table,
)


def test_a_table_survives_the_disk_sorted_by_its_key(tmp_path: Path) -> None:
    panel = make_tiny_panel()
    shuffled = panel.sample(frac=1, random_state=0)
    write_table(shuffled, PANEL, tmp_path / "panel.parquet")
    pd.testing.assert_frame_equal(
        read_table(PANEL, tmp_path / "panel.parquet"), panel, check_exact=True
    )


def test_the_same_table_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_table(make_tiny_panel(), PANEL, tmp_path / f"{name}.parquet")
    assert (tmp_path / "one.parquet").read_bytes() == (
        tmp_path / "two.parquet"
    ).read_bytes()


@pytest.mark.parametrize(
    ("column", "value", "named"),
    [("price", -1.0, "price"), ("factor", 0.0, "factor"), ("kind", "bond", "kind")],
)
def test_a_wrong_value_is_refused_and_its_column_named(
    column: str, value: object, named: str
) -> None:
    panel = make_tiny_panel()
    panel.loc[3, column] = value
    with pytest.raises(TableError, match=named):
        check(panel, PANEL)


def test_a_repeated_key_is_refused_whatever_the_index_says() -> None:
    panel = make_tiny_panel()
    with pytest.raises(TableError, match="ticker"):
        check(pd.concat([panel, panel.head(1)]), PANEL)


def test_a_column_too_many_is_refused() -> None:
    # A realised value in a forecast table would be the leak this guards against.
    with pytest.raises(TableError, match="y_true"):
        check(make_tiny_panel().assign(y_true=0.0), PANEL)


@pytest.mark.parametrize(
    ("column", "value"),
    [("price", 1), ("source_line", 2.0), ("stale", 0), ("sector", 1), ("sector", None)],
)
def test_a_column_of_another_type_is_refused(column: str, value: object) -> None:
    with pytest.raises(TableError, match=column):
        check(make_tiny_panel().assign(**{column: value}), PANEL)


def test_a_number_among_texts_is_refused() -> None:
    panel = make_tiny_panel().astype({"sector": object})
    panel.loc[5, "sector"] = 5
    with pytest.raises(TableError, match="sector"):
        check(panel, PANEL)


def test_a_missing_table_says_that_a_phase_has_to_run(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="run the phase"):
        read_table(PANEL, tmp_path / "panel.parquet")


def test_text_in_a_csv_table_stays_text(tmp_path: Path) -> None:
    # NA could be a stock's code, and a note may be empty: neither is missing.
    jumps = pd.DataFrame(
        {
            "ticker": ["NA", "1E5"],
            "session": pd.to_datetime(["2024-01-02", "2024-01-03"]).as_unit("us"),
            "note": ["", "nan"],
        }
    )
    write_table(jumps, ACCEPTED_JUMPS, tmp_path / "jumps.csv")
    back = read_table(ACCEPTED_JUMPS, tmp_path / "jumps.csv")
    pd.testing.assert_frame_equal(back, jumps[::-1].reset_index(drop=True))


def test_a_csv_that_is_another_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "jumps.csv").write_text("a,b\n1,2\n")
    with pytest.raises(TableError, match="session"):
        read_table(ACCEPTED_JUMPS, tmp_path / "jumps.csv")


def test_conform_selects_orders_and_casts_the_columns_of_a_schema() -> None:
    panel = make_tiny_panel()
    loose = panel.astype({"source_line": "float64"}).assign(extra=1)
    loose = loose[loose.columns[::-1]]
    found = conform(loose, PANEL)
    assert list(found.columns) == list(PANEL.columns)
    pd.testing.assert_frame_equal(found, panel, check_exact=True, check_dtype=False)


def test_conform_refuses_values_that_break_the_schema() -> None:
    with pytest.raises(TableError, match="price"):
        conform(make_tiny_panel().assign(price=-1), PANEL)


def test_an_empty_table_keeps_its_schema() -> None:
    assert check(empty_table(PANEL), PANEL).empty
