"""Imported audiences: what a platform's own pages show to people and no API tells."""

from collections import defaultdict
from datetime import date, datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import ConfigDict

from drumtower.db.engine import Tx
from drumtower.db.models import AudienceProfile
from drumtower.db.repositories.audiences import AudienceRepository
from drumtower.db.repositories.channels import ChannelRepository
from drumtower.domain.audience_profiles import Audience, Dimension
from services.api import audit, importing
from services.api.importing import Cell, Given, ImportRead, Rows, Whole
from services.api.principals import Principal
from services.api.schemas import Body, Day

# As creator centres name them.
NAMES = {
    "日期": "day",
    "统计时间": "day",
    "维度": "dimension",
    "取值": "value",
    "人数": "people",
    "粉丝数": "people",
}

People = dict[Dimension, dict[str, int]]


class AudienceRow(Body):
    """How many followers share a value on a day. Without a dimension and a value: how many there are in all."""

    model_config = ConfigDict(extra="forbid")

    day: Day
    dimension: Dimension | None = None
    value: Cell | None = None
    people: Whole


class AudienceImport(Rows):
    """Audiences to import: counts of people, in the platform's own words."""

    model_config = Body.model_config | {
        "json_schema_extra": {
            "example": {
                "dry_run": True,
                "csv": "日期,维度,取值,人数\n2026-11-20,gender,女,620\n2026-11-20,gender,男,340\n2026-11-20,,,1000\n",
            }
        }
    }


async def take(
    tx: Tx, principal: Principal, channel_id: UUID, asked: AudienceImport, now: datetime
) -> ImportRead:
    """Store what is new and say what became of each row; a dimension that is named takes the place of its day's."""
    channel = await ChannelRepository(tx, principal.workspace_id).get(channel_id)
    zone = ZoneInfo(principal.timezone)
    given = importing.read(asked, AudienceRow, NAMES, zone, now)
    await importing.alone(tx, channel.id)
    audiences = AudienceRepository(tx, principal.workspace_id)
    kept = await audiences.of_days(channel.id, {row.day for row in given.rows.values()})
    _check(given, kept, now.astimezone(zone).date())
    known = [index for index, row in given.rows.items() if _count(kept.get(row.day), row) == row.people]
    answer = importing.told(asked, given, known)
    if answer.created and not asked.dry_run:
        for day in sorted({row.day for index, row in given.rows.items() if index not in known}):
            rows = [row for row in given.rows.values() if row.day == day]
            ends = datetime.combine(day, time.max, zone)
            await audiences.store(channel.id, _merged(kept.get(day), rows, ends), now, zone, "import")
        about = {"created": answer.created, "duplicate": answer.duplicate, "refused": answer.refused}
        audit.record(tx, principal, "channel.audience_imported", channel.id, now, **about)
    return answer


def _check(given: Given, kept: dict[date, AudienceProfile], today: date) -> None:
    seen: set[tuple[date, Dimension | None, str | None]] = set()
    for index, row in list(given.rows.items()):
        key = (row.day, row.dimension, row.value)
        if (row.dimension is None) != (row.value is None):
            missing = "value" if row.value is None else "dimension"
            importing.refuse(given, index, missing, "field_missing", "A dimension and a value go together.")
        elif row.day > today:
            importing.refuse(
                given, index, "day", "time_in_future", "Nothing is known of what is still to come."
            )
        elif row.day in kept and kept[row.day].source == "pull":
            detail = "The platform told this day's audience itself."
            importing.refuse(given, index, "day", "audience_pulled", detail, "Leave the day out.")
        elif key in seen:
            importing.refuse(
                given, index, "value", "row_repeated", "An earlier row tells this of the same day."
            )
        seen.add(key)


def _count(kept: AudienceProfile | None, row: AudienceRow) -> int | None:
    """Return what is stored of a row's value."""
    if kept is None:
        return None
    if row.dimension is None:
        return kept.total
    count: int | None = kept.people.get(row.dimension, {}).get(row.value)
    return count


def _merged(kept: AudienceProfile | None, rows: list[AudienceRow], as_of: datetime) -> Audience:
    total = kept.total if kept else None
    named: People = defaultdict(dict)
    for row in rows:
        if row.dimension is None or row.value is None:
            total = row.people
        else:
            named[row.dimension][row.value] = row.people
    before = {Dimension(name): values for name, values in kept.people.items()} if kept else {}
    return Audience(people={**before, **named}, total=total, as_of=as_of)
