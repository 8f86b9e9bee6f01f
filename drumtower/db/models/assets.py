"""Media files."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from drumtower.db.types import Base, Id, Word, WorkspaceId


class Asset(Base):
    """A stored file: sniffed, measured, its metadata stripped."""

    __tablename__ = "assets"
    __table_args__ = (
        Index("ix_assets_list", "workspace_id", "id"),
        # The same picture is kept once.
        UniqueConstraint("workspace_id", "sha256"),
    )

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    file_name: Mapped[str]
    content_type: Mapped[Word]
    size: Mapped[int]
    sha256: Mapped[Word]
    width: Mapped[int | None]
    height: Mapped[int | None]
    alt_text: Mapped[str]
    credit: Mapped[str]
    licence: Mapped[str]
    expires_at: Mapped[datetime | None]
    created_by: Mapped[UUID]
    created_at: Mapped[datetime]
