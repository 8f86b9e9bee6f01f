"""Channels: connected accounts, their secrets, and where pulling from them stands."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from drumtower.db.types import Base, Id, Word, WorkspaceId


class Channel(Base):
    """One connected social account."""

    __tablename__ = "channels"
    __table_args__ = (
        UniqueConstraint("workspace_id", "platform", "account_id"),
        Index("ix_channels_list", "workspace_id", "id"),
    )

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), index=True)
    platform: Mapped[Word]
    name: Mapped[str]
    base_url: Mapped[str | None]
    account_id: Mapped[str]
    account_name: Mapped[str]
    account_url: Mapped[str | None]
    status: Mapped[Word]  # connected | disconnected
    status_detail: Mapped[str | None]
    credentials: Mapped[bytes]  # sealed
    token: Mapped[bytes | None]  # sealed
    token_expires_at: Mapped[datetime | None]
    authorise_by: Mapped[datetime | None]  # by when a person must authorise it again
    # Sealed: a set that was bought and not proved yet. It outlives whoever bought it, because it may be the only one
    # that still renews.
    token_next: Mapped[bytes | None]
    token_lease_until: Mapped[datetime | None]  # one process at a time renews it
    matrix_role: Mapped[Word | None]  # core | traffic | service | archive | watch; None: nobody has said
    min_gap_seconds: Mapped[int | None]  # between two publishes
    # Who publishes by hand what the channel can't take by API, and how long after its time that may take.
    handoff_owner_id: Mapped[UUID | None] = mapped_column(ForeignKey("members.id"))
    handoff_within_seconds: Mapped[int | None]
    publish_after: Mapped[datetime | None]  # when the gap since the last one ends
    grants: Mapped[list[dict[str, Any]] | None]  # what the account may do, as last probed
    probed_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class AuthorisationWarning(Base):
    """That people were told so many days ahead that a channel must be authorised again, and by when."""

    __tablename__ = "authorisation_warnings"

    channel_id: Mapped[UUID] = mapped_column(ForeignKey("channels.id", ondelete="CASCADE"), primary_key=True)
    days: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[WorkspaceId]
    authorise_by: Mapped[datetime]
    told_at: Mapped[datetime]


class FeedbackCursor(Base):
    """Where the next pull of a channel's feedback goes on."""

    __tablename__ = "feedback_cursors"

    channel_id: Mapped[UUID] = mapped_column(ForeignKey("channels.id", ondelete="CASCADE"), primary_key=True)
    workspace_id: Mapped[WorkspaceId]
    cursor: Mapped[dict[str, Any]]
    next_at: Mapped[datetime] = mapped_column(index=True)
    last_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
    failures: Mapped[int]


class Slot(Base):
    """One of a channel's weekly publishing times: wall-clock, in a zone."""

    __tablename__ = "slots"
    __table_args__ = (UniqueConstraint("channel_id", "weekday", "local_time", "timezone"),)

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    channel_id: Mapped[UUID] = mapped_column(ForeignKey("channels.id", ondelete="CASCADE"))
    weekday: Mapped[Word]  # mon … sun
    local_time: Mapped[Word]  # 09:30
    timezone: Mapped[Word]
    created_by: Mapped[UUID] = mapped_column(ForeignKey("members.id"))
    created_at: Mapped[datetime]
