"""Replace functions of a module for the length of a block."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from nse_lstm.errors import StudyError


@contextmanager
def patched(module: ModuleType, **replacements: Callable[..., Any]) -> Iterator[None]:
    """Replace a module's functions by name inside the block.

    Only callers that look the name up in that module see the replacement.

    Parameters
    ----------
    module : module
        Whose names are replaced.
    **replacements : callable
        The new function by name.

    Raises
    ------
    StudyError
        If the module has no such name: the patch would do nothing.
    """
    unknown = sorted(set(replacements) - set(vars(module)))
    if unknown:
        raise StudyError(
            f"Expected names of {module.__name__} to replace. Received: {unknown}"
        )
    before = {name: getattr(module, name) for name in replacements}
    try:
        for name, function in replacements.items():
            setattr(module, name, function)
        yield
    finally:
        for name, function in before.items():
            setattr(module, name, function)
