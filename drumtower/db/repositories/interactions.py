"""What people said to us, in one workspace: read by the API, written by feedback as it comes in."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, case, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from drumtower.db.engine import Tx
from drumtower.db.models import Conversation, Delivery, Interaction, Member
from drumtower.db.repositories.scope import Scoped
from drumtower.domain.deliveries import Action, State
from drumtower.domain.ids import new_id
from drumtower.domain.interactions import InteractionKind

# An unknown outcome is settled long before; what is older belongs to posts that are not ours.
LINKED_WITHIN = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who spoke on a channel, and when last."""

    author_id: str
    author_name: str
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """Something that we have put on a channel."""

    delivery_id: UUID
    action: Action


class InteractionRepository(Scoped):
    """Interactions and conversations of one workspace."""

    def all(self) -> Select[Interaction]:
        return self.select(Interaction)

    async def get(self, interaction_id: UUID, *, lock: bool = False) -> Interaction:
        """Return the interaction; raise NotFound."""
        return await self.find(Interaction, interaction_id, "interaction", lock=lock)

    def replies(self, interaction_id: UUID) -> Select[Delivery]:
        """Select our answers to an interaction, whatever became of them."""
        return self.select(Delivery).where(Delivery.interaction_id == interaction_id)

    async def posts_of(self, delivery_ids: Collection[UUID]) -> dict[UUID, UUID]:
        """Return the posts behind deliveries, by delivery."""
        if not delivery_ids:
            return {}
        found = await self.tx.execute(
            select(Delivery.id, Delivery.post_id).where(
                Delivery.workspace_id == self.workspace_id,
                Delivery.id.in_(delivery_ids),
                Delivery.post_id.is_not(None),
            )
        )
        return {delivery_id: post_id for delivery_id, post_id in found if post_id is not None}

    async def is_assignable(self, member_id: UUID, now: datetime) -> bool:
        """Say whether the member belongs to this workspace, and still will in a moment."""
        stays = or_(Member.ends_at.is_(None), Member.ends_at > now)
        found = await self.tx.scalar(self.select(Member).where(Member.id == member_id, stays))
        return found is not None

    async def last_messages(self, conversation_ids: Collection[UUID]) -> dict[UUID, datetime]:
        """Return when each person last wrote to us in private: platforms count reply windows from it."""
        if not conversation_ids:
            return {}
        found = await self.tx.execute(
            select(Interaction.conversation_id, func.max(Interaction.occurred_at))
            .where(
                Interaction.workspace_id == self.workspace_id,
                Interaction.conversation_id.in_(conversation_ids),
                Interaction.kind == InteractionKind.MESSAGE.value,
            )
            .group_by(Interaction.conversation_id)
        )
        return {row[0]: row[1] for row in found}

    async def known(self, channel_id: UUID, external_ids: Collection[str]) -> set[str]:
        """Return which of the platform's ids are stored already."""
        found = await self.tx.scalars(
            select(Interaction.external_id).where(
                Interaction.channel_id == channel_id, Interaction.external_id.in_(external_ids)
            )
        )
        return set(found)

    async def ours(self, channel_id: UUID, external_ids: Collection[str]) -> dict[str, Ours]:
        """Return which of the platform's ids name something that we have published or answered."""
        found = await self.tx.execute(
            select(Delivery.external_id, Delivery.id, Delivery.action).where(
                Delivery.channel_id == channel_id, Delivery.external_id.in_(external_ids)
            )
        )
        return {
            str(external_id): Ours(delivery_id=delivery_id, action=Action(action))
            for external_id, delivery_id, action in found
        }

    async def converse(self, channel_id: UUID, people: Sequence[Person], now: datetime) -> dict[str, UUID]:
        """Open or go on with a conversation for each author; return their ids by author.

        Rows are taken in the author's order, so that two batches never wait for each other.
        """
        fresh = insert(Conversation)
        named = fresh.excluded.author_name != ""
        statement = fresh.on_conflict_do_update(
            index_elements=[Conversation.channel_id, Conversation.author_id],
            set_={
                "last_at": func.greatest(Conversation.last_at, fresh.excluded.last_at),
                "author_name": case((named, fresh.excluded.author_name), else_=Conversation.author_name),
            },
        ).returning(Conversation.author_id, Conversation.id)
        rows = [
            {
                "id": new_id(),
                "workspace_id": self.workspace_id,
                "channel_id": channel_id,
                "author_id": person.author_id,
                "author_name": person.author_name,
                "last_at": person.last_at,
                "created_at": now,
            }
            for person in sorted(people, key=lambda person: person.author_id)
        ]
        found = await self.tx.execute(statement, rows)
        return {str(author_id): conversation_id for author_id, conversation_id in found}

    async def add(self, rows: Sequence[dict[str, Any]]) -> list[UUID]:
        """Store interactions; return the ids of those that were new."""
        statement = (
            insert(Interaction)
            .on_conflict_do_nothing(index_elements=[Interaction.channel_id, Interaction.external_id])
            .returning(Interaction.id)
        )
        values = [{**row, "workspace_id": self.workspace_id} for row in rows]
        found = await self.tx.execute(statement, values)
        return list(found.scalars())

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
