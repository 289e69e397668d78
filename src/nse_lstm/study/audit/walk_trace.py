"""Trace the walk: which code that makes published artefacts ran under another future.

What is published follows from ``core.phases`` and from the notebooks: the import
closure of every phase, and the functions that its notebook reaches by name, less the
rooms that only show tables. A function among them that the audit never ran on rewritten
files could look ahead unseen. So it is an alarm, unless it stands on the short list
``LEFT_OUT`` with its reason.
"""

import ast
import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType

from nse_lstm.fingerprint import PACKAGE, closure, source_path
from nse_lstm.paths import find_root
from nse_lstm.study.audit.alarms import AuditAlarm
from nse_lstm.study.core.phases import PHASES
from nse_lstm.study.tools.make_edges import notebook_imports

COMPUTING = ("data", "features", "models", "evaluation", "deployment", "study")
"""Rooms whose code makes numbers; the others read settings and tables, or show them."""

LEFT_OUT: Mapping[str, str] = {
    "data.simulate": "draws the simulated market and reads no file",
    "data.simulation": "draws the simulated market and reads no file",
    "data.corporate_actions": "reads the sourced table, which the small market lacks",
    "data.sourced": "reads sourced tables, which the small market lacks",
    "data.cash": "reads a sourced table, which the small market lacks",
    "data.dividends": "reads a sourced table, which the small market lacks",
    "data.trading_days": "reads a sourced table, which the small market lacks",
    "data.renamed_codes": "reads a sourced table, which the small market lacks",
    "data.parse:refuse": "words of a refusal",
    "data.parse:_hint": "words of a refusal",
    "data.impossible_values:_line_of": "a line for review of an unknown code's event",
    "data.impossible_values:_same_name": "a code that ends where another begins",
    "data.printed_dates:_order": "decides between day and month of a date in numbers",
    "data.printed_dates:_order_of_sessions": "decides between day and month",
    "data.wrong_boards:_are_swapped": "two swapped boards, which not every market has",
    "data.wrong_boards:put_back_swapped": "two swapped boards",
    "data.wrong_boards:_own_index": "an index whose board is displaced",
    "data.wrong_boards:_same_range": "a board that repeats another's range",
    "data.ingest:_from_utf16": "decodes a file that a spreadsheet saved",
    "data.ingest:_refuse_line": "words of a refusal",
    "data.fault_rules:_contradiction": "words of a refusal",
    "data.date_repair:_between": "bounds of a date that not every market has",
    "data.date_repair:_day_of_month": "decides between two dates of a misdated session",
    "evaluation.direction:_direction": "the test's value where it is not defined",
    "evaluation.selection:_unscored": "words where no model could be scored",
    "evaluation.verdict:_never_traded": "words of a strategy that never traded",
    "evaluation.verdict:_short_of_yes": "words of an answer that is nearly yes",
    "evaluation.robustness:is_fragile": "a word of a page on stored scores",
    "evaluation.power_analysis": "plans Phase 5's A/B test, after the audit",
    "evaluation.cash:tax_on_cash": "a bound where not all dividends are sourced",
    "evaluation.account_profile": "describes an account for a page, decides nothing",
    "evaluation.ranking_profile": "describes a ranking for a page, decides nothing",
    "study.ranking.rank_models:profile_ranking": "describes a ranking for a page",
    "study.ranking.rank_models:_in_order": "orders the rows of a page",
    "study.core.untouched_years": "hands out years to score, and scores none",
    "evaluation.portfolio_optimisation:_constraints": "kept from its first call",
    "study.validation.order_timing:_nothing": "empty tables where nothing is ranked",
    "evaluation.sharpe:minimum_backtest_length": "a length from the number of trials",
    "models.executors": "starts processes; the same bytes on every machine are tested",
    "models.cluster": "sends jobs away; the same bytes on every machine are tested",
    "models.pinning": "sets the threads of processes",
    "models.progress": "shows progress",
    "models.training:choose_executor": "the audit fits in its own process instead",
    "models.training:_append": "writes the log of a training run",
    "models.outcomes:failed_model": "words of a job that failed",
    "models.bundles:_changed": "words of a refusal",
    "models.versions:code_version": "reads the code, not the data",
    "models.ablation": "the ablation, which decides nothing",
    "evaluation.ablation": "the ablation, which decides nothing",
    "study.experiments.ablation": "the ablation, which decides nothing",
    "study.training.train": "summaries of fitted models, which decide nothing",
    "study.training.model_checks": "sizes and times of models, which decide nothing",
    "deployment": "serves fitted models, after the audit and refused without it",
    "study.deployment": "serves fitted models, after the audit and refused without it",
    "study.anatomy": "shows published mistakes on purpose",
    "study.tools": "reads the code, not the data",
    "study.audit": "the audit itself",
    "study.core.audit_result": "the audit's own result",
    "study.core.workspace": "reads settings and sourced tables",
    "study.core.market_scope:scope_sentences": "words of a page",
    "study.core.phase_tables:read_instruments": "names for a page",
    "study.data_analysis.analyse:recommended_table": "columns for a page",
    "study.data_analysis.panel_diff": "compares two builds of the panel, for a page",
    "study.data_analysis.jump_review": "lists jumps of a new file for a person",
    "study.validation.distribution:no_distribution": "empty tables of a study "
    "without the stock LSTM",
    "study.validation.validate:Validation": "puts tables below each other for a page",
    "study.validation.validate:accuracy_table": "columns for a page",
    "study.validation.validate:score_before_test": "scores one stock for a page",
}
"""Modules and functions that need not run under another future, and why."""

