"""Rollups: made again for exactly the days that new samples changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text

from drumtower.db.repositories.scope import Scoped
from drumtower.domain.ids import new_id
from drumtower.domain.rollups import Total, gains
from drumtower.domain.samples import Metric

_METRICS = [metric.value for metric in Metric]

_LOCK = text("SELECT pg_try_advisory_xact_lock(hashtextextended('rollups ' || CAST(:channel AS text), 0))")
_TAKE_DIRT = text("""
DELETE FROM dirty_days WHERE id IN (
    SELECT id FROM dirty_days WHERE channel_id = :channel ORDER BY day LIMIT :most FOR UPDATE SKIP LOCKED
) RETURNING delivery_id, day
""")

# The last sample at or before each day's end: platforms that count by the day date a day's numbers to that midnight.
_TOTALS = """
SELECT t.delivery_id, m.metric, t.day, s.value, s.taken_at, {opening}
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
_FIRST_OF_DAY = """(
    SELECT f.value FROM samples f
    WHERE f.channel_id = :channel AND f.delivery_id IS NULL AND f.metric = m.metric
      AND f.taken_at > t.starts AND f.taken_at <= t.ends
    ORDER BY f.taken_at, f.id LIMIT 1
)"""

# The known days right before and right after each given one.
_NEIGHBOURS = """
SELECT t.delivery_id, t.metric, n.day, n.total, n.sampled_at, 0
FROM unnest(CAST(:deliveries AS uuid[]), CAST(:metrics AS text[]), CAST(:days AS date[]))
AS t(delivery_id, metric, day)
CROSS JOIN LATERAL (
    (
        SELECT r.day, r.total, r.sampled_at FROM rollups r
        WHERE r.channel_id = :channel AND {subject} AND r.metric = t.metric AND r.day < t.day
        ORDER BY r.day DESC LIMIT 1
    ) UNION ALL (
        SELECT r.day, r.total, r.sampled_at FROM rollups r
        WHERE r.channel_id = :channel AND {subject} AND r.metric = t.metric AND r.day > t.day
        ORDER BY r.day LIMIT 1
    )
) n
"""

