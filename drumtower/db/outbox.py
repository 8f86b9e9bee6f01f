"""Events others want to know, written in the transaction that makes them true."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from drumtower.db.engine import Tx
from drumtower.db.models import OutboxEvent
from drumtower.db.plain import fetch, transposed
from drumtower.domain.ids import new_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event, as `append_all` takes it."""

    workspace_id: UUID
    name: str
    subject_id: UUID
    payload: dict[str, Any]
    at: datetime


def append(tx: Tx, *, workspace_id: UUID, name: str, subject_id: UUID, now: datetime, **payload: Any) -> None:
    """Add an event; it exists exactly when the transaction commits."""
    event = OutboxEvent(
        workspace_id=workspace_id, name=name, subject_id=subject_id, payload=payload, occurred_at=now
    )
    tx.add(event)


async def append_all(tx: Tx, events: Sequence[Event]) -> None:
    """Add many at once."""
    if events:
        rows = [(new_id(), e.workspace_id, e.name, e.subject_id, json.dumps(e.payload), e.at) for e in events]
        await fetch(tx, _APPEND, *transposed(rows))


_APPEND = """
INSERT INTO outbox_events (id, workspace_id, name, subject_id, payload, occurred_at)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::jsonb[], $6::timestamptz[])
"""
