"""Posts, their versions, and their reviews."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from drumtower.db.search import search_index
from drumtower.db.types import Base, Id, Word, WorkspaceId


class Post(Base):
    """What an author wrote, as it stands now; `version` counts edits of the content."""

    __tablename__ = "posts"
    __table_args__ = (
        Index("ix_posts_list", "workspace_id", "id"),
        search_index("posts"),
        Index("ix_posts_due", "workspace_id", "due_on"),
        Index("ix_posts_status", "workspace_id", "status", "id"),
        Index("ix_posts_tags", "tags", postgresql_using="gin", postgresql_ops={"tags": "jsonb_path_ops"}),
        # Which posts show a file: also in a variant.
        Index(
            "ix_posts_asset_ids",
            text("jsonb_path_query_array(content, '$.**.\"asset_ids\"[*]'::jsonpath) jsonb_path_ops"),
            postgresql_using="gin",
        ),
        Index("ix_posts_template_id", "template_id", postgresql_where="template_id IS NOT NULL"),
        Index("ix_posts_campaign_id", "campaign_id", postgresql_where="campaign_id IS NOT NULL"),
    )

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brands.id"), index=True)
    title: Mapped[str]
    kind: Mapped[Word]
    nature: Mapped[Word]
    pillar: Mapped[str | None]
    # Of campaigns; without a foreign key, since the first release took any id here.
    campaign_id: Mapped[UUID | None]
    tags: Mapped[list[str]] = mapped_column(server_default=text("'[]'::jsonb"))
    is_template: Mapped[bool] = mapped_column(server_default=text("false"))
    template_id: Mapped[UUID | None] = mapped_column(ForeignKey("posts.id"))  # what it was made from
    idea_id: Mapped[UUID | None] = mapped_column(ForeignKey("ideas.id"), index=True)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("members.id"))
    due_on: Mapped[date | None]
    status: Mapped[Word]  # derived, see domain/posts.py; stored so that lists can filter
    content: Mapped[dict[str, Any]]
    content_hash: Mapped[Word]
    version: Mapped[int]
    revision: Mapped[int]  # counts every change; the ETag
    review_state: Mapped[Word]
    approved_hash: Mapped[Word | None]
    approval_expires_at: Mapped[datetime | None]
    archived_at: Mapped[datetime | None]
    created_by: Mapped[UUID] = mapped_column(ForeignKey("members.id"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class PostVersion(Base):
    """One content a post has had; never changed."""

    __tablename__ = "post_versions"
    __table_args__ = (UniqueConstraint("post_id", "version"),)

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    post_id: Mapped[UUID] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"))
    version: Mapped[int]
    content: Mapped[dict[str, Any]]
    content_hash: Mapped[Word]
    created_by: Mapped[UUID] = mapped_column(ForeignKey("members.id"))
    created_at: Mapped[datetime]


class Review(Base):
    """One reviewer's verdict on one criterion of one content; never changed."""

    __tablename__ = "reviews"
    __table_args__ = (Index("ix_reviews_post", "post_id", "id"),)

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    post_id: Mapped[UUID] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"))
    version: Mapped[int]
    content_hash: Mapped[Word]
    criterion: Mapped[Word]
    verdict: Mapped[Word]
    note: Mapped[str | None]
    reviewer_id: Mapped[UUID] = mapped_column(ForeignKey("members.id"))
    created_at: Mapped[datetime]


class ReviewAssignment(Base):
    """Who is asked to judge a post, or some points of it; what follows `requested_at` is of the present request."""

    __tablename__ = "review_assignments"
    __table_args__ = (
        UniqueConstraint("post_id", "reviewer_id"),
        Index("ix_review_assignments_list", "workspace_id", "reviewer_id", "id"),
        Index("ix_review_assignments_workspace", "workspace_id", "id"),
        Index("ix_review_assignments_next", "next_at", postgresql_where="next_at IS NOT NULL"),
    )

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    post_id: Mapped[UUID] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"))
    reviewer_id: Mapped[UUID] = mapped_column(ForeignKey("members.id"))
    criteria: Mapped[list[str]]
    required: Mapped[bool]
    assigned_by: Mapped[UUID] = mapped_column(ForeignKey("members.id"))
    assigned_at: Mapped[datetime]
    requested_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    next_at: Mapped[datetime | None]  # when the scheduler tells something of it
    late_at: Mapped[datetime | None]  # the deadline that it missed
    judged_at: Mapped[datetime | None]  # when they had judged all their points


class PostShare(Base):
    """An address that shows one version of a post to whoever has it, until it ends."""

    __tablename__ = "post_shares"
    __table_args__ = (UniqueConstraint("token_hash"), Index("ix_post_shares_list", "post_id", "id"))

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    post_id: Mapped[UUID] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"))
    version: Mapped[int]
    name: Mapped[str]  # for whom
    token_hash: Mapped[bytes]
    comments: Mapped[bool]  # whoever has it may comment
    created_by: Mapped[UUID] = mapped_column(ForeignKey("members.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class PostComment(Base):
    """What somebody from outside said of a shared version, under the name they gave; never changed."""

    __tablename__ = "post_comments"
    __table_args__ = (Index("ix_post_comments_list", "post_id", "id"),)

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    post_id: Mapped[UUID] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"))
    share_id: Mapped[UUID] = mapped_column(ForeignKey("post_shares.id", ondelete="CASCADE"), index=True)
    version: Mapped[int]
    name: Mapped[str]
    text: Mapped[str]
    created_at: Mapped[datetime]
