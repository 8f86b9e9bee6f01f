"""Freezes: publishing stops."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from drumtower.db.types import Base, Id, Word, WorkspaceId

_TARGETS = "num_nonnulls(brand_id, channel_id, campaign_id, nature)"


class Freeze(Base):
    """Nothing within its reach leaves between `starts_at` and `ends_at` (null: until it is lifted)."""

    __tablename__ = "freezes"
    __table_args__ = (
        CheckConstraint(
            f"(scope = 'all' AND {_TARGETS} = 0) OR ({_TARGETS} = 1 AND CASE scope"
            " WHEN 'brand' THEN brand_id IS NOT NULL WHEN 'channel' THEN channel_id IS NOT NULL"
            " WHEN 'campaign' THEN campaign_id IS NOT NULL WHEN 'nature' THEN nature IS NOT NULL ELSE false END)",
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
    campaign_id: Mapped[UUID | None] = mapped_column(ForeignKey("campaigns.id"), index=True)
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
