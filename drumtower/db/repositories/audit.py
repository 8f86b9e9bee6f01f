"""The audit log: one entry per change, in the change's own transaction."""

from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from drumtower.db.engine import Tx
from drumtower.db.models import AuditEvent


def record(
    tx: Tx,
    *,
    workspace_id: UUID,
    actor_id: UUID | None,
    verb: str,
    subject_id: UUID,
    now: datetime,
    api_key_id: UUID | None = None,
    **detail: Any,
) -> None:
    """Say who did what: `verb` is noun.verb in the past ("post.approved")."""
    event = AuditEvent(
        workspace_id=workspace_id,
        actor_id=actor_id,
        api_key_id=api_key_id,
        verb=verb,
        subject=verb.split(".", maxsplit=1)[0],
        subject_id=subject_id,
        detail=detail,
        request_id=structlog.contextvars.get_contextvars().get("request_id"),
        occurred_at=now,
    )
    tx.add(event)
