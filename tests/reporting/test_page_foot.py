"""The foot of a page is made from the notebook's own cells."""

import nbformat.v4 as v4

from nse_lstm.reporting.page_foot import move_files, page_foot, section_objects

FIRST = "# Title\n\n**A question?**\n\n| | |\n| --- | --- |\n| Reads | `a` & b |\n"
FIRST += "| Writes | c |\n\nA last line."


def test_files_leave_the_first_cell_and_are_escaped() -> None:
    cell = v4.new_markdown_cell(FIRST)
    files = move_files(cell)
    assert files == [("Reads", "`a` & b"), ("Writes", "c")]
    assert cell.source.endswith("\n\nA last line.") and "|" not in cell.source
    assert "<code>a</code> &amp; b" in page_foot(files, [])
    assert move_files(cell) == []


def test_a_sections_objects_are_what_its_cells_read_of_earlier_results() -> None:
    tagged = v4.new_code_cell("root = ''", metadata={"tags": ["parameters"]})
    cells = [
        tagged,
        v4.new_code_cell("found = analyse(root)"),
        v4.new_markdown_cell("## First"),
        v4.new_code_cell("show(found.table.query('x'), caption='found')"),
        v4.new_code_cell("both, other = score(found.table)"),
        v4.new_markdown_cell("## Second\n\nWords.\n\n### Third"),
        v4.new_code_cell("draw(both, other.values[0], show(root))"),
    ]
    assert section_objects(cells) == [
        ("First", ["found.table"]),
        ("Third", ["both", "other.values"]),
    ]
