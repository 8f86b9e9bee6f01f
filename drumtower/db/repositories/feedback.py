"""Writes what platforms tell us. Plain SQL: a webhook is little else than these statements, and platforms wait for it."""

import json
from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update

from drumtower.db.engine import Tx
from drumtower.db.models import Delivery, Interaction
from drumtower.db.repositories.scope import Scoped
from drumtower.domain.deliveries import Action, State

# An unknown outcome is settled long before; what is older belongs to posts that are not ours.
LINKED_WITHIN = timedelta(days=1)

# Named one by one, so that a column of a later version does no harm while both versions run.
_COLUMNS = [
    column.name
    for column in Interaction.__table__.columns
    if column.name not in ("conversation_id", "delivery_id")
]

# What we have put there ourselves is no feedback, and a comment under a post of ours leads to its delivery.
# Conversations are taken in the author's order, so that two batches never wait for each other. The event that tells
# of an interaction bears its id: both are born here.
_HEAR = text(f"""
WITH given AS MATERIALIZED (
    SELECT * FROM jsonb_populate_recordset(CAST(NULL AS interactions), CAST(:rows AS jsonb))
), ours AS MATERIALIZED (
    SELECT external_id, id, action FROM deliveries
    WHERE channel_id = :channel_id AND external_id = ANY(CAST(:named AS text[]))
), said AS MATERIALIZED (
    SELECT * FROM given WHERE external_id NOT IN (SELECT external_id FROM ours)
), talk AS (
    INSERT INTO conversations AS old (id, workspace_id, channel_id, author_id, author_name, last_at, created_at)
    SELECT (array_agg(conversation_id))[1], :workspace_id, :channel_id, author_id,
        coalesce((array_agg(author_name ORDER BY occurred_at DESC) FILTER (WHERE author_name <> ''))[1], ''),
        max(occurred_at), max(received_at)
    FROM said GROUP BY author_id ORDER BY author_id
    ON CONFLICT (channel_id, author_id) DO UPDATE SET
        last_at = greatest(old.last_at, excluded.last_at),
        author_name = CASE
            WHEN excluded.author_name = '' THEN old.author_name
            WHEN excluded.last_at >= old.last_at OR old.author_name = '' THEN excluded.author_name
            ELSE old.author_name
        END
    RETURNING id, author_id
), fresh AS (
    INSERT INTO interactions (conversation_id, delivery_id, {", ".join(_COLUMNS)})
    SELECT talk.id,
        (SELECT id FROM ours WHERE external_id = said.post_external_id AND action = 'publish' LIMIT 1),
        {", ".join(f"said.{name}" for name in _COLUMNS)}
    FROM said JOIN talk ON talk.author_id = said.author_id
    ON CONFLICT (channel_id, external_id) DO NOTHING
    RETURNING id, received_at
), told AS (
    INSERT INTO outbox_events (id, workspace_id, name, subject_id, payload, occurred_at)
    SELECT id, :workspace_id, 'interaction.received', id, CAST('{{}}' AS jsonb), received_at FROM fresh
)
SELECT (SELECT count(*) FROM fresh), (SELECT count(*) FROM given) - (SELECT count(*) FROM said)
""")  # noqa: S608 - the names are our own columns


class FeedbackRepository(Scoped):
    """What platforms tell us on the channels of one workspace."""

    async def known(self, channel_id: UUID, external_ids: Collection[str]) -> set[str]:
        """Return which of the platform's ids are stored already."""
        found = await self.tx.scalars(
            select(Interaction.external_id).where(
                Interaction.channel_id == channel_id, Interaction.external_id.in_(external_ids)
            )
        )
        return set(found)

    async def hear(self, channel_id: UUID, rows: Sequence[dict[str, Any]]) -> tuple[int, int]:
        """Store interactions with their conversations and events; return how many were new, and how many our own.

        `conversation_id` in a row is the id for a conversation that has to be opened.
        """
        named = {row[name] for row in rows for name in ("external_id", "post_external_id")}
        found = await self.tx.execute(
            _HEAR,
            {
                "named": [external_id for external_id in named if external_id is not None],
                "rows": json.dumps(rows, ensure_ascii=False, default=str),
                "workspace_id": self.workspace_id,
                "channel_id": channel_id,
            },
        )
        added, echoes = found.one()
        return added, echoes

    async def link(self, channel_id: UUID) -> None:
        """Lead comments that came before we knew our own post's id to its delivery."""
        await self.tx.execute(
            update(Interaction)
            .where(
                Interaction.channel_id == channel_id,
                Interaction.delivery_id.is_(None),
                Interaction.received_at > func.now() - LINKED_WITHIN,
                Interaction.post_external_id == Delivery.external_id,
                Delivery.channel_id == channel_id,
                Delivery.action == Action.PUBLISH.value,
                Delivery.state == State.PUBLISHED.value,
            )
            .values(delivery_id=Delivery.id)
            .execution_options(synchronize_session=False)
        )


async def awaiting(tx: Tx, channel_id: UUID, handle: dict[str, Any]) -> Sequence[Delivery]:
    """Lock the deliveries of a channel that wait for the outcome which `handle` names."""
    found = await tx.scalars(
        select(Delivery)
        .where(
            Delivery.channel_id == channel_id,
            Delivery.state.in_([State.ACCEPTED.value, State.UNKNOWN.value]),
            Delivery.handle.contains(handle),
        )
        .order_by(Delivery.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return found.all()
