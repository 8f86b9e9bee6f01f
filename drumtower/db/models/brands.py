"""Brands."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from drumtower.db.types import Base, Id, WorkspaceId

_NONE = text("'[]'::jsonb")


class Brand(Base):
    """What a workspace speaks for."""

    __tablename__ = "brands"
    __table_args__ = (Index("ix_brands_list", "workspace_id", "id"),)

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    name: Mapped[str]
    positioning: Mapped[str]
    core_values: Mapped[list[str]] = mapped_column(server_default=_NONE)
    tone: Mapped[str]
    tone_rules: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    palette: Mapped[list[dict[str, Any]]] = mapped_column(server_default=_NONE)
    fonts: Mapped[list[dict[str, Any]]] = mapped_column(server_default=_NONE)
    pillars: Mapped[list[str]]
    pillar_plan: Mapped[list[dict[str, Any]]] = mapped_column(server_default=_NONE)
    banned_words: Mapped[list[str]]
    required_words: Mapped[list[str]]
    product_names: Mapped[list[dict[str, Any]]] = mapped_column(server_default=_NONE)
    disclosure_rules: Mapped[list[dict[str, Any]]] = mapped_column(server_default=_NONE)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
