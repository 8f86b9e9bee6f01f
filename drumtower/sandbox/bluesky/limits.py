"""Rate limits as the PDS keeps them: fixed windows, in memory, told in headers.

Source: bluesky-social/atproto, packages/pds/src/index.ts and api/com/atproto (points a call, key of a budget).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

_HOUR, _DAY = 3600, 86400

# Budget -> (points, window in seconds), the tightest counts. A budget's key is an address, a DID or an identifier.
BUDGETS: dict[str, tuple[tuple[int, int], ...]] = {
    "global": ((3000, 300),),
    "session": ((300, _DAY), (30, 300)),
    "write": ((5000, _HOUR), (35000, _DAY)),
    "upload": ((1000, _DAY),),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The tightest budget after a draw."""

    limit: int
    window: int
    remaining: int
    resets_at: int  # epoch seconds
    exceeded: bool

    @property
    def headers(self) -> dict[str, str]:
        """As the PDS sends them; it sends no Retry-After."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Reset": str(self.resets_at),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Policy": f"{self.limit};w={self.window}",
        }


@dataclass(slots=True, kw_only=True)
class Limits:
    """Who has used how much. The budget per address is off at first: a whole test shares one loopback address."""

    now: Callable[[], datetime]
    enabled: bool = True
    per_address: bool = False
    _used: dict[tuple[str, str, int], tuple[float, int]] = field(default_factory=dict)

    def draw(self, budgets: Sequence[tuple[str, int]], address: str) -> Status | None:
        """Take points, given as (budget or budget:key, points); None where nothing limits the call."""
        if not self.enabled:
            return None
        wanted = [*budgets, ("global", 1)] if self.per_address else budgets
        found = [
            self._take(name, points, rule, address)
            for name, points in wanted
            for rule in BUDGETS[name.partition(":")[0]]
        ]
        return min(found, key=lambda status: (not status.exceeded, status.remaining), default=None)

    def _take(self, name: str, points: int, rule: tuple[int, int], address: str) -> Status:
        limit, window = rule
        now = self.now().timestamp()
        key = (name, address if name in ("global", "upload") else "", window)
        start, used = self._used.get(key, (now, 0))
        if now >= start + window:
            start, used = now, 0
        used += points
        self._used[key] = (start, used)
        return Status(
            limit=limit,
            window=window,
            remaining=max(0, limit - used),
            resets_at=int(start + window),
            exceeded=used > limit,
        )
