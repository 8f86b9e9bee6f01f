"""Rollups: made again for exactly the days that new samples changed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text

from drumtower.db.repositories.scope import Scoped
from drumtower.domain.ids import new_id
from drumtower.domain.samples import Metric

_METRICS = [metric.value for metric in Metric]
_OF_POST = "{0}.delivery_id = {1}.delivery_id"
_OF_CHANNEL = "{0}.delivery_id IS NULL"

_LOCK = text("SELECT pg_try_advisory_xact_lock(hashtextextended('rollups ' || CAST(:channel AS text), 0))")
_TAKE_DIRT = text("""
DELETE FROM dirty_days WHERE id IN (
    SELECT id FROM dirty_days WHERE channel_id = :channel ORDER BY day LIMIT :most FOR UPDATE SKIP LOCKED
) RETURNING delivery_id, day
""")

# The last sample at or before each day's end: platforms that count by the day date a day's numbers to that midnight.
_TOTALS = """
SELECT t.delivery_id, m.metric, t.day, s.value, s.taken_at
FROM unnest(
    CAST(:deliveries AS uuid[]), CAST(:days AS date[]), CAST(:starts AS timestamptz[]), CAST(:ends AS timestamptz[])
) AS t(delivery_id, day, starts, ends)
CROSS JOIN unnest(CAST(:metrics AS text[])) AS m(metric)
CROSS JOIN LATERAL (
    SELECT s.value, s.taken_at FROM samples s
    WHERE s.channel_id = :channel AND {subject} AND s.metric = m.metric
      AND s.taken_at > t.starts AND s.taken_at <= t.ends
    ORDER BY s.taken_at DESC, s.id DESC LIMIT 1
) s
"""

_SET_TOTALS = text("""
INSERT INTO rollups (id, workspace_id, channel_id, delivery_id, metric, day, total, gain, sampled_at)
SELECT t.id, :workspace, :channel, t.delivery_id, t.metric, t.day, t.total, 0, t.sampled_at
FROM unnest(
    CAST(:ids AS uuid[]), CAST(:deliveries AS uuid[]), CAST(:metrics AS text[]), CAST(:days AS date[]),
    CAST(:totals AS bigint[]), CAST(:sampled AS timestamptz[])
) AS t(id, delivery_id, metric, day, total, sampled_at)
ON CONFLICT (channel_id, delivery_id, metric, day)
DO UPDATE SET total = excluded.total, sampled_at = excluded.sampled_at
""")

# A day's gain is its total less the one before it, so a changed total changes the gain of the next known day too.
# A new post starts at nothing; a channel's first measurement is where its growth starts.
_SET_GAINS = """
WITH touched AS (
    SELECT * FROM unnest(CAST(:deliveries AS uuid[]), CAST(:metrics AS text[]), CAST(:days AS date[]))
    AS t(delivery_id, metric, day)
), affected AS (
    SELECT delivery_id, metric, day FROM touched
    UNION
    SELECT t.delivery_id, t.metric, n.day FROM touched t CROSS JOIN LATERAL (
        SELECT n.day FROM rollups n
        WHERE n.channel_id = :channel AND {subject_n} AND n.metric = t.metric AND n.day > t.day
        ORDER BY n.day LIMIT 1
    ) n
), computed AS (
    SELECT r.id, r.total - COALESCE(
        (
            SELECT p.total FROM rollups p
            WHERE p.channel_id = :channel AND {subject_p} AND p.metric = r.metric AND p.day < r.day
            ORDER BY p.day DESC LIMIT 1
        ), {base}) AS gain
    FROM affected a
    JOIN rollups r ON r.channel_id = :channel AND {subject_r} AND r.metric = a.metric AND r.day = a.day
)
UPDATE rollups SET gain = c.gain FROM computed c
WHERE rollups.id = c.id AND rollups.gain <> c.gain
RETURNING rollups.day
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subject:
    """The statements for posts or for the channel itself: an index can't serve both with one condition."""

    totals: Any
    gains: Any


def _statements(subject: str, base: str) -> _Subject:
    return _Subject(
        totals=text(_TOTALS.format(subject=subject.format("s", "t"))),
        gains=text(
            _SET_GAINS.format(
                subject_n=subject.format("n", "t"),
                subject_p=subject.format("p", "r"),
                subject_r=subject.format("r", "a"),
                base=base,
            )
        ),
    )


_POSTS = _statements(_OF_POST, "0")
_FIRST_SAMPLE = """(
    SELECT s.value FROM samples s
    WHERE s.channel_id = :channel AND s.delivery_id IS NULL AND s.metric = r.metric ORDER BY s.taken_at, s.id LIMIT 1
)"""
_CHANNEL = _statements(_OF_CHANNEL, _FIRST_SAMPLE)

