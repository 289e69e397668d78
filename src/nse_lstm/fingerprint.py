"""Fingerprint code: hash the import closure of a module, read as syntax.

Versions of artefacts and evaluations hang on the code that makes their bytes, and on
nothing else of it. A module is read as its syntax tree without comments, docstrings and
annotations of arguments, returns and variables; the fields of a class keep theirs. What
it imports from this library stands as the digest of the defining module and the symbol,
wherever that module lies and whatever it is called. Imports inside functions count.
Only the standard library is used, so that Make can ask before anything is installed.
"""

import ast
import hashlib
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from nse_lstm.errors import StudyError

PACKAGE = "nse_lstm"

FOLDER = Path(__file__).resolve().parent
"""The library itself."""

CARRIERS = ("models.executors", "models.progress", "study.core.fitting")
"""Modules that decide where and when a job runs and what is shown meanwhile, never what
comes of it: the same bytes on every machine are tested. They count by name only."""

DISTRIBUTIONS = {"sklearn": "scikit-learn"}
"""Packages that are installed under another name than they are imported by."""

_DIGESTS: dict[tuple[str, Path], str] = {}
"""Each module is read once per process."""

OMITTED = frozenset({"ctx", "kind", "type_comment", "type_ignores", "type_params"})
"""Fields of syntax nodes that say nothing, or not in every version of Python."""


@dataclass(frozen=True)
class Import:
    """One name that a module binds by an import."""

    bound: str
    module: str
    """Full dotted name, of a module of this library or of another package."""
    symbol: str = ""
    """Empty where the module itself is bound."""


@dataclass(frozen=True)
class Module:
    """A module as it counts: its syntax in canonical form, and its imports."""

    syntax: str
    imports: tuple[Import, ...]
    defined: frozenset[str]
    """Names that its top level binds other than by an import."""


def code_digest(*modules: str, folder: Path = FOLDER) -> str:
    """Return the SHA-256 of the import closures of modules.

    Parameters
    ----------
    *modules : str
        Names below the library, such as ``models.fitting``; ``__name__`` serves too.
    folder : Path
        The library's folder.

    Raises
    ------
    StudyError
        If a module is missing, or modules import each other in a circle.
    """
    digests = {_digest(_full(name), folder) for name in modules}
    return _sha256("\n".join(sorted(digests)))


def closure(*modules: str, folder: Path = FOLDER) -> list[str]:
    """Return the full names of modules and of all that they import of this library.

    Carriers are among them, and what they import; packages passed through too.

    Parameters
    ----------
    *modules : str
        Names below the library, or full ones.
    folder : Path
        The library's folder.
    """
    found: set[str] = set()
    waiting = [_full(name) for name in modules]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        waiting += [each.module for each in _read(name, folder).imports if _own(each)]
        waiting += [name.rsplit(".", 1)[0]] if "." in name else []
    return sorted(found)


def counted(*modules: str, folder: Path = FOLDER) -> set[str]:
    """Return the full names of the modules whose syntax enters ``code_digest``.

    Parameters
    ----------
    *modules : str
    folder : Path
        The library's folder.
    """
    found: set[str] = set()
    waiting = [_full(name) for name in modules]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        for each in _read(name, folder).imports:
            if _own(each) and (module := _defining(each, folder).module):
                waiting += [] if _is_carrier(module) else [module]
    return found


def source_module(path: Path, folder: Path = FOLDER) -> str:
    """Return the full name of the module that a file holds.

    Parameters
    ----------
    path : Path
    folder : Path
        The library's folder.
    """
    parts = path.relative_to(folder).with_suffix("").parts
    return ".".join([PACKAGE, *(part for part in parts if part != "__init__")])


def source_path(module: str, folder: Path = FOLDER) -> Path:
    """Return the file of a module or package, by its full name.

    Parameters
    ----------
    module : str
    folder : Path
        The library's folder.

    Raises
    ------
    StudyError
        If there is none.
    """
    path = _find(module, folder)
    if path is None:
        raise StudyError(f"Expected a module of the library. Received: {module!r}")
    return path


def imported_packages(*modules: str, folder: Path = FOLDER) -> list[str]:
    """Return the other packages that the code of ``code_digest`` imports.

    Parameters
    ----------
    *modules : str
    folder : Path
        The library's folder.

    Returns
    -------
    list of str
        Names as they are installed by, in order; the standard library is left out.
    """
    names = {
        each.module.split(".")[0]
        for name in counted(*modules, folder=folder)
        for each in _read(name, folder).imports
        if not _own(each)
    }
    return sorted(DISTRIBUTIONS.get(n, n) for n in names - sys.stdlib_module_names)


def locked_versions(lock: str, packages: list[str]) -> list[str]:
    r"""Return the lines of a lock that pin packages, without hashes.

    Parameters
    ----------
    lock : str
        Text of ``requirements.lock``.
    packages : list of str

    Examples
    --------
    >>> locked_versions("numpy==2.4\nruff==1.0", ["numpy"])
    ['numpy==2.4']
    """
    chosen = {re.sub(r"[-_.]+", "-", name).lower() for name in packages}
    lines = [line.rstrip(" \\") for line in lock.splitlines() if "==" in line]
    return sorted(
        line for line in lines if line.split("==")[0].strip().lower() in chosen
    )


