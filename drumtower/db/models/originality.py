"""What texts are compared with: our posts and what was imported, by the bands of their signatures."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Integer, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from drumtower.db.types import Base, Id, Word, WorkspaceId


class ReferenceText(Base):
    """Somebody else's text, or an older one of ours, that posts are compared with."""

    __tablename__ = "reference_texts"
    __table_args__ = (Index("ix_reference_texts_list", "workspace_id", "id"),)

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    title: Mapped[str]
    text: Mapped[str]
    url: Mapped[str | None]
    created_by: Mapped[UUID] = mapped_column(ForeignKey("members.id"))
    created_at: Mapped[datetime]


class Fingerprint(Base):
    """The bands of one text as it stands now."""

    __tablename__ = "fingerprints"
    __table_args__ = (
        UniqueConstraint("kind", "source_id"),
        # What waits to be sorted in is read by every look-up: 8 ms of CPU at the default of 4 MB.
        Index(
            "ix_fingerprints_bands",
            "bands",
            postgresql_using="gin",
            postgresql_with={"gin_pending_list_limit": 256},
        ),
    )

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    kind: Mapped[Word]  # post | reference
    source_id: Mapped[UUID]
    bands: Mapped[list[int]] = mapped_column(ARRAY(Integer))
