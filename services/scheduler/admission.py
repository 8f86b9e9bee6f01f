"""What a claimed delivery must still wait for: it goes back with a later time, and no attempt is counted."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from drumtower.db.engine import Tx
from drumtower.db.plain import fetch, transposed
from drumtower.domain.deliveries import Action
from services.scheduler.gate import Gate
from services.scheduler.requests import Facts
from services.scheduler.waits import Leaves, Wait


async def admit(
    tx: Tx, gate: Gate, batch: Sequence[Facts], now: datetime, leaves: Leaves
) -> dict[UUID, Wait]:
    """Return what of a batch must wait; it is locked, checked, and would leave.

    Every limit on when something leaves is asked here, in the claim's transaction. The gate comes last: who passes it
    has taken tokens.
    """
    gaps = _gaps(batch, leaves)
    free = [facts for facts in batch if facts.delivery.id not in gaps]
    calls = [
        gate.call(one.delivery, one.channel, first=one.delivery.attempts == 0, began=leaves[one.delivery.id])
        for one in free
    ]
    return gaps | await gate.waits(tx, calls, now)


def _gaps(batch: Sequence[Facts], leaves: Leaves) -> dict[UUID, Wait]:
    """Keep publishes of one channel as far apart as it wants them."""
    return {
        facts.delivery.id: Wait(
            until=facts.channel.publish_after,
            code="channel_gap",
            detail=f"The channel leaves {facts.channel.min_gap_seconds} s between two posts.",
        )
        for facts in batch
        if facts.delivery.action == Action.PUBLISH.value
        and facts.channel.min_gap_seconds
        and facts.channel.publish_after is not None
        and facts.channel.publish_after > leaves[facts.delivery.id]
    }


_PUT_BACK = """
UPDATE deliveries AS d
SET next_at = w.until, not_before = w.until, revision = d.revision + 1, updated_at = now(),
    error = CASE WHEN d.state = 'planned' THEN jsonb_build_object('code', w.code, 'detail', w.detail, 'hint', '')
        ELSE d.error END
FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[]) AS w (id, until, code, detail)
WHERE d.id = w.id
"""
_START_GAP = """
UPDATE channels AS c SET publish_after = s.at + make_interval(secs => c.min_gap_seconds)
FROM unnest($1::uuid[], $2::timestamptz[]) AS s (id, at) WHERE c.id = s.id
"""


async def put_back(tx: Tx, waits: Mapping[UUID, Wait]) -> None:
    """Let locked, waiting deliveries come due again later. What failed before keeps its reason."""
    if waits:
        rows = [(delivery_id, wait.until, wait.code, wait.detail) for delivery_id, wait in waits.items()]
        await fetch(tx, _PUT_BACK, *transposed(rows))


async def start_gaps(tx: Tx, starting: Sequence[Facts], leaves: Leaves) -> None:
    """Let the gap of every channel that has one begin with the publish that leaves."""
    rows = [
        (facts.channel.id, leaves[facts.delivery.id])
        for facts in starting
        if facts.channel.min_gap_seconds and facts.delivery.action == Action.PUBLISH.value
    ]
    if rows:
        await fetch(tx, _START_GAP, *transposed(rows))
