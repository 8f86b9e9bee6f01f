"""A channel's publishing times. What has booked one keeps its time when the slot goes."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from drumtower.db.engine import Tx
from drumtower.db.models import Channel, Slot
from drumtower.db.repositories.channels import ChannelRepository
from drumtower.db.repositories.slots import SlotRepository
from drumtower.domain.errors import Conflict, Invalid, Violation
from drumtower.domain.ids import new_id
from drumtower.domain.schedules import zone
from drumtower.domain.slots import MOST
from services.api import audit
from services.api.principals import Principal
from services.api.slots.schemas import SlotCreate, SlotRead

_Key = tuple[str, str, str]


async def add(tx: Tx, principal: Principal, channel_id: UUID, asked: SlotCreate, now: datetime) -> Slot:
    """Add one slot; raise Conflict where the channel has it already or has too many."""
    channel = await _hold(tx, principal, channel_id)
    zone(asked.timezone)
    slots = SlotRepository(tx, principal.workspace_id)
    known = await slots.of(channel.id)
    if _key(asked) in {_row_key(row) for row in known}:
        raise Conflict("slot_exists", "The channel has this slot already.")
    if len(known) >= MOST:
        raise Conflict("too_many_slots", f"A channel has at most {MOST} slots. Remove one first.")
    slot = _add(tx, principal, channel, asked, now)
    audit.record(tx, principal, "slot.added", slot.id, now, channel_id=str(channel.id))
    return slot


async def replace(
    tx: Tx, principal: Principal, channel_id: UUID, asked: Sequence[SlotCreate], now: datetime
) -> list[Slot]:
    """Make these the channel's slots; raise Invalid with everything that is wrong."""
    channel = await _hold(tx, principal, channel_id)
    violations = _violations(asked)
    if violations:
        raise Invalid.of(violations)
    known = {_row_key(row): row for row in await SlotRepository(tx, principal.workspace_id).of(channel.id)}
    wanted = {_key(one): one for one in asked}
    for key in known.keys() - wanted.keys():
        await tx.delete(known[key])
    kept = [
        known[key] if key in known else _add(tx, principal, channel, one, now) for key, one in wanted.items()
    ]
    audit.record(tx, principal, "channel.slots_replaced", channel.id, now, slots=len(kept))
    return kept


async def remove(tx: Tx, principal: Principal, channel_id: UUID, slot_id: UUID, now: datetime) -> Slot:
    """Take one slot away."""
    channel = await _hold(tx, principal, channel_id)
    slot = await SlotRepository(tx, principal.workspace_id).get(channel.id, slot_id)
    await tx.delete(slot)
    audit.record(tx, principal, "slot.removed", slot.id, now, channel_id=str(channel.id))
    return slot


async def _hold(tx: Tx, principal: Principal, channel_id: UUID) -> Channel:
    """Lock the channel: two who change its slots at once come one after the other."""
    return await ChannelRepository(tx, principal.workspace_id).get(channel_id, lock=True)


def _add(tx: Tx, principal: Principal, channel: Channel, asked: SlotCreate, now: datetime) -> Slot:
    slot = Slot(
        id=new_id(),
        workspace_id=channel.workspace_id,
        channel_id=channel.id,
        weekday=asked.weekday.value,
        local_time=asked.local,
        timezone=asked.timezone,
        created_by=principal.member_id,
        created_at=now,
    )
    tx.add(slot)
    return slot


def _violations(asked: Sequence[SlotCreate]) -> list[Violation]:
    violations: list[Violation] = []
    for index, one in enumerate(asked):
        try:
            zone(one.timezone, f"/slots/{index}/timezone")
        except Invalid as refused:
            violations += refused.violations
        if _key(one) in [_key(other) for other in asked[:index]]:
            detail = "This slot is named twice."
            violations.append(
                Violation(
                    pointer=f"/slots/{index}", code="duplicate_slot", detail=detail, hint="Name it once."
                )
            )
    return violations


def _key(asked: SlotCreate) -> _Key:
    return asked.weekday.value, asked.local, asked.timezone


def _row_key(row: Slot) -> _Key:
    return row.weekday, row.local_time, row.timezone


def read(row: Slot) -> SlotRead:
    """Return the slot as clients see it."""
    return SlotRead.model_validate(
        {
            "id": row.id,
            "channel_id": row.channel_id,
            "weekday": row.weekday,
            "local": row.local_time,
            "timezone": row.timezone,
            "created_at": row.created_at,
        }
    )
