"""Imports that are worked in the background, row by row."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, PrimaryKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from drumtower.db.types import Base, Id, Word, WorkspaceId


class Import(Base):
    """Rows that somebody brought, and how far they are; the counts say what the rows' verdicts say."""

    __tablename__ = "imports"
    __table_args__ = (
        Index("ix_imports_list", "workspace_id", "id"),
        Index("ix_imports_running", "worked_at", postgresql_where="state = 'running'"),
    )

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    kind: Mapped[Word]  # what its rows become: "posts"
    state: Mapped[Word]  # domain/imports.ImportState
    dry_run: Mapped[bool]
    count: Mapped[int]
    created: Mapped[int]
    refused: Mapped[int]
    ignored_columns: Mapped[list[str]]
    created_by: Mapped[UUID] = mapped_column(ForeignKey("members.id"))
    api_key_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("api_keys.id")
    )  # its scopes hold for the rows too
    created_at: Mapped[datetime]
    worked_at: Mapped[datetime]  # the last chunk, or the last try: whoever waited longest is next
    ended_at: Mapped[datetime | None]


class ImportRow(Base):
    """One row as it was brought, and its verdict, which commits together with what the row became."""

    __tablename__ = "import_rows"
    __table_args__ = (PrimaryKeyConstraint("import_id", "number"),)

    import_id: Mapped[UUID] = mapped_column(ForeignKey("imports.id", ondelete="CASCADE"))
    number: Mapped[int]  # from 1
    workspace_id: Mapped[WorkspaceId]
    raw: Mapped[dict[str, Any]]
    state: Mapped[Word]  # domain/imports.RowState
    errors: Mapped[list[dict[str, Any]]]
    post_id: Mapped[UUID | None] = mapped_column(ForeignKey("posts.id"))
