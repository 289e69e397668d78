"""Code is what makes bytes: an edit of it counts, an edit of anything else does not."""

import ast
import shutil
from pathlib import Path

import pytest

from nse_lstm.errors import StudyError
from nse_lstm.fingerprint import (
    FOLDER,
    closure,
    code_digest,
    counted,
    imported_packages,
    source_module,
)
from nse_lstm.models import versions
from nse_lstm.study.core.audit_result import AUDITED
from nse_lstm.study.core.jobs import NETWORK
from nse_lstm.study.core.ledger import EVALUATION

RANKING = ("study.ranking.tabular_models",)
ROOTS = {"network": NETWORK, "ranking": RANKING, "evaluation": EVALUATION}
PANEL = versions.PANEL


def library(folder: Path, **modules: str) -> Path:
    """Write a small library; ``a__b`` is the module ``a.b``."""
    for name, text in modules.items():
        path = folder.joinpath(*name.split("__")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / "__init__.py").touch()
        path.write_text(text)
    return folder


def digest_of(tmp_path: Path, number: int, text: str, **others: str) -> str:
    return code_digest(
        "top", folder=library(tmp_path / str(number), top=text, **others)
    )


SAME = [
    ("x = 1", '"""Says."""\nx = 1  # why\n"""Of x."""'),
    ("def f(a): return a", 'def f(a: int) -> int:\n    """Do."""\n    return a'),
    ("def f():\n    a = 1\n    return a", "def f():\n    a: int = 1\n    return a"),
    (
        "def f():\n    a = 1\n    return a",
        "def f():\n    b: str\n    a = 1\n    return a",
    ),
    ("x = (1 +\n  2)", "x = 1 + 2"),
    ("X = {}", "X: dict[str, int] = {}"),
    (
        "x = 1",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import os\nx = 1",
    ),
]
OTHER = [
    ("x = 1", "x = 2"),
    ("x = 1 + 2", "x = 1 - 2"),
    ("def f(a, b): return a", "def f(b, a): return a"),
    ("def f(a=1): return a", "def f(a=2): return a"),
    # A class's fields are its definition: pydantic reads the annotation.
    ("class A:\n    x: int = 1", "class A:\n    x: float = 1"),
    ("class A:\n    x: int", "class A:\n    y: int"),
    ("import numpy as np\nx = np", "import pandas as np\nx = np"),
    ("from math import floor as f\nx = f", "from math import ceil as f\nx = f"),
]


@pytest.mark.parametrize(("one", "other"), SAME[:-1])
def test_words_and_annotations_do_not_count(tmp_path, one, other):
    assert digest_of(tmp_path, 1, one) == digest_of(tmp_path, 2, other)


def test_imports_for_the_type_checker_do_not_count(tmp_path):
    text = "from typing import TYPE_CHECKING\n{}x = 1"
    block = "if TYPE_CHECKING:\n    from nse_lstm.other import A\n"
    bare = digest_of(tmp_path, 1, text.format(""), other="A = 1")
    assert digest_of(tmp_path, 2, text.format(block), other="A = 1") == bare


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_code_counts(tmp_path, one, other):
    assert digest_of(tmp_path, 1, one) != digest_of(tmp_path, 2, other)


CALLS = "def f():\n    from nse_lstm.a.b import g\n    return g()"


def test_an_import_inside_a_function_counts(tmp_path):
    one = digest_of(tmp_path, 1, CALLS, a__b="def g(): return 1")
    assert digest_of(tmp_path, 2, CALLS, a__b="def g(): return 2") != one


def test_a_module_counts_wherever_it_lies_and_whatever_it_is_called(tmp_path):
    moved = CALLS.replace("nse_lstm.a.b", "nse_lstm.z")
    one = digest_of(tmp_path, 1, CALLS, a__b="def g(): return 1")
    assert digest_of(tmp_path, 2, moved, z="def g(): return 1") == one


def test_another_symbol_of_the_same_module_is_another_import(tmp_path):
    b = "def g(): return 1\ndef h(): return 2"
    one = digest_of(tmp_path, 1, CALLS, a__b=b)
    assert digest_of(tmp_path, 2, CALLS.replace("g", "h"), a__b=b) != one
    renamed = CALLS.replace("import g", "import h as g")
    assert digest_of(tmp_path, 3, renamed, a__b=b) != one


