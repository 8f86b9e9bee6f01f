"""Events: /v1/calendar/events."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from drumtower.db.models import CalendarEvent
from drumtower.db.repositories.calendar import CalendarEventRepository
from drumtower.domain.calendar import EventKind
from drumtower.domain.permissions import Permission
from services.api.calendar import event_imports, events
from services.api.calendar.event_imports import EventImport
from services.api.calendar.event_schemas import EventCreate, EventRead, EventUpdate
from services.api.deps import ClockDep, Reader, TxDep, allow
from services.api.editing import Publishing
from services.api.etags import set_etag
from services.api.idempotency import IdempotencyDep
from services.api.importing import ImportRead
from services.api.pagination import Page, PagingDep
from services.api.principals import Principal
from services.api.problems import responses
from services.api.routing import feature

router = feature("/calendar/events", "calendar")
Publisher = Annotated[Principal, Depends(allow(Permission.POSTS_PUBLISH))]


@router.get("", operation_id="calendar_events_list", summary="List events")
async def list_events(
    principal: Reader,
    tx: TxDep,
    paging: PagingDep,
    kind: EventKind | None = None,
    brand_id: UUID | None = None,
    owner_id: UUID | None = None,
) -> Page[EventRead]:
    """Those that have expired too."""
    statement = CalendarEventRepository(tx, principal.workspace_id).all()
    equal = {CalendarEvent.kind: kind, CalendarEvent.brand_id: brand_id, CalendarEvent.owner_id: owner_id}
    for column, value in equal.items():
        if value is not None:
            statement = statement.where(column == value)
    return await paging.page(tx, statement, CalendarEvent.id, events.read)


@router.post(
    "",
    status_code=201,
    operation_id="calendar_events_create",
    summary="Add an event",
    responses=responses(409, 413, 415),
)
async def create_event(body: EventCreate, edit: Publishing, idempotency: IdempotencyDep) -> EventRead:
    event = await events.create(edit, body)
    edit.response.headers["Location"] = f"/v1/calendar/events/{event.id}"
    return edit.answer(event.revision, events.read(event))


@router.post(
    "/import",
    operation_id="calendar_events_import",
    summary="Import events",
    responses=responses(409, 413, 415),
)
async def import_events(
    body: EventImport, principal: Publisher, tx: TxDep, clock: ClockDep, idempotency: IdempotencyDep
) -> ImportRead:
    """A verdict per row; a row that is refused stops no other, and the same rows again change nothing.

    An event is known by its kind, title, days and brand. In a CSV, a time without an offset is the workspace's, and a
    day means its end.
    """
    return await event_imports.take(tx, principal, body, clock.now())


@router.get("/{event_id}", operation_id="calendar_events_get", summary="Read an event")
async def get_event(event_id: UUID, principal: Reader, tx: TxDep, response: Response) -> EventRead:
    event = await CalendarEventRepository(tx, principal.workspace_id).get(event_id)
    set_etag(response, event.revision)
    return events.read(event)


@router.patch(
    "/{event_id}",
    operation_id="calendar_events_update",
    summary="Change an event",
    responses=responses(409, 412, 413, 415),
)
async def update_event(event_id: UUID, body: EventUpdate, edit: Publishing) -> EventRead:
    event = await events.update(edit, event_id, body)
    return edit.answer(event.revision, events.read(event))


@router.delete(
    "/{event_id}",
    operation_id="calendar_events_remove",
    summary="Remove an event",
    responses=responses(412),
)
async def remove_event(event_id: UUID, edit: Publishing) -> EventRead:
    """What was written for it stays."""
    return events.read(await events.remove(edit, event_id))
