"""The changes that are tried: Cosmic Ray's operators, and three of our own.

Only changes that a colleague could write by mistake are used: another sign or bound, an
argument left out, two inputs confused. Operators whose result cannot run, such as a
shift of a float, would be caught by any test and raise the score.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Example, Operator
from cosmic_ray.plugins import get_operator
from parso.python.tree import Name, String

Span = tuple[tuple[int, int], tuple[int, int]]

BINARY = (
    *("Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "FloorDiv_Div", "Pow_Mul"),
    *("BitAnd_BitOr", "BitOr_BitAnd"),
)
COMPARISON = (
    *("Eq_NotEq", "NotEq_Eq", "Lt_LtE", "LtE_Lt", "Gt_GtE", "GtE_Gt"),
    *("Lt_GtE", "GtE_Lt", "Gt_LtE", "LtE_Gt", "Is_IsNot", "IsNot_Is"),
)
KEPT = (
    *(f"ReplaceBinaryOperator_{name}" for name in BINARY),
    *(f"ReplaceComparisonOperator_{name}" for name in COMPARISON),
    *("ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "ReplaceAndWithOr"),
    *("ReplaceOrWithAnd", "AddNot", "NumberReplacer", "ZeroIterationForLoop"),
    *("ReplaceUnaryOperator_Delete_Not", "ReplaceUnaryOperator_Delete_USub"),
    *("ReplaceUnaryOperator_Delete_Invert", "ReplaceBreakWithContinue"),
    *("ReplaceContinueWithBreak", "ExceptionReplacer"),
)
"""Cosmic Ray's operators that are used."""

PAIRS = (
    *(("net_return", "gross_return"), ("cash_return", "stock_return")),
    *(("lower", "upper"), ("y", "y_hat"), ("position", "turnover")),
    *(("origin", "target_date"), ("entry_date", "target_date")),
    *(("delay", "horizon"), ("fold", "seed"), ("model", "rule"), ("price", "adjusted")),
    *(("stale", "suspended"), ("win_rate", "win_rate_all"), ("v1", "v2")),
    *(("sharpe", "sharpe_over_cash"), ("sign", "gate"), ("less", "greater")),
    *(("left", "right"), ("first", "last"), ("walk_forward", "test")),
    *(("ridge", "boosting"), ("validation_loss", "train_loss"), ("sum", "mean")),
    ("price_hat", "y_hat"),
)
"""Columns and words of which one may stand where the other should."""

ATTRIBUTES = (
    *(("min", "max"), ("mean", "median"), ("any", "all"), ("ffill", "bfill")),
    *(
        ("cumsum", "cumprod"),
        ("minimum", "maximum"),
        ("start", "end"),
        ("first", "last"),
    ),
    *(("delay", "horizon"), ("buy_fills", "sell_fills"), ("sum", "mean")),
    *(("entry_date", "origin"), ("train", "validation"), ("head", "tail")),
    *(("idxmin", "idxmax"), ("argmin", "argmax"), ("log1p", "expm1"), ("std", "var")),
)
"""Attributes and methods of which one may stand where the other should."""


TYPES = ("bool", "float", "int", "object", "str")


@dataclass(frozen=True)
class Argument:
    """An argument of a function of the library."""

    type: str
    needed: bool


class SwapText(Operator):
    """Replace a word that stands alone as text by the one it is confused with."""

    def mutation_positions(self, node: Any) -> Iterator[Span]:
        if isinstance(node, String):
            for _ in _partners(node.value.strip("\"'"), PAIRS):
                yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        node.value = f'"{_partners(node.value.strip(chr(34) + chr(39)), PAIRS)[index]}"'
        return node

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example('t["net_return"]', 't["gross_return"]'),)


class SwapAttribute(Operator):
    """Replace an attribute or a method by the one it is confused with."""

    def mutation_positions(self, node: Any) -> Iterator[Span]:
        before = node.get_previous_leaf() if isinstance(node, Name) else None
        if before is not None and before.value == ".":
            for _ in _partners(node.value, ATTRIBUTES):
                yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        node.value = _partners(node.value, ATTRIBUTES)[index]
        return node

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example("x.min()", "x.max()"),)


