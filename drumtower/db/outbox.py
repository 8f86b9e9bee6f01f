"""Events others want to know, written in the transaction that makes them true."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert

from drumtower.db.engine import Tx
from drumtower.db.models import OutboxEvent


def append(tx: Tx, *, workspace_id: UUID, name: str, subject_id: UUID, now: datetime, **payload: Any) -> None:
    """Add an event; it exists exactly when the transaction commits."""
    event = OutboxEvent(
        workspace_id=workspace_id, name=name, subject_id=subject_id, payload=payload, occurred_at=now
    )
    tx.add(event)


async def append_all(tx: Tx, events: Sequence[dict[str, Any]]) -> None:
    """Add many at once; each has `workspace_id`, `name`, `subject_id`, `payload` and `occurred_at`."""
    if events:
        await tx.execute(insert(OutboxEvent), list(events))
