"""Ideas and what members think of them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from drumtower.db.search import search_index
from drumtower.db.types import Base, Id, Word, WorkspaceId


class Idea(Base):
    """What could become a post."""

    __tablename__ = "ideas"
    __table_args__ = (Index("ix_ideas_list", "workspace_id", "id"), search_index("ideas"))

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), index=True)
    title: Mapped[str]
    note: Mapped[str]
    source: Mapped[Word]
    evidence: Mapped[str]  # what the source says: a link, a quotation, the event
    status: Mapped[Word]
    revision: Mapped[int]
    created_by: Mapped[UUID] = mapped_column(ForeignKey("members.id"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class IdeaScore(Base):
    """One member's score of one idea; a later one replaces it."""

    __tablename__ = "idea_scores"
    __table_args__ = (UniqueConstraint("idea_id", "member_id"),)

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    idea_id: Mapped[UUID] = mapped_column(ForeignKey("ideas.id", ondelete="CASCADE"))
    member_id: Mapped[UUID] = mapped_column(ForeignKey("members.id"))
    points: Mapped[dict[str, Any]]  # an integer by domain.ideas.Aspect
    scored_at: Mapped[datetime]
