"""What comes in and goes out; anything else is refused before it is looked at."""

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _written_out(given: object) -> object:
    """Let no number pass for a date."""
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
    """One forecast asked for."""

    ticker: Ticker
    date: Session
    """The origin: the last session known."""
    stage: Stage = "champion"


class BatchRequest(_Given):
    """Several; the server's limit of their number is in its documentation."""

    forecasts: Annotated[list[ForecastRequest], Field(min_length=1, max_length=1000)]


class PromotionRequest(_Given):
    """A model that the registry's log knows, to be put in another stage."""

    ticker: Ticker
    stage: Stage
    version: Version
    why: Text
    replaces: Version | Literal[""] | None = None
    """What stands there now, if the promotion depends on it; empty for nothing."""


class RollbackRequest(_Given):
    """A champion that shall make room for the one before it."""

    ticker: Ticker
    why: Text


class ForecastAnswer(BaseModel):
    """One forecast; missing numbers are null."""

    ticker: str
    stage: str
    model: str
    version: str
    snapshot: str
    """State of registry and panel that it is of."""
    origin: date
    target_date: date
    """The expected one: ``horizon`` weekdays on."""
    horizon: int
    price_hat: float | None
    """KES, in shares of the origin."""
    y_hat: float | None
    """Log return; null where the price forecast is not positive."""
    lower: float | None
    """Log return; null where no evening's scoring gave a bound."""
    upper: float | None
    flags: str
    """Doubts of that scoring, with commas; empty if none."""


class RefusedAnswer(BaseModel):
    """A forecast of a batch that there is none of."""

    ticker: str
    date: date
    stage: str
    error: str


class BatchAnswer(BaseModel):
    """In the order of the questions, all of one snapshot."""

    snapshot: str
    forecasts: list[ForecastAnswer | RefusedAnswer]


class Champion(BaseModel):
    """What stands in a stage of a stock."""

    ticker: str
    stage: str
    model: str
    version: str
    why: str


class LoggedChange(Champion):
    """One line of the registry's log."""

    seq: int
    when: str
    evidence: str
    way: str
    """How it came to stand there."""


class Promoted(BaseModel):
    """What a promotion led to."""

    snapshot: str
    ticker: str
    stage: str
    version: str


class Health(BaseModel):
    """Whether the service answers, and from what."""

    status: Literal["ok", "stale"]
    """stale: registry or models no longer hold up; the last checked state answers."""
    snapshot: str
    last_session: date
    n_models: int


class Problem(BaseModel):
    """Why there is no answer."""

    error: str
