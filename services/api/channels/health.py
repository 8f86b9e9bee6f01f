"""Whether a channel works, and what holds it back: read from what binds its deliveries, not from what it was told."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import func, select

from drumtower.db.engine import Tx
from drumtower.db.models import Channel, Delivery
from drumtower.db.repositories import breakers, budgets
from drumtower.db.repositories.quotas import QuotaRepository
from drumtower.domain import authorisations
from drumtower.domain.breakers import Breaker, BreakerState
from drumtower.domain.budgets import Rate, free_at, left
from drumtower.domain.deliveries import WAITING, Action, State
from drumtower.domain.failures import Scope
from drumtower.domain.quotas import window
from drumtower.limits import Limits, Place
from services.api.channels.health_schemas import (
    BreakerRead,
    BudgetRead,
    ChannelErrorRead,
    ChannelHealthRead,
    QuotaLeftRead,
    ResetRead,
)

# The last error is looked for among so many of the latest deliveries.
RECENT = 200


async def read_health(tx: Tx, limits: Limits, channel: Channel, now: datetime) -> ChannelHealthRead:
    """Return the channel's health at `now`."""
    place = limits.place(channel.id, channel.platform, channel.base_url)
    found = await breakers.read(tx, [place.app, place.channel])
    broken = [_breaker(scope, found.get(place.key(scope), Breaker())) for scope in Scope]
    drawn, resets = await _budgets(tx, limits, place, now)
    quotas = await read_quotas(tx, limits, channel, now)
    return ChannelHealthRead(
        channel_id=channel.id,
        health=_verdict(channel, broken, drawn, resets, quotas),
        status="connected" if channel.status == "connected" else "disconnected",
        status_detail=channel.status_detail,
        token_expires_at=channel.token_expires_at,
        authorise_by=channel.authorise_by,
        authorise_again=authorisations.again(channel.authorise_by, now),
        breakers=broken,
        budgets=drawn,
        resets=resets,
        quotas=quotas,
        **await _deliveries(tx, channel, now),
        checked_at=now,
    )


def _verdict(
    channel: Channel,
    broken: list[BreakerRead],
    drawn: list[BudgetRead],
    resets: list[ResetRead],
    quotas: list[QuotaLeftRead],
) -> Literal["ok", "limited", "failing", "disconnected"]:
    if channel.status != "connected":
        return "disconnected"
    if any(breaker.state is not BreakerState.CLOSED for breaker in broken):
        return "failing"
    short = any(budget.left == 0 for budget in drawn) or any(quota.left == 0 for quota in quotas)
    return "limited" if resets or short else "ok"


def _breaker(scope: Scope, breaker: Breaker) -> BreakerRead:
    return BreakerRead(
        scope=scope,
        state=breaker.state,
        faults=len(breaker.faults),
        opened_at=breaker.opened_at,
        next_at=breaker.next_at if breaker.opened_at else None,
    )


async def _budgets(
    tx: Tx, limits: Limits, place: Place, now: datetime
) -> tuple[list[BudgetRead], list[ResetRead]]:
    rates: dict[str, tuple[Rate | None, Action | None]] = {
        key: (rate, None) for key, rate in limits.rates(place).items()
    }
    for action in Action:
        rates |= {key: (rate, action) for key, rate in limits.action_rate(place, action).items()}
    rows = await budgets.read(tx, rates)
    scopes = {key: Scope.APP if key == place.app else Scope.CHANNEL for key in rates}
    drawn = [
        BudgetRead(
            scope=scopes[key],
            action=action,
            count=rate.count,
            per_seconds=rate.per.total_seconds(),
            burst=rate.burst,
            left=left(rate, rows[key].tat if key in rows else None, now),
            free_at=free_at(rate, rows[key].tat if key in rows else None, now),
        )
        for key, (rate, action) in rates.items()
        if rate is not None
    ]
    resets = [
        ResetRead(scope=scopes[key], until=row.closed_until, detail=row.closed_by or "")
        for key, row in rows.items()
        if row.closed_until is not None and row.closed_until > now
    ]
    return drawn, resets


async def read_quotas(tx: Tx, limits: Limits, channel: Channel, now: datetime) -> list[QuotaLeftRead]:
    """Return what is left of the channel's quotas now."""
    counted = QuotaRepository(tx, channel.workspace_id)
    made = []
    for quota in limits.quotas(channel.platform):
        used = await counted.used(channel.id, quota, now, now)
        starts_at, ends_at = window(quota, now)
        made.append(
            QuotaLeftRead(
                action=quota.action,
                period=quota.period,
                timezone=quota.timezone,
                count=quota.count,
                used=used,
                left=max(0, quota.count - used),
                starts_at=starts_at,
                ends_at=ends_at,
            )
        )
    return made


async def _deliveries(tx: Tx, channel: Channel, now: datetime) -> dict[str, Any]:
    ours = Delivery.workspace_id == channel.workspace_id, Delivery.channel_id == channel.id
    count = select(func.count()).select_from(Delivery).where(*ours)
    waiting = Delivery.state.in_([state.value for state in WAITING])
    last = select(func.max(Delivery.published_at)).where(*ours)
    return {
        "waiting": await tx.scalar(count.where(waiting, Delivery.due_at <= now)),
        "needs_check": await tx.scalar(
            count.where(Delivery.state == State.UNKNOWN.value, Delivery.needs_check.is_(True))
        ),
        "last_success_at": await tx.scalar(last),
        "last_error": await _last_error(tx, channel, now),
    }


async def _last_error(tx: Tx, channel: Channel, now: datetime) -> ChannelErrorRead | None:
    recent = (
        select(Delivery.id, Delivery.error, Delivery.updated_at)
        .where(
            Delivery.workspace_id == channel.workspace_id,
            Delivery.channel_id == channel.id,
            Delivery.due_at <= now,
        )
        .order_by(Delivery.due_at.desc())
        .limit(RECENT)
        .subquery()
    )
    statement = (
        select(recent).where(recent.c.error.is_not(None)).order_by(recent.c.updated_at.desc()).limit(1)
    )
    found = (await tx.execute(statement)).one_or_none()
    if found is None:
        return None
    return ChannelErrorRead(
        code=found.error["code"], detail=found.error["detail"], delivery_id=found.id, at=found.updated_at
    )
