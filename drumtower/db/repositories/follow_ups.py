"""What follows a delivery that is out: the next part of its thread, or its first comment, as a delivery of its own."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from drumtower.db import outbox
from drumtower.db.engine import Tx
from drumtower.db.plain import fetch, transposed
from drumtower.domain.ids import new_id


async def plan_next(tx: Tx, published: Collection[UUID], now: datetime) -> None:
    """Plan what comes right after each of these, which the transaction has just moved to `published`.

    It carries what is left to say after it, and the id of what it hangs on; nothing is planned after the last.
    """
    if not published:
        return
    rows = await fetch(tx, _PLAN_NEXT, *transposed([(new_id(), one) for one in published]), now)
    await outbox.append_all(
        tx,
        [
            outbox.Event(
                workspace_id=row["workspace_id"],
                name="delivery.planned",
                subject_id=row["id"],
                payload={},
                at=now,
            )
            for row in rows
        ],
    )


_PLAN_NEXT = """
INSERT INTO deliveries (
    id, workspace_id, channel_id, platform, post_id, post_version, content_hash, follows_id, action, payload,
    state, due_at, next_at, timezone, attempts, fence, lookups, checkpoint, prepared, context, needs_check,
    revision, created_by, created_at, updated_at
)
SELECT n.id, d.workspace_id, d.channel_id, d.platform, d.post_id, d.post_version, d.content_hash, d.id, 'reply',
    jsonb_build_object(
        'text', t.texts -> 0,
        'then', t.texts - 0,
        'nature', d.payload -> 'nature',
        'follows', jsonb_build_object(
            'external_id', d.external_id,
            'post_external_id', coalesce(d.payload #>> '{follows,post_external_id}', d.external_id),
            'context', d.context
        )
    ),
    'planned', $3, $3, d.timezone, 0, 0, 0, '{}', FALSE, '{}', FALSE, 1, d.created_by, $3, $3
FROM unnest($1::uuid[], $2::uuid[]) AS n (id, follows_id)
JOIN deliveries AS d ON d.id = n.follows_id
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN d.action = 'reply' THEN d.payload -> 'then'
        WHEN d.action <> 'publish' THEN NULL
        WHEN d.payload #>> '{options,first_comment}' <> ''
            THEN jsonb_build_array(d.payload #> '{options,first_comment}')
        ELSE d.payload #> '{options,thread}'
    END AS texts
) AS t
WHERE jsonb_typeof(t.texts) = 'array' AND t.texts -> 0 IS NOT NULL
ON CONFLICT (follows_id) WHERE follows_id IS NOT NULL DO NOTHING
RETURNING id, workspace_id
"""
