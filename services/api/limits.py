"""How many requests a client may make: counted in Redis, or in this process while Redis is away."""

import time
from dataclasses import dataclass

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from redis.asyncio import ConnectionPool, Redis
from redis.exceptions import RedisError

# Redis is a convenience here; a request never waits long for it.
REDIS_TIMEOUT = 0.5
LOG_INS = RateLimitItemPerMinute(10, namespace="log-ins")
COMMENTS = RateLimitItemPerMinute(20, namespace="comments")


@dataclass(frozen=True, slots=True)
class Budget:
    """What a client has left in this minute; `reset` in seconds."""

    allowed: bool
    limit: int
    remaining: int
    reset: int


class RateLimiter:
    """A sliding window a minute long, per client."""

    def __init__(self, redis_url: str, per_minute: int) -> None:
        self._item = RateLimitItemPerMinute(per_minute)
        self._pool = ConnectionPool.from_url(
            redis_url, socket_timeout=REDIS_TIMEOUT, socket_connect_timeout=REDIS_TIMEOUT
        )
        scheme = "redis+unix" if redis_url.startswith("unix") else "redis"
        storage = RedisStorage(
            f"async+{scheme}://",
            implementation="redispy",
            connection_pool=self._pool,  # type: ignore[arg-type]  # documented, but missing in its types
        )
        self._shared = SlidingWindowCounterRateLimiter(storage)
        self._own = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def hit(self, who: str) -> Budget:
        """Count one request."""
        try:
            return await self._hit(self._shared, who)
        except (RedisError, OSError):
            return await self._hit(self._own, who)

    async def may_log_in(self, who: str) -> bool:
        """Say whether `who` may try a password: not after ten failures within a minute."""
        try:
            return await self._shared.test(LOG_INS, who)
        except (RedisError, OSError):
            return await self._own.test(LOG_INS, who)

    async def log_in_failed(self, who: str) -> None:
        """Count a wrong password."""
        try:
            await self._shared.hit(LOG_INS, who)
        except (RedisError, OSError):
            await self._own.hit(LOG_INS, who)

    async def may_comment(self, share: str) -> bool:
        """Count one comment by way of a share, and say whether it may be made: twenty a minute, by whomever."""
        try:
            return await self._shared.hit(COMMENTS, share)
        except (RedisError, OSError):
            return await self._own.hit(COMMENTS, share)

    async def _hit(self, limiter: SlidingWindowCounterRateLimiter, who: str) -> Budget:
        allowed = await limiter.hit(self._item, who)
        reset, remaining = await limiter.get_window_stats(self._item, who)
        seconds = max(1, int(reset - time.time()) + 1)
        return Budget(allowed, self._item.amount, max(0, remaining), seconds)

    async def is_redis_up(self) -> bool:
        """Ask Redis for a sign of life."""
        try:
            return bool(await Redis(connection_pool=self._pool).ping())
        except (RedisError, OSError):
            return False

    async def close(self) -> None:
        await self._pool.aclose()
