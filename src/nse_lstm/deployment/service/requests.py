"""Rules for every request: known query parameters, HEAD wherever GET is."""

from collections import Counter

from fastapi import HTTPException, Request
from fastapi.routing import APIRoute

from nse_lstm.deployment.service.limits import App, Message, Receive, Scope, Send


def check_query(request: Request) -> None:
    """Refuse an unknown or a repeated query parameter.

    A misspelt name would else be ignored and another question answered.

    Parameters
    ----------
    request : Request

    Raises
    ------
    HTTPException
        422, with the names that the route has.
    """
    route: APIRoute = request.scope["route"]
    known = sorted(field.alias for field in route.dependant.query_params)
    given = Counter(name for name, _ in request.query_params.multi_items())
    for name, n in given.items():
        if name not in known:
            names = ", ".join(known) or "no parameters"
            why = f"query.{name[:40]}: unknown; this address has {names}"
            raise HTTPException(422, why)
        if n > 1:
            raise HTTPException(422, f"query.{name}: expected once, received {n} times")


class HeadMiddleware:
    """Answer HEAD as GET is answered, without the body (RFC 9110, section 9.3.2)."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            return await self.app(scope, receive, send)

        async def without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self.app({**scope, "method": "GET"}, receive, without_body)
