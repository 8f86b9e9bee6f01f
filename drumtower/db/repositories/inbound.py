"""What platforms sent, as it came: kept once per event, and what of it could not be taken."""

import hashlib
import json
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import String, bindparam, func, select, text, update

from drumtower.db.engine import Tx
from drumtower.db.models import Channel, InboundEvent
from drumtower.db.repositories.scope import Scoped
from drumtower.domain.ids import new_id

LONGEST_KEY = 255


_CALLED = select(
    Channel,
    func.set_config("statement_timeout", bindparam("statement_ms", type_=String), True),
    func.set_config("lock_timeout", bindparam("lock_ms", type_=String), True),
).where(Channel.id == bindparam("channel_id"), Channel.platform == bindparam("platform"))

_KEEP = text("""
INSERT INTO inbound_events
    (id, workspace_id, channel_id, platform, event_key, query, body, fault, received_at)
VALUES (:id, :workspace_id, :channel_id, :platform, :event_key, CAST(:query AS jsonb), :body, :fault, :received_at)
ON CONFLICT (channel_id, event_key) DO NOTHING
RETURNING id
""")


async def channel_called(
    tx: Tx, platform: str, channel_id: UUID, *, statement_ms: int, lock_ms: int
) -> Channel | None:
    """Return the channel that a webhook's address names, whose workspace is the tenant of all that follows.

    The same round trip bounds every later statement of this transaction.
    """
    limits = {"statement_ms": str(statement_ms), "lock_ms": str(lock_ms)}
    found = await tx.execute(_CALLED, {"channel_id": channel_id, "platform": platform, **limits})
    row = found.one_or_none()
    return None if row is None else row[0]


class InboundRepository(Scoped):
    """Inbound events of one workspace."""

    async def keep(
        self,
        channel: Channel,
        *,
        key: str,
        query: dict[str, Any],
        body: bytes,
        now: datetime,
        fault: str | None = None,
    ) -> UUID | None:
        """Store an event; return its id, or None where it is here already."""
        event_id: UUID | None = await self.tx.scalar(
            _KEEP,
            {
                "id": new_id(),
                "workspace_id": self.workspace_id,
                "channel_id": channel.id,
                "platform": channel.platform,
                "event_key": _bounded(key),
                "query": json.dumps(query, ensure_ascii=False),
                "body": body,
                "fault": fault,
                "received_at": now,
            },
        )
        return event_id

    async def fault(self, event_id: UUID, reason: str) -> None:
        """Say why an entry of a stored event could not be taken."""
        await self.tx.execute(
            update(InboundEvent)
            .where(InboundEvent.id == event_id, InboundEvent.workspace_id == self.workspace_id)
            .values(fault=reason)
        )


def _bounded(key: str) -> str:
    """Return the key itself, or its hash where no index could hold it."""
    if len(key) <= LONGEST_KEY and key.isprintable():
        return key
    return f"sha256:{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()}"