_WRITE = text("""
INSERT INTO rollups (id, workspace_id, channel_id, delivery_id, metric, day, total, gain, exposed, sampled_at)
SELECT t.id, :workspace, :channel, t.delivery_id, t.metric, t.day, t.total, t.gain, t.exposed, t.sampled_at
FROM unnest(
    CAST(:ids AS uuid[]), CAST(:deliveries AS uuid[]), CAST(:metrics AS text[]), CAST(:days AS date[]),
    CAST(:totals AS bigint[]), CAST(:gains AS bigint[]), CAST(:exposed AS boolean[]), CAST(:sampled AS timestamptz[])
) AS t(id, delivery_id, metric, day, total, gain, exposed, sampled_at)
ON CONFLICT (channel_id, delivery_id, metric, day)
DO UPDATE SET total = excluded.total, gain = excluded.gain, exposed = excluded.exposed,
    sampled_at = excluded.sampled_at
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subject:
    """The statements for posts or for the channel itself: an index can't serve both with one condition."""

    totals: Any
    neighbours: Any


_POSTS = _Subject(
    totals=text(_TOTALS.format(subject="s.delivery_id = t.delivery_id", opening="0")),
    neighbours=text(_NEIGHBOURS.format(subject="r.delivery_id = t.delivery_id")),
)
_CHANNEL = _Subject(
    totals=text(_TOTALS.format(subject="s.delivery_id IS NULL", opening=_FIRST_OF_DAY)),
    neighbours=text(_NEIGHBOURS.format(subject="r.delivery_id IS NULL")),
)

_EXPOSED = text("""
SELECT d.id FROM unnest(CAST(:deliveries AS uuid[])) AS d(id) CROSS JOIN LATERAL (
    SELECT FROM rollups r WHERE r.channel_id = :channel AND r.delivery_id = d.id AND r.metric = 'exposure' LIMIT 1
) e
""")
# A post whose exposure has just become known: its earlier days count in a rate from now on.
_EXPOSE = text("""
UPDATE rollups SET exposed = true
WHERE channel_id = :channel AND delivery_id = ANY(:deliveries) AND NOT exposed RETURNING day
""")
_SUM_UP = text("""
INSERT INTO channel_rollups (channel_id, metric, day, workspace_id, gain, exposed_gain, posts, sampled_at)
SELECT :channel, metric, day, :workspace, sum(gain), COALESCE(sum(gain) FILTER (WHERE exposed), 0), count(*),
       max(sampled_at)
FROM rollups
WHERE channel_id = :channel AND delivery_id IS NOT NULL AND day = ANY(:days)
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


# The totals of one metric of one subject, by day.
_Series = dict[tuple[UUID | None, str], dict[date, Total]]


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
        own = [day for day in dirt if day.delivery_id is None]
        posts = [day for day in dirt if day.delivery_id is not None]
        if own:
            await self._write(_CHANNEL, await self._totals(_CHANNEL, own), set())
        if posts:
            totals = await self._totals(_POSTS, posts)
            before = await self._exposed({day.delivery_id for day in posts})
            newly = {delivery_id for delivery_id, metric in totals if metric == Metric.EXPOSURE} - before
            days = await self._write(_POSTS, totals, before | newly)
            await self._sum_up(days | await self._expose(newly))

    async def _write(self, subject: _Subject, changed: _Series, exposed: set[UUID | None]) -> set[date]:
        known = await self._neighbours(subject, changed)
        written = [
            (delivery_id, metric, day, made)
            for (delivery_id, metric), days in changed.items()
            for day, made in gains(days, known.get((delivery_id, metric), {})).items()
        ]
        given = {
            "workspace": self.workspace_id,
            "channel": self.channel_id,
            "ids": [new_id() for _ in written],
            "deliveries": [delivery_id for delivery_id, *_ in written],
            "metrics": [metric for _, metric, *_ in written],
            "days": [day for _, _, day, _ in written],
            "totals": [made.total.value for *_, made in written],
            "gains": [made.gain for *_, made in written],
            "exposed": [delivery_id in exposed for delivery_id, *_ in written],
            "sampled": [made.total.sampled_at for *_, made in written],
        }
        await self.tx.execute(_WRITE, given)
        return {day for _, _, day, _ in written}

    async def _totals(self, subject: _Subject, dirt: Sequence[Dirt]) -> _Series:
        given = {
            "channel": self.channel_id,
            "metrics": _METRICS,
            "deliveries": [item.delivery_id for item in dirt],
            "days": [item.day for item in dirt],
            "starts": [self._midnight(item.day) for item in dirt],
            "ends": [self._midnight(item.day + timedelta(days=1)) for item in dirt],
        }
        return await self._series(subject.totals, given)

    async def _neighbours(self, subject: _Subject, changed: _Series) -> _Series:
        keys = [(delivery_id, metric, day) for (delivery_id, metric), days in changed.items() for day in days]
        given = {
            "channel": self.channel_id,
            "deliveries": [delivery_id for delivery_id, _, _ in keys],
            "metrics": [metric for _, metric, _ in keys],
            "days": [day for _, _, day in keys],
        }
        return await self._series(subject.neighbours, given)

    async def _series(self, statement: Any, given: dict[str, Any]) -> _Series:
        series: _Series = {}
        for delivery_id, metric, day, value, sampled_at, opening in await self.tx.execute(statement, given):
            total = Total(value=value, sampled_at=sampled_at, opening=opening)
            series.setdefault((delivery_id, metric), {})[day] = total
        return series

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.zone).astimezone(UTC)

    async def _exposed(self, deliveries: set[UUID | None]) -> set[UUID | None]:
        given = {"channel": self.channel_id, "deliveries": list(deliveries)}
        return set((await self.tx.scalars(_EXPOSED, given)).all())

    async def _expose(self, deliveries: set[UUID | None]) -> set[date]:
        if not deliveries:
            return set()
        given = {"channel": self.channel_id, "deliveries": list(deliveries)}
        return set((await self.tx.scalars(_EXPOSE, given)).all())

    async def _sum_up(self, days: set[date]) -> None:
        await self.tx.execute(
            _SUM_UP, {"channel": self.channel_id, "workspace": self.workspace_id, "days": sorted(days)}
        )
