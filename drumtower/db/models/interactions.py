"""What people say to us, and the raw events it came from."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from drumtower.db.search import search_index
from drumtower.db.types import Base, Id, Word, WorkspaceId


class InboundEvent(Base):
    """A verified webhook as it came, once per event; what it says is derived from it.

    An entry of a pull stands here only where it could not be taken.
    """

    __tablename__ = "inbound_events"
    __table_args__ = (
        UniqueConstraint("channel_id", "event_key"),
        Index("ix_inbound_events_list", "workspace_id", "id"),
    )

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    channel_id: Mapped[UUID] = mapped_column(ForeignKey("channels.id", ondelete="CASCADE"))
    platform: Mapped[Word]
    event_key: Mapped[str]
    query: Mapped[dict[str, Any]]
    body: Mapped[bytes]
    fault: Mapped[
        str | None
    ]  # why an entry of it could not be taken; it waits for a person or a mended adapter
    received_at: Mapped[datetime]


class Conversation(Base):
    """The thread with one person on one channel."""

    __tablename__ = "conversations"
    __table_args__ = (
        UniqueConstraint("channel_id", "author_id"),
        Index("ix_conversations_list", "workspace_id", "id"),
    )

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    channel_id: Mapped[UUID] = mapped_column(ForeignKey("channels.id", ondelete="CASCADE"))
    author_id: Mapped[str]
    author_name: Mapped[str]
    last_at: Mapped[datetime]
    created_at: Mapped[datetime]


class Interaction(Base):
    """One comment, message or mention."""

    __tablename__ = "interactions"
    __table_args__ = (
        UniqueConstraint("channel_id", "external_id"),
        Index("ix_interactions_list", "workspace_id", "id"),
        search_index("interactions"),
        Index("ix_interactions_occurred", "workspace_id", "occurred_at"),
        Index("ix_interactions_conversation", "conversation_id"),
        Index("ix_interactions_said", "platform", "received_at", postgresql_where="author_id <> ''"),
        Index(
            "ix_interactions_answered",
            "workspace_id",
            "answered_at",
            postgresql_where="answered_at IS NOT NULL",
        ),
        Index(
            "ix_interactions_unlinked",
            "channel_id",
            "post_external_id",
            postgresql_where="delivery_id IS NULL AND post_external_id IS NOT NULL",
        ),
    )

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    channel_id: Mapped[UUID] = mapped_column(ForeignKey("channels.id", ondelete="CASCADE"))
    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("conversations.id", ondelete="CASCADE"))
    # No foreign key: deliveries point here already, and are never deleted.
    delivery_id: Mapped[UUID | None] = mapped_column(index=True)
    platform: Mapped[Word]
    kind: Mapped[Word]
    external_id: Mapped[str]
    post_external_id: Mapped[str | None]
    in_reply_to: Mapped[str | None]
    author_id: Mapped[str]
    author_name: Mapped[str]
    text: Mapped[str]
    url: Mapped[str | None]
    context: Mapped[dict[str, Any]]
    language: Mapped[Word]
    sentiment: Mapped[Word]
    sentiment_score: Mapped[float]
    sentiment_edited: Mapped[bool]
    intent: Mapped[Word | None]
    intent_score: Mapped[float | None]
    reasons: Mapped[list[str]]
    status: Mapped[Word]
    assignee_id: Mapped[UUID | None] = mapped_column(ForeignKey("members.id"))
    tags: Mapped[list[str]]
    occurred_at: Mapped[datetime]
    received_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]  # when our first reply was out
    revision: Mapped[int]
    updated_at: Mapped[datetime]
