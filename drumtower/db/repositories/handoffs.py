"""Handoffs: whose a delivery becomes when the engine hands it over, and which are due for a look."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from drumtower.db.engine import Tx
from drumtower.db.models import Delivery
from drumtower.db.plain import fetch
from drumtower.domain.deliveries import State
from drumtower.domain.handoffs import deadline, next_look


async def terms(tx: Tx, deliveries: Sequence[Delivery], now: datetime) -> dict[UUID, dict[str, Any]]:
    """Return what changes with a hand-over, by delivery: its owner, its deadline, and the first look at it.

    The owner is whom the channel names, else who planned it, else who is responsible for the post: the first of
    them who is still here.
    """
    if not deliveries:
        return {}
    by_id = {one.id: one for one in deliveries}
    channels = [one.channel_id for one in deliveries]
    planners = [one.created_by for one in deliveries]
    posts = [one.post_id for one in deliveries]
    rows = await fetch(tx, _TERMS, list(by_id), channels, planners, posts, now)
    return {row["id"]: _terms(by_id[row["id"]], row, now) for row in rows}


def _terms(delivery: Delivery, row: Any, now: datetime) -> dict[str, Any]:
    late_by, within = _span(delivery.late_by_seconds), _span(row["handoff_within_seconds"])
    until = deadline(delivery.due_at, now, late_by, within)
    return {"owner_id": row["owner_id"], "deadline": until, "next_at": next_look(until, now)}


def _span(seconds: int | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


_TERMS = """
SELECT d.id, c.handoff_within_seconds, coalesce(
    (SELECT m.id FROM unnest(ARRAY[c.handoff_owner_id, d.created_by, p.owner_id]) WITH ORDINALITY AS o (id, place)
     JOIN members m ON m.id = o.id AND m.workspace_id = c.workspace_id
     WHERE m.ends_at IS NULL OR m.ends_at > $5 ORDER BY o.place LIMIT 1),
    d.created_by) AS owner_id
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[]) AS d (id, channel_id, created_by, post_id)
JOIN channels c ON c.id = d.channel_id LEFT JOIN posts p ON p.id = d.post_id
"""


async def take_due(tx: Tx, now: datetime, limit: int) -> Sequence[Delivery]:
    """Lock handoffs whose owner is to be reminded, or whose deadline has passed; skip what others hold."""
    statement = (
        select(Delivery)
        .where(Delivery.state == State.HANDOFF.value, Delivery.next_at <= now)
        .order_by(Delivery.next_at, Delivery.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await tx.scalars(statement)).all()
