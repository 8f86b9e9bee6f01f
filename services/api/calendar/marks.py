"""The marks of days: what is shipped, and what the workspace says instead."""

from collections.abc import Iterable
from datetime import date, datetime

from drumtower import almanac
from drumtower.db.engine import Tx
from drumtower.db.models import CalendarDay
from drumtower.db.repositories.calendar import CalendarRepository
from drumtower.domain.calendar import MarkKind, marks
from drumtower.domain.errors import Invalid, NotFound, Severity
from drumtower.domain.ids import new_id
from services.api import audit
from services.api.calendar import schemas
from services.api.principals import Principal


async def add_marks(tx: Tx, principal: Principal, by_day: dict[date, schemas.CalendarDay]) -> None:
    """Put each mark on its day."""
    first, last = min(by_day), max(by_day)
    own = await CalendarRepository(tx, principal.workspace_id).between(first, last)
    for mark in marks(almanac.shipped(first, last), own):
        by_day[mark.day].marks.append(schemas.CalendarMark.model_validate(mark))


def years(days: Iterable[date]) -> list[schemas.CalendarYear]:
    """Say of each year whether its statutory holidays are known."""
    numbers = sorted({day.year for day in days})
    return [schemas.CalendarYear(year=year, holidays=almanac.announced(year)) for year in numbers]


async def say(
    tx: Tx, principal: Principal, day: date, kind: MarkKind, asked: schemas.MarkWrite, now: datetime
) -> CalendarDay:
    """Make this the workspace's word on that kind of mark on that day."""
    _check(kind, asked)
    row = await CalendarRepository(tx, principal.workspace_id).get(day, kind)
    if row is None:
        row = CalendarDay(id=new_id(), workspace_id=principal.workspace_id, day=day, kind=kind.value)
        tx.add(row)
    row.observed, row.name, row.note = asked.observed, asked.name, asked.note
    row.severity = _severity(kind, asked)
    row.updated_by, row.updated_at = principal.member_id, now
    audit.record(tx, principal, "calendar_day.set", row.id, now, day=day.isoformat(), kind=kind.value)
    return row


def _severity(kind: MarkKind, asked: schemas.MarkWrite) -> str | None:
    if kind is not MarkKind.QUIET_DAY or not asked.observed:
        return None
    return (asked.severity or Severity.WARN).value


def _check(kind: MarkKind, asked: schemas.MarkWrite) -> None:
    if asked.severity is not None and kind is not MarkKind.QUIET_DAY:
        detail = f"A {kind} has no severity: only quiet days speak against posting."
        raise Invalid.at("/severity", "severity_without_quiet_day", detail, "Leave it out.")


async def take_back(tx: Tx, principal: Principal, day: date, kind: MarkKind, now: datetime) -> CalendarDay:
    """Take the workspace's word back: what is shipped holds again. Raise NotFound where it has said nothing."""
    row = await CalendarRepository(tx, principal.workspace_id).get(day, kind)
    if row is None:
        raise NotFound.thing("calendar day")
    await tx.delete(row)
    audit.record(tx, principal, "calendar_day.removed", row.id, now, day=day.isoformat(), kind=kind.value)
    return row
