"""When each channel gets the post: one time for all, or the channel's own next slot or best hour."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from drumtower.db.engine import Tx
from drumtower.db.models import Channel
from drumtower.db.repositories.best_times import BestTimeRepository
from drumtower.db.repositories.quotas import QuotaRepository
from drumtower.db.repositories.slots import SlotRepository, slot_of
from drumtower.domain.best_times import choose, rank
from drumtower.domain.errors import Violation
from drumtower.domain.slots import next_opening
from services.api.deliveries.timing import Due, read_due
from services.api.posts.schedule_schemas import PostSchedule
from services.api.principals import Principal

Found = tuple[dict[UUID, Due], list[Violation]]


async def dues(
    tx: Tx, principal: Principal, asked: PostSchedule, channels: Sequence[Channel], now: datetime
) -> Found:
    """Return the due time of each channel, and why those that are absent have none.

    Who looks for a free time holds the channels' plans until the commit, in the order of their ids.
    """
    given, violations = read_due(asked, now)
    if given is not None:
        return {channel.id: given for channel in channels}, []
    if violations:
        return {}, violations
    found: dict[UUID, Due] = {}
    for channel in sorted(channels, key=lambda one: one.id):
        await QuotaRepository(tx, principal.workspace_id).hold(channel.id)
        due = await _free(tx, principal, asked, channel, now)
        if isinstance(due, Violation):
            violations.append(due)
        else:
            found[channel.id] = due
    return found, violations


async def _free(
    tx: Tx, principal: Principal, asked: PostSchedule, channel: Channel, now: datetime
) -> Due | Violation:
    if asked.best_time is not None:
        return await _best_time(tx, principal, channel, asked.best_time.within_days, now)
    return await _next_slot(tx, principal, channel, now)


async def _next_slot(tx: Tx, principal: Principal, channel: Channel, now: datetime) -> Due | Violation:
    slots = SlotRepository(tx, principal.workspace_id)
    known = [slot_of(row) for row in await slots.of(channel.id)]
    if not known:
        detail = f"{channel.name} has no slots."
        return _wrong(channel, "no_slots", detail, "Add some: POST /v1/channels/{id}/slots.")
    opening = next_opening(known, now, await slots.taken(channel.id, now))
    if opening is None:
        detail = f"Every slot of {channel.name} is taken for half a year."
        return _wrong(channel, "no_free_slot", detail, "Add slots, or give a time.")
    return _due(opening.at, ZoneInfo(opening.slot.timezone))


async def _best_time(
    tx: Tx, principal: Principal, channel: Channel, days: int, now: datetime
) -> Due | Violation:
    zone = ZoneInfo(principal.timezone)
    results = await BestTimeRepository(tx, principal.workspace_id).results(channel.id, now)
    taken = await SlotRepository(tx, principal.workspace_id).taken(channel.id, now - timedelta(hours=1))
    ranked = rank(results, channel.platform, zone)
    chosen = choose(ranked, zone, now, timedelta(days=days), taken)
    if chosen is None:
        detail = f"Something is planned on {channel.name} in every hour of the next {days} days."
        return _wrong(channel, "no_free_hour", detail, "Ask for more days, or give a time.")
    return _due(chosen[0], zone)


def _due(at: datetime, zone: ZoneInfo) -> Due:
    local = at.astimezone(zone).replace(tzinfo=None).isoformat(timespec="minutes")
    return Due(at=at, local=local, timezone=zone.key, slot_at=at)


def _wrong(channel: Channel, code: str, detail: str, hint: str) -> Violation:
    return Violation(pointer=str(channel.id), code=code, detail=detail, hint=hint)


def latest(found: Mapping[UUID, Due], now: datetime) -> datetime:
    """Return the last due time: what must still hold then holds before."""
    return max((due.at for due in found.values()), default=now)
