"""Workspaces, their members, and what members prove themselves with."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from drumtower.db.types import Base, Id, Word, WorkspaceId


class Workspace(Base):
    """A tenant."""

    __tablename__ = "workspaces"

    id: Mapped[Id]
    name: Mapped[str]
    timezone: Mapped[Word]
    # Read by drumtower/policies.py.
    policies: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    revision: Mapped[int] = mapped_column(default=1, server_default="1")
    created_at: Mapped[datetime]


class Member(Base):
    """A person in one workspace."""

    __tablename__ = "members"
    __table_args__ = (UniqueConstraint("email"), Index("ix_members_list", "workspace_id", "id"))

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    email: Mapped[str]
    name: Mapped[str]
    role: Mapped[Word]
    external: Mapped[bool]
    ends_at: Mapped[datetime | None]
    password_hash: Mapped[str | None]
    revision: Mapped[int] = mapped_column(default=1, server_default="1")
    created_at: Mapped[datetime]


class Invitation(Base):
    """An offer of a membership to whoever reads mail at `email`; its token is good once."""

    __tablename__ = "invitations"
    __table_args__ = (UniqueConstraint("token_hash"), Index("ix_invitations_list", "workspace_id", "id"))

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    email: Mapped[str]
    role: Mapped[Word]
    external: Mapped[bool]
    ends_at: Mapped[datetime | None]  # of the membership
    token_hash: Mapped[bytes]
    invited_by: Mapped[UUID] = mapped_column(ForeignKey("members.id"))
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Session(Base):
    """A member's log-in: an access token and the refresh token that renews it, both hashed."""

    __tablename__ = "sessions"
    __table_args__ = (UniqueConstraint("access_hash"), UniqueConstraint("refresh_hash"))

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    member_id: Mapped[UUID] = mapped_column(ForeignKey("members.id", ondelete="CASCADE"))
    access_hash: Mapped[bytes]
    access_expires_at: Mapped[datetime]
    refresh_hash: Mapped[bytes]
    refresh_expires_at: Mapped[datetime]
    # The refresh token before this one: seen again, it is stolen or replayed, and the session ends.
    previous_refresh_hash: Mapped[bytes | None] = mapped_column(index=True)
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class ApiKey(Base):
    """A machine's key; acts as the member who made it, within `scopes`."""

    __tablename__ = "api_keys"
    __table_args__ = (UniqueConstraint("key_hash"), Index("ix_api_keys_list", "workspace_id", "id"))

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    member_id: Mapped[UUID] = mapped_column(ForeignKey("members.id", ondelete="CASCADE"))
    name: Mapped[str]
    prefix: Mapped[Word]
    key_hash: Mapped[bytes]
    scopes: Mapped[list[str]]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
