"""Writes what a step found out: the attempt's end, the delivery's new state, and what follows from it."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import update

from drumtower.connections import Connection, Connections
from drumtower.db.engine import Tx
from drumtower.db.models import Attempt, Delivery, Interaction
from drumtower.db.plain import fetch, transposed
from drumtower.db.repositories.channels import disconnect
from drumtower.db.repositories.deliveries import Move, move, move_all, published
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
    await close_attempts(tx, [(delivery_id, fence, result, now)])


async def close_attempts(tx: Tx, ended: Sequence[tuple[UUID, int, Result | None, datetime]]) -> None:
    """Complete many attempts' rows: each by its delivery, its fence, its result and when that came."""
    rows = [(delivery_id, fence, *describe(result), at) for delivery_id, fence, result, at in ended]
    await fetch(tx, _CLOSE, *transposed(rows))


_CLOSE = """
UPDATE attempts AS a
SET outcome = e.outcome, detail = e.detail, platform_code = e.platform_code, ended_at = e.ended_at
FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
    AS e (delivery_id, fence, outcome, detail, platform_code, ended_at)
WHERE a.delivery_id = e.delivery_id AND a.fence = e.fence
"""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What a call's result makes of its delivery, and of what belongs to it."""

    delivery: Delivery
    event: Event
    now: datetime
    changes: dict[str, Any]
    answered_at: datetime | None = None  # the interaction's, where the delivery answered one
    disconnects: str | None = None  # why the channel is gone

    @property
    def move(self) -> Move:
        return Move(self.delivery, self.event, self.now, self.changes)


def settlement(delivery: Delivery, result: Result, now: datetime) -> Settlement:
    """Decide what follows from a result for a held delivery."""
    match result:
        case Published():
            return _published(delivery, result, now)
        case Accepted(handle=handle, poll_after=poll_after):
            changes = {
                "handle": (delivery.handle or {}) | handle,
                "next_at": now + poll_after,
                "lease_until": None,
                "error": None,
            }
            return Settlement(delivery=delivery, event=Event.ACCEPT, now=now, changes=changes)
        case Handoff(reason=reason):
            error = {"error": error_json("handoff", reason)}
            return Settlement(delivery=delivery, event=Event.HAND_OFF, now=now, changes=error)
        case failure:
            return _failed(delivery, failure, now)


async def settle(tx: Tx, delivery: Delivery, result: Result, now: datetime) -> State:
    """Move a held delivery by what its call brought."""
    decided = settlement(delivery, result, now)
    await _carry_over(tx, [decided])
    return await move(tx, delivery, decided.event, now, **decided.changes)


async def settle_published(tx: Tx, delivery: Delivery, found: Published, now: datetime) -> State:
    """Record that it is out, and that its interaction is answered."""
    return await settle(tx, delivery, found, now)


async def settle_all(tx: Tx, decided: Sequence[Settlement]) -> None:
    """Move many held deliveries at once (see `move_all`)."""
    await _carry_over(tx, decided)
    await move_all(tx, [one.move for one in decided])


async def _carry_over(tx: Tx, decided: Sequence[Settlement]) -> None:
    """Write what a result means for other rows than its delivery's."""
    for one in decided:
        if one.answered_at is not None:
            await tx.execute(
                update(Interaction)
                .where(Interaction.id == one.delivery.interaction_id, Interaction.answered_at.is_(None))
                .values(answered_at=one.answered_at, revision=Interaction.revision + 1, updated_at=one.now)
                .execution_options(synchronize_session=False)
            )
    gone = {one.delivery.channel_id: one for one in decided if one.disconnects is not None}
    for channel_id, one in gone.items():
        await disconnect(tx, channel_id, one.disconnects or "", one.now)


def _published(delivery: Delivery, found: Published, now: datetime) -> Settlement:
    out_at = _out_at(delivery, found, now)
    changes = published(
        delivery, external_id=found.external_id, url=found.url, at=out_at, context=found.context
    )
    answered_at = out_at if delivery.interaction_id is not None else None
    return Settlement(
        delivery=delivery, event=Event.PUBLISH, now=now, changes=changes, answered_at=answered_at
    )


def _out_at(delivery: Delivery, found: Published, now: datetime) -> datetime:
    # Platforms tell whole seconds by their own clock; between our send and our answer is the truth.
    told = found.published_at
    if told is None:
        return now
    return min(max(told, delivery.sent_at or told), now)


def _failed(delivery: Delivery, failure: failures.Failure, now: datetime) -> Settlement:
    renewed = (delivery.error or {}).get("code") == failures.code(failures.AuthExpired(detail=""))
    decision = retries.decide(failure, delivery.attempts, now, renewed=renewed)
    gone = decision.event is Event.REFUSE and isinstance(
        failure, failures.AuthExpired | failures.Disconnected
    )
    changes: dict[str, Any] = {"error": failure_json(failure), "lease_until": None}
    if decision.event is Event.LOSE:
        changes["next_at"] = retries.next_lookup(0, now)
        changes["lookups"] = 0
    elif decision.again_at is not None:
        changes["next_at"] = changes["not_before"] = decision.again_at
    if not decision.counts:
        changes["attempts"] = delivery.attempts - 1
    return Settlement(
        delivery=delivery,
        event=decision.event,
        now=now,
        changes=changes,
        disconnects=failure.detail if gone else None,
    )


@dataclass(frozen=True, slots=True)
class Stop:
    """A claimed delivery that must not leave: what happens to it, why, and what else changes with it."""

    event: Event
    error: dict[str, Any]
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def changes(self) -> dict[str, Any]:
        return {"error": self.error, **self.more}


def error_json(code: str, detail: str, hint: str = "", **more: Any) -> dict[str, Any]:
    """Return an error as a delivery shows it."""
    return {"code": code, "detail": detail, "hint": hint, **more}


def failure_json(failure: failures.Failure) -> dict[str, Any]:
    """Return a failure as a delivery shows it."""
    code = failures.code(failure)
    more = {"platform_code": failure.platform_code} if failure.platform_code else {}
    return error_json(code, failure.detail, failures.HINTS[code], **more)
