"""The service on a port: uvicorn, with a time limit for a request's head."""

import asyncio
import math
import os

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from nse_lstm.deployment.service.app import make_app
from nse_lstm.deployment.service.auth import TOKEN_VARIABLE
from nse_lstm.deployment.service.limits import Limits
from nse_lstm.deployment.service.snapshot import Source


def run(source: Source, *, host: str = "127.0.0.1", port: int = 8000) -> None:
    """Serve until interrupted.

    The token for changes is read from the environment, see ``auth``.

    Parameters
    ----------
    source : Source
        Registry, models, panel and store.
    host : str
        Address to listen on; this machine only by default.
    port : int
        Port to listen on.

    Raises
    ------
    ArtefactError, DataError, ConfigurationError
        If registry, models, panel or token are invalid.
    """
    limits = Limits()
    app = make_app(source, token=os.environ.get(TOKEN_VARIABLE, ""), limits=limits)
    make_server(app, limits, host=host, port=port).run()


def make_server(
    app: FastAPI, limits: Limits, *, host: str, port: int
) -> uvicorn.Server:
    """Return the server, not yet running.

    Parameters
    ----------
    app : FastAPI
        The service.
    limits : Limits
        Sizes and times of uvicorn's own.
    host : str
        Address to listen on.
    port : int
        Port to listen on; 0 takes a free one.
    """
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=bounded_protocol(limits.head_seconds, limits.connections),
        ws="none",
        loop="asyncio",
        h11_max_incomplete_event_size=limits.head_bytes,
        timeout_keep_alive=math.ceil(limits.head_seconds),
        timeout_graceful_shutdown=math.ceil(limits.answer_seconds),
        server_header=False,
        access_log=False,
        log_level="warning",
    )
    return uvicorn.Server(config)


def bounded_protocol(seconds: float, n_connections: int) -> type[H11Protocol]:
    """Return uvicorn's protocol with bounded connections and a deadline for a head.

    Slowly arriving bytes do not extend the deadline. A flood of connections logs one
    line, and the next one only after half were gone.

    Parameters
    ----------
    seconds : float
        From an open connection to a complete head.
    n_connections : int
        Connections at once; a further one is closed unanswered.
    """

    class Bounded(H11Protocol):
        deadline: asyncio.TimerHandle | None = None
        is_full = False

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            if len(self.connections) > n_connections:
                self._tell_once()
                transport.abort()
                return
            if len(self.connections) <= n_connections // 2:
                Bounded.is_full = False
            self._watch()

        def _tell_once(self) -> None:
            if not Bounded.is_full:
                self.logger.warning("%d connections: closing new ones", n_connections)
            Bounded.is_full = True

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._watch()

        def connection_lost(self, exc: Exception | None) -> None:
            self._rest()
            super().connection_lost(exc)

        def _watch(self) -> None:
            """Start the clock while no request is complete, stop it when one is."""
            if self.cycle is not None and not self.cycle.response_complete:
                self._rest()
            elif self.deadline is None:
                self.deadline = self.loop.call_later(seconds, self._give_up)

        def _rest(self) -> None:
            if self.deadline is not None:
                self.deadline.cancel()
                self.deadline = None

        def _give_up(self) -> None:
            self.deadline = None
            if self.cycle is None or self.cycle.response_complete:
                self.transport.close()

    return Bounded
