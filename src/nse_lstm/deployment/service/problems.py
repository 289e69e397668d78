"""Error answers in one JSON form, without internal details."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as StarletteHTTPException

from nse_lstm.deployment.service.schemas import Problem

Answers = dict[int | str, dict[str, Any]]

PROBLEMS = {
    400: "The request cannot be read",
    401: "No token, or a wrong one",
    404: "No such model, or no such session",
    408: "The body took too long",
    409: "The model cannot forecast from that session, or the registry refuses",
    413: "The body is too large",
    422: "The request does not match its description",
    429: "Too many requests at once",
    431: "The head is too large",
    503: "The answer took too long",
}
OF_A_BODY = (400, 408, 413, 422)
"""Statuses of a bad body."""


def answers(*statuses: int) -> Answers:
    """Describe a route's error answers, with those of every route."""
    return {
        status: {"model": Problem, "description": PROBLEMS[status]}
        for status in sorted({*statuses, 422, 429, 431})
    }


def add_errors(app: FastAPI) -> None:
    """Answer every error in JSON, without internal details."""

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
