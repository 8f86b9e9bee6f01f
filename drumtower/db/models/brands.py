"""Brands."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from drumtower.db.types import Base, Id, WorkspaceId


class Brand(Base):
    """What a workspace speaks for."""

    __tablename__ = "brands"
    __table_args__ = (Index("ix_brands_list", "workspace_id", "id"),)

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    name: Mapped[str]
    positioning: Mapped[str]
    tone: Mapped[str]
    pillars: Mapped[list[str]]
    banned_words: Mapped[list[str]]
    required_words: Mapped[list[str]]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
