"""The inputs of key figures: read from rollups, clicks, conversions and interactions, never from samples."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select, text

from drumtower.db.models import Channel
from drumtower.db.repositories.scope import Scoped
from drumtower.domain.samples import Metric


class Bucket(StrEnum):
    """What a period is cut into."""

    DAY = "day"
    WEEK = "week"  # from Monday
    MONTH = "month"


class By(StrEnum):
    """Whose figures are kept apart."""

    TOTAL = "total"
    CHANNEL = "channel"
    PLATFORM = "platform"


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Whole days of a zone, both ends included, cut into buckets where there is one."""

    first: date
    last: date
    zone: ZoneInfo
    bucket: Bucket | None = None

    @property
    def start(self) -> datetime:
        return _midnight(self.first, self.zone)

    @property
    def end(self) -> datetime:
        """The first instant after the period."""
        return _midnight(self.last + timedelta(days=1), self.zone)

    def day(self, column: str) -> str:
        """Return SQL for the bucket's first day of a date column; NULL where the period is not cut."""
        if self.bucket is None:
            return "CAST(NULL AS date)"
        return column if self.bucket is Bucket.DAY else f"CAST(date_trunc('{self.bucket}', {column}) AS date)"

    def moment(self, column: str) -> str:
        """Return SQL for the bucket's first day of a timestamp column; needs the parameter `zone`."""
        return self.day(f"CAST({column} AT TIME ZONE :zone AS date)")


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


Rows = Sequence[Any]


class ChannelRow(NamedTuple):
    """What figures need to know of a channel."""

    id: UUID
    platform: str


