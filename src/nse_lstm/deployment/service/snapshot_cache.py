"""The current snapshot, and its replacement while requests go on."""

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
    compute,
    take_snapshot,
)
from nse_lstm.errors import StudyError

POLL_SECONDS = 1.0
"""How long a new champion or panel may go unseen."""

Result = TypeVar("Result")

logger = logging.getLogger(__name__)


class SnapshotCache:
    """Hands out the current snapshot; who got one keeps it for the whole request.

    Parameters
    ----------
    source : Source

    Raises
    ------
    ArtefactError, DataError
        As ``take_snapshot``: nothing is served that was not checked.
    """

    def __init__(self, source: Source) -> None:
        self.source, self.is_stale = source, False
        # One thread forecasts and one changes things; only who asked waits for either.
        self.forecaster, self.changer = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
        self.stamp = source.stamp
        self.current: Snapshot = take_snapshot(source)

    async def change(self, task: Callable[[], Result]) -> Result:
        """Do something to the state beside the requests, one thing at a time."""
        return await asyncio.get_running_loop().run_in_executor(self.changer, task)

    async def fill(
        self, served: ServedModel, places: Iterable[int], *, version: str
    ) -> None:
        """Compute what is not there yet."""
        wanted = set(places)
        if not wanted <= served.lines.keys():
            task = partial(compute, served, wanted, version=version)
            await asyncio.get_running_loop().run_in_executor(self.forecaster, task)

    def refresh(self) -> None:
        """Take another snapshot if registry or panel changed since the last.

        A state that does not hold up is not served: the one before stays, and the
        service says that it is stale.
        """
        stamp = self.source.stamp
        if stamp == self.stamp and not self.is_stale:
            return
        try:
            # The registry is two files: read while another process is between them it
            # contradicts itself, and is read again at the next turn.
            self.current = take_snapshot(self.source)
            self.stamp, self.is_stale = stamp, False
        except (StudyError, OSError) as error:
            if not self.is_stale:
                logger.error("The last checked state stays in service: %s", error)
            self.is_stale = True

    async def follow(self) -> None:
        """Refresh for ever."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                await self.change(self.refresh)
            except Exception:
                self.is_stale = True
                logger.exception("The last checked state stays in service")

    def close(self) -> None:
        """Let nothing more begin."""
        self.forecaster.shutdown(cancel_futures=True)
        self.changer.shutdown(cancel_futures=True)
