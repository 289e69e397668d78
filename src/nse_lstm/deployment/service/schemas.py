"""Schemas of requests and answers; other requests are refused."""

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _written_out(given: object) -> object:
    """Accept a date only as a text such as 2023-12-29."""
    if not isinstance(given, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", given):
        raise ValueError("must be a date such as 2023-12-29")
    return given


Session = Annotated[date, BeforeValidator(_written_out)]
Ticker = Annotated[str, Field(pattern=r"^\^?[A-Z0-9]{1,12}(-[A-Z0-9]{1,6})?$")]
Stage = Literal["candidate", "challenger", "champion"]
Version = Annotated[str, Field(pattern=r"^([0-9a-f]{64}|persistence)$")]
Text = Annotated[str, Field(pattern=r"^[ -~]*[!-~][ -~]*$", max_length=300)]


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ForecastRequest(_Given):
    """Request of one forecast."""

    ticker: Ticker
    date: Session
    """The origin: the last known session."""
    stage: Stage = "champion"


class BatchRequest(_Given):
    """Request of several forecasts."""

    forecasts: Annotated[list[ForecastRequest], Field(min_length=1, max_length=1000)]


class PromotionRequest(_Given):
    """Request to promote a model of the registry's log to a stage."""

    ticker: Ticker
    stage: Stage
    version: Version
    why: Text
    replaces: Version | Literal[""] | None = None
    """The version expected in the stage now, empty for none; not checked if null."""


class RollbackRequest(_Given):
    """Request to make a stock's previous champion champion again."""

    ticker: Ticker
    why: Text


class Distribution(BaseModel):
    """Distribution of the log return from the origin over some sessions."""

    horizon: int
    """Sessions ahead."""
    target_date: date
    last_price: float
    """KES, at the origin."""
    unchanged: float
    """Probability that the price does not move."""
    quantiles: dict[str, float]
    """Log returns by probability; a price is ``last_price * exp(quantile)``."""


class ForecastAnswer(BaseModel):
    """One forecast; missing numbers are null."""

    ticker: str
    stage: str
    model: str
    version: str
    snapshot: str
    """State of registry, panel, store and distributions."""
    origin: date
    target_date: date
    """Expected date: ``horizon`` weekdays on."""
    horizon: int
    price_hat: float | None
    """KES, unadjusted for splits after the origin."""
    y_hat: float | None
    """Log return; null where the price forecast is not positive."""
    lower: float | None
    """Log return; null where the forecast store has no bound."""
    upper: float | None
    flags: str
    """Flags of the stored forecast, separated by commas; empty if none."""
    distribution: list[Distribution]
    """Of a stock LSTM's last scored forecast, one per horizon; empty for others."""


class RefusedAnswer(BaseModel):
    """Reason why a requested forecast is missing from a batch."""

    ticker: str
    date: date
    stage: str
    error: str


class BatchAnswer(BaseModel):
    """Answers in the order of the requests, all from one snapshot."""

    snapshot: str
    forecasts: list[ForecastAnswer | RefusedAnswer]


class Champion(BaseModel):
    """Current entry of a stage of a stock."""

    ticker: str
    stage: str
    model: str
    version: str
    why: str


class LoggedChange(Champion):
    """One promotion of the registry's log."""

    seq: int
    when: str
    evidence: str
    way: str
    """The kind of promotion."""


class Promoted(BaseModel):
    """Result of a promotion or roll-back."""

    snapshot: str
    ticker: str
    stage: str
    version: str


class Health(BaseModel):
    """State of the service and its snapshot."""

    status: Literal["ok", "stale"]
    """stale: registry, models or panel are invalid; the last valid state answers."""
    snapshot: str
    last_session: date
    n_models: int


class Problem(BaseModel):
    """Reason why there is no answer."""

    error: str
