"""The calendar: /v1/calendar."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from drumtower.db.models import CalendarDay
from drumtower.db.repositories.calendar import CalendarRepository
from drumtower.domain.calendar import MarkKind
from drumtower.domain.permissions import Permission
from drumtower.domain.schedules import zone
from services.api.calendar import gaps, marks, service
from services.api.calendar.gap_schemas import GapsRead
from services.api.calendar.schemas import CalendarRead, MarkWrite, OwnMarkRead
from services.api.deps import ClockDep, Reader, TxDep, allow
from services.api.pagination import Page, PagingDep
from services.api.principals import Principal
from services.api.problems import responses
from services.api.routing import feature
from services.api.schemas import Day

router = feature("/calendar", "calendar")
Publisher = Annotated[Principal, Depends(allow(Permission.POSTS_PUBLISH))]
From = Annotated[Day, Query(alias="from", description="The first day.")]
To = Annotated[Day, Query(alias="to", description="The last day; at most 92 days in all.")]
Zone = Annotated[
    str | None, Query(max_length=64, description="IANA zone of the days; the workspace's by default.")
]


@router.get("", operation_id="calendar_get", summary="See what is planned, day by day")
async def get_calendar(
    principal: Reader,
    tx: TxDep,
    clock: ClockDep,
    first: From,
    last: To,
    timezone: Zone = None,
    campaign_id: Annotated[
        UUID | None, Query(description="Posts, deliveries and series of this alone.")
    ] = None,
) -> CalendarRead:
    name = timezone or principal.timezone
    where = zone(name, "?timezone")
    service.check_span(first, last)
    days = await service.days(tx, principal, first, last, where, clock.now(), campaign_id)
    return CalendarRead(timezone=name, years=marks.years(day.date for day in days), data=days)


@router.get(
    "/gaps", operation_id="calendar_gaps", summary="Find silent days, and posts too close to each other"
)
async def get_gaps(
    principal: Reader,
    tx: TxDep,
    clock: ClockDep,
    first: From,
    last: To,
    timezone: Zone = None,
) -> GapsRead:
    """A day of a brand counts as filled by a post meant for it, a delivery, or a day of a series."""
    name = timezone or principal.timezone
    where = zone(name, "?timezone")
    service.check_span(first, last)
    days = await service.days(tx, principal, first, last, where, clock.now())
    silent, clashes = await gaps.look(tx, principal, days)
    return GapsRead(timezone=name, gaps=silent, clashes=clashes)


@router.get("/days", operation_id="calendar_days_list", summary="List the workspace's own marks")
async def list_days(principal: Reader, tx: TxDep, paging: PagingDep) -> Page[OwnMarkRead]:
    statement = CalendarRepository(tx, principal.workspace_id).all()
    return await paging.page(tx, statement, CalendarDay.id, OwnMarkRead.model_validate)


@router.put(
    "/days/{day}/{kind}",
    operation_id="calendar_days_set",
    summary="Say what a day is",
    responses=responses(413, 415),
)
async def set_day(
    day: Day, kind: MarkKind, body: MarkWrite, principal: Publisher, tx: TxDep, clock: ClockDep
) -> OwnMarkRead:
    """It stands in place of what is shipped of that kind for that day."""
    service.check_year(day, "path day")
    row = await marks.say(tx, principal, day, kind, body, clock.now())
    return OwnMarkRead.model_validate(row)


@router.delete(
    "/days/{day}/{kind}",
    operation_id="calendar_days_remove",
    summary="Take back what was said of a day",
)
async def remove_day(
    day: Day, kind: MarkKind, principal: Publisher, tx: TxDep, clock: ClockDep
) -> OwnMarkRead:
    """What is shipped for the day holds again."""
    return OwnMarkRead.model_validate(await marks.take_back(tx, principal, day, kind, clock.now()))
