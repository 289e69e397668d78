"""Routes of the service."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import date
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Query, Response

from nse_lstm.deployment.order_advice import LIMITS, Order, advise_orders
from nse_lstm.deployment.service.auth import check_token
from nse_lstm.deployment.service.changes import add_changes
from nse_lstm.deployment.service.limits import Limits, LimitsMiddleware
from nse_lstm.deployment.service.problems import OF_A_BODY, add_errors, answers
from nse_lstm.deployment.service.requests import HeadMiddleware, check_query
from nse_lstm.deployment.service.schemas import (
    AdviceAnswer,
    BatchAnswer,
    BatchRequest,
    Champion,
    ForecastAnswer,
    ForecastRequest,
    Health,
    LoggedChange,
    RefusedAnswer,
    Session,
    Shares,
    Side,
    Stage,
    Ticker,
)
from nse_lstm.deployment.service.snapshot import (
    ServedModel,
    Snapshot,
    Source,
    find_window,
)
from nse_lstm.deployment.service.snapshot_cache import SnapshotCache
from nse_lstm.deployment.service.stored_parts import finite


def make_app(
    source: Source, *, token: str = "", limits: Limits | None = None
) -> FastAPI:
    """Build the service as an ASGI application.

    Parameters
    ----------
    source : Source
        Registry, models and panel; checked here, and again after every change.
    token : str
        Needed for changes; without one there are no routes for changes.
    limits : Limits, optional
        Sizes, times and number of requests.

    Returns
    -------
    FastAPI
        Tickers and stages are looked up in its snapshot, so that no text of a request
        becomes part of a path.

    Raises
    ------
    ArtefactError, DataError
        If registry, models or panel are invalid.
    ConfigurationError
        If the token is too short.
    """
    holder = SnapshotCache(source)
    app = FastAPI(
        title="nse-lstm",
        description="Forecasts of the Nairobi Securities Exchange's next session.",
        lifespan=_following(holder),
        # These pages would load scripts from other servers.
        docs_url=None,
        redoc_url=None,
        # A redirection would lead to the host that the request names.
        redirect_slashes=False,
        dependencies=[Depends(check_query)],
    )
    app.state.holder = holder
    _add_reading(app, holder)
    _add_forecasts(app, holder)
    _add_advice(app, holder)
    if token:
        add_changes(app, holder, check_token(token))
    add_errors(app)
    app.add_middleware(HeadMiddleware)
    app.add_middleware(LimitsMiddleware, limits=limits or Limits())
    return app


def _following(holder: SnapshotCache) -> Callable[[FastAPI], Any]:
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


def _add_reading(app: FastAPI, holder: SnapshotCache) -> None:
    @app.get("/health", responses=answers())
    async def health() -> Health:
        """Return the state of the service and its snapshot."""
        snapshot = holder.current
        return Health(
            status="stale" if holder.is_stale else "ok",
            snapshot=snapshot.version,
            last_session=snapshot.last_session,
            n_models=len(snapshot.served),
        )

    @app.get("/champions", responses=answers())
    async def champions() -> list[Champion]:
        """List the current entry of each stage of each stock."""
        return [
            Champion.model_validate(entry, from_attributes=True)
            for entry in holder.current.entries
        ]

    @app.get("/history", responses=answers(422))
    async def history(
        ticker: Annotated[Ticker | None, Query()] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> list[LoggedChange]:
        """List the last promotions, newest first."""
        lines = reversed(holder.current.promotions)
        own = [each for each in lines if ticker in (None, each["ticker"])]
        return [LoggedChange.model_validate(each) for each in own[:limit]]


def _add_advice(app: FastAPI, holder: SnapshotCache) -> None:
    @app.get("/advice/{ticker}", responses=answers(404, 409, 422))
    async def advice(
        ticker: Ticker,
        side: Annotated[Side, Query()],
        shares: Annotated[Shares, Query()] = 1,
        latest: Annotated[Session | None, Query()] = None,
    ) -> AdviceAnswer:
        """Advise on an order: send it to the next session, or wait and until when."""
        snapshot = holder.current
        basis = snapshot.advice
        if isinstance(basis, str):
            raise HTTPException(409, basis)
        if ticker not in basis.listed:
            raise HTTPException(404, "There is no ordinary share of that code")
        day = latest or basis.last
        if day < basis.first or not basis.calendar.trades_on(day):
            raise HTTPException(
                422, f"latest must be a trading day as {basis.first}, not before it"
            )
        order = Order(line=1, side=side, ticker=ticker, shares=shares, latest=day)
        (row,) = advise_orders([order], basis).to_dict("records")
        return AdviceAnswer(
            snapshot=snapshot.version,
            origin=basis.origin,
            holds_for=basis.first,
            limits=list(LIMITS),
            **{
                str(name): finite(value) if str(name).endswith("_bps") else value
                for name, value in row.items()
                if name != "line"
            },
        )


def _add_forecasts(app: FastAPI, holder: SnapshotCache) -> None:
    @app.get(
        "/forecasts/{ticker}",
        responses={200: {"model": ForecastAnswer}, **answers(404, 409, 422, 503)},
    )
    async def one(
        ticker: Ticker,
        date: Annotated[Session | None, Query()] = None,
        stage: Annotated[Stage, Query()] = "champion",
    ) -> Response:
        """Return the forecast from a session, by default the last one."""
        snapshot = holder.current
        origin = date or snapshot.last_session
        served, place = _find_model(snapshot, ticker, origin, stage)
        if served is None:
            raise HTTPException(404, place)
        if isinstance(place, str):
            raise HTTPException(409, place)
        await holder.fill(served, [place], version=snapshot.version)
        return Response(served.answers[place], media_type="application/json")

    @app.post(
        "/forecasts",
        responses={200: {"model": BatchAnswer}, **answers(*OF_A_BODY, 503)},
    )
    async def batch(given: BatchRequest) -> Response:
        """Return many forecasts; a missing one is answered with its reason."""
        snapshot = holder.current
        return Response(
            await _answer_batch(holder, snapshot, given), media_type="application/json"
        )


async def _answer_batch(
    holder: SnapshotCache, snapshot: Snapshot, given: BatchRequest
) -> bytes:
    found = [
        (each, *_find_model(snapshot, each.ticker, each.date, each.stage))
        for each in given.forecasts
    ]
    wanted: dict[ServedModel, set[int]] = {}
    for _, served, place in found:
        if served is not None and isinstance(place, int):
            wanted.setdefault(served, set()).add(place)
    for served, places in wanted.items():
        await holder.fill(served, places, version=snapshot.version)
    lines = [
        served.answers[place]
        if served is not None and isinstance(place, int)
        else _refusal(requested, str(place))
        for requested, served, place in found
    ]
    return b'{"snapshot": "%b", "forecasts": [%b]}' % (
        snapshot.version.encode(),
        b", ".join(lines),
    )


def _refusal(requested: ForecastRequest, why: str) -> bytes:
    given = requested.model_dump()
    return RefusedAnswer(**given, error=why).model_dump_json().encode()


def _find_model(
    snapshot: Snapshot, ticker: str, origin: date, stage: str
) -> tuple[ServedModel | None, int | str]:
    """Return a model and the place of a window, or a reason in place of either."""
    served = snapshot.served.get((ticker, stage))
    if served is None:
        return None, f"There is no {stage} of that ticker"
    return served, find_window(served, origin)
