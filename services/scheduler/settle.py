"""Writes what a step found out: the attempt's end, the delivery's new state, and what follows from it."""

import asyncio
from collections.abc import Awaitable
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import update

from drumtower.connections import Connection, Connections
from drumtower.db.engine import Tx
from drumtower.db.models import Attempt, Channel, Delivery, Interaction
from drumtower.db.repositories.deliveries import move, published
from drumtower.domain import failures, retries
from drumtower.domain.deliveries import Event, State
from drumtower.platforms import Accepted, Handoff, Outcome, PlatformError, Published

log = structlog.get_logger(__name__)

Result = Outcome | failures.Failure

# A step that looks is shorter than its lease of 60 s, whatever the platform does.
LOOK_SECONDS = 50.0


async def apart(step: Awaitable[None], delivery: Delivery) -> None:
    """Run one delivery's step so that neither an error nor a platform that drips stops another's."""
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            await step
    except Exception:
        # It comes again when its lease runs out.
        log.exception("delivery.broken", delivery_id=str(delivery.id))


async def after_renewal(
    connections: Connections, connection: Connection, failure: failures.Failure
) -> failures.Failure:
    """Renew a token that was refused before the refusal is written: the next attempt may start that moment.

    Returns what to write: the refusal, or why there is no other token, since a blip there is no dead account.
    """
    if isinstance(failure, failures.AuthExpired):
        try:
            await connections.renew(connection)
        except PlatformError as error:
            return error.failure
    return failure


def open_attempt(delivery: Delivery, step: str, now: datetime) -> Attempt:
    """Make the attempt's row, before the call."""
    return Attempt(
        workspace_id=delivery.workspace_id,
        delivery_id=delivery.id,
        number=delivery.attempts,
        fence=delivery.fence,
        step=step,
        started_at=now,
    )


async def close_attempt(tx: Tx, delivery_id: UUID, fence: int, result: Result | None, now: datetime) -> None:
    """Complete the attempt's row, after the call."""
    outcome, detail, code = describe(result)
    await tx.execute(
        update(Attempt)
        .where(Attempt.delivery_id == delivery_id, Attempt.fence == fence)
        .values(outcome=outcome, detail=detail, platform_code=code, ended_at=now)
    )


def describe(result: Result | None) -> tuple[str, str | None, str | None]:
    """Return a result as an attempt keeps it: outcome, detail, platform code."""
    match result:
        case Published(external_id=external_id):
            return "published", external_id, None
        case Accepted(detail=detail):
            return "accepted", detail or None, None
        case Handoff(reason=reason):
            return "handoff", reason, None
        case None:
            return "absent", "It is provably not there.", None
        case failure:
            return failures.code(failure), failure.detail, (failure.platform_code or "")[:64] or None


async def settle(tx: Tx, delivery: Delivery, result: Result, now: datetime) -> State:
    """Move a held delivery by what its call brought."""
    match result:
        case Published():
            return await settle_published(tx, delivery, result, now)
        case Accepted(handle=handle, poll_after=poll_after):
            return await move(
                tx,
                delivery,
                Event.ACCEPT,
                now,
                handle=(delivery.handle or {}) | handle,
                next_at=now + poll_after,
                lease_until=None,
                error=None,
            )
        case Handoff(reason=reason):
            return await move(tx, delivery, Event.HAND_OFF, now, error=error_json("handoff", reason))
        case failure:
            return await _settle_failure(tx, delivery, failure, now)


async def settle_published(tx: Tx, delivery: Delivery, found: Published, now: datetime) -> State:
    """Record that it is out, and that its interaction is answered."""
    changes = published(
        delivery,
        external_id=found.external_id,
        url=found.url,
        at=_out_at(delivery, found, now),
        context=found.context,
    )
    if delivery.interaction_id is not None:
        await tx.execute(
            update(Interaction)
            .where(Interaction.id == delivery.interaction_id, Interaction.answered_at.is_(None))
            .values(answered_at=changes["published_at"], revision=Interaction.revision + 1, updated_at=now)
        )
    return await move(tx, delivery, Event.PUBLISH, now, **changes)


def _out_at(delivery: Delivery, found: Published, now: datetime) -> datetime:
    # Platforms tell whole seconds by their own clock; between our send and our answer is the truth.
    told = found.published_at
    if told is None:
        return now
    return min(max(told, delivery.sent_at or told), now)


async def _settle_failure(tx: Tx, delivery: Delivery, failure: failures.Failure, now: datetime) -> State:
    renewed = (delivery.error or {}).get("code") == failures.code(failures.AuthExpired(detail=""))
    decision = retries.decide(failure, delivery.attempts, now, renewed=renewed)
    if decision.event is Event.REFUSE and isinstance(failure, failures.AuthExpired | failures.Disconnected):
        await _disconnect(tx, delivery.channel_id, failure.detail, now)
    changes: dict[str, Any] = {"error": failure_json(failure), "lease_until": None}
    if decision.event is Event.LOSE:
        changes["next_at"] = retries.next_lookup(0, now)
        changes["lookups"] = 0
    elif decision.again_at is not None:
        changes["next_at"] = changes["not_before"] = decision.again_at
    if not decision.counts:
        changes["attempts"] = delivery.attempts - 1
    return await move(tx, delivery, decision.event, now, **changes)


async def _disconnect(tx: Tx, channel_id: UUID, detail: str, now: datetime) -> None:
    await tx.execute(
        update(Channel)
        .where(Channel.id == channel_id)
        .values(status="disconnected", status_detail=detail, updated_at=now)
    )


def error_json(code: str, detail: str, hint: str = "", **more: Any) -> dict[str, Any]:
    """Return an error as a delivery shows it."""
    return {"code": code, "detail": detail, "hint": hint, **more}


def failure_json(failure: failures.Failure) -> dict[str, Any]:
    """Return a failure as a delivery shows it."""
    code = failures.code(failure)
    more = {"platform_code": failure.platform_code} if failure.platform_code else {}
    return error_json(code, failure.detail, failures.HINTS[code], **more)
