"""Audiences: who followed a channel, day by day."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from drumtower.db.types import Base, Id, Word, WorkspaceId


class AudienceProfile(Base):
    """One channel's audience on one day of the workspace's zone; the last reading of the day counts."""

    __tablename__ = "audience_profiles"
    __table_args__ = (UniqueConstraint("channel_id", "day"),)

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    channel_id: Mapped[UUID] = mapped_column(ForeignKey("channels.id", ondelete="CASCADE"))
    day: Mapped[date]
    as_of: Mapped[datetime]
    total: Mapped[int | None] = mapped_column(BigInteger)
    source: Mapped[Word] = mapped_column(server_default="pull")  # pull | import
    people: Mapped[dict[str, Any]]  # dimension -> value -> people