def test_a_name_that_a_package_hands_on_is_followed_to_its_module(tmp_path):
    top = "from nse_lstm.p import x\ny = x"
    folders = []
    for number, unused in enumerate(("u = 1", "u = 2")):
        folder = library(tmp_path / str(number), top=top, p__m="x = 1", p__n=unused)
        (folder / "p/__init__.py").write_text(
            "from nse_lstm.p.m import x\nfrom nse_lstm.p.n import u"
        )
        folders.append(folder)
    assert code_digest("top", folder=folders[0]) == code_digest(
        "top", folder=folders[1]
    )


def test_a_circle_is_refused(tmp_path):
    a, b = "from nse_lstm.b import y\nx = 1", "from nse_lstm.a import x\ny = 1"
    with pytest.raises(StudyError, match=r"circle. Received: nse_lstm.a -> nse_lstm.b"):
        code_digest("a", folder=library(tmp_path, a=a, b=b))


def test_a_missing_module_is_refused(tmp_path):
    with pytest.raises(StudyError, match=r"Received: 'nse_lstm.no'"):
        code_digest("no", folder=tmp_path)


def test_line_ends_of_the_checkout_do_not_count(tmp_path):
    folder = library(tmp_path / "unix", top="x = 1\ny = 2\n")
    other = library(tmp_path / "windows", top="")
    (other / "top.py").write_bytes(b"x = 1\r\ny = 2\r\n")
    assert code_digest("top", folder=folder) == code_digest("top", folder=other)


def test_packages_are_named_as_they_are_installed():
    found = imported_packages("models.tabular_models")
    assert {"numpy", "pandas", "scikit-learn"} <= set(found)
    assert not {"math", "pathlib", "nse_lstm", "sklearn"} & set(found)


# The library itself: what counts for which artefact.
NEVER = [
    "pages.",
    "reporting.",
    "cli",
    "models.cluster",
    "data.download.",
    "study.tools",
]
NEVER += ["data.market_statistics.", "study.experiments", "study.laboratory"]


