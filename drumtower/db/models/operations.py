"""What keeps the rest honest: audit, outbox, idempotency keys, signs of life."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, PrimaryKeyConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped

from drumtower.db.types import Base, Id, Word, WorkspaceId


class AuditEvent(Base):
    """Who did what to which thing; written in the same transaction, never changed."""

    __tablename__ = "audit_events"
    __table_args__ = (
        Index("ix_audit_events_list", "workspace_id", "id"),
        Index("ix_audit_events_subject", "workspace_id", "subject_id"),
    )

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    actor_id: Mapped[UUID | None]
    api_key_id: Mapped[UUID | None]
    verb: Mapped[Word]  # "post.approved"
    subject: Mapped[Word]
    subject_id: Mapped[UUID]
    detail: Mapped[dict[str, Any]]
    request_id: Mapped[str | None]
    occurred_at: Mapped[datetime]


class OutboxEvent(Base):
    """Something others want to know, written with the change itself and relayed later, at least once."""

    __tablename__ = "outbox_events"
    __table_args__ = (Index("ix_outbox_events_waiting", "id", postgresql_where="relayed_at IS NULL"),)

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    name: Mapped[Word]  # "delivery.published"
    subject_id: Mapped[UUID]
    payload: Mapped[dict[str, Any]]
    occurred_at: Mapped[datetime]
    relayed_at: Mapped[datetime | None]


class IdempotencyKey(Base):
    """The first answer to a keyed request, sealed; committed together with what it created."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (
        UniqueConstraint("workspace_id", "principal_id", "route", "key"),
        Index("ix_idempotency_keys_age", "created_at"),
    )

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    principal_id: Mapped[UUID]
    route: Mapped[str]
    key: Mapped[str]
    fingerprint: Mapped[bytes]
    status: Mapped[int]
    location: Mapped[str | None]
    etag: Mapped[str | None]
    body: Mapped[bytes | None]
    created_at: Mapped[datetime]


class Heartbeat(Base):
    """When a step of a service last ended well: health means progress."""

    __tablename__ = "heartbeats"
    __table_args__ = (PrimaryKeyConstraint("role", "replica", "step"),)

    role: Mapped[Word]
    replica: Mapped[Word]
    step: Mapped[Word]
    beat_at: Mapped[datetime]
    every_seconds: Mapped[float | None]  # how often the step runs at least
