"""Places in a platform's hour or day, reserved with the plan itself: what a delivery is, is what it reserves."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from drumtower.db.engine import Tx
from drumtower.db.models import Delivery
from drumtower.db.repositories.quotas import QuotaRepository
from drumtower.domain.deliveries import Action
from drumtower.domain.errors import Conflict, Violation
from drumtower.domain.quotas import Period, Quota, next_free, window
from drumtower.limits import Limits

_EACH = {Period.HOUR: "an hour", Period.DAY: "a day"}


async def reserve(
    tx: Tx,
    limits: Limits,
    planned: Sequence[Delivery],
    now: datetime,
    pointers: Mapping[UUID, str] | None = None,
) -> None:
    """Raise Conflict where deliveries just planned are more than their channels' quotas have room for.

    Their channels are held until the commit, so that two who plan at once see each other. `pointers` by channel.
    """
    over: list[Violation] = []
    for delivery in sorted(planned, key=lambda row: row.channel_id):
        quotas = limits.quotas(delivery.platform, Action(delivery.action))
        if quotas:
            await QuotaRepository(tx, delivery.workspace_id).hold(delivery.channel_id)
        pointer = (pointers or {}).get(delivery.channel_id, "")
        found = [await _over(tx, delivery, quota, now, pointer) for quota in quotas]
        over += [violation for violation in found if violation is not None]
    if over:
        raise Conflict("quota_used_up", over[0].detail, violations=tuple(over))


async def _over(tx: Tx, delivery: Delivery, quota: Quota, now: datetime, pointer: str) -> Violation | None:
    counted = QuotaRepository(tx, delivery.workspace_id)
    at = max(delivery.due_at, now)
    if await counted.used(delivery.channel_id, quota, at, now) <= quota.count:
        return None
    free = next_free(quota, at, await counted.full(delivery.channel_id, quota, at, now))
    return Violation(
        pointer=pointer,
        code="quota_used_up",
        detail=f"This channel may publish {quota.count} {_EACH[quota.period]}; {_name(quota, at)} is full.",
        hint=f"The next {quota.period} with room is {_name(quota, free)}."
        if free
        else "Choose a later time.",
    )


def _name(quota: Quota, at: datetime) -> str:
    """Name the platform's hour or day as people there do."""
    local = window(quota, at)[0].astimezone(ZoneInfo(quota.timezone))
    if quota.period is Period.DAY:
        return f"{local.date().isoformat()} ({quota.timezone})"
    return f"{local.isoformat(timespec='minutes')} to {local.hour + 1:02}:00"
