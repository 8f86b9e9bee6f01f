"""Tracked links, clicks on them, and the conversions they led to."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Numeric, PrimaryKeyConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from drumtower.db.types import Base, Id, Word, WorkspaceId


class Link(Base):
    """A short address that counts who follows it."""

    __tablename__ = "links"
    __table_args__ = (UniqueConstraint("code"), Index("ix_links_list", "workspace_id", "id"))

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    code: Mapped[Word]
    target_url: Mapped[str]
    name: Mapped[str]
    placement: Mapped[str]
    channel_id: Mapped[UUID | None] = mapped_column(ForeignKey("channels.id"), index=True)
    post_id: Mapped[UUID | None] = mapped_column(ForeignKey("posts.id"), index=True)
    created_by: Mapped[UUID] = mapped_column(ForeignKey("members.id"))
    created_at: Mapped[datetime]


class Click(Base):
    """One visit. `click_id` goes to the target's query, and comes back with a conversion. Monthly partitions."""

    __tablename__ = "clicks"
    __table_args__ = (
        PrimaryKeyConstraint("id", "clicked_at"),
        Index("ix_clicks_link", "link_id", "clicked_at"),
        {"postgresql_partition_by": "RANGE (clicked_at)"},
    )

    id: Mapped[UUID]
    clicked_at: Mapped[datetime]
    workspace_id: Mapped[UUID]
    link_id: Mapped[UUID]
    bot: Mapped[bool]
    referrer: Mapped[str | None]


class Conversion(Base):
    """Something worth having that a click led to, told by the customer's own system."""

    __tablename__ = "conversions"
    __table_args__ = (
        UniqueConstraint("workspace_id", "external_id"),
        Index("ix_conversions_list", "workspace_id", "id"),
        Index("ix_conversions_occurred", "workspace_id", "occurred_at"),
        Index("ix_conversions_link", "link_id"),
    )

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    external_id: Mapped[str]
    event: Mapped[Word]
    link_id: Mapped[UUID | None] = mapped_column(ForeignKey("links.id"))
    click_id: Mapped[UUID | None]
    channel_id: Mapped[UUID | None] = mapped_column(ForeignKey("channels.id"), index=True)
    value: Mapped[Decimal | None] = mapped_column(Numeric(18, 4))
    currency: Mapped[Word | None]
    attributes: Mapped[dict[str, Any]]
    occurred_at: Mapped[datetime]
    created_at: Mapped[datetime]
