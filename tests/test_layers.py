"""The house has layers; imports walk one way."""

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from support.places import ROOT

from nse_lstm.fingerprint import closure, read_imports, source_module
from nse_lstm.study.tools.make_edges import notebook_imports

SOURCE = Path(__file__).resolve().parents[1] / "src" / "nse_lstm"
GROUND = {"errors", "config", "fingerprint", "json_files", "numerics", "paths"}
GROUND |= {"tables"}
ALLOWED = {
    "data": GROUND,
    "features": GROUND | {"data"},
    "models": GROUND | {"data", "features"},
    # A persistence forecast and a network's meet the same judge: no models here.
    "evaluation": GROUND | {"data", "features"},
    "deployment": GROUND | {"data", "features", "models", "evaluation"},
    "reporting": GROUND,
    "study": GROUND
    | {"data", "features", "models", "evaluation", "deployment", "reporting"},
    "pages": GROUND
    | {"data", "features", "models", "evaluation", "deployment", "reporting", "study"},
    "cli": GROUND | {"study", "pages", "reporting"},
    "config": {"errors"},
    "fingerprint": {"errors"},
    "json_files": {"errors", "paths"},
    "numerics": set(),
    "paths": {"errors"},
    "tables": {"errors", "paths"},
    "errors": set(),
    "__init__": set(),
}
MODULES = sorted(SOURCE.rglob("*.py"), key=str)


def imports_of(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def name_of(path: Path) -> str:
    parts = ("nse_lstm", *path.relative_to(SOURCE).with_suffix("").parts)
    return ".".join(parts).removesuffix(".__init__")


def executed(node: ast.AST) -> Iterator[ast.AST]:
    """Walk a module without its ``if TYPE_CHECKING`` branches."""
    yield node
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        yield from executed(child)


def import_graph() -> dict[str, set[str]]:
    """Each module's imports within the library, those inside functions included."""
    names = {name_of(path) for path in MODULES}
    graph: dict[str, set[str]] = {}
    for path in MODULES:
        own = name_of(path)
        graph[own] = set()
        for node in executed(ast.parse(path.read_text())):
            found = []
            if isinstance(node, ast.Import):
                found = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                inner = [f"{node.module}.{alias.name}" for alias in node.names]
                found = [name if name in names else node.module for name in inner]
            graph[own] |= names.intersection(found) - {own}
    return graph


def closure_of(name: str, graph: dict[str, set[str]]) -> set[str]:
    found, waiting = set(), [name]
    while waiting:
        new = graph[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def layer_of(path: Path) -> str:
    return path.relative_to(SOURCE).with_suffix("").parts[0]


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_a_module_imports_only_the_layers_below_it(path: Path) -> None:
    layer = layer_of(path)
    used = {
        (name.split(".")[1])
        for name in imports_of(path)
        if name.startswith("nse_lstm.")
    } - {layer}
    assert used <= ALLOWED[layer]


def test_no_imports_form_a_circle_not_even_inside_functions() -> None:
    TopologicalSorter(import_graph()).prepare()


def test_what_makes_a_networks_bytes_imports_nothing_that_only_carries_jobs() -> None:
    carriers = {
        f"nse_lstm.models.{name}"
        for name in ("job_checks", "executors", "outcomes", "progress", "training")
    }
    found = closure_of("nse_lstm.models.fitting", import_graph())
    assert "nse_lstm.models.engine.recurrence" in found
    assert not found & carriers
    assert not [name for name in found if name.startswith("nse_lstm.models.cluster")]


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_only_models_import_tensorflow_and_nothing_imports_pickle(path: Path) -> None:
    used = {name.split(".")[0] for name in imports_of(path)}
    assert not used & {"pickle", "joblib", "shelve", "marshal"}
    if layer_of(path) != "models":
        assert not used & {"tensorflow", "keras"}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_only_the_scorer_of_the_oracle_opens_what_the_simulator_knows(path: Path):
    place = path.relative_to(SOURCE).as_posix()
    text = path.read_text()
    # The simulator makes it and Phase 1 says where; no model may ever meet it.
    makers = {
        "data/simulate.py",
        "data/simulation/direct.py",
        "data/simulation/signals.py",
    }
    if layer_of(path) in ("data", "features", "models", "deployment", "reporting"):
        assert place in makers or "oracle" not in text.lower()
    reads = {"study/data_analysis/raw_files.py", "evaluation/oracle.py"}
    uses = {
        node.attr for node in ast.walk(ast.parse(text)) if type(node) is ast.Attribute
    }
    assert "oracle" not in uses or place in reads
    assert "oracle.parquet" not in text or place == "paths.py"


def test_the_library_and_its_command_line_import_without_heavy_packages() -> None:
    code = (
        "import sys, nse_lstm, nse_lstm.cli; "
        "print(sorted({'tensorflow', 'keras', 'pandas', 'matplotlib', 'papermill'}"
        " & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_every_module_is_reached() -> None:
    notebooks = (ROOT / "notebooks").glob("*.ipynb")
    benchmarks = (ROOT / "benchmarks").glob("*.py")
    reached = closure(
        "cli",
        # What researchers and Make import by themselves.
        "study.laboratory",
        "study.tools.make_edges",
        *(name for path in notebooks for name in notebook_imports(path)),
        *(
            each.module
            for path in benchmarks
            for each in read_imports(path.read_text())
            if each.module.startswith("nse_lstm")
        ),
    )
    assert {source_module(path) for path in MODULES} <= set(reached)


def test_no_class_name_stands_for_two_things() -> None:
    names = Counter(
        node.name
        for path in MODULES
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, n in names.items() if n > 1] == []


def test_the_study_has_a_dozen_rooms_and_imports_run_one_way_between_them() -> None:
    rooms: dict[str, set[str]] = {}
    for path in (SOURCE / "study").rglob("*.py"):
        room = path.relative_to(SOURCE / "study").parts[0]
        inner = [e for e in imports_of(path) if e.startswith("nse_lstm.study.")]
        used = {each.split(".")[2] for each in inner}
        rooms.setdefault(room, set()).update(used - {room})
    rooms.pop("__init__.py")
    assert len(rooms) <= 12
    # Raises where rooms import each other in a circle.
    assert len(list(TopologicalSorter(rooms).static_order())) == len(rooms)
