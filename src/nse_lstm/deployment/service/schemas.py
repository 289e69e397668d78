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
Side = Literal["buy", "sell"]
Shares = Annotated[int, Field(ge=1, le=10**12)]
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


class StoredValues(BaseModel):
    """Values of a stored forecast, or of a correction of it."""

    revision: int
    """0 as first stored."""
    reason: str
    """Why the values changed; empty as first stored."""
    price_hat: float | None
    y_hat: float | None
    lower: float | None
    upper: float | None


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
    stored: list[StoredValues]
    """The stored forecast as it was first made, then its corrections; empty where no
    scoring has stored one. ``lower``, ``upper`` and ``flags`` are the last one's."""
    distribution: list[Distribution]
    """Of a stock LSTM's last scored forecast, one per horizon; empty for others."""


class AdviceAnswer(BaseModel):
    """Advice on one order; missing numbers are null. Savings are in basis points."""

    snapshot: str
    origin: date
    """The session that the forecast was made after."""
    holds_for: date
    """The next session, the only one that the advice holds for."""
    side: str
    ticker: str
    shares: int
    advice: str
    """"send now" or "wait"."""
    until: date
    """Last session that the order is sent to."""
    forecast_bps: float | None
    """Forecast log return beyond the market after the next session."""
    saving_bps: float | None
    """Mean saving of such waits in the backtest; 0 without a wait."""
    lower_bps: float | None
    upper_bps: float | None
    sd_bps: float | None
    """Standard deviation of one order."""
    why: str
    limits: list[str]
    """What the advice leaves open."""


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
