"""Series and their occurrences."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from drumtower.db.types import Base, Id, Word, WorkspaceId


class Series(Base):
    """A recurring plan: a post that is copied for every occurrence, its channels, and when."""

    __tablename__ = "series"
    __table_args__ = (
        CheckConstraint("ends_on IS NULL OR times IS NULL", name="one_end"),
        Index("ix_series_list", "workspace_id", "id"),
        Index("ix_series_next", "next_at", postgresql_where="state = 'active'"),
    )

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    name: Mapped[str]
    post_id: Mapped[UUID] = mapped_column(ForeignKey("posts.id"), index=True)
    channel_ids: Mapped[list[str]]
    rule: Mapped[dict[str, Any]]
    local_time: Mapped[Word]  # 09:30
    timezone: Mapped[Word]
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]
    times: Mapped[int | None]
    min_gap_seconds: Mapped[int | None]
    late_by_seconds: Mapped[int | None]
    state: Mapped[Word]
    # Since when it plans: what fell into a pause is not made up for.
    active_since: Mapped[datetime]
    next_at: Mapped[datetime]  # when the scheduler looks at it next
    revision: Mapped[int]
    created_by: Mapped[UUID] = mapped_column(ForeignKey("members.id"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Occurrence(Base):
    """One day of a series: the copy of its post that leaves, or why there is none. A day happens once."""

    __tablename__ = "occurrences"
    __table_args__ = (UniqueConstraint("series_id", "day"),)

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    series_id: Mapped[UUID] = mapped_column(ForeignKey("series.id", ondelete="CASCADE"))
    day: Mapped[date]
    due_at: Mapped[datetime]
    post_id: Mapped[UUID | None] = mapped_column(ForeignKey("posts.id"), index=True)
    # By channel id, or under "" for all: why nothing is planned there.
    skipped: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