FULL_ONLY: Mapping[str, str] = {
    "study.experiments.search": "the search runs in the full audit",
    "study.experiments.search_spaces": "the search runs in the full audit",
    "study.experiments.ranking_task": "the search runs in the full audit",
}
"""Left out of the small audit, and run by the full one."""


class WalkTrace:
    """Names of the library's functions that ran while the trace was on."""

    def __init__(self) -> None:
        self.executed: set[str] = set()
        # By identity: a code object's own hash reads all of its constants.
        self._seen: dict[int, CodeType] = {}

    @contextmanager
    def on(self) -> Iterator[None]:
        """Note every function that this thread calls inside the block."""
        before = sys.gettrace()
        sys.settrace(self._note)
        try:
            yield
        finally:
            sys.settrace(before)

    def _note(self, frame: FrameType, event: str, argument: object) -> None:
        code = frame.f_code
        if id(code) not in self._seen:
            self._seen[id(code)] = code
            module = str(frame.f_globals.get("__name__", ""))
            if module.split(".")[0] == PACKAGE:
                name = code.co_qualname.replace(".<locals>", "")
                self.executed.add(f"{module.removeprefix(f'{PACKAGE}.')}:{name}")


def find_unwalked(executed: set[str], *, full: bool) -> list[AuditAlarm]:
    """Return one alarm per module with published code that no other future ran.

    Parameters
    ----------
    executed : set of str
        From ``WalkTrace``.
    full : bool
        Whether ``FULL_ONLY`` must have run too.
    """
    left_out = {**LEFT_OUT, **({} if full else FULL_ONLY)}
    alarms = []
    for module, names in published_functions(left_out).items():
        absent = [name for name in names if f"{module}:{name}" not in executed]
        if absent:
            detail = f"{', '.join(absent)} never ran under another future"
            alarms.append(AuditAlarm("trace", module, detail))
    return alarms


def is_listed(module: str, name: str, listed: Mapping[str, str]) -> bool:
    """Say whether a function, its module or a package above it is on a list.

    Parameters
    ----------
    module, name : str
        Below the library.
    listed : mapping
        Reasons by module, package or ``module:function``.
    """
    parts = module.split(".")
    above = {".".join(parts[:n]) for n in range(1, len(parts) + 1)}
    return bool(above & set(listed)) or f"{module}:{name.split('.')[0]}" in listed


def published_functions(
    left_out: Mapping[str, str], root: Path | None = None
) -> dict[str, list[str]]:
    """Return the functions that a phase's source can reach by name, by module.

    A notebook's cells, the rooms that show tables and the modules' own top levels are
    the start. A function is reached where its name stands in one that is reached. So a
    function that nothing of the study calls is no path of it.

    Parameters
    ----------
    left_out : mapping
        Reasons by module, package or function that need not be walked, nor lead on.
    root : Path, optional
        Of the project, with its notebooks; found if not given.
    """
    modules = closure_of_phases(root)
    names = _notebook_names(root or find_root())
    bodies: dict[tuple[str, str], set[str]] = {}
    for module in modules:
        if is_listed(module, "", left_out):
            continue
        tree = ast.parse(source_path(f"{PACKAGE}.{module}").read_text("utf-8"))
        own = dict(_functions(tree, ""))
        if module.split(".")[0] in COMPUTING:
            bodies |= {(module, n): _names(node) for n, node in own.items()}
            names |= _names_outside(tree)
        else:
            names |= _names(tree)
    named: dict[str, list[tuple[str, str]]] = {}
    for key in bodies:
        named.setdefault(key[1].rsplit(".")[-1], []).append(key)
    reached, waiting = set[tuple[str, str]](), set(names)
    while waiting:
        for key in named.pop(waiting.pop(), []):
            reached.add(key)
            waiting |= bodies[key] & named.keys()
    by_module: dict[str, list[str]] = {}
    for module, name in sorted(reached):
        if not is_listed(module, name, left_out):
            by_module.setdefault(module, []).append(name)
    return by_module


def closure_of_phases(root: Path | None = None) -> list[str]:
    """Return the modules in the import closure of every phase, below the library.

    Parameters
    ----------
    root : Path, optional
        Of the project, with its notebooks; found if not given.
    """
    root, made_by = root or find_root(), set[str]()
    for phase in PHASES:
        is_notebook = phase.source.endswith(".ipynb")
        found = notebook_imports(root / phase.source) if is_notebook else [phase.source]
        made_by |= set(found)
    names = (name.removeprefix(PACKAGE).lstrip(".") for name in closure(*made_by))
    return [name for name in names if name]


def _notebook_names(root: Path) -> set[str]:
    names = set[str]()
    for phase in PHASES:
        if phase.source.endswith(".ipynb"):
            cells = json.loads((root / phase.source).read_text("utf-8"))["cells"]
            code = [c["source"] for c in cells if c["cell_type"] == "code"]
            names |= {n for lines in code for n in _names(ast.parse("".join(lines)))}
    return names


def _functions(node: ast.AST, above: str) -> Iterator[tuple[str, ast.AST]]:
    """Give each function and method; those within functions belong to the outer."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield above + child.name, child
        elif isinstance(child, ast.ClassDef):
            yield from _functions(child, f"{above}{child.name}.")


def _names(node: ast.AST) -> set[str]:
    """Return every name and attribute that a piece of code reads."""
    found = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    return found | {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)}


def _names_outside(tree: ast.Module) -> set[str]:
    """Return the names that a module's top level reads, annotations left out."""
    found = set[str]()
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.Expr | ast.If):
            value = getattr(node, "value", node)
            found |= _names(value) if value is not None else set()
    return found | {"__init__", "__call__", "__len__", "__post_init__"}
