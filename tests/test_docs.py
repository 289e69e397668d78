"""The documentation names what is there: its pages, its modules, its links."""

import importlib.util
import re
from pathlib import Path

import pytest
import yaml
from support.places import ROOT

DOCS = ROOT / "docs"
SOURCES = ROOT / "src" / "nse_lstm"
PAGES = sorted(DOCS.rglob("*.md"), key=str)


def named(tree: object) -> list[str]:
    """Return the files of a navigation, which is lists and mappings of names."""
    if isinstance(tree, str):
        return [tree]
    parts = tree if isinstance(tree, list) else list(dict(tree).values())  # type: ignore[call-overload]
    return [name for part in parts for name in named(part)]


def test_every_page_is_in_the_navigation_once() -> None:
    found = named(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"])
    assert sorted(found) == [path.relative_to(DOCS).as_posix() for path in PAGES]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_link_leads_to_a_file_of_the_project(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL)
    links = re.findall(r"(?<!\!)\[[^\]^]*\]\(([^)#\s]+)", text)
    inside = [link for link in links if not link.startswith(("http", "mailto"))]
    missing = [link for link in inside if not (path.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_module_of_the_reference_is_there(path: Path) -> None:
    for name in re.findall(r"^::: (\S+)$", path.read_text(), re.MULTILINE):
        assert importlib.util.find_spec(name) is not None


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_path_of_the_library_that_prose_names_is_there(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL)
    layers = "data|features|models|evaluation|deployment|study|pages|reporting"
    for place in re.findall(rf"`((?:{layers})/[\w/]*(?:\.py)?)`", text):
        # `data/` is a folder of the project's as well.
        assert any((top / place).exists() for top in (ROOT, SOURCES)), place
