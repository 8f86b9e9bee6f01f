"""Media files."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from drumtower.db.search import search_index
from drumtower.db.types import Base, Id, Word, WorkspaceId


class Asset(Base):
    """A stored file: sniffed, measured, its metadata stripped. Width and height are as people see it."""

    __tablename__ = "assets"
    __table_args__ = (
        Index("ix_assets_list", "workspace_id", "id"),
        search_index("assets"),
        Index("ix_assets_kind", "workspace_id", "kind", "id"),
        Index("ix_assets_folder", "workspace_id", "folder", "id"),
        Index("ix_assets_tags", "tags", postgresql_using="gin", postgresql_ops={"tags": "jsonb_path_ops"}),
        Index(
            "ix_assets_expires", "workspace_id", "expires_at", postgresql_where=text("expires_at IS NOT NULL")
        ),
        Index("ix_assets_ending", "expires_at", postgresql_where=text("expires_at IS NOT NULL")),
        # The same content is kept once.
        Index(
            "uq_assets_content",
            "workspace_id",
            "sha256",
            unique=True,
            postgresql_where=text("derived_from IS NULL"),
        ),
        # Every look-up compares with all of a workspace's; the index has all that it needs.
        Index(
            "ix_assets_perceptual_hash",
            "workspace_id",
            "perceptual_hash",
            "id",
            postgresql_where=text("perceptual_hash IS NOT NULL AND derived_from IS NULL"),
        ),
        UniqueConstraint("derived_from", "rendition_key"),
    )

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    file_name: Mapped[str]
    content_type: Mapped[Word]
    kind: Mapped[Word] = mapped_column(server_default="image")
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[Word]
    width: Mapped[int | None]
    height: Mapped[int | None]
    duration_ms: Mapped[int | None]
    codecs: Mapped[list[str]] = mapped_column(server_default=text("'[]'::jsonb"))
    perceptual_hash: Mapped[int | None] = mapped_column(
        BigInteger
    )  # of a picture; None where nobody has looked
    alt_text: Mapped[str]
    credit: Mapped[str]
    licence: Mapped[str]
    ai_generated: Mapped[bool] = mapped_column(server_default=text("false"))
    folder: Mapped[str] = mapped_column(server_default="")
    tags: Mapped[list[str]] = mapped_column(server_default=text("'[]'::jsonb"))
    expires_at: Mapped[datetime | None]
    derived_from: Mapped[UUID | None] = mapped_column(ForeignKey("assets.id", ondelete="CASCADE"))
    rendition_key: Mapped[str | None] = mapped_column(String(64))
    created_by: Mapped[UUID]
    created_at: Mapped[datetime]


class LicenceWarning(Base):
    """That people were told so many days ahead that an asset's licence ends, and when."""

    __tablename__ = "licence_warnings"

    asset_id: Mapped[UUID] = mapped_column(ForeignKey("assets.id", ondelete="CASCADE"), primary_key=True)
    days: Mapped[int] = mapped_column(primary_key=True)
    workspace_id: Mapped[WorkspaceId]
    expires_at: Mapped[datetime]
    told_at: Mapped[datetime]


class Rendition(Base):
    """A form that a platform asks of an asset; once it is made, an asset of its own holds it."""

    __tablename__ = "renditions"
    __table_args__ = (
        UniqueConstraint("asset_id", "key"),
        Index("ix_renditions_next", "next_at", postgresql_where=text("state = 'pending'")),
    )

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    asset_id: Mapped[UUID] = mapped_column(ForeignKey("assets.id", ondelete="CASCADE"))
    key: Mapped[Word]
    target: Mapped[dict[str, Any]]
    state: Mapped[Word]  # pending, made, failed
    made_id: Mapped[UUID | None]
    error: Mapped[dict[str, Any] | None]
    tries: Mapped[int]
    next_at: Mapped[datetime]
    created_by: Mapped[UUID]
    created_at: Mapped[datetime]
