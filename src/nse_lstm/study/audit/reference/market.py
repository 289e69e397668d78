"""The reference's tables: each stock's day, and the market of all stocks."""

from dataclasses import dataclass, field
from datetime import date


@dataclass
class ReferenceDay:
    """One stock's row of one session."""

    price: float | None
    previous: float | None
    volume: float | None
    adjust: float | None
    low: float | None = None
    high: float | None = None
    stale: bool = False
    misplaced: bool = False
    """Whether the board is of another session than the one before."""
    untold: bool = False
    """Whether the next ``Previous`` is not this session's price."""
    suspended: bool = False
    gap: bool = False
    settling: bool = False
    dividend: float = 0.0
    factor: float = 1.0
    shares: float = 1.0

    @property
    def adjusted(self) -> float | None:
        """Price adjusted to the shares of the first row, KES."""
        return None if self.price is None else self.price * self.shares

    @property
    def settled(self) -> float | None:
        """Adjusted price, None while it does not yet follow an ex-date."""
        return None if self.settling else self.adjusted


@dataclass
class ReferenceMarket:
    """Sessions in order, and each stock's and each index's rows by session."""

    sessions: list[date]
    stocks: dict[str, dict[date, ReferenceDay]] = field(default_factory=dict)
    indices: dict[str, dict[date, ReferenceDay]] = field(default_factory=dict)
    """Their rows make no session."""
    covered: set[tuple[str, int]] = field(default_factory=set)
    """Stocks and years whose dividends are all sourced."""

    @property
    def listed(self) -> list[dict[date, ReferenceDay]]:
        """Rows of every stock and every index."""
        return [*self.stocks.values(), *self.indices.values()]
