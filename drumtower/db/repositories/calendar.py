"""The calendar's marks of one workspace, and what the check engine asks of several."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Select, or_

from drumtower.db.engine import Tx
from drumtower.db.models import CalendarDay, CalendarEvent
from drumtower.db.plain import columns, fetch, make
from drumtower.db.repositories.scope import Scoped
from drumtower.domain.calendar import EventKind, Mark, MarkKind, Occasion, OwnMark
from drumtower.domain.errors import Severity

MOST = 1_000  # events in one answer: more than a quarter has room for


class CalendarRepository(Scoped):
    """Reads what a workspace says about days."""

    def all(self) -> Select[CalendarDay]:
        return self.select(CalendarDay)

    async def get(self, day: date, kind: MarkKind) -> CalendarDay | None:
        """Return the workspace's word on this kind of mark on this day, locked."""
        own = self.all().where(CalendarDay.day == day, CalendarDay.kind == kind.value)
        return (await self.tx.scalars(own.with_for_update())).one_or_none()

    async def between(self, first: date, last: date) -> Sequence[OwnMark]:
        """Return the workspace's word on the days from first to last."""
        rows = await self.tx.scalars(self.all().where(CalendarDay.day.between(first, last)))
        return [own_mark(row) for row in rows]


class CalendarEventRepository(Scoped):
    """Reads a workspace's events."""

    def all(self) -> Select[CalendarEvent]:
        return self.select(CalendarEvent)

    async def get(self, event_id: UUID, *, lock: bool = False) -> CalendarEvent:
        """Return the event; raise NotFound."""
        return await self.find(CalendarEvent, event_id, "event", lock=lock)

    async def beginning(self, days: Collection[date]) -> Sequence[CalendarEvent]:
        """Return the events that begin on these days."""
        return (await self.tx.scalars(self.all().where(CalendarEvent.starts_on.in_(days)))).all()

    async def standing(self, first: date, last: date, now: datetime) -> Sequence[CalendarEvent]:
        """Return the events that touch these days and are still worth a post at `now`."""
        touching = self.all().where(CalendarEvent.starts_on <= last, CalendarEvent.ends_on >= first)
        live = or_(CalendarEvent.expires_at.is_(None), CalendarEvent.expires_at > now)
        ordered = touching.where(live).order_by(CalendarEvent.starts_on, CalendarEvent.id)
        return (await self.tx.scalars(ordered.limit(MOST))).all()


def occasion_of(event: CalendarEvent) -> Occasion:
    """Return the event as the rules know it."""
    return Occasion(
        kind=EventKind(event.kind),
        starts_on=event.starts_on,
        ends_on=event.ends_on,
        expires_at=event.expires_at,
        prepare_days=event.prepare_days,
    )


def own_mark(row: CalendarDay) -> OwnMark:
    """Return the row as the rules know it."""
    kind = MarkKind(row.kind)
    severity = Severity(row.severity) if row.severity else None
    mark = Mark(day=row.day, kind=kind, name=row.name, note=row.note, severity=severity, own=True)
    return OwnMark(day=row.day, kind=kind, mark=mark if row.observed else None)


async def own_quiet_days(
    tx: Tx, workspace_ids: Collection[UUID], days: Collection[date]
) -> dict[UUID, list[OwnMark]]:
    """Return what each workspace says about quiet days on these days."""
    found: dict[UUID, list[OwnMark]] = {workspace_id: [] for workspace_id in workspace_ids}
    for row in await fetch(tx, _QUIET_DAYS, list(workspace_ids), list(days), MarkKind.QUIET_DAY.value):
        found[row["workspace_id"]].append(own_mark(make(CalendarDay, row)))
    return found


_QUIET_DAYS = f"""
SELECT {columns(CalendarDay)} FROM calendar_days
WHERE workspace_id = ANY ($1::uuid[]) AND day = ANY ($2::date[]) AND kind = $3
"""  # noqa: S608 - our own columns
