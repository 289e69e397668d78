"""The word list finds prose, and leaves code and allowed uses alone."""

from pathlib import Path

import pytest
from words import Text, check, names_of, read_words, texts_of


def found_in(path: Path) -> list[tuple[int, str]]:
    words = read_words()
    uses = [use for text in texts_of(path) for use in check(text, words)]
    return sorted({(use.line, use.found) for use in uses})


def test_docstrings_comments_and_sentences_are_read_and_code_is_not(tmp_path: Path):
    path = tmp_path / "module.py"
    path.write_text(
        '"""Simulate the fills.\n\nIt is dealt; ``dealt`` is a column.\n"""\n'
        'dealt = "dealt"\n\n# In the\n# evening.\nprint("no deal here")\n'
    )
    assert found_in(path) == [(3, "dealt"), (8, "evening"), (9, "deal")]
    assert [use.found for use in names_of(path, read_words())] == ["dealt"]


def test_markdown_has_titles_and_no_semicolons(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text("# Who leads\n\nOne row a stock;\n`a; b`\n\n# Who leads?\n")
    assert found_in(path) == [
        (1, "Who leads"),
        (3, ";"),
        (3, "One row a s"),
        (6, "Who leads"),
    ]


@pytest.mark.parametrize("text", ["a good deal of it", "ordinary shares", "by a side"])
def test_an_allowed_use_stays(text: str) -> None:
    assert list(check(Text(Path("page.md"), 1, text), read_words())) == []
