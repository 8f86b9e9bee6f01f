"""What can be done with the calendar's events."""

from datetime import date, datetime
from uuid import UUID

from drumtower.db.engine import Tx
from drumtower.db.models import CalendarEvent
from drumtower.db.repositories.brands import BrandRepository
from drumtower.db.repositories.calendar import CalendarEventRepository, occasion_of
from drumtower.db.repositories.members import MemberRepository
from drumtower.domain.calendar import Occasion, check_occasion
from drumtower.domain.errors import Invalid, Violation
from drumtower.domain.ids import new_id
from services.api import audit
from services.api.calendar.event_schemas import EventCreate, EventRead, EventUpdate
from services.api.calendar.schemas import CalendarDay
from services.api.editing import Edit
from services.api.principals import Principal


async def create(edit: Edit, asked: EventCreate) -> CalendarEvent:
    """Add an event; raise Invalid with everything that is wrong."""
    event = made(edit.principal, asked, edit.now)
    await _check(edit, occasion_of(event), asked.brand_id, asked.owner_id)
    edit.tx.add(event)
    audit.record(edit.tx, edit.principal, "calendar_event.created", event.id, edit.now, title=event.title)
    return event


def made(principal: Principal, asked: EventCreate, now: datetime) -> CalendarEvent:
    """Return the event that is asked for."""
    fields = asked.model_dump(exclude={"kind"}) | {"owner_id": asked.owner_id or principal.member_id}
    return CalendarEvent(
        id=new_id(),
        workspace_id=principal.workspace_id,
        kind=asked.kind.value,
        revision=1,
        created_by=principal.member_id,
        created_at=now,
        updated_at=now,
        **fields,
    )


async def update(edit: Edit, event_id: UUID, asked: EventUpdate) -> CalendarEvent:
    """Change the fields that were sent; raise Invalid with everything that is wrong with the event then."""
    event = await _locked(edit, event_id)
    changes = asked.changes()
    for name, value in changes.items():
        setattr(event, name, value)
    with edit.tx.no_autoflush:
        await _check(edit, occasion_of(event), changes.get("brand_id"), changes.get("owner_id"))
    event.revision += 1
    event.updated_at = edit.now
    fields = sorted(changes)
    audit.record(edit.tx, edit.principal, "calendar_event.updated", event.id, edit.now, fields=fields)
    return event


async def remove(edit: Edit, event_id: UUID) -> CalendarEvent:
    """Take an event away; what was written for it stays."""
    event = await _locked(edit, event_id)
    await edit.tx.delete(event)
    audit.record(edit.tx, edit.principal, "calendar_event.removed", event.id, edit.now, title=event.title)
    return event


async def _locked(edit: Edit, event_id: UUID) -> CalendarEvent:
    event = await CalendarEventRepository(edit.tx, edit.principal.workspace_id).get(event_id, lock=True)
    edit.check(event.revision)
    return event


async def _check(edit: Edit, occasion: Occasion, brand_id: UUID | None, owner_id: UUID | None) -> None:
    violations = list(check_occasion(occasion))
    violations += await strange(edit.tx, edit.principal, brand_id, owner_id, edit.now)
    if violations:
        raise Invalid.of(violations)


async def strange(
    tx: Tx, principal: Principal, brand_id: UUID | None, owner_id: UUID | None, now: datetime
) -> list[Violation]:
    """Say which of the two are not the workspace's."""
    violations = []
    if brand_id is not None and not await BrandRepository(tx, principal.workspace_id).knows(brand_id):
        violations.append(Violation.unknown("brand"))
    if (
        owner_id is not None
        and await MemberRepository(tx, principal.workspace_id).here(owner_id, now) is None
    ):
        violations.append(Violation.unknown("owner"))
    return violations


async def add_events(tx: Tx, principal: Principal, by_day: dict[date, CalendarDay], now: datetime) -> None:
    """Put each event that is still worth a post on its days."""
    events = CalendarEventRepository(tx, principal.workspace_id)
    for event in await events.standing(min(by_day), max(by_day), now):
        shown = read(event)
        for day, cell in by_day.items():
            if event.starts_on <= day <= event.ends_on:
                cell.events.append(shown)


def read(event: CalendarEvent) -> EventRead:
    """Return the event as clients see it."""
    fields = {name: getattr(event, name) for name in EventRead.model_fields if name != "prepare_by"}
    return EventRead(**fields, prepare_by=occasion_of(event).prepare_by)
