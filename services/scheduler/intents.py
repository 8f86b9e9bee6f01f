"""The intent, committed before any byte leaves: from then on, a crash means that it may have happened."""

from collections.abc import Sequence
from datetime import datetime

from drumtower.db.engine import Tx
from drumtower.db.plain import fetch, transposed
from drumtower.db.repositories.deliveries import Move, move_all
from drumtower.domain.deliveries import Event
from drumtower.domain.ids import new_id
from services.scheduler.admission import start_gaps
from services.scheduler.requests import Facts
from services.scheduler.waits import Leaves


async def intend(
    tx: Tx, starting: Sequence[Facts], now: datetime, leaves: Leaves, before: Sequence[Move] = ()
) -> None:
    """Write the intents of claimed deliveries, which are no longer the session's; `before` is moved with them."""
    starts = [
        Move(
            facts.delivery, Event.START, now, {"sent_at": facts.delivery.sent_at or leaves[facts.delivery.id]}
        )
        for facts in starting
    ]
    await move_all(tx, [*before, *starts])
    if starting:
        rows = [
            (new_id(), d.workspace_id, d.id, d.attempts, d.fence, leaves[d.id])
            for d in (facts.delivery for facts in starting)
        ]
        await fetch(tx, _OPEN_ATTEMPTS, *transposed(rows))
        await start_gaps(tx, starting, leaves)


_OPEN_ATTEMPTS = """
INSERT INTO attempts (id, workspace_id, delivery_id, number, fence, step, started_at)
SELECT id, workspace_id, delivery_id, number, fence, 'send', started_at
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::int[], $6::timestamptz[])
    AS a (id, workspace_id, delivery_id, number, fence, started_at)
"""
