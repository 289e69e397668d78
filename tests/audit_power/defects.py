"""A defect: a patch that puts one known mistake into the study's own functions.

Most are mistakes of published studies. The patch lasts for a block; ``measure`` records
which checks alarm and how it changes v2's printed figures.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

Patch = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True)
class Defect:
    """One mistake, and the patch that makes it."""

    name: str
    description: str
    """Effect of the patch."""
    patch: Patch
    learner: str = "surrogate"
    """"network" where the mistake lies in fitting or forecasting networks."""
    futures: str = ""
    """Other futures that are walked; by the learner if empty, see ``measure``."""
