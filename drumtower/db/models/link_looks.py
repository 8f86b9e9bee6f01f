"""What was found under the links of posts."""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from drumtower.db.types import Base, Id, Word, WorkspaceId


class LinkLook(Base):
    """One link of a workspace's posts, what was found under it last, and when it is looked at next."""

    __tablename__ = "link_looks"
    __table_args__ = (
        UniqueConstraint("workspace_id", "digest"),
        Index("ix_link_looks_next", "next_at", postgresql_where="next_at IS NOT NULL"),
    )

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    digest: Mapped[Word]  # SHA-256 of the address, which may be longer than an index takes
    url: Mapped[str]
    state: Mapped[Word | None]  # None: nobody has looked yet
    detail: Mapped[str]
    tries: Mapped[int]
    looked_at: Mapped[datetime | None]
    next_at: Mapped[datetime | None]
