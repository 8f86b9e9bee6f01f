"""Sample plans that are due: claimed for a while, and settled with what came of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text

from drumtower.db.engine import Tx
from drumtower.db.repositories.audiences import AudienceRepository
from drumtower.db.repositories.samples import NewSample, SampleRepository
from drumtower.domain import audience_profiles, failures
from drumtower.domain.samples import CHANNEL_INTERVAL, next_sample
from drumtower.platforms import Audience, PostReference, Reading

# A claim that is not settled by then was a crash, and is made again.
LEASE = timedelta(seconds=60)
LONGEST_ERROR = 500

FIRST_DELAY = timedelta(minutes=1)
LONGEST_DELAY = timedelta(hours=6)
BLIND_RATE_WAIT = timedelta(minutes=15)
# A person has to do something before it can work again.
REFUSED_WAIT = timedelta(hours=6)

_CLAIM = text("""
WITH due AS (
    SELECT p.id FROM sample_plans p JOIN channels c ON c.id = p.channel_id
    WHERE p.next_at <= :now AND c.status = 'connected' AND c.platform = ANY(:platforms) AND c.id <> ALL(:closed)
    ORDER BY p.next_at LIMIT :most FOR UPDATE OF p SKIP LOCKED
), claimed AS (
    UPDATE sample_plans p SET next_at = :lease FROM due WHERE p.id = due.id
    RETURNING p.id, p.workspace_id, p.channel_id, p.delivery_id, p.last_at, p.failures
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One claimed plan. Without a post it is the channel's own."""

    id: UUID
    workspace_id: UUID
    channel_id: UUID
    delivery_id: UUID | None
    last_at: datetime | None
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
            last_at=row.last_at,
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
    audience: Audience | None = None
    audience_failure: failures.Failure | None = None


async def claim(
    tx: Tx, platforms: Collection[str], now: datetime, most: int, closed: Collection[UUID] = ()
) -> list[Due]:
    """Take up to `most` due plans of connected channels that are not `closed`; nobody else gets them before the
    lease is over.
    """
    given = {
        "now": now,
        "lease": now + LEASE,
        "platforms": list(platforms),
        "most": most,
        "closed": list(closed),
    }
    return [Due.of(row) for row in await tx.execute(_CLAIM, given)]


async def settle(tx: Tx, asked: Sequence[Asked], now: datetime, rehearsal: timedelta | None) -> None:
    """Store what one channel gave, and say when each of its plans is due again."""
    first = asked[0].due
    fresh: list[NewSample] = []
    doubtful: list[NewSample] = []
    for each in asked:
        for sample in _samples(each, now):
            # What was read up to the last pull may be stored already; what is younger can't be.
            last_at = each.due.last_at
            (fresh if last_at is None or sample.taken_at > last_at else doubtful).append(sample)
    samples = SampleRepository(tx, first.workspace_id)
    fresh += await samples.unknown(first.channel_id, doubtful)
    await samples.add(first.channel_id, fresh, first.zone)
    for each in asked:
        if each.audience is not None and each.audience.people:
            audiences = AudienceRepository(tx, first.workspace_id)
            await audiences.store(first.channel_id, each.audience, now, first.zone)
    await tx.execute(
        _SETTLE,
        {
            "ids": [each.due.id for each in asked],
            "next_ats": [_next(each, now, rehearsal) for each in asked],
            "last_ats": [now if each.reading else None for each in asked],
            "errors": [_error(each) for each in asked],
            "failures": [each.due.failures + 1 if each.failure else 0 for each in asked],
        },
    )


def _next(asked: Asked, now: datetime, rehearsal: timedelta | None) -> datetime | None:
    if asked.failure is not None:
        return now + wait(asked.failure, asked.due.failures + 1, now, rehearsal or FIRST_DELAY)
    if asked.due.post is not None:
        return next_sample(asked.due.post.published_at, now, rehearsal)
    return now + (rehearsal or CHANNEL_INTERVAL)


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
    if asked.audience_failure is not None:
        code, detail = failures.code(asked.audience_failure), asked.audience_failure.detail
        return f"{audience_profiles.ERROR}{code}: {detail}"[:LONGEST_ERROR]
    return None if asked.reading else "no_reading: the platform left it out of its answer"