def read_imports(text: str, folder: Path = FOLDER) -> list[Import]:
    """Return the imports of a piece of source, those inside functions too.

    Parameters
    ----------
    text : str
        Python source.
    folder : Path
        The library's folder, to tell a submodule from a symbol.
    """
    return list(_resolve(_parse(text)[1], folder))


def _digest(module: str, folder: Path, above: tuple[str, ...] = ()) -> str:
    """Return a module's digest, which holds the digests of all that it imports."""
    key = (module, folder)
    if key not in _DIGESTS:
        if module in above:
            circle = " -> ".join([*above[above.index(module) :], module])
            raise StudyError(f"Expected imports without a circle. Received: {circle}")
        read = _read(module, folder)
        lines = [_reference(each, folder, (*above, module)) for each in read.imports]
        _DIGESTS[key] = _sha256("\n".join([read.syntax, *sorted(lines)]))
    return _DIGESTS[key]


def _reference(each: Import, folder: Path, above: tuple[str, ...]) -> str:
    if not _own(each):
        return f"{each.bound} = {each.module}:{each.symbol}"
    origin = _defining(each, folder)
    if _is_carrier(origin.module):
        return f"{each.bound} = carrier:{origin.symbol}"
    return f"{each.bound} = {_digest(origin.module, folder, above)}:{origin.symbol}"


def _defining(each: Import, folder: Path) -> Import:
    """Follow a name that packages and modules only hand on to where it is defined."""
    seen = {each}
    while each.symbol:
        read = _read(each.module, folder)
        if each.symbol in read.defined:
            return each
        onward = [other for other in read.imports if other.bound == each.symbol]
        if not onward or not _own(onward[0]) or onward[0] in seen:
            return each
        each = onward[0]
        seen.add(each)
    return each


@cache
def _read(module: str, folder: Path) -> Module:
    syntax, names, defined = _parse(source_path(module, folder).read_text("utf-8"))
    return Module(syntax, tuple(_resolve(names, folder)), defined)


Names = tuple[tuple[str, str, str], ...]
"""What import statements say: bound name, module, symbol."""


@cache
def _parse(text: str) -> tuple[str, Names, frozenset[str]]:
    """Return a text's canonical syntax, what it imports and what it defines."""
    tree = _without_type_checking(ast.parse(text))
    names = tuple(sorted(_imported(tree)))
    bare = _Bare().visit(tree)
    return "".join(_canonical(bare)), names, frozenset(_bound(bare))


def _imported(tree: ast.AST) -> Iterator[tuple[str, str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.asname or alias.name, alias.name, ""
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield alias.asname or alias.name, node.module, alias.name


def _resolve(names: Names, folder: Path) -> Iterator[Import]:
    """Tell submodules, which are imported by a name too, from symbols."""
    for bound, module, symbol in names:
        inner = f"{module}.{symbol}"
        if symbol and module.split(".")[0] == PACKAGE and _find(inner, folder):
            yield Import(bound, inner)
        else:
            yield Import(bound, module, symbol)


def _bound(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        else:
            for inner in ast.walk(node):
                if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                    yield inner.id


class _Bare(ast.NodeTransformer):
    """Strip what changes no byte: docstrings, annotations and imports."""

    in_class = False

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._scope(node, in_class=True)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self._scope(node, in_class=False)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        node.returns = None
        return self._scope(node, in_class=False)

    def _scope(self, node: ast.AST, *, in_class: bool) -> ast.AST:
        outside, self.in_class = self.in_class, in_class
        self.generic_visit(node)
        self.in_class = outside
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        if self.in_class:
            return node
        if node.value is None:
            return None
        return ast.Assign(targets=[node.target], value=self.visit(node.value))

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        is_text = isinstance(node.value, ast.Constant) and isinstance(
            node.value.value, str
        )
        return None if is_text else self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        return None

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        return None


def _without_type_checking(tree: ast.Module) -> ast.Module:
    tree.body = [
        node
        for node in tree.body
        if not (
            isinstance(node, ast.If)
            and isinstance(node.test, ast.Name)
            and node.test.id == "TYPE_CHECKING"
        )
    ]
    return tree


def _canonical(value: object) -> Iterator[str]:
    """Write a tree the same way under every version of Python."""
    if isinstance(value, ast.AST):
        yield f"({type(value).__name__}"
        for name in value._fields:
            inner = getattr(value, name, None)
            if name in OMITTED or inner is None or inner == []:
                continue
            yield f" {name}="
            yield from _canonical(inner)
        yield ")"
    elif isinstance(value, list):
        yield "["
        for each in value:
            yield from _canonical(each)
            yield ","
        yield "]"
    else:
        yield f"{type(value).__name__}:{value!r}"


def _own(each: Import) -> bool:
    return each.module.split(".")[0] == PACKAGE


def _is_carrier(module: str) -> bool:
    return module.removeprefix(f"{PACKAGE}.") in CARRIERS


def _full(name: str) -> str:
    return name if name.split(".")[0] == PACKAGE else f"{PACKAGE}.{name}"


@cache
def _find(module: str, folder: Path) -> Path | None:
    place = folder.joinpath(*module.split(".")[1:])
    for path in (place.with_suffix(".py"), place / "__init__.py"):
        if path.is_file() and path != folder / ".py":
            return path
    return None


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
