"""Freezes: publishing stops."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from drumtower.db.types import Base, Id, Word, WorkspaceId


class Freeze(Base):
    """Nothing within its reach leaves between `starts_at` and `ends_at` (null: until it is lifted)."""

    __tablename__ = "freezes"
    __table_args__ = (
        CheckConstraint(
            "(scope = 'all' AND brand_id IS NULL AND channel_id IS NULL AND nature IS NULL)"
            " OR (scope = 'brand' AND brand_id IS NOT NULL AND channel_id IS NULL AND nature IS NULL)"
            " OR (scope = 'channel' AND channel_id IS NOT NULL AND brand_id IS NULL AND nature IS NULL)"
            " OR (scope = 'nature' AND nature IS NOT NULL AND brand_id IS NULL AND channel_id IS NULL)",
            name="target",
        ),
        CheckConstraint("ends_at IS NULL OR ends_at > starts_at", name="span"),
        Index("ix_freezes_list", "workspace_id", "id"),
        # Every claim asks for these: what is lifted is of no interest to it.
        Index("ix_freezes_standing", "starts_at", "ends_at", postgresql_where="lifted_at IS NULL"),
    )

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    scope: Mapped[Word]
    brand_id: Mapped[UUID | None] = mapped_column(ForeignKey("brands.id"), index=True)
    channel_id: Mapped[UUID | None] = mapped_column(ForeignKey("channels.id"), index=True)
    nature: Mapped[Word | None]
    allows_replies: Mapped[bool]
    reason: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[UUID | None] = mapped_column(ForeignKey("members.id"))
    revision: Mapped[int]
    created_by: Mapped[UUID] = mapped_column(ForeignKey("members.id"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
