"""Rule packs of a workspace's own, what is active, and what they found in posts that were checked before."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from drumtower.db.types import Base, Id, Word, WorkspaceId


class RulePack(Base):
    """A workspace's own pack. Those that Drumtower ships stand in no table: they come with the release."""

    __tablename__ = "rule_packs"
    __table_args__ = (
        UniqueConstraint("workspace_id", "key"),
        Index("ix_rule_packs_list", "workspace_id", "id"),
    )

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    key: Mapped[Word]
    name: Mapped[str]
    description: Mapped[str]
    latest_version: Mapped[int]
    created_by: Mapped[UUID] = mapped_column(ForeignKey("members.id"))
    created_at: Mapped[datetime]


class RulePackVersion(Base):
    """One version of a pack; never changed."""

    __tablename__ = "rule_pack_versions"
    __table_args__ = (UniqueConstraint("pack_id", "version"),)

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    pack_id: Mapped[UUID] = mapped_column(ForeignKey("rule_packs.id", ondelete="CASCADE"))
    version: Mapped[int]
    rules: Mapped[list[dict[str, Any]]]
    note: Mapped[str]
    created_by: Mapped[UUID] = mapped_column(ForeignKey("members.id"))
    created_at: Mapped[datetime]


class RulePackActivation(Base):
    """Which version of a pack a workspace holds its texts to; null: none.

    Without a row a pack of its own is off, and a shipped one is on, in the version of the release.
    """

    __tablename__ = "rule_pack_activations"

    workspace_id: Mapped[WorkspaceId] = mapped_column(primary_key=True)
    pack_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int | None]
    changed_by: Mapped[UUID] = mapped_column(ForeignKey("members.id"))
    changed_at: Mapped[datetime]


class ComplianceScan(Base):
    """How far the last look of a workspace's active packs at its scheduled and published posts has come."""

    __tablename__ = "compliance_scans"

    workspace_id: Mapped[WorkspaceId] = mapped_column(primary_key=True)
    shipped: Mapped[Word]  # the shipped packs' versions it began with
    after: Mapped[UUID | None]  # the last post looked at
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class ComplianceFinding(Base):
    """A hit in a post that is scheduled or published: somebody is to look at it."""

    __tablename__ = "compliance_findings"
    __table_args__ = (
        UniqueConstraint("post_id", "content_hash", "pointer", "start", "rule"),
        CheckConstraint("(state = 'open') = (closed_at IS NULL)", name="closed"),
        Index("ix_compliance_findings_list", "workspace_id", "id"),
    )

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    post_id: Mapped[UUID] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"))
    content_hash: Mapped[Word]
    pointer: Mapped[str]
    quote: Mapped[str]
    start: Mapped[int]
    end: Mapped[int]
    rule: Mapped[str]
    severity: Mapped[Word]
    basis: Mapped[str]
    suggestion: Mapped[str]
    pack_version: Mapped[int]
    state: Mapped[Word]  # open | resolved | dismissed
    note: Mapped[str]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[UUID | None] = mapped_column(ForeignKey("members.id"))


class ComplianceFeedback(Base):
    """What a person says of a hit that was none, or of a word that no rule knows."""

    __tablename__ = "compliance_feedback"
    __table_args__ = (Index("ix_compliance_feedback_list", "workspace_id", "id"),)

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    verdict: Mapped[Word]
    text: Mapped[str]
    start: Mapped[int]
    end: Mapped[int]
    rule: Mapped[str | None]
    pack_version: Mapped[int | None]
    note: Mapped[str]
    created_by: Mapped[UUID] = mapped_column(ForeignKey("members.id"))
    created_at: Mapped[datetime]
