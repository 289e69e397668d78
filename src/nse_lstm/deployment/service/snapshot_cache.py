"""Cache of the current snapshot, replaced while requests continue."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from nse_lstm.deployment.service.snapshot import (
    ServedModel,
    Snapshot,
    Source,
    compute_answers,
    take_snapshot,
)
from nse_lstm.errors import StudyError

POLL_SECONDS = 1.0
"""Seconds between two checks for a new champion or panel."""

Result = TypeVar("Result")

logger = logging.getLogger(__name__)


class SnapshotCache:
    """The current snapshot; a request keeps the one that it began with.

    Parameters
    ----------
    source : Source
        Inputs of a snapshot.

    Raises
    ------
    ArtefactError, DataError
        As ``take_snapshot``.
    """

    def __init__(self, source: Source) -> None:
        self.source, self.is_stale = source, False
        # One thread forecasts and one changes the state; other requests go on.
        self.forecaster, self.changer = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
        self.stamp = source.stamp
        self.current: Snapshot = take_snapshot(source)

    async def change(self, task: Callable[[], Result]) -> Result:
        """Run a change of the state in a thread, one at a time."""
        return await asyncio.get_running_loop().run_in_executor(self.changer, task)

    async def fill(
        self, served: ServedModel, places: Iterable[int], *, version: str
    ) -> None:
        """Compute the answers that are missing, see ``compute_answers``.

        Parameters
        ----------
        served : ServedModel
        places : iterable of int
            Places among its windows.
        version : str
            The snapshot's version.
        """
        wanted = set(places)
        if not wanted <= served.answers.keys():
            task = partial(compute_answers, served, wanted, version=version)
            await asyncio.get_running_loop().run_in_executor(self.forecaster, task)

    def refresh(self) -> None:
        """Take a new snapshot if registry, panel or store changed since the last.

        An invalid state is not served: the last valid one stays, marked as stale. So it
        does while the store cannot be reached, with one line in the log.
        """
        try:
            stamp = self.source.stamp
            if stamp == self.stamp and not self.is_stale:
                return
            # Between another process's writes of the registry's two files they
            # contradict each other; the next refresh reads them again.
            self.current = take_snapshot(self.source)
            self.stamp, self.is_stale = stamp, False
        except (StudyError, OSError) as error:
            if not self.is_stale:
                logger.error("The last valid state stays in service: %s", error)
            self.is_stale = True

    async def follow(self) -> None:
        """Refresh until cancelled."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                await self.change(self.refresh)
            except Exception:
                self.is_stale = True
                logger.exception("The last valid state stays in service")

    def close(self) -> None:
        """Stop both threads."""
        self.forecaster.shutdown(cancel_futures=True)
        self.changer.shutdown(cancel_futures=True)
