"""The calendar: /v1/calendar."""

from typing import Annotated

from fastapi import Query

from drumtower.domain.schedules import zone
from services.api.calendar import service
from services.api.calendar.schemas import CalendarRead
from services.api.deps import ClockDep, Reader, TxDep
from services.api.routing import feature
from services.api.schemas import Day

router = feature("/calendar", "calendar")


@router.get("", operation_id="calendar_get", summary="See what is planned, day by day")
async def get_calendar(
    principal: Reader,
    tx: TxDep,
    clock: ClockDep,
    first: Annotated[Day, Query(alias="from", description="The first day.")],
    last: Annotated[Day, Query(alias="to", description="The last day; at most 92 days in all.")],
    timezone: Annotated[
        str | None, Query(max_length=64, description="IANA zone of the days; the workspace's by default.")
    ] = None,
) -> CalendarRead:
    name = timezone or principal.timezone
    where = zone(name, "?timezone")
    service.check_span(first, last)
    return CalendarRead(
        timezone=name, data=await service.days(tx, principal, first, last, where, clock.now())
    )