class SwapArguments(Operator):
    """Exchange the first two arguments of a call that are names or attributes."""

    unlike: frozenset[str] = frozenset()
    """Functions of the library whose first two arguments differ in type."""

    def mutation_positions(self, node: Any) -> Iterator[Span]:
        if _is_call_arguments(node) and len(node.children) >= 3:
            first, second = node.children[0], node.children[2]
            called = getattr(node.parent.get_previous_leaf(), "value", "")
            alike = called != "isinstance" and called not in self.unlike
            if alike and _is_name(first) and _is_name(second):
                if second.get_code().strip() not in TYPES:
                    yield first.start_pos, second.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        first, second = node.children[0], node.children[2]
        node.children[0], node.children[2] = second, first
        return node

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example("f(a,b, c=1)", "f(b,a, c=1)"),)


class DropKeyword(Operator):
    """Leave out a keyword argument, so that the default is used."""

    required: frozenset[tuple[str, str]] = frozenset()
    """Functions of the library and arguments that they do not run without."""

    def mutation_positions(self, node: Any) -> Iterator[Span]:
        for argument in self._droppable(node):
            yield argument.start_pos, argument.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        dropped = self._droppable(node)[index]
        if _is_call_arguments(node):
            place = node.children.index(dropped)
            # With the comma after it, or else the one before.
            last = place == len(node.children) - 1
            del node.children[place - last : place + 2 - last]
            return node
        # The only argument of a call is not in a list.
        node.children = [child for child in node.children if child is not dropped]
        return node

    def _droppable(self, node: Any) -> list[Any]:
        if not (_is_call_arguments(node) or node.type == "trailer"):
            return []
        called = (node if node.type == "trailer" else node.parent).get_previous_leaf()
        return [
            child
            for child in node.children
            if child.type == "argument"
            and len(child.children) == 3
            and child.children[1].value == "="
            and (getattr(called, "value", ""), child.children[0].value)
            not in self.required
        ]

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (
            Example("f(a, b=1)", "f(a)"),
            Example("f(a, b=1, c=2)", "f(a, c=2)"),
            Example("f(b=1)", "f()"),
        )


@cache
def chosen_operators(source: Path) -> dict[str, Operator]:
    """Return the operators by name, after each has passed its own examples.

    Parameters
    ----------
    source : Path
        The library, whose functions say which arguments they need.
    """
    definitions = list(_definitions(source))
    DropKeyword.required = frozenset(
        (name, argument)
        for name, arguments in definitions
        for argument in arguments
        if arguments[argument].needed
    )
    SwapArguments.unlike = frozenset(
        name
        for name, arguments in definitions
        if len({argument.type for argument in list(arguments.values())[:2]}) > 1
    )
    own = [SwapText(), SwapAttribute(), SwapArguments(), DropKeyword()]
    for operator in own:
        _check_examples(operator)
    named = {name: get_operator(f"core/{name}")() for name in KEPT}
    return named | {type(operator).__name__: operator for operator in own}


def _check_examples(operator: Operator) -> None:
    for example in operator.examples():
        made = mutate_code(example.pre_mutation_code, operator, example.occurrence)
        if made != example.post_mutation_code:
            raise ValueError(
                f"{type(operator).__name__} should make of "
                f"{example.pre_mutation_code!r}: {example.post_mutation_code!r}. "
                f"Received: {made!r}"
            )


def _definitions(source: Path) -> Iterator[tuple[str, dict[str, Argument]]]:
    """Return each function and class of the library with its arguments."""
    for path in sorted(source.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                yield node.name, dict(_arguments(node.args))
            elif isinstance(node, ast.ClassDef):
                fields = [
                    field for field in node.body if isinstance(field, ast.AnnAssign)
                ]
                yield (
                    node.name,
                    {
                        ast.unparse(field.target): Argument(
                            ast.unparse(field.annotation), field.value is None
                        )
                        for field in fields
                    },
                )


def _arguments(arguments: ast.arguments) -> Iterator[tuple[str, Argument]]:
    plain = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(plain) - len(arguments.defaults)) + arguments.defaults
    both = [*zip(plain, defaults, strict=True)]
    both += zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    for argument, default in both:
        if argument.arg != "self":
            kind = ast.unparse(argument.annotation) if argument.annotation else ""
            yield argument.arg, Argument(kind, default is None)


def _partners(word: str, pairs: tuple[tuple[str, str], ...]) -> list[str]:
    return [
        other
        for first, second in pairs
        for one, other in ((first, second), (second, first))
        if one == word
    ]


def _is_call_arguments(node: Any) -> bool:
    return bool(node.type == "arglist" and node.parent.type == "trailer")


def _is_name(node: Any) -> bool:
    if node.type == "name":
        return True
    return node.type == "atom_expr" and all(
        child.type == "name" or (child.type == "trailer" and child.children[0] == ".")
        for child in node.children
    )
