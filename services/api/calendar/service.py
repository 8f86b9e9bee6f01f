"""Lays posts and deliveries out by day, in one zone."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import RowMapping, Select, select

from drumtower import almanac
from drumtower.db.engine import Tx
from drumtower.db.models import Delivery, Post
from drumtower.domain.calendar import is_far
from drumtower.domain.deliveries import State
from drumtower.domain.errors import Invalid, Violation
from services.api.calendar.events import add_events
from services.api.calendar.marks import add_marks
from services.api.calendar.plans import add_freezes, add_occurrences
from services.api.calendar.schemas import CalendarDay, CalendarDelivery, CalendarPost
from services.api.principals import Principal

LONGEST = 92  # days: a quarter
MOST = 5_000  # posts or deliveries in one answer
OF_POST = {"post_title": Post.title, "owner_id": Post.owner_id}


def check_span(first: date, last: date) -> None:
    """Refuse a span that runs backwards, is longer than a quarter, or has no place in UTC."""
    violations = []
    if last < first:
        detail = "The last day is before the first."
        violations.append(Violation(pointer="?to", code="span_backwards", detail=detail, hint="Swap them."))
    elif last - first >= timedelta(days=LONGEST):
        detail = f"{(last - first).days + 1} days; at most {LONGEST} at once."
        violations.append(
            Violation(pointer="?to", code="span_too_long", detail=detail, hint="Ask in smaller pieces.")
        )
    if is_far(first) or is_far(last):
        violations.append(Violation(pointer="?from", code="span_too_far", detail="Check the years."))
    if violations:
        raise Invalid.of(violations)


def check_year(day: date, pointer: str) -> None:
    """Refuse a day that has no place in UTC."""
    if is_far(day):
        raise Invalid.at(pointer, "span_too_far", f"{day.isoformat()} is out of reach.", "Check the year.")


async def days(
    tx: Tx,
    principal: Principal,
    first: date,
    last: date,
    zone: ZoneInfo,
    now: datetime,
    campaign_id: UUID | None = None,
) -> list[CalendarDay]:
    """Return each day from first to last: posts by their planned day, deliveries by the zone's day they are due.

    With `campaign_id`, the posts, deliveries and series of that campaign alone; marks, events and freezes stand all.
    """
    by_day = {
        day: CalendarDay(date=day, lunar=almanac.lunar_name(day), posts=[], deliveries=[])
        for day in (first + timedelta(days=offset) for offset in range((last - first).days + 1))
    }
    for row in await _rows(tx, _of(campaign_id, _posts(principal, first, last))):
        by_day[row["due_on"]].posts.append(CalendarPost(**row))
    for row in await _rows(tx, _of(campaign_id, _deliveries(principal, first, last, zone))):
        by_day[row["due_at"].astimezone(zone).date()].deliveries.append(CalendarDelivery(**row))
    await add_marks(tx, principal, by_day)
    await add_events(tx, principal, by_day, now)
    await add_occurrences(tx, principal, by_day, now, zone, campaign_id)
    end = _start(last + timedelta(days=1), zone)
    await add_freezes(tx, principal, by_day, _start(first, zone), end, zone)
    return list(by_day.values())


async def _rows(tx: Tx, statement: Select[Any]) -> Sequence[RowMapping]:
    rows: Sequence[RowMapping] = (await tx.execute(statement.limit(MOST + 1))).mappings().all()
    if len(rows) > MOST:
        raise Invalid.at(
            "?to",
            "span_too_full",
            f"More than {MOST} things are planned in these days.",
            "Ask for fewer days.",
        )
    return rows


def _of(campaign_id: UUID | None, statement: Select[Any]) -> Select[Any]:
    return statement if campaign_id is None else statement.where(Post.campaign_id == campaign_id)


def _posts(principal: Principal, first: date, last: date) -> Select[Any]:
    columns = [getattr(Post, name) for name in CalendarPost.model_fields]
    return (
        select(*columns)
        .where(
            Post.workspace_id == principal.workspace_id,
            Post.due_on.between(first, last),
            Post.archived_at.is_(None),
            Post.is_template.is_(False),
        )
        .order_by(Post.due_on, Post.id)
    )


def _deliveries(principal: Principal, first: date, last: date, zone: ZoneInfo) -> Select[Any]:
    columns = [getattr(Delivery, name) for name in CalendarDelivery.model_fields if name not in OF_POST]
    return (
        select(*columns, *(column.label(name) for name, column in OF_POST.items()))
        .outerjoin(Post, Post.id == Delivery.post_id)
        .where(
            Delivery.workspace_id == principal.workspace_id,
            Delivery.due_at >= _start(first, zone),
            Delivery.due_at < _start(last + timedelta(days=1), zone),
            Delivery.state != State.CANCELLED.value,
        )
        .order_by(Delivery.due_at, Delivery.id)
    )


def _start(day: date, zone: ZoneInfo) -> datetime:
    """The day's first instant; where midnight itself is skipped, the instant the clocks jump."""
    return datetime.combine(day, time(), zone).astimezone(UTC)
