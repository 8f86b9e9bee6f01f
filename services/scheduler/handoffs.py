"""Reminds the owners of handoffs ahead of the deadline, and finds late what has no proof by then."""

from datetime import datetime, timedelta
from typing import Any

import structlog

from drumtower.db import outbox
from drumtower.db.counts import count_late
from drumtower.db.engine import Database, Tx
from drumtower.db.models import Delivery
from drumtower.db.repositories import audit
from drumtower.db.repositories.handoffs import take_due
from drumtower.domain.handoffs import next_look
from services.scheduler.leases import clock

log = structlog.get_logger(__name__)

BATCH = 200


async def remind(db: Database) -> timedelta | None:
    """Look at the handoffs that are due for it: each reminder is told once, and so is each missed deadline."""
    async with db.transaction() as tx:
        now = await clock(tx)
        rows = await take_due(tx, now, BATCH)
        for row in rows:
            _look(tx, row, now)
    return timedelta() if len(rows) == BATCH else None


def _look(tx: Tx, row: Delivery, now: datetime) -> None:
    assert row.deadline is not None  # a handoff gets both at once
    is_late = row.deadline <= now
    row.next_at = next_look(row.deadline, now)
    if is_late and row.late_at is None:
        row.late_at = row.deadline
        row.revision += 1
        row.updated_at = now
        count_late(tx, row.platform)
        log.warning("handoff.late", delivery_id=str(row.id), owner_id=str(row.owner_id))
    _tell(tx, row, "delivery.late" if is_late else "delivery.reminded", now)


def _tell(tx: Tx, row: Delivery, name: str, now: datetime) -> None:
    about: dict[str, Any] = {
        "owner_id": str(row.owner_id),
        "deadline": row.deadline.isoformat() if row.deadline else None,
    }
    outbox.append(tx, workspace_id=row.workspace_id, name=name, subject_id=row.id, now=now, **about)
    audit.record(
        tx,
        workspace_id=row.workspace_id,
        actor_id=None,
        verb=name,
        subject_id=row.id,
        now=now,
        **about,
    )
