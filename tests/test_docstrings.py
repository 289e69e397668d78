"""Public functions of the library document their arguments."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1] / "src" / "nse_lstm"
# The options of a command carry their own help, so `cli` is left out.
MODULES = {
    name: ast.parse(path.read_text())
    for path in sorted(SOURCE.rglob("*.py"), key=str)
    if not (name := path.relative_to(SOURCE).as_posix()).startswith("cli/")
}
PARAMETERS = re.compile(r"^Parameters\n-+\n(.*?)(?=^\S[^\n]*\n---+$|\Z)", re.S | re.M)

Function = ast.FunctionDef | ast.AsyncFunctionDef


def public_functions(
    node: ast.AST, *, method: bool = False
) -> Iterator[tuple[Function, set[str]]]:
    """Yield public functions and methods with their arguments but ``self``, ``cls``."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef) and not child.name.startswith("_"):
            yield from public_functions(child, method=True)
        elif isinstance(child, Function) and not child.name.startswith("_"):
            static = "staticmethod" in map(ast.unparse, child.decorator_list)
            own = child.args
            listed = [*own.posonlyargs, *own.args][method and not static :]
            yield child, {each.arg for each in [*listed, *own.kwonlyargs]}
        elif isinstance(child, ast.If | ast.Try):
            yield from public_functions(child, method=method)


def documented(function: Function) -> set[str]:
    """Return the names at the left edge of a numpydoc ``Parameters`` section."""
    section = PARAMETERS.search(ast.get_docstring(function) or "")
    heads = re.findall(r"^(?! )[^:\n]+", section[1], re.M) if section else []
    return {name.strip() for head in heads for name in head.split(",")}


def differences(name: str, tree: ast.Module) -> Iterator[str]:
    """Yield the arguments that are missing from a docstring, or only there."""
    for function, arguments in public_functions(tree):
        said = documented(function)
        if len(arguments) > 1 and (missing := arguments - said):
            yield f"{name}: {function.name} leaves out {sorted(missing)}"
        others = {
            each.arg for each in (function.args.vararg, function.args.kwarg) if each
        }
        if extra := {each.lstrip("*") for each in said} - arguments - others:
            yield f"{name}: {function.name} has no {sorted(extra)}"


def test_functions_of_two_or_more_arguments_document_each_of_them() -> None:
    found = [each for item in MODULES.items() for each in differences(*item)]
    assert found == []


def test_a_missing_and_a_stale_argument_are_found() -> None:
    source = (
        "class Panel:\n    def cut(self, start, *, end):\n"
        '        """Cut.\n\n        Parameters\n        ----------\n'
        "        start, stop : date\n\n        Returns\n        -------\n"
        '        end : Panel\n        """\n'
        "    def _cut(self, start, end): ...\n    def all(self, start): ...\n"
    )
    assert list(differences("panel.py", ast.parse(source))) == [
        "panel.py: cut leaves out ['end']",
        "panel.py: cut has no ['stop']",
    ]


def test_a_docstring_begins_with_one_line_that_ends_in_a_full_stop() -> None:
    kinds = ast.Module | ast.ClassDef | Function
    found = []
    for name, tree in MODULES.items():
        for node in ast.walk(tree):
            text = ast.get_docstring(node) if isinstance(node, kinds) else None
            first = text.split("\n\n")[0] if text else "."
            if "\n" in first or not first.endswith("."):
                found.append(f"{name}: {first}")
    assert found == []
