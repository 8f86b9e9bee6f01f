"""Samples: stored as they came, together with the days whose rollup they change."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text

from drumtower.db.repositories.scope import Scoped
from drumtower.domain.ids import new_id
from drumtower.domain.samples import Metric, sample_day

_COLUMNS = (
    "id",
    "taken_at",
    "workspace_id",
    "channel_id",
    "delivery_id",
    "metric",
    "value",
    "source",
    "final",
)

_STORED = """
SELECT k.delivery_id, k.metric, k.taken_at, s.value
FROM unnest(CAST(:deliveries AS uuid[]), CAST(:metrics AS text[]), CAST(:moments AS timestamptz[]))
AS k(delivery_id, metric, taken_at)
CROSS JOIN LATERAL (
    SELECT s.value FROM samples s
    WHERE s.channel_id = :channel AND {subject} AND s.metric = k.metric AND s.taken_at = k.taken_at
    ORDER BY s.id DESC LIMIT 1
) s
"""
_STORED_OF_POSTS = text(_STORED.format(subject="s.delivery_id = k.delivery_id"))
_STORED_OF_CHANNEL = text(_STORED.format(subject="s.delivery_id IS NULL"))

# DO UPDATE, not DO NOTHING: it locks a row that is there already, so that a rollup can't take this dirt away before
# the samples that made it are committed.
_MARK = text("""
INSERT INTO dirty_days (id, workspace_id, channel_id, delivery_id, day)
SELECT * FROM unnest(
    CAST(:ids AS uuid[]), CAST(:workspaces AS uuid[]), CAST(:channels AS uuid[]), CAST(:deliveries AS uuid[]),
    CAST(:days AS date[])
)
ON CONFLICT (channel_id, delivery_id, day) DO UPDATE SET day = excluded.day
""")

Key = tuple[UUID | None, Metric, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSample:
    """One reading to store; without a delivery it is the channel's own number."""

    delivery_id: UUID | None
    metric: Metric
    value: int
    taken_at: datetime
    final: bool = True
    source: str = "pull"

    @property
    def key(self) -> Key:
        return self.delivery_id, self.metric, self.taken_at


class SampleRepository(Scoped):
    """Adds samples of one workspace."""

    async def add(self, channel_id: UUID, samples: Sequence[NewSample], zone: ZoneInfo) -> None:
        """Store samples and mark the days (of the workspace's zone) that they change."""
        if not samples:
            return
        moments = {(sample.delivery_id, sample.taken_at) for sample in samples}
        # Marked first: SQLAlchemy begins the transaction with its first statement, and COPY goes round SQLAlchemy.
        await self._mark(channel_id, {(post, sample_day(at, zone)) for post, at in moments})
        await self._copy(channel_id, samples)

    async def unknown(self, channel_id: UUID, samples: Sequence[NewSample]) -> list[NewSample]:
        """Return those that tell something new.

        A platform that counts by the day gives the same numbers for the same moment each time it is asked.
        """
        stored: dict[Key, int] = {}
        posts = [sample for sample in samples if sample.delivery_id is not None]
        own = [sample for sample in samples if sample.delivery_id is None]
        for statement, some in ((_STORED_OF_POSTS, posts), (_STORED_OF_CHANNEL, own)):
            if some:
                given = {
                    "channel": channel_id,
                    "deliveries": [sample.delivery_id for sample in some],
                    "metrics": [sample.metric.value for sample in some],
                    "moments": [sample.taken_at for sample in some],
                }
                for delivery_id, metric, taken_at, value in await self.tx.execute(statement, given):
                    stored[delivery_id, Metric(metric), taken_at] = value
        return [sample for sample in samples if stored.get(sample.key) != sample.value]

    async def _copy(self, channel_id: UUID, samples: Iterable[NewSample]) -> None:
        """Store by COPY, inside the transaction that is open already; it outruns every form of insert."""
        records = [
            (
                new_id(),
                sample.taken_at,
                self.workspace_id,
                channel_id,
                sample.delivery_id,
                sample.metric.value,
                sample.value,
                sample.source,
                sample.final,
            )
            for sample in samples
        ]
        connection = await (await self.tx.connection()).get_raw_connection()
        driver: Any = connection.driver_connection
        await driver.copy_records_to_table("samples", records=records, columns=_COLUMNS)

    async def _mark(self, channel_id: UUID, days: set[tuple[UUID | None, Any]]) -> None:
        # Always in one order, so that two writers of a channel can't wait for each other in a circle.
        ordered = sorted(days, key=lambda pair: (str(pair[0]), pair[1]))
        await self.tx.execute(
            _MARK,
            {
                "ids": [new_id() for _ in ordered],
                "workspaces": [self.workspace_id] * len(ordered),
                "channels": [channel_id] * len(ordered),
                "deliveries": [delivery for delivery, _ in ordered],
                "days": [day for _, day in ordered],
            },
        )
