"""A platform that tells how a publish ended settles the delivery, unless polling did so first."""

from datetime import datetime

import structlog

from drumtower.db.engine import Tx
from drumtower.db.models import Attempt, Channel, Delivery
from drumtower.db.repositories.deliveries import move, published
from drumtower.db.repositories.feedback import awaiting
from drumtower.domain import failures
from drumtower.domain.deliveries import Event
from drumtower.feedback.reading import Out, Told

log = structlog.get_logger(__name__)


async def settle(tx: Tx, channel: Channel, told: Told, now: datetime) -> bool:
    """Settle the one delivery that waits for this outcome; False where none does (any more, or yet)."""
    waiting = await awaiting(tx, channel.id, told.handle)
    if len(waiting) != 1:
        log.info("outcome.unmatched", channel_id=str(channel.id), handle=told.handle, waiting=len(waiting))
        return False
    delivery = waiting[0]
    # A poll under way holds the fence before this one; its answer is then stale, and writes nothing.
    delivery.fence += 1
    tx.add(_attempt(delivery, told, now))
    if told.outcome is not None:
        await _publish(tx, delivery, told.outcome, now)
    else:
        await _refuse(tx, delivery, told.refusal or "", now)
    return True


async def _publish(tx: Tx, delivery: Delivery, out: Out, now: datetime) -> None:
    at = out.published_at or now
    changes = published(
        delivery,
        external_id=out.external_id,
        url=out.url,
        # Platforms tell whole seconds by their own clock; between our send and now is the truth.
        at=min(max(at, delivery.sent_at or at), now),
        context=out.context,
    )
    await move(tx, delivery, Event.PUBLISH, now, **changes)


async def _refuse(tx: Tx, delivery: Delivery, reason: str, now: datetime) -> None:
    code = failures.code(failures.ContentRejected(detail=reason))
    error = {"code": code, "detail": reason, "hint": failures.HINTS[code]}
    await move(tx, delivery, Event.REFUSE, now, error=error)


def _attempt(delivery: Delivery, told: Told, now: datetime) -> Attempt:
    refused = failures.code(failures.ContentRejected(detail=""))
    return Attempt(
        workspace_id=delivery.workspace_id,
        delivery_id=delivery.id,
        number=delivery.attempts,
        fence=delivery.fence,
        step="event",
        outcome="published" if told.outcome else refused,
        detail=told.outcome.external_id if told.outcome else told.refusal,
        started_at=now,
        ended_at=now,
    )
