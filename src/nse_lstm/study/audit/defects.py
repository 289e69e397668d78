"""Defects to be caught, one at a time: what they do to our own functions.

Each is a patch that lasts for a block. Most are mistakes that published studies made;
what they do to the figures is measured in ``power``.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

Patch = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True)
class Defect:
    """One mistake, and the patch that makes it."""

    name: str
    what: str
    """What the patched functions do."""
    patch: Patch
    learner: str = "stand-in"
    """"network" where the mistake lies in fitting or forecasting networks."""
