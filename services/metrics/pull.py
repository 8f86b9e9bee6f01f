"""Asks platforms for the numbers that are due, channel by channel, and stores what they give."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import text

from drumtower.connections import Connection, Connections
from drumtower.db.engine import Database, Tx
from drumtower.db.repositories.samples import NewSample, SampleRepository
from drumtower.domain import failures
from drumtower.domain.clock import Clock
from drumtower.domain.samples import CHANNEL_INTERVAL, next_sample
from drumtower.platforms import PlatformError, PostReference, Reading, StatsSource

log = structlog.get_logger(__name__)

# A claim that is not settled by then was a crash, and is made again.
LEASE = timedelta(minutes=5)
# One channel's calls all told; well within the lease.
CHANNEL_TIMEOUT = 120.0
CLAIM = 500
POSTS_PER_CALL = 50
LONGEST_ERROR = 500

FIRST_DELAY = timedelta(minutes=1)
LONGEST_DELAY = timedelta(hours=6)
BLIND_RATE_WAIT = timedelta(minutes=15)
# A person has to do something before it can work again.
REFUSED_WAIT = timedelta(hours=6)

_CLAIM = text("""
WITH due AS (
    SELECT p.id FROM sample_plans p JOIN channels c ON c.id = p.channel_id
    WHERE p.next_at <= :now AND c.status = 'connected' AND c.platform = ANY(:platforms)
    ORDER BY p.next_at LIMIT :most FOR UPDATE OF p SKIP LOCKED
), claimed AS (
    UPDATE sample_plans p SET next_at = :lease FROM due WHERE p.id = due.id
    RETURNING p.id, p.workspace_id, p.channel_id, p.delivery_id, p.failures
)
SELECT claimed.*, c.platform, w.timezone, d.external_id, d.published_at, d.context
FROM claimed
JOIN channels c ON c.id = claimed.channel_id
JOIN workspaces w ON w.id = claimed.workspace_id
LEFT JOIN deliveries d ON d.id = claimed.delivery_id
""")
_SETTLE = text("""
UPDATE sample_plans p
SET next_at = t.next_at, last_at = COALESCE(t.last_at, p.last_at), last_error = t.last_error, failures = t.failures
FROM unnest(
    CAST(:ids AS uuid[]), CAST(:next_ats AS timestamptz[]), CAST(:last_ats AS timestamptz[]),
    CAST(:errors AS text[]), CAST(:failures AS int[])
) AS t(id, next_at, last_at, last_error, failures)
WHERE p.id = t.id
""")

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One claimed plan. Without a post it is the channel's own."""

    id: UUID
    workspace_id: UUID
    channel_id: UUID
    delivery_id: UUID | None
    failures: int
    platform: str
    zone: ZoneInfo
    post: PostReference | None

    @classmethod
    def of(cls, row: Any) -> "Due":
        post = None
        if row.delivery_id is not None:
            post = PostReference(
                external_id=row.external_id, published_at=row.published_at, context=row.context
            )
        return cls(
            id=row.id,
            workspace_id=row.workspace_id,
            channel_id=row.channel_id,
            delivery_id=row.delivery_id,
            failures=row.failures,
            platform=row.platform,
            zone=ZoneInfo(row.timezone),
            post=post,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What came of one plan: a reading, a failure, or neither where the platform left the post out."""

    due: Due
    reading: Reading | None = None
    failure: failures.Failure | None = None


@dataclass(slots=True, kw_only=True)
class Puller:
    """Pulls due numbers. Each platform has its own lane, so that a slow one delays no other.

    `step` only claims and starts; the calls go on beside it, and `settle` waits for them.
    """

    db: Database
    connections: Connections
    clock: Clock
    platforms: Sequence[str]
    rehearsal: timedelta | None = None
    concurrency: int = 20
    stored: Callable[[], None] = lambda: None
    _lanes: dict[str, asyncio.Semaphore] = field(default_factory=dict)
    _busy: Counter[str] = field(default_factory=Counter)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def step(self) -> timedelta | None:
        """Claim what is due on platforms that have room, and start pulling it; zero where there may be more."""
        free = [platform for platform in self.platforms if self._busy[platform] < self.concurrency]
        due = await self._claim(free) if free else []
        channels: dict[UUID, list[Due]] = {}
        for plan in due:
            channels.setdefault(plan.channel_id, []).append(plan)
        for plans in channels.values():
            self._start(plans)
        return timedelta() if len(due) == CLAIM else None

    async def settle(self, timeout: float | None = None) -> None:
        """Wait until the calls under way have ended; those that have not by then are cancelled."""
        _, late = await asyncio.wait(self._tasks, timeout=timeout) if self._tasks else (set(), set())
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _start(self, plans: Sequence[Due]) -> None:
        self._busy[plans[0].platform] += 1
        task = asyncio.create_task(self._pull(plans), name=f"pull {plans[0].channel_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _claim(self, platforms: Sequence[str]) -> list[Due]:
        now = self.clock.now()
        given = {"now": now, "lease": now + LEASE, "platforms": list(platforms), "most": CLAIM}
        async with self.db.transaction() as tx:
            return [Due.of(row) for row in await tx.execute(_CLAIM, given)]

    async def _pull(self, plans: Sequence[Due]) -> None:
        platform, channel_id = plans[0].platform, plans[0].channel_id
        lane = self._lanes.setdefault(platform, asyncio.Semaphore(self.concurrency))
        try:
            async with lane:
                asked = await self._ask(channel_id, plans)
            async with self.db.transaction() as tx:
                await self._store(tx, asked)
            self.stored()
        except Exception:
            # The database is away, or an adapter is broken: the lease runs out and the plans come again.
            log.exception("pull.failed", channel_id=str(channel_id), platform=platform)
        finally:
            self._busy[platform] -= 1

    async def _ask(self, channel_id: UUID, plans: Sequence[Due]) -> list[Asked]:
        """Ask for everything that is due on a channel; the first failure stands for all that follows it."""
        posts = [plan for plan in plans if plan.post is not None]
        own = [plan for plan in plans if plan.post is None]
        asked: list[Asked] = []
        failure: failures.Failure | None = None
        try:
            async with asyncio.timeout(CHANNEL_TIMEOUT):
                connection = await self.connections.open(channel_id)
                for plan in own:
                    reading, connection = await self._call(connection, _channel_stats)
                    asked.append(Asked(due=plan, reading=reading))
                for start in range(0, len(posts), POSTS_PER_CALL):
                    batch = posts[start : start + POSTS_PER_CALL]
                    readings, connection = await self._call(connection, _post_stats(batch))
                    asked += [Asked(due=plan, reading=readings.get(_external_id(plan))) for plan in batch]
        except PlatformError as error:
            failure = error.failure
        except TimeoutError:
            failure = failures.Transient(detail=f"no answer within {CHANNEL_TIMEOUT:.0f} s")
        settled = {each.due.id for each in asked}
        return asked + [Asked(due=plan, failure=failure) for plan in plans if plan.id not in settled]

    async def _call(
        self, connection: Connection, call: Callable[[StatsSource, Connection], Awaitable[Answer]]
    ) -> tuple[Answer, Connection]:
        """Make a call; where the token is refused, get a new one and make it once more."""
        try:
            return await call(_source(connection), connection), connection
        except PlatformError as error:
            if not isinstance(error.failure, failures.AuthExpired):
                raise
        await self.connections.renew(connection)
        renewed = await self.connections.open(connection.channel_id)
        return await call(_source(renewed), renewed), renewed

    async def _store(self, tx: Tx, asked: Sequence[Asked]) -> None:
        now = self.clock.now()
        first = asked[0].due
        samples = [sample for each in asked for sample in _samples(each, now)]
        await SampleRepository(tx, first.workspace_id).add(first.channel_id, samples, first.zone)
        await tx.execute(
            _SETTLE,
            {
                "ids": [each.due.id for each in asked],
                "next_ats": [self._next(each, now) for each in asked],
                "last_ats": [now if each.reading else None for each in asked],
                "errors": [_error(each) for each in asked],
                "failures": [each.due.failures + 1 if each.failure else 0 for each in asked],
            },
        )

    def _next(self, asked: Asked, now: datetime) -> datetime | None:
        if asked.failure is not None:
            return now + wait(asked.failure, asked.due.failures + 1, now, self.rehearsal or FIRST_DELAY)
        if asked.due.post is not None:
            return next_sample(asked.due.post.published_at, now, self.rehearsal)
        return now + (self.rehearsal or CHANNEL_INTERVAL)


def wait(failure: failures.Failure, failed: int, now: datetime, first: timedelta) -> timedelta:
    """Return how long to rest after the given number of failures in a row."""
    backoff = min(first * (1 << min(failed - 1, 20)), LONGEST_DELAY)
    match failure:
        case failures.RateLimited(until=until):
            return max(until - now, first) if until else BLIND_RATE_WAIT
        case failures.Transient(after=after):
            return max(backoff, after or timedelta())
        case failures.Disconnected() | failures.NotPermitted() | failures.ContentRejected():
            return REFUSED_WAIT
        case failures.AuthExpired() | failures.OutcomeUnknown():
            return backoff


def _source(connection: Connection) -> StatsSource:
    assert isinstance(connection.adapter, StatsSource)
    return connection.adapter


async def _channel_stats(source: StatsSource, connection: Connection) -> Reading:
    return await source.channel_stats(connection.credentials)


def _post_stats(
    plans: Sequence[Due],
) -> Callable[[StatsSource, Connection], Awaitable[dict[str, Reading]]]:
    posts = [plan.post for plan in plans if plan.post is not None]

    async def call(source: StatsSource, connection: Connection) -> dict[str, Reading]:
        return await source.post_stats(connection.credentials, posts)

    return call


def _external_id(plan: Due) -> str:
    assert plan.post is not None
    return plan.post.external_id


def _samples(asked: Asked, now: datetime) -> list[NewSample]:
    if asked.reading is None:
        return []
    # A platform whose clock is ahead of ours has not seen the future.
    taken_at = min(asked.reading.as_of, now)
    return [
        NewSample(
            delivery_id=asked.due.delivery_id,
            metric=metric,
            value=value,
            taken_at=taken_at,
            final=asked.reading.final,
        )
        for metric, value in asked.reading.values.items()
    ]


def _error(asked: Asked) -> str | None:
    if asked.failure is not None:
        return f"{failures.code(asked.failure)}: {asked.failure.detail}"[:LONGEST_ERROR]
    return None if asked.reading else "no_reading: the platform left it out of its answer"
