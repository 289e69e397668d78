"""The mutants of each stratum, and a seeded sample of them."""

import ast
import difflib
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code

from mutation.operators import Span, chosen_operators

STRATA: dict[str, tuple[str, ...]] = {
    "backtest": (
        *("evaluation/backtest.py", "evaluation/strategies.py"),
        *("evaluation/portfolios.py", "evaluation/portfolio_backtest.py"),
        *("evaluation/capacity.py", "evaluation/weighted_account.py"),
    ),
    "folds": ("features/folds.py", "features/windows.py", "features/targets.py"),
    "wiring": (
        *("study/validation/*.py", "study/core/*.py", "study/ranking/*.py"),
        *("study/training/*.py", "study/deployment/promotion*.py"),
    ),
    "evaluation": ("evaluation/*.py",),
}
"""Modules by stratum. A module belongs to the first that names it."""


@dataclass(frozen=True)
class Mutant:
    """One change of one line."""

    stratum: str
    module: str
    """Path below the library."""
    line: int
    operator: str
    occurrence: int
    first: int
    last: int
    """Lines of the statement around it, or of its head."""
    inside: bool
    """Whether it is in a function's body, not in what an import runs."""

    @property
    def key(self) -> str:
        """Name that is stable while the code is."""
        return f"{self.module}:{self.line}:{self.operator}:{self.occurrence}"


def draw_sample(source: Path, *, size: int, seed: int) -> list[Mutant]:
    """Draw equally many mutants per stratum: first a line, then a change of it.

    Parameters
    ----------
    source : Path
        The library.
    size : int
        Mutants in all strata together.
    seed : int
    """
    drawn = []
    seen: set[Path] = set()
    for stratum, patterns in STRATA.items():
        paths = sorted(
            {path for pattern in patterns for path in source.glob(pattern)} - seen
        )
        seen |= set(paths)
        by_line: dict[tuple[str, int], list[Mutant]] = {}
        for path in paths:
            for mutant in find_mutants(source, path, stratum):
                by_line.setdefault((mutant.module, mutant.line), []).append(mutant)
        generator = random.Random(f"{seed} {stratum}")
        of_lines = [by_line[line] for line in sorted(by_line)]
        generator.shuffle(of_lines)
        runnable = (
            mutant
            for choices in of_lines
            for mutant in generator.sample(choices, len(choices))[:1]
            if _can_run(source, mutant)
        )
        drawn += islice(runnable, size // len(STRATA))
    # The strata in turn, so that a part of the sample is one as well.
    random.Random(seed).shuffle(drawn)
    return drawn


def find_mutants(source: Path, path: Path, stratum: str) -> Iterator[Mutant]:
    """Return every mutant of a module, in the order of its text."""
    text = path.read_text(encoding="utf-8")
    tree, nodes = ast.parse(text), list(ast_nodes(get_ast(text)))
    left_out, statements = list(_left_out(tree)), list(_statements(tree))
    for name, operator in chosen_operators(source).items():
        spans = [span for node in nodes for span in operator.mutation_positions(node)]
        for occurrence, span in enumerate(spans):
            if any(_within(span, other) for other in left_out):
                continue
            around = [s for s in statements if s[0] <= span[0][0] <= s[1]]
            if not around:
                continue
            first, last, inside = min(around, key=lambda s: s[1] - s[0])
            module = path.relative_to(source).as_posix()
            yield Mutant(
                stratum, module, span[0][0], name, occurrence, first, last, inside
            )


def mutated(source: Path, mutant: Mutant) -> str | None:
    """Return the module's text with the change; None if it is no Python."""
    operator = chosen_operators(source)[mutant.operator]
    text = (source / mutant.module).read_text(encoding="utf-8")
    changed = mutate_code(text, operator, mutant.occurrence)
    try:
        same = ast.dump(ast.parse(changed)) == ast.dump(ast.parse(text))
    except SyntaxError:
        return None
    return None if same else changed


def changed_lines(before: str, after: str) -> tuple[str, str]:
    """Return the lines that differ, before and after, without indentation."""
    lines = list(
        difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    )[3:]
    removed = [line[1:].strip() for line in lines if line.startswith("-")]
    added = [line[1:].strip() for line in lines if line.startswith("+")]
    return " ".join(removed), " ".join(added)


CRASHES = re.compile(r""" \* (f?"|str\()|\b(map|partial|cast)\( """)
"""A path times a name, and a call whose two arguments are never of one kind."""


def _can_run(source: Path, mutant: Mutant) -> bool:
    """Tell whether a change is Python and not one that any test would notice."""
    changed = mutated(source, mutant)
    if changed is None:
        return False
    before, after = changed_lines((source / mutant.module).read_text("utf-8"), changed)
    return not (CRASHES.search(after) and not CRASHES.search(before))


def function_lines(text: str) -> frozenset[int]:
    """Return the numbers of the lines that are inside a function's body."""
    statements = _statements(ast.parse(text))
    return frozenset(
        line
        for first, last, inside in statements
        if inside
        for line in range(first, last + 1)
    )


def _left_out(tree: ast.Module) -> Iterator[Span]:
    """Return spans that change no figure: types, decorators, words of errors."""
    for node in ast.walk(tree):
        parts: list[ast.AST | None] = []
        if isinstance(node, ast.AnnAssign):
            parts = [node.annotation]
        elif isinstance(node, ast.FunctionDef):
            yield from _heads(node)
            parts = [*node.decorator_list]
        elif isinstance(node, ast.ClassDef):
            parts = [*node.decorator_list]
        elif isinstance(node, ast.Raise):
            parts = [node.exc]
        elif isinstance(node, ast.Import | ast.ImportFrom):
            parts = [node]
        for part in parts:
            if part is not None:
                yield _span(part)


def _heads(node: ast.FunctionDef) -> Iterator[Span]:
    """Return the spans of a function's head that are not a default."""
    place = (node.lineno, node.col_offset)
    defaults = [*node.args.defaults, *filter(None, node.args.kw_defaults)]
    for default in sorted(defaults, key=lambda default: _span(default)):
        start, end = _span(default)
        yield place, start
        place = end
    yield place, (node.body[0].lineno, node.body[0].col_offset)


def _statements(tree: ast.Module) -> Iterator[tuple[int, int, bool]]:
    """Return first and last line of each statement, a compound one's head alone."""

    def walk(node: ast.AST, inside: bool) -> Iterator[tuple[int, int, bool]]:
        for child in ast.iter_child_nodes(node):
            within = inside
            if isinstance(child, ast.stmt):
                body = getattr(child, "body", None)
                last = body[0].lineno - 1 if body else child.end_lineno or child.lineno
                yield child.lineno, max(last, child.lineno), inside
                within = inside or isinstance(child, ast.FunctionDef)
            yield from walk(child, within)

    yield from walk(tree, False)


def _span(node: ast.AST) -> Span:
    start = (node.lineno, node.col_offset)  # type: ignore[attr-defined]
    return start, (node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]


def _within(span: Span, other: Span) -> bool:
    return other[0] <= span[0] and span[1] <= other[1]
