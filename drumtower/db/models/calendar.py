"""The calendar: what a workspace says about days itself, and its events."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from drumtower.db.types import Base, Id, Word, WorkspaceId


class CalendarDay(Base):
    """A mark of one kind on one day, in place of what is shipped; not `observed`: there is none."""

    __tablename__ = "calendar_days"
    __table_args__ = (
        UniqueConstraint("workspace_id", "day", "kind"),
        Index("ix_calendar_days_list", "workspace_id", "id"),
        CheckConstraint("(severity IS NOT NULL) = (kind = 'quiet_day' AND observed)", name="severity"),
    )

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    day: Mapped[date]
    kind: Mapped[Word]
    observed: Mapped[bool]
    name: Mapped[str]
    note: Mapped[str]
    severity: Mapped[Word | None]
    updated_by: Mapped[UUID] = mapped_column(ForeignKey("members.id"))
    updated_at: Mapped[datetime]


class CalendarEvent(Base):
    """Something to post about, of one brand or (null) of all; from `expires_at` on it is no longer shown."""

    __tablename__ = "calendar_events"
    __table_args__ = (
        CheckConstraint("ends_on >= starts_on", name="span"),
        CheckConstraint("kind <> 'hot' OR expires_at IS NOT NULL", name="expiry"),
        Index("ix_calendar_events_list", "workspace_id", "id"),
        Index("ix_calendar_events_span", "workspace_id", "starts_on"),
    )

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    kind: Mapped[Word]
    title: Mapped[str]
    note: Mapped[str]
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    expires_at: Mapped[datetime | None]
    prepare_days: Mapped[int]
    brand_id: Mapped[UUID | None] = mapped_column(ForeignKey("brands.id"), index=True)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("members.id"))
    revision: Mapped[int]
    created_by: Mapped[UUID] = mapped_column(ForeignKey("members.id"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class CalendarFeed(Base):
    """A member's address for other calendars: its token hashed, and when what it gives changed last."""

    __tablename__ = "calendar_feeds"
    __table_args__ = (UniqueConstraint("token_hash"), Index("ix_calendar_feeds_list", "workspace_id", "id"))

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    member_id: Mapped[UUID] = mapped_column(ForeignKey("members.id", ondelete="CASCADE"))
    name: Mapped[str]
    token_hash: Mapped[bytes]
    kinds: Mapped[list[str]]  # none: all
    brand_id: Mapped[UUID | None] = mapped_column(ForeignKey("brands.id"))
    channel_id: Mapped[UUID | None] = mapped_column(ForeignKey("channels.id", ondelete="CASCADE"))
    content_hash: Mapped[Word | None]  # of what it gave last
    changed_at: Mapped[datetime | None]  # when that was new
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
