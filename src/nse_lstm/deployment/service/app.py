"""The service's addresses."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import date
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as StarletteHTTPException

from nse_lstm.deployment.registry import promote
from nse_lstm.deployment.service.auth import check_token, require_token
from nse_lstm.deployment.service.holder import Holder
from nse_lstm.deployment.service.limits import Limits, LimitsMiddleware
from nse_lstm.deployment.service.schemas import (
    Asked,
    Batch,
    BatchAnswer,
    Champion,
    Forecast,
    Health,
    Line,
    Problem,
    Promoted,
    Promotion,
    Refused,
    Session,
    Stage,
    Ticker,
)
from nse_lstm.deployment.service.snapshot import Served, Snapshot, Source, find_place
from nse_lstm.errors import StudyError

__all__ = ["make_app"]

Answers = dict[int | str, dict[str, Any]]

PROBLEMS = {
    400: "The request cannot be read",
    401: "No token, or another one",
    404: "No such model, or no such session",
    408: "The body took too long",
    409: "The model cannot forecast from that session; or the registry says no",
    413: "The body is too large",
    422: "The request is none of those described",
    429: "Too many requests at once",
    431: "The head is too large",
    503: "The answer took too long",
}


def make_app(
    source: Source, *, token: str = "", limits: Limits | None = None
) -> FastAPI:
    """Make the service.

    Parameters
    ----------
    source : Source
        Registry, models and panel; checked here, and followed while the service runs.
    token : str
        Needed to change anything; without one nothing can be changed.
    limits : Limits, optional

    Returns
    -------
    FastAPI
        An ASGI application. Only tickers and stages of its snapshot lead to anything:
        no text of a request becomes part of a path.

    Raises
    ------
    ArtefactError, DataError
        If registry, models or panel do not hold up.
    ConfigurationError
        If the token is too short.
    """
    holder = Holder(source)
    app = FastAPI(
        title="nse-lstm",
        description="Forecasts of the Nairobi Securities Exchange's next session.",
        lifespan=_following(holder),
        # Its pages would load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
    )
    app.state.holder = holder
    _add_reading(app, holder)
    _add_forecasts(app, holder)
    if token:
        _add_promotions(app, holder, check_token(token))
    _add_errors(app)
    app.add_middleware(LimitsMiddleware, limits=limits or Limits())
    return app


def _following(holder: Holder) -> Callable[[FastAPI], Any]:
    @asynccontextmanager
    async def follow(_: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(holder.follow())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            holder.close()

    return follow


def _add_reading(app: FastAPI, holder: Holder) -> None:
    @app.get("/health", responses=_answers())
    async def health() -> Health:
        """Say whether the service answers, and from what."""
        snapshot = holder.current
        return Health(
            status="stale" if holder.is_stale else "ok",
            snapshot=snapshot.version,
            last_session=snapshot.last_session,
            n_models=len(snapshot.served),
        )

    @app.get("/champions", responses=_answers())
    async def champions() -> list[Champion]:
        """List what stands in each stage of each stock."""
        return [
            Champion.model_validate(served.entry, from_attributes=True)
            for served in holder.current.served.values()
        ]

    @app.get("/history", responses=_answers(422))
    async def history(
        ticker: Annotated[Ticker | None, Query()] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> list[Line]:
        """List the last promotions, newest first."""
        lines = reversed(holder.current.promotions)
        own = [each for each in lines if ticker in (None, each["ticker"])]
        return [Line.model_validate(each) for each in own[:limit]]


def _add_forecasts(app: FastAPI, holder: Holder) -> None:
    @app.get(
        "/forecasts/{ticker}",
        responses={200: {"model": Forecast}, **_answers(404, 409, 422, 503)},
    )
    async def one(
        ticker: Ticker,
        date: Annotated[Session | None, Query()] = None,
        stage: Annotated[Stage, Query()] = "champion",
    ) -> Response:
        """Forecast from a session, the last one if no date is given."""
        snapshot = holder.current
        origin = date or snapshot.last_session
        served, place = _look_up(snapshot, ticker, origin, stage)
        if served is None:
            raise HTTPException(404, place)
        if isinstance(place, str):
            raise HTTPException(409, place)
        await holder.fill(served, [place], version=snapshot.version)
        return Response(served.lines[place], media_type="application/json")

    @app.post(
        "/forecasts",
        responses={200: {"model": BatchAnswer}, **_answers(*BODY, 503)},
    )
    async def batch(given: Batch) -> Response:
        """Forecast many; what cannot be is among the answers, with its reason."""
        snapshot = holder.current
        return Response(
            await _answer_batch(holder, snapshot, given), media_type="application/json"
        )


BODY = (400, 408, 413, 422)


async def _answer_batch(holder: Holder, snapshot: Snapshot, given: Batch) -> bytes:
    found = [
        (each, *_look_up(snapshot, each.ticker, each.date, each.stage))
        for each in given.forecasts
    ]
    wanted: dict[Served, set[int]] = {}
    for _, served, place in found:
        if served is not None and isinstance(place, int):
            wanted.setdefault(served, set()).add(place)
    for served, places in wanted.items():
        await holder.fill(served, places, version=snapshot.version)
    lines = [
        served.lines[place]
        if served is not None and isinstance(place, int)
        else _refusal(asked, str(place))
        for asked, served, place in found
    ]
    return b'{"snapshot": "%b", "forecasts": [%b]}' % (
        snapshot.version.encode(),
        b", ".join(lines),
    )


def _refusal(asked: Asked, why: str) -> bytes:
    given = asked.model_dump()
    return Refused(**given, error=why).model_dump_json().encode()


def _look_up(
    snapshot: Snapshot, ticker: str, origin: date, stage: str
) -> tuple[Served | None, int | str]:
    """Return a model and the place of a window; a text in its place says why not."""
    served = snapshot.served.get((ticker, stage))
    if served is None:
        return None, f"There is no {stage} of that ticker"
    return served, find_place(served, origin)


def _add_promotions(app: FastAPI, holder: Holder, token: str) -> None:
    async def bearer(request: Request) -> None:
        require_token(request, token)

    @app.post(
        "/promotions",
        dependencies=[Depends(bearer)],
        responses=_answers(401, 404, 409, *BODY, 503),
    )
    async def promotions(given: Promotion) -> Promoted:
        """Put a model that the registry's log knows in a stage."""
        known = [
            line
            for line in holder.current.promotions
            if (line["ticker"], line["version"]) == (given.ticker, given.version)
        ]
        if not known:
            raise HTTPException(404, "The log knows no such model of that ticker")
        try:
            await holder.change(lambda: _promote(holder.source, known[-1], given))
        except StudyError as error:
            raise HTTPException(
                409, "The registry refused; its log says why"
            ) from error
        await holder.change(holder.refresh)
        return Promoted(
            snapshot=holder.current.version,
            ticker=given.ticker,
            stage=given.stage,
            version=given.version,
        )


def _promote(source: Source, line: dict[str, Any], given: Promotion) -> None:
    """Promote by the log's own words; the request's are a stage and a reason."""
    promote(
        source.paths.registry,
        ticker=line["ticker"],
        stage=given.stage,
        model=line["model"],
        version=line["version"],
        bundle=line["bundle"],
        evidence=line["evidence"],
        why=given.why,
    )


def _add_errors(app: FastAPI) -> None:
    """Answer every error in JSON, without a word about what is inside."""

    @app.exception_handler(StarletteHTTPException)
    async def refused(_: Request, error: StarletteHTTPException) -> JSONResponse:
        return JSONResponse(
            {"error": error.detail}, error.status_code, headers=error.headers
        )

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        place = ".".join(str(each)[:40] for each in first["loc"][:4])
        return JSONResponse({"error": f"{place}: {first['msg']}"[:300]}, 422)

    @app.exception_handler(Exception)
    async def broken(_: Request, __: Exception) -> JSONResponse:
        return JSONResponse({"error": "Something went wrong here"}, 500)


def _answers(*statuses: int) -> Answers:
    """Describe what an address may refuse with, and what any may."""
    return {
        status: {"model": Problem, "description": PROBLEMS[status]}
        for status in (*statuses, 429, 431)
    }
