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
SELECT DISTINCT ON (delivery_id, metric, taken_at) delivery_id, metric, taken_at, value FROM samples
WHERE channel_id = :channel AND {subject} AND metric = ANY(:metrics) AND taken_at = ANY(:moments)
ORDER BY delivery_id, metric, taken_at, id DESC
"""
_STORED_OF_POSTS = text(_STORED.format(subject="delivery_id = ANY(:deliveries)"))
_STORED_OF_CHANNEL = text(_STORED.format(subject="delivery_id IS NULL"))

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

    async def add(self, channel_id: UUID, samples: Sequence[NewSample], zone: ZoneInfo) -> int:
        """Store what is new and mark its days (of the workspace's zone); return how many rows were new.

        A platform that counts by the day gives the same number for the same moment again: that is no new sample.
        """
        stored = await self._stored(channel_id, samples) if samples else {}
        fresh = [sample for sample in samples if stored.get(sample.key) != sample.value]
        if fresh:
            await self._copy(channel_id, fresh)
            await self._mark(channel_id, {(s.delivery_id, sample_day(s.taken_at, zone)) for s in fresh})
        return len(fresh)

    async def _stored(self, channel_id: UUID, samples: Sequence[NewSample]) -> dict[Key, int]:
        deliveries = {sample.delivery_id for sample in samples if sample.delivery_id is not None}
        given = {
            "channel": channel_id,
            "metrics": list({sample.metric.value for sample in samples}),
            "moments": list({sample.taken_at for sample in samples}),
        }
        found: list[Any] = []
        if deliveries:
            found += await self.tx.execute(_STORED_OF_POSTS, {**given, "deliveries": list(deliveries)})
        if any(sample.delivery_id is None for sample in samples):
            found += await self.tx.execute(_STORED_OF_CHANNEL, given)
        return {(row.delivery_id, Metric(row.metric), row.taken_at): row.value for row in found}

    async def _copy(self, channel_id: UUID, samples: Iterable[NewSample]) -> None:
        """COPY is three times as fast as a multi-row insert (bench/rollup.py); it runs inside the open transaction."""
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
