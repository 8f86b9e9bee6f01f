"""Authorisations: a person on the way through a platform's consent page and back."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from drumtower.db.types import Base, Id, Word, WorkspaceId


class ChannelAuthorization(Base):
    """One OAuth flow: what was asked, by whom, and what its one callback must bring. Written by the API."""

    __tablename__ = "channel_authorizations"
    __table_args__ = (
        UniqueConstraint("state_hash"),
        Index("ix_channel_authorizations_expiry", "workspace_id", "expires_at"),
    )

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    member_id: Mapped[UUID] = mapped_column(ForeignKey("members.id", ondelete="CASCADE"))
    api_key_id: Mapped[UUID | None] = mapped_column(ForeignKey("api_keys.id", ondelete="CASCADE"))
    platform: Mapped[Word]
    base_url: Mapped[str | None]
    # A channel to authorise again, or what a new one is to be called.
    channel_id: Mapped[UUID | None] = mapped_column(ForeignKey("channels.id", ondelete="CASCADE"))
    brand_id: Mapped[UUID | None] = mapped_column(ForeignKey("brands.id", ondelete="CASCADE"))
    name: Mapped[str | None]
    credentials: Mapped[bytes]  # sealed
    verifier: Mapped[bytes]  # sealed; "" where the platform offers no PKCE
    state_hash: Mapped[bytes]
    browser_hash: Mapped[bytes]  # of the cookie that the browser which began it holds
    redirect_uri: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
