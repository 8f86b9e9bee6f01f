"""Finding, judging and assigning interactions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from drumtower.db.engine import Tx
from drumtower.db.models import Delivery, Interaction
from drumtower.db.repositories.interactions import InteractionRepository
from drumtower.db.repositories.members import MemberRepository
from drumtower.domain import replies
from drumtower.domain.errors import Invalid
from drumtower.domain.interactions import Intent, InteractionKind, InteractionStatus, Sentiment
from drumtower.platforms.registry import Registry
from services.api import audit, searching
from services.api.editing import Edit
from services.api.interactions.schemas import InteractionRead, InteractionUpdate

# A person's verdict is as sure as can be.
_EDITED_SCORE = {Sentiment.POSITIVE: 1.0, Sentiment.NEUTRAL: 0.0, Sentiment.NEGATIVE: -1.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which interactions are asked for; None: all."""

    channel_id: UUID | None
    kind: InteractionKind | None
    sentiment: Sentiment | None
    intent: Intent | None
    status: InteractionStatus | None
    assignee_id: UUID | None
    post_id: UUID | None
    delivery_id: UUID | None
    q: str | None
    answered: bool | None

    def apply(self, statement: Select[Interaction]) -> Select[Interaction]:
        """Narrow the statement down."""
        for name in ("channel_id", "kind", "sentiment", "intent", "status", "assignee_id", "delivery_id"):
            value = getattr(self, name)
            if value is not None:
                statement = statement.where(getattr(Interaction, name) == value)
        if self.post_id is not None:
            of_post = select(Delivery.id).where(Delivery.post_id == self.post_id)
            statement = statement.where(Interaction.delivery_id.in_(of_post))
        if self.q is not None:
            statement = statement.where(searching.found("interactions", self.q))
        if self.answered is not None:
            waits = Interaction.answered_at.is_(None)
            statement = statement.where(~waits if self.answered else waits)
        return statement


async def read(
    tx: Tx, workspace_id: UUID, rows: Sequence[Interaction], registry: Registry
) -> list[InteractionRead]:
    """Return interactions as clients see them, with the posts they are about."""
    interactions = InteractionRepository(tx, workspace_id)
    posts = await interactions.posts_of({row.delivery_id for row in rows if row.delivery_id is not None})
    private = {row.conversation_id for row in rows if row.kind == InteractionKind.MESSAGE.value}
    last = await interactions.last_messages(private)
    return [_read(row, posts, last, registry) for row in rows]


def _read(
    row: Interaction, posts: dict[UUID, UUID], last: dict[UUID, datetime], registry: Registry
) -> InteractionRead:
    adapter = registry.adapters.get(row.platform)
    said_at = last.get(row.conversation_id, row.occurred_at)
    stored = InteractionRead.model_fields.keys() - {"post_id", "reply_by"}
    fields: dict[str, Any] = {name: getattr(row, name) for name in stored}
    return InteractionRead(
        **fields,
        post_id=posts.get(row.delivery_id) if row.delivery_id else None,
        reply_by=replies.deadline(InteractionKind(row.kind), adapter.capabilities, said_at)
        if adapter
        else None,
    )


async def update(edit: Edit, interaction_id: UUID, asked: InteractionUpdate) -> Interaction:
    """Change the fields that were sent."""
    interactions = InteractionRepository(edit.tx, edit.principal.workspace_id)
    interaction = await interactions.get(interaction_id, lock=True)
    edit.check(interaction.revision)
    changes = asked.changes()
    await _check(interactions, changes, edit.now)
    if "tags" in changes:
        changes["tags"] = list(dict.fromkeys(changes["tags"]))
    changes |= _verdicts(interaction, changes)
    for name, value in changes.items():
        setattr(interaction, name, value)
    interaction.revision += 1
    interaction.updated_at = edit.now
    audit.record(
        edit.tx, edit.principal, "interaction.updated", interaction.id, edit.now, fields=sorted(changes)
    )
    return interaction


async def _check(interactions: InteractionRepository, changes: dict[str, Any], now: datetime) -> None:
    assignee_id = changes.get("assignee_id")
    members = MemberRepository(interactions.tx, interactions.workspace_id)
    if assignee_id is not None and await members.here(assignee_id, now) is None:
        raise Invalid.at(
            "/assignee_id",
            "assignee_unknown",
            "There is no such member in this workspace.",
            "GET /v1/members.",
        )


def _verdicts(interaction: Interaction, changes: dict[str, Any]) -> dict[str, Any]:
    """Return what follows from a person's verdict: its score, and that it replaces the machine's."""
    follows: dict[str, Any] = {}
    reasons = list(interaction.reasons)
    if "sentiment" in changes:
        follows["sentiment_edited"] = True
        follows["sentiment_score"] = _EDITED_SCORE[Sentiment(changes["sentiment"])]
        reasons.append(f"edited:sentiment {interaction.sentiment} -> {changes['sentiment']}")
    if "intent" in changes:
        follows["intent_score"] = None if changes["intent"] is None else 1.0
        reasons.append(f"edited:intent {interaction.intent or 'none'} -> {changes['intent'] or 'none'}")
    return follows | {"reasons": reasons} if follows else {}
