"""Another function in the place of one of ours, for the length of a block."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from nse_lstm.errors import StudyError


@contextmanager
def patched(module: ModuleType, **instead: Callable[..., Any]) -> Iterator[None]:
    """Let a module's names stand for other functions inside the block.

    Only callers that look the name up in that module see the other function.

    Raises
    ------
    StudyError
        If the module has no such name: the patch would do nothing.
    """
    unknown = sorted(set(instead) - set(vars(module)))
    if unknown:
        raise StudyError(
            f"Expected names of {module.__name__} to replace. Received: {unknown}"
        )
    before = {name: getattr(module, name) for name in instead}
    try:
        for name, function in instead.items():
            setattr(module, name, function)
        yield
    finally:
        for name, function in before.items():
            setattr(module, name, function)