@pytest.mark.parametrize("roots", ROOTS.values(), ids=ROOTS)
@pytest.mark.parametrize("room", NEVER)
def test_no_byte_depends_on(roots, room):
    names = [name.removeprefix("nse_lstm.") for name in counted(*roots, PANEL)]
    assert not [name for name in names if name.startswith(room)]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the library that nothing runs from."""
    folder = tmp_path_factory.mktemp("library") / "nse_lstm"
    return shutil.copytree(
        FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__", "*.j2", "*.css")
    )


class _Sabotage(ast.NodeTransformer):
    """Turn the first comparison or sum of a module into its opposite."""

    done = False

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        swap = {
            ast.Add: ast.Sub,
            ast.Sub: ast.Add,
            ast.Mult: ast.Div,
            ast.Div: ast.Mult,
        }
        if not self.done and type(node.op) in swap:
            self.done, node.op = True, swap[type(node.op)]()
        return self.generic_visit(node)


def edited(copy: Path, tmp_path: Path, module: str, *, words: bool) -> Path:
    """Copy the library with one module edited: its words, or one operator."""
    folder = tmp_path / "nse_lstm"
    shutil.copytree(copy, folder)
    path = folder / f"{module.replace('.', '/')}.py"
    text = path.read_text()
    if words:
        new = f'"""Another docstring."""\n# A comment.\n{text.split(chr(34) * 3, 2)[2]}'
    else:
        sabotage = _Sabotage()
        tree = sabotage.visit(ast.parse(text))
        new = ast.unparse(tree) if sabotage.done else f"{text}\nADDED = 1\n"
    path.write_text(new)
    return folder


EDITS = [
    ("models.engine.step", {"network", "evaluation"}),
    ("features.windows", {"network", "evaluation"}),
    ("features.price_indicators", {"ranking"}),
    ("features.folds", {"network", "ranking", "evaluation"}),
    ("evaluation.backtest", {"evaluation"}),
    ("evaluation.metrics", {"evaluation"}),
    ("data.fault_rules", {"network", "ranking", "evaluation"}),
    ("data.universe", {"evaluation"}),
    ("data.download.fetch", set()),
    ("data.simulate", set()),
    ("data.market_statistics.autocorrelation", set()),
    ("models.cluster.client", set()),
    ("models.executors", set()),
    ("study.tools.build_diff", set()),
    ("pages.score_tables", set()),
    ("reporting.canvas", set()),
]


def versions_of(folder: Path) -> dict[str, str]:
    return {
        name: code_digest(*roots, PANEL, folder=folder) for name, roots in ROOTS.items()
    }


@pytest.mark.parametrize(("module", "moved"), EDITS, ids=[name for name, _ in EDITS])
def test_an_operator_changes_the_versions_that_depend_on_it(
    copy, tmp_path, module, moved
):
    before = versions_of(copy)
    after = versions_of(edited(copy, tmp_path, module, words=False))
    assert {name for name in before if before[name] != after[name]} == moved


@pytest.mark.parametrize(
    "module", ["models.engine.step", "evaluation.backtest", "data.simulate"]
)
def test_words_change_no_version(copy, tmp_path, module):
    assert versions_of(edited(copy, tmp_path, module, words=True)) == versions_of(copy)


PACKAGES = {
    # What makes the forecasts, trades and scores of Phase 4, and the panel below them.
    "data": {"evaluation", "audit"},
    "features": {"evaluation", "audit"},
    "models": {"evaluation", "audit"},
    "models.engine": {"evaluation", "audit"},
    "evaluation": {"evaluation", "audit"},
    "study.core": {"evaluation", "audit"},
    "study.data_analysis": {"evaluation", "audit"},
    "study.validation": {"evaluation", "audit"},
    "tables": {"evaluation", "audit"},
    "config": {"evaluation", "audit"},
    # What the audit's result depends on beside that.
    "study.audit": {"audit"},
    "study.audit.reference": {"audit"},
    "study.ranking": {"audit"},
    "study.experiments": {"audit"},
    "study.training": {"audit"},
    # A simulated market has the holidays of its exchange.
    "data.simulation": {"evaluation", "audit"},
    "data.market_statistics": {"audit"},
    # What shows, serves, fetches or explains.
    "data.download": set(),
    "data.price_import": set(),
    # The audit sends its jobs to its own process instead.
    "models.cluster": {"audit"},
    "reporting": set(),
    "pages": set(),
    "cli": set(),
    "deployment.service": set(),
    "study.deployment": set(),
    "study.anatomy": set(),
    "study.laboratory": set(),
    "study.experiments.calibration": set(),
    "study.experiments.explanation": set(),
}
"""Each package, and the identities that an edit of some module in it changes."""


def identities_of(folder: Path) -> dict[str, str]:
    return {
        "evaluation": code_digest(*EVALUATION, PANEL, folder=folder),
        "audit": code_digest(*AUDITED, PANEL, folder=folder),
    }


@pytest.mark.parametrize(("package", "moved"), PACKAGES.items(), ids=PACKAGES)
def test_an_edit_in_a_package_changes_the_identities_it_feeds(
    copy, tmp_path, package, moved
):
    counting = {
        "evaluation": counted(*EVALUATION, PANEL),
        "audit": counted(*AUDITED, PANEL),
    }
    inside = sorted(
        source_module(path)
        for path in (FOLDER / package.replace(".", "/")).glob("*.py")
        if path.name != "__init__.py"
    )
    feeding = {name for name, known in counting.items() if known & set(inside)}
    assert feeding == moved
    # The module that most identities hang on, or any where none does.
    module = max(inside, key=lambda each: sum(each in k for k in counting.values()))
    short = module.removeprefix("nse_lstm.")
    before, after = (
        identities_of(folder)
        for folder in (copy, edited(copy, tmp_path, short, words=False))
    )
    assert {name for name in before if before[name] != after[name]} == moved


def test_every_package_is_on_the_list():
    packages = {
        source_module(path).removeprefix("nse_lstm.")
        for path in FOLDER.rglob("__init__.py")
        if [each for each in path.parent.glob("*.py") if each != path]
    }
    assert packages - {"nse_lstm"} <= set(PACKAGES) | ELSEWHERE


ELSEWHERE = {"deployment", "study.tools"}
"""Rooms of which single modules count: a lock file's, and the notebooks' imports."""


def test_a_closure_holds_the_packages_passed_through():
    found = closure("models.engine.step")
    assert {"nse_lstm", "nse_lstm.models", "nse_lstm.models.engine"} <= set(found)