_EXPOSED = text("""
SELECT DISTINCT delivery_id FROM rollups
WHERE channel_id = :channel AND delivery_id = ANY(:deliveries) AND metric = 'exposure'
""")
_DAYS_OF = text("""
SELECT DISTINCT day FROM rollups WHERE channel_id = :channel AND delivery_id = ANY(:deliveries)
""")
_SUM_UP = text("""
INSERT INTO channel_rollups (channel_id, metric, day, workspace_id, gain, exposed_gain, posts, sampled_at)
SELECT :channel, metric, day, :workspace, sum(gain), COALESCE(sum(gain) FILTER (WHERE exposed), 0), count(*),
       max(sampled_at)
FROM (
    SELECT r.metric, r.day, r.gain, r.sampled_at, EXISTS (
        SELECT FROM rollups e
        WHERE e.channel_id = r.channel_id AND e.delivery_id = r.delivery_id AND e.metric = 'exposure'
    ) AS exposed
    FROM rollups r
    WHERE r.channel_id = :channel AND r.delivery_id IS NOT NULL AND r.day = ANY(:days)
) posts
GROUP BY metric, day
ON CONFLICT (channel_id, metric, day) DO UPDATE SET
    gain = excluded.gain, exposed_gain = excluded.exposed_gain, posts = excluded.posts,
    sampled_at = excluded.sampled_at
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dirt:
    """A day of a post, or (without one) of the channel itself, that has new samples."""

    delivery_id: UUID | None
    day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class _Total:
    delivery_id: UUID | None
    metric: str
    day: date
    value: int
    taken_at: datetime


class RollupRepository(Scoped):
    """Makes rollups of one channel. Only one transaction at a time may do so for a channel: take the lock first."""

    def __init__(self, tx: Any, workspace_id: UUID, channel_id: UUID, zone: ZoneInfo) -> None:
        super().__init__(tx, workspace_id)
        self.channel_id = channel_id
        self.zone = zone

    async def lock(self) -> bool:
        """Become the one who rolls this channel up, until the transaction ends; False where somebody is at it.

        Two at once would each leave the other's posts out of the channel's sums.
        """
        return bool(await self.tx.scalar(_LOCK, {"channel": str(self.channel_id)}))

    async def take_dirt(self, most: int) -> list[Dirt]:
        """Take dirty days away; they come back when this transaction rolls back.

        Reading samples must be a later statement: only then does it see everything that made these days dirty.
        """
        found = await self.tx.execute(_TAKE_DIRT, {"channel": self.channel_id, "most": most})
        return [Dirt(delivery_id=row.delivery_id, day=row.day) for row in found]

    async def make(self, dirt: Sequence[Dirt]) -> None:
        """Make the rollups of these days again, and those they change: the next known day, and the channel's sums."""
        posts = [day for day in dirt if day.delivery_id is not None]
        own = [day for day in dirt if day.delivery_id is None]
        if own:
            await self._roll(_CHANNEL, own)
        if posts:
            deliveries = list({day.delivery_id for day in posts})
            before = await self._exposed(deliveries)
            days = await self._roll(_POSTS, posts)
            newly = await self._exposed(deliveries) - before
            await self._sum_up(days | await self._days_of(newly))

    async def _roll(self, subject: _Subject, dirt: Sequence[Dirt]) -> set[date]:
        totals = await self._totals(subject, dirt)
        touched = {
            "channel": self.channel_id,
            "deliveries": [total.delivery_id for total in totals],
            "metrics": [total.metric for total in totals],
            "days": [total.day for total in totals],
        }
        await self.tx.execute(
            _SET_TOTALS,
            {
                **touched,
                "workspace": self.workspace_id,
                "ids": [new_id() for _ in totals],
                "totals": [total.value for total in totals],
                "sampled": [total.taken_at for total in totals],
            },
        )
        changed = await self.tx.scalars(subject.gains, touched)
        return {total.day for total in totals}.union(changed)

    async def _totals(self, subject: _Subject, dirt: Sequence[Dirt]) -> list[_Total]:
        found = await self.tx.execute(
            subject.totals,
            {
                "channel": self.channel_id,
                "metrics": _METRICS,
                "deliveries": [item.delivery_id for item in dirt],
                "days": [item.day for item in dirt],
                "starts": [self._midnight(item.day) for item in dirt],
                "ends": [self._midnight(item.day + timedelta(days=1)) for item in dirt],
            },
        )
        return [
            _Total(
                delivery_id=row.delivery_id,
                metric=row.metric,
                day=row.day,
                value=row.value,
                taken_at=row.taken_at,
            )
            for row in found
        ]

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.zone).astimezone(UTC)

    async def _exposed(self, deliveries: Iterable[UUID | None]) -> set[UUID]:
        found = await self.tx.scalars(_EXPOSED, {"channel": self.channel_id, "deliveries": [*deliveries]})
        return set(found.all())

    async def _days_of(self, deliveries: set[UUID]) -> set[date]:
        """Every day of posts whose exposure has just become known: their earlier gains count for the rate from now on."""
        if not deliveries:
            return set()
        given = {"channel": self.channel_id, "deliveries": list(deliveries)}
        return set((await self.tx.scalars(_DAYS_OF, given)).all())

    async def _sum_up(self, days: set[date]) -> None:
        await self.tx.execute(
            _SUM_UP, {"channel": self.channel_id, "workspace": self.workspace_id, "days": sorted(days)}
        )
