"""Imported events: a year's plan out of a table. They are the events that one would add one by one."""

from collections.abc import Hashable
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from drumtower.db.engine import Tx
from drumtower.db.models import CalendarEvent
from drumtower.db.repositories.calendar import CalendarEventRepository
from drumtower.domain.calendar import EventKind, Occasion, check_occasion
from drumtower.domain.errors import Violation
from services.api import audit, importing
from services.api.calendar import events
from services.api.calendar.event_schemas import EventCreate
from services.api.importing import Given, ImportRead, Rows
from services.api.principals import Principal
from services.api.schemas import Body

# As people head the columns of their own plans.
NAMES = {
    "类型": "kind",
    "标题": "title",
    "名称": "title",
    "活动名称": "title",
    "开始日期": "from",
    "结束日期": "to",
    "截止时间": "expires_at",
    "准备天数": "prepare_days",
    "备注": "note",
    "品牌ID": "brand_id",
    "负责人ID": "owner_id",
}


class EventRow(EventCreate):
    """An event to add, `own` where nothing else is said. It is known by its kind, title, days and brand."""

    kind: EventKind = EventKind.OWN


class EventImport(Rows):
    """Events to import."""

    model_config = Body.model_config | {
        "json_schema_extra": {
            "example": {
                "dry_run": True,
                "csv": "标题,开始日期,结束日期,准备天数\n秋茶节,2026-09-20,2026-09-25,14\n",
            }
        }
    }


async def take(tx: Tx, principal: Principal, asked: EventImport, now: datetime) -> ImportRead:
    """Store what is new and say what became of each row; a dry run says the same and stores nothing."""
    given = importing.read(asked, EventRow, NAMES, ZoneInfo(principal.timezone), now)
    await importing.alone(tx, principal.workspace_id)
    await _check(tx, principal, given, now)
    stored = await CalendarEventRepository(tx, principal.workspace_id).beginning(
        {row.starts_on for row in given.rows.values()}
    )
    known = importing.known(given, map(_key, stored), _key)
    answer = importing.told(asked, given, known)
    if answer.created and not asked.dry_run:
        fresh = (row for index, row in given.rows.items() if index not in known)
        tx.add_all([events.made(principal, row, now) for row in fresh])
        about = {"created": answer.created, "duplicate": answer.duplicate, "refused": answer.refused}
        audit.record(tx, principal, "calendar_event.imported", principal.workspace_id, now, **about)
    return answer


def _key(event: EventRow | CalendarEvent) -> Hashable:
    return EventKind(event.kind), event.title, event.starts_on, event.ends_on, event.brand_id


async def _check(tx: Tx, principal: Principal, given: Given, now: datetime) -> None:
    """Refuse the rows that could not be added one by one; whom they name is asked once, however often they do."""
    strangers: dict[tuple[UUID | None, UUID | None], list[Violation]] = {}
    for index, row in list(given.rows.items()):
        named = (row.brand_id, row.owner_id)
        if named not in strangers:
            strangers[named] = await events.strange(tx, principal, *named, now)
        for broken in (*check_occasion(_occasion(row)), *strangers[named]):
            importing.refuse(
                given, index, broken.pointer.removeprefix("/"), broken.code, broken.detail, broken.hint
            )


def _occasion(row: EventRow) -> Occasion:
    return Occasion(
        kind=row.kind,
        starts_on=row.starts_on,
        ends_on=row.ends_on,
        expires_at=row.expires_at,
        prepare_days=row.prepare_days,
    )
