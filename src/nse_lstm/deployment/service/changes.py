"""Routes that change the registry: promotions and roll-backs, with the token."""

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import Depends, FastAPI, HTTPException, Request

from nse_lstm.deployment.registry import promote, roll_back
from nse_lstm.deployment.registry_entry import RegistryEntry
from nse_lstm.deployment.service.auth import require_token
from nse_lstm.deployment.service.problems import OF_A_BODY, answers
from nse_lstm.deployment.service.schemas import (
    Promoted,
    PromotionRequest,
    RollbackRequest,
)
from nse_lstm.deployment.service.snapshot_cache import SnapshotCache
from nse_lstm.errors import StudyError

logger = logging.getLogger(__name__)

REFUSED = "The registry refused; the server's log says why"
NOT_YET = "The change is logged but not in service; the server's log says why"


def add_changes(app: FastAPI, holder: SnapshotCache, token: str) -> None:
    """Add the routes that need the token.

    Parameters
    ----------
    app : FastAPI
        The service.
    holder : SnapshotCache
        Its snapshot is refreshed after a change.
    token : str
        The service's.
    """

    async def bearer(request: Request) -> None:
        require_token(request, token)

    changing: dict[str, Any] = {
        "dependencies": [Depends(bearer)],
        "responses": answers(401, 404, 409, *OF_A_BODY, 503),
    }

    @app.post("/promotions", **changing)
    async def promotions(given: PromotionRequest) -> Promoted:
        """Promote a model of the registry's log to a stage, without the gate."""
        known = [
            line
            for line in holder.current.promotions
            if (line["ticker"], line["version"]) == (given.ticker, given.version)
        ]
        if not known:
            raise HTTPException(404, "The log knows no such model of that ticker")
        return await _change(holder, partial(_promote, known[-1], given))

    @app.post("/rollbacks", **changing)
    async def rollbacks(given: RollbackRequest) -> Promoted:
        """Make a stock's previous champion champion again."""
        known = {line["ticker"] for line in holder.current.promotions}
        if given.ticker not in known:
            raise HTTPException(404, "The log knows nothing of that ticker")
        return await _change(
            holder, partial(roll_back, ticker=given.ticker, why=given.why)
        )


async def _change(
    holder: SnapshotCache, change: Callable[[Path], RegistryEntry]
) -> Promoted:
    """Change the registry, and answer once the change is in service."""
    try:
        entry = await holder.change(partial(change, holder.source.paths.registry))
    except StudyError as error:
        logger.warning("A change was refused: %s", error)
        raise HTTPException(409, REFUSED) from None
    await holder.change(holder.refresh)
    if holder.is_stale:
        raise HTTPException(503, NOT_YET)
    return Promoted(
        snapshot=holder.current.version,
        ticker=entry.ticker,
        stage=entry.stage,
        version=entry.version,
    )


def _promote(
    line: dict[str, Any], given: PromotionRequest, folder: Path
) -> RegistryEntry:
    """Promote a model as logged; only stage and reason come from the request."""
    return promote(
        folder,
        ticker=line["ticker"],
        stage=given.stage,
        model=line["model"],
        version=line["version"],
        bundle=line["bundle"],
        evidence=line["evidence"],
        why=given.why,
        way="override" if given.stage == "champion" else "hand",
        replaces=given.replaces,
    )
