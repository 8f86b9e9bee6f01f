"""How fast calls may leave on one budget: GCRA, the leaky bucket that needs no more memory than one instant.

A budget belongs to an app (a platform at one address, shared by every channel there) or to one channel. Its whole
state is the theoretical arrival time (`tat`): when the bucket would be full again. ITU-T I.371; `brandur/redis-cell`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

# What waits for a reset on a budget without a rate leaves spread over this, not in one burst.
SPREAD = timedelta(seconds=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """`count` calls `per` so long on average, and `burst` at once after a rest.

    No window of `per` ever sees more than `count + burst`. `source` says where the numbers come from.
    """

    count: int
    per: timedelta
    burst: int
    source: str

    def __post_init__(self) -> None:
        if self.count < 1 or self.burst < 1 or self.per <= timedelta():
            raise ValueError(f"no such rate: {self}")

    @classmethod
    def within(cls, limit: int, per: timedelta, *, burst: int, source: str) -> "Rate":
        """Return the rate that keeps every window of `per` within a platform's `limit`, bursts included."""
        return cls(count=limit - burst, per=per, burst=burst, source=source)

    @property
    def interval(self) -> timedelta:
        """One token is made every so long; rounded up to the microsecond, so that no rounding adds a call."""
        return -(-self.per // self.count)


def app_key(platform: str, address: str) -> str:
    """Name the budget that every channel of a platform at one address shares."""
    return f"app:{platform}:{address.rstrip('/')}"


def channel_key(channel_id: UUID) -> str:
    """Name a channel's own budget."""
    return f"channel:{channel_id}"


def free_at(rate: Rate, tat: datetime | None, now: datetime) -> datetime:
    """Return when the next token is free; `now` where one is."""
    return now if tat is None else max(now, tat - rate.interval * (rate.burst - 1))


def left(rate: Rate, tat: datetime | None, now: datetime) -> int:
    """Return how many tokens are free now."""
    if tat is None or tat <= now:
        return rate.burst
    return max(0, rate.burst - -(-(tat - now) // rate.interval))


@dataclass(slots=True, kw_only=True)
class Budget:
    """One budget while a batch is served from it.

    `promised_until` is the last instant at which somebody was told to come again: who comes next waits behind them,
    so that what is over budget is spread one by one, and oldest first. Nothing is reserved by it.
    """

    key: str
    rate: Rate | None = None
    tat: datetime | None = None
    promised_until: datetime | None = None
    closed_until: datetime | None = None

    def free_at(self, now: datetime) -> datetime:
        """Return when a call may leave; `now` where it may at once."""
        at = free_at(self.rate, self.tat, now) if self.rate else now
        return max(at, self.closed_until) if self.closed_until else at

    def take(self, now: datetime) -> None:
        """Take a token, which must be free."""
        if self.rate is not None:
            self.tat = max(self.tat or now, now) + self.rate.interval

    def promise(self, now: datetime, draw: float) -> datetime:
        """Return when to come again, behind everybody who was told so before; `draw` in [0, 1) spreads the crowd."""
        at = self.free_at(now)
        if self.rate is None:
            return at + SPREAD * draw
        if self.promised_until is not None:
            at = max(at, self.promised_until + self.rate.interval)
        self.promised_until = at
        return at


def behind(budgets: Sequence[Budget], now: datetime, draw: float) -> datetime | None:
    """Return when to come again where one of the budgets has no token; None where all have."""
    short = [budget for budget in budgets if budget.free_at(now) > now]
    if not short:
        return None
    # Only the budget that binds makes a promise: a channel that is far behind must not push others of its app away.
    return max(short, key=lambda budget: budget.free_at(now)).promise(now, draw)


def admit(budgets: Sequence[Budget], now: datetime, draw: float) -> datetime | None:
    """Take a token of every budget, or of none: return when to come again where one has none, None where all had."""
    again = behind(budgets, now, draw)
    if again is None:
        for budget in budgets:
            budget.take(now)
    return again
