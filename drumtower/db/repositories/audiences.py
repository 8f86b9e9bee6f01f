"""Audiences: one a channel and day."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from drumtower.db.models import AudienceProfile
from drumtower.db.repositories.scope import Scoped
from drumtower.domain.audience_profiles import Audience
from drumtower.domain.ids import new_id


class AudienceRepository(Scoped):
    """A workspace's audiences."""

    async def store(
        self, channel_id: UUID, audience: Audience, told_at: datetime, zone: ZoneInfo, source: str = "pull"
    ) -> None:
        """Keep an audience; a later one of the same day takes its place, an import's never that of a pull.

        One that does not say when it was counted is of the moment it was told; none is of the future.
        """
        as_of = min(audience.as_of or told_at, told_at)
        given = {
            "as_of": as_of,
            "total": audience.total,
            "source": source,
            "people": {dimension.value: dict(people) for dimension, people in audience.people.items()},
        }
        day = as_of.astimezone(zone).date()
        row = {"id": new_id(), "workspace_id": self.workspace_id, "channel_id": channel_id, "day": day}
        await self.tx.execute(
            insert(AudienceProfile)
            .values(**row, **given)
            .on_conflict_do_update(
                index_elements=["channel_id", "day"],
                set_=given,
                where=AudienceProfile.source == "import" if source == "import" else None,
            )
        )

    async def newest(
        self, channel_id: UUID, on: date | None, since: date | None
    ) -> Sequence[AudienceProfile]:
        """Return the newest up to a day; with `since`, all from then on, the newest first."""
        statement = select(AudienceProfile).where(
            AudienceProfile.workspace_id == self.workspace_id, AudienceProfile.channel_id == channel_id
        )
        if on is not None:
            statement = statement.where(AudienceProfile.day <= on)
        if since is not None:
            statement = statement.where(AudienceProfile.day >= since)
        ordered = statement.order_by(AudienceProfile.day.desc()).limit(366 if since else 1)
        return (await self.tx.scalars(ordered)).all()

    async def of_days(self, channel_id: UUID, days: Collection[date]) -> dict[date, AudienceProfile]:
        """Return what is kept of some days."""
        statement = select(AudienceProfile).where(
            AudienceProfile.workspace_id == self.workspace_id,
            AudienceProfile.channel_id == channel_id,
            AudienceProfile.day.in_(days),
        )
        return {row.day: row for row in await self.tx.scalars(statement)}
