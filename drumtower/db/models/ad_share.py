"""What a second person has allowed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from drumtower.db.types import Base, Id, Word, WorkspaceId


class AdShareOverride(Base):
    """Lets one content of a post go over the ad share's limit on one channel."""

    __tablename__ = "ad_share_overrides"
    __table_args__ = (
        UniqueConstraint("post_id", "channel_id", "content_hash"),
        Index("ix_ad_share_overrides_list", "workspace_id", "id"),
    )

    id: Mapped[Id]
    workspace_id: Mapped[WorkspaceId]
    post_id: Mapped[UUID] = mapped_column(ForeignKey("posts.id", ondelete="CASCADE"))
    channel_id: Mapped[UUID] = mapped_column(ForeignKey("channels.id", ondelete="CASCADE"))
    content_hash: Mapped[Word]
    reason: Mapped[str]
    granted_by: Mapped[UUID] = mapped_column(ForeignKey("members.id"))
    granted_at: Mapped[datetime]