class KpiRepository(Scoped):
    """Reads inputs per channel and bucket. `channels` narrows to some; None means all of the workspace."""

    async def channels(self, channel_ids: Collection[UUID] | None) -> list[ChannelRow]:
        """Return the channels, oldest first."""
        statement = select(Channel.id, Channel.platform).where(Channel.workspace_id == self.workspace_id)
        if channel_ids is not None:
            statement = statement.where(Channel.id.in_(channel_ids))
        return [ChannelRow(*row) for row in await self.tx.execute(statement.order_by(Channel.id))]

    async def publishing(self, channel_ids: Collection[UUID], before: datetime) -> set[UUID]:
        """Return which of these channels had published anything by then."""
        if not channel_ids:
            return set()
        found = await self.tx.scalars(
            text("""
            SELECT c.id FROM unnest(CAST(:channels AS uuid[])) AS c(id)
            WHERE EXISTS (
                SELECT FROM deliveries d WHERE d.channel_id = c.id AND d.published_at < :before
                  AND d.action = 'publish' AND d.state = 'published'
            )
            """),
            {"channels": list(channel_ids), "before": before},
        )
        return set(found.all())

    async def gains(
        self, period: Period, metrics: Sequence[Metric], channels: Collection[UUID] | None, *, exposed: bool
    ) -> Rows:
        """Return (channel_id, bucket, sampled_at, exposed engagements, a gain per metric); NULL is unknown.

        Engagements of exposed posts are counted where asked for; every column costs time.
        """
        acted = "CAST(sum(exposed_gain) FILTER (WHERE metric <> 'exposure') AS bigint)"
        columns = [acted if exposed else "NULL"] + [
            f"CAST(sum(gain) FILTER (WHERE metric = '{metric.value}') AS bigint)" for metric in metrics
        ]
        statement = text(f"""
            SELECT channel_id, {period.day("day")} AS bucket, max(sampled_at) AS sampled_at, {", ".join(columns)}
            FROM channel_rollups
            WHERE workspace_id = :workspace AND metric = ANY(:metrics) AND day BETWEEN :first AND :last
              {_narrowed(channels)}
            GROUP BY 1, 2
        """)  # noqa: S608 - made of constants
        given = {"metrics": [metric.value for metric in metrics], "first": period.first, "last": period.last}
        return await self._rows(statement, channels, given)

    async def followers(self, period: Period, channels: Collection[UUID] | None) -> Rows:
        """Return (channel_id, bucket, growth, total at the bucket's end, sampled_at)."""
        bucket = period.day("day")
        statement = text(f"""
            SELECT channel_id, {bucket} AS bucket, CAST(sum(gain) AS bigint) AS growth,
                   (array_agg(total ORDER BY day DESC))[1] AS total, max(sampled_at) AS sampled_at
            FROM rollups
            WHERE workspace_id = :workspace AND metric = 'followers' AND delivery_id IS NULL
              AND day BETWEEN :first AND :last {_narrowed(channels)}
            GROUP BY 1, 2
        """)  # noqa: S608 - made of constants
        return await self._rows(statement, channels, {"first": period.first, "last": period.last})

    async def followers_before(self, day: date, channels: Collection[UUID]) -> Rows:
        """Return (channel_id, total, sampled_at): the last that was known before a day."""
        statement = text("""
            SELECT c.id AS channel_id, r.total, r.sampled_at
            FROM unnest(CAST(:channels AS uuid[])) AS c(id)
            CROSS JOIN LATERAL (
                SELECT total, sampled_at FROM rollups
                WHERE channel_id = c.id AND delivery_id IS NULL AND metric = 'followers' AND day < :day
                ORDER BY day DESC LIMIT 1
            ) r
        """)
        return (await self.tx.execute(statement, {"channels": list(channels), "day": day})).all()

    async def clicks(self, period: Period, channels: Collection[UUID] | None) -> Rows:
        """Return (channel_id, bucket, people, bots); the channel is null for links that hang on none."""
        bucket = period.moment("c.clicked_at")
        statement = text(f"""
            SELECT l.channel_id, {bucket} AS bucket, count(*) FILTER (WHERE NOT c.bot) AS people,
                   count(*) FILTER (WHERE c.bot) AS bots
            FROM links l JOIN clicks c ON c.link_id = l.id
            WHERE l.workspace_id = :workspace AND c.clicked_at >= :start AND c.clicked_at < :end
              {_narrowed(channels, "l")}
            GROUP BY 1, 2
        """)  # noqa: S608 - made of constants
        return await self._rows(statement, channels, _instants(period))

    async def conversions(self, period: Period, channels: Collection[UUID] | None) -> Rows:
        """Return (channel_id, bucket, attributed, unattributed)."""
        bucket = period.moment("occurred_at")
        statement = text(f"""
            SELECT channel_id, {bucket} AS bucket, count(*) FILTER (WHERE link_id IS NOT NULL) AS attributed,
                   count(*) FILTER (WHERE link_id IS NULL) AS unattributed
            FROM conversions
            WHERE workspace_id = :workspace AND occurred_at >= :start AND occurred_at < :end
              {_narrowed(channels)}
            GROUP BY 1, 2
        """)  # noqa: S608 - made of constants
        return await self._rows(statement, channels, _instants(period))

    async def responses(self, period: Period, channels: Collection[UUID] | None, by: By) -> Rows:
        """Return (subject, bucket, median seconds, answered, newest) of interactions answered in the period.

        A median can't be made of medians, so these rows are grouped as they are shown.
        """
        bucket = period.moment("answered_at")
        subject = _subject(by)
        statement = text(f"""
            SELECT {subject} AS subject, {bucket} AS bucket, count(*) AS answered,
                   percentile_cont(0.5) WITHIN GROUP (
                       ORDER BY CAST(extract(epoch FROM answered_at - occurred_at) AS float8)
                   ) AS median
            FROM interactions
            WHERE workspace_id = :workspace AND answered_at >= :start AND answered_at < :end
              {_narrowed(channels)}
            GROUP BY 1, 2
        """)  # noqa: S608 - made of constants
        return await self._rows(statement, channels, _instants(period))

    async def unanswered(self, period: Period, channels: Collection[UUID] | None, by: By) -> Rows:
        """Return (subject, bucket, unanswered) of interactions that occurred in the period and wait still."""
        bucket = period.moment("occurred_at")
        subject = _subject(by)
        statement = text(f"""
            SELECT {subject} AS subject, {bucket} AS bucket, count(*) AS unanswered
            FROM interactions
            WHERE workspace_id = :workspace AND occurred_at >= :start AND occurred_at < :end
              AND answered_at IS NULL {_narrowed(channels)}
            GROUP BY 1, 2
        """)  # noqa: S608 - made of constants
        return await self._rows(statement, channels, _instants(period))

    async def _rows(self, statement: Any, channels: Collection[UUID] | None, given: dict[str, Any]) -> Rows:
        narrowed = {} if channels is None else {"channels": list(channels)}
        return (await self.tx.execute(statement, {"workspace": self.workspace_id, **narrowed, **given})).all()


def _instants(period: Period) -> dict[str, Any]:
    zone = {} if period.bucket is None else {"zone": period.zone.key}
    return {"start": period.start, "end": period.end, **zone}


def _narrowed(channels: Collection[UUID] | None, table: str = "") -> str:
    prefix = f"{table}." if table else ""
    return "" if channels is None else f"AND {prefix}channel_id = ANY(:channels)"


def _subject(by: By) -> str:
    columns = {By.TOTAL: "'total'", By.CHANNEL: "CAST(channel_id AS text)", By.PLATFORM: "platform"}
    return columns[by]
