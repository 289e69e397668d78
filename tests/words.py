"""Check the project's prose against a list of words and print what to say instead.

    python tests/words.py [--counts] [--names] [PATH ...]

The words are in ``words.toml`` beside this file. Read are Markdown, the notebooks'
Markdown cells, the pages' templates, and of the library docstrings, comments and
sentences. Code in backticks is left out. Exit code 1 if anything was found.
"""

import ast
import json
import re
import sys
import tokenize
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
READ = (
    *("*.md", "docs/**/*.md", "data/*.md", "reports/*.md", "trained_models/*.md"),
    *("notebooks/*.ipynb", "src/**/*.py", "src/**/*.j2", "benchmarks/*.py"),
    *("Makefile", "study*.toml"),
)
LEFT_OUT = {
    "CHANGELOG.md": "history is kept in the words of its day",
    "nse-2023.md": "written by `nse-lstm results`, whose words are in the library",
}
CODE = re.compile(r"```.*?```|``.+?``|`[^`]+`|<style>.*?</style>|\{[{%].*?[%}]\}", re.S)
READERS = (".md", ".ipynb", ".j2")
"""Files whose every sentence a user reads."""


@dataclass(frozen=True)
class Text:
    """A piece of prose and where it begins."""

    path: Path
    line: int
    text: str
    is_title: bool = False
    """A docstring's first line, or a heading."""


@dataclass(frozen=True)
class Word:
    """A pattern, its replacement and the uses that stay."""

    find: re.Pattern[str]
    say: str
    allow: tuple[re.Pattern[str], ...]
    only: str
    name: re.Pattern[str] | None


@dataclass(frozen=True)
class Finding:
    """One use of a word on the list."""

    path: Path
    line: int
    found: str
    say: str


def read_words(path: Path = ROOT / "tests" / "words.toml") -> list[Word]:
    """Read the list of words."""
    return [
        Word(
            find=_pattern(entry["find"]),
            say=entry["say"],
            allow=tuple(_pattern(each["text"]) for each in entry.get("allow", [])),
            only=entry.get("only", ""),
            name=_pattern(f"(^|_)({entry['name']})(_|$)") if "name" in entry else None,
        )
        for entry in tomllib.loads(path.read_text(encoding="utf-8"))["words"]
    ]


def check(text: Text, words: list[Word]) -> Iterator[Finding]:
    """Yield every use of a word on the list in a piece of prose."""
    prose = CODE.sub(lambda code: re.sub(r"[^\n]", "`", code.group()), text.text)
    for word in words:
        if word.only == "titles" and not text.is_title:
            continue
        if word.only == "readers" and text.path.suffix not in READERS:
            continue
        kept = [use.span() for each in word.allow for use in each.finditer(prose)]
        for use in word.find.finditer(prose):
            if not any(start < use.end() and use.start() < end for start, end in kept):
                line = text.line + prose.count("\n", 0, use.start())
                found = " ".join(use.group().split())
                yield Finding(text.path, line, found, word.say)


def texts_of(path: Path) -> Iterator[Text]:
    """Yield the prose of a file."""
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        yield from _python(path, source)
    elif path.suffix == ".ipynb":
        for number, cell in enumerate(json.loads(source)["cells"], start=1):
            if cell["cell_type"] == "markdown":
                yield from _markdown(path, number, "".join(cell["source"]))
    elif path.suffix == ".md":
        yield from _markdown(path, 1, source)
    else:
        yield Text(path, 1, source)


def names_of(path: Path, words: list[Word]) -> Iterator[Finding]:
    """Yield every name of a Python file that has a word on the list in it."""
    seen: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        name = _name(node)
        if name in seen:
            continue
        seen.add(name)
        # ``ClassName`` is read as ``class_name``.
        parts = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
        for word in words:
            if word.name and word.name.search(parts):
                yield Finding(path, getattr(node, "lineno", 1), name, word.say)


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text.replace(" ", r"\s+"), re.IGNORECASE)


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return node.name
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return node.id
    return node.arg if isinstance(node, ast.arg) else ""


def _markdown(path: Path, line: int, source: str) -> Iterator[Text]:
    yield Text(path, line, source)
    for number, text in enumerate(source.splitlines()):
        if heading := re.match(r"#+ +(.*)", text):
            yield Text(path, line + number, heading[1], is_title=True)


def _python(path: Path, source: str) -> Iterator[Text]:
    tree = ast.parse(source)
    documented = ast.Module, ast.ClassDef, ast.FunctionDef
    for node in ast.walk(tree):
        if isinstance(node, documented) and (first := ast.get_docstring(node)):
            line = node.body[0].lineno
            yield Text(path, line, first.splitlines()[0], is_title=True)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            # A text without a blank is a key, not prose.
            if " " in node.value:
                yield Text(path, node.lineno, node.value)
    yield from _comments(path, source)


def _comments(path: Path, source: str) -> Iterator[Text]:
    """Yield comments, lines that follow one another as one text."""
    block: list[str] = []
    last = 0
    lines = iter(source.splitlines(keepends=True))
    for token in tokenize.generate_tokens(lambda: next(lines, "")):
        if token.type == tokenize.COMMENT:
            line = token.start[0]
            if block and line != last + 1:
                yield Text(path, last - len(block) + 1, "\n".join(block))
                block = []
            block.append(token.string.lstrip("# "))
            last = line
    if block:
        yield Text(path, last - len(block) + 1, "\n".join(block))


def room_of(path: Path) -> str:
    """Return the room a file lies in: two folders deep within the library."""
    parts = path.relative_to(ROOT).parts
    if parts[0] != "src":
        return parts[0] if len(parts) > 1 else path.name
    depth = 4 if parts[2] == "study" else 3
    return "/".join(parts[2 : min(depth, len(parts) - 1)]) or parts[2]


def find_all(paths: list[Path], *, with_names: bool) -> list[Finding]:
    """Return the findings of all files, by place."""
    words = read_words()
    found = [
        one for path in paths for text in texts_of(path) for one in check(text, words)
    ]
    if with_names:
        sources = [path for path in paths if path.suffix == ".py"]
        found += [one for path in sources for one in names_of(path, words)]
    return sorted(dict.fromkeys(found), key=lambda one: (one.path, one.line))


def main(arguments: list[str]) -> int:
    """Check the files or folders that are named, or the whole project."""
    options = {each for each in arguments if each.startswith("--")}
    named = [Path(each).resolve() for each in arguments if each not in options]
    paths = [
        path
        for pattern in READ
        for path in sorted(ROOT.glob(pattern))
        if path.name not in LEFT_OUT
        and (not named or any(path.is_relative_to(each) for each in named))
    ]
    found = find_all(paths, with_names="--names" in options)
    if "--counts" not in options:
        for one in found:
            place = f"{one.path.relative_to(ROOT)}:{one.line}"
            print(f"{place}: “{one.found}”; say: {one.say}")
    for room, count in sorted(Counter(room_of(one.path) for one in found).items()):
        print(f"{count:5} {room}")
    print(f"{len(found):5} uses of words on the list, tests/words.toml")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
