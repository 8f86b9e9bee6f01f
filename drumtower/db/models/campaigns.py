"""Campaigns."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from drumtower.db.types import Base, Id, WorkspaceId


class Campaign(Base):
    """What posts of one brand are for, together and for a while."""

    __tablename__ = "campaigns"
    __table_args__ = (
        CheckConstraint("ends_on >= starts_on", name="span"),
        Index("ix_campaigns_list", "workspace_id", "id"),
    )

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), index=True)
    name: Mapped[str]
    objective: Mapped[str]
    description: Mapped[str]
    hashtags: Mapped[list[str]]
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]
    archived_at: Mapped[datetime | None]
    revision: Mapped[int]
    created_by: Mapped[UUID] = mapped_column(ForeignKey("members.id"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
