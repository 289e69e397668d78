"""Limits of a request: size, duration and the number at once."""

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True)
class Limits:
    """Limits beyond which a request is refused."""

    head_bytes: int = 16 * 1024
    """First line and headers."""
    body_bytes: int = 256 * 1024
    batch: int = 1000
    """Forecasts in one request."""
    concurrent: int = 64
    """Requests at once."""
    connections: int = 256
    """Open connections at once, idle ones among them; a further one is closed."""
    head_seconds: float = 5.0
    """From an open connection to a complete head; also between two requests."""
    body_seconds: float = 5.0
    answer_seconds: float = 20.0


class LimitsMiddleware:
    """Refuse slow, large or too many requests with 408, 413, 429 or 431.

    A body is read completely before the application sees the request. An answer that
    takes too long becomes 503.
    """

    def __init__(self, app: App, limits: Limits) -> None:
        self.app, self.limits, self.running = app, limits, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif self.running >= self.limits.concurrent:
            await _refuse(send, 429, "Too many requests at once; try again")
        elif _head_bytes(scope) > self.limits.head_bytes:
            await _refuse(send, 431, "The head is too large", close=True)
        else:
            self.running += 1
            try:
                await self._bounded(scope, receive, send)
            finally:
                self.running -= 1

    async def _bounded(self, scope: Scope, receive: Receive, send: Send) -> None:
        if _has_body(scope):
            try:
                async with asyncio.timeout(self.limits.body_seconds):
                    body = await _read(receive, at_most=self.limits.body_bytes)
            except TimeoutError:
                return await _refuse(send, 408, "The body took too long", close=True)
            if body is None:
                return await _refuse(send, 413, "The body is too large", close=True)
            receive = _replay(body, receive)
        await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False

        async def watched(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            async with asyncio.timeout(self.limits.answer_seconds):
                await self.app(scope, receive, watched)
        except TimeoutError:
            if not has_begun:
                await _refuse(send, 503, "The answer took too long", close=True)


def _head_bytes(scope: Scope) -> int:
    line = len(scope["raw_path"]) + len(scope["query_string"])
    return line + sum(len(name) + len(value) for name, value in scope["headers"])


def _has_body(scope: Scope) -> bool:
    names = {name for name, _ in scope["headers"]}
    return bool(names & {b"content-length", b"transfer-encoding"})


async def _read(receive: Receive, *, at_most: int) -> bytes | None:
    """Read a body; None if it is too large, a short one after a disconnection."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > at_most:
            return None
        if not message.get("more_body", False):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    given = [body]

    async def again() -> Message:
        if given:
            return {"type": "http.request", "body": given.pop(), "more_body": False}
        return await receive()

    return again


async def _refuse(send: Send, status: int, why: str, *, close: bool = False) -> None:
    body = json.dumps({"error": why}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        *([(b"connection", b"close")] if close else []),
    ]
    start = {"type": "http.response.start", "status": status, "headers": headers}
    await send(start)
    await send({"type": "http.response.body", "body": body})
