"""Shares of posts, and what was said of them."""

from uuid import UUID

from sqlalchemy import Select, func, select

from drumtower.db.engine import Tx
from drumtower.db.models import PostComment, PostShare
from drumtower.db.repositories.scope import Scoped


async def by_token(tx: Tx, token_hash: bytes) -> PostShare | None:
    """Return the share that the token opens, whoever's it is; None where it was revoked or never was."""
    found = select(PostShare).where(PostShare.token_hash == token_hash, PostShare.revoked_at.is_(None))
    return await tx.scalar(found)


class ShareRepository(Scoped):
    """Reads shares and comments of one workspace."""

    def of(self, post_id: UUID) -> Select[PostShare]:
        return self.select(PostShare).where(PostShare.post_id == post_id)

    def comments(self, post_id: UUID) -> Select[PostComment]:
        return self.select(PostComment).where(PostComment.post_id == post_id)

    async def said(self, share_id: UUID) -> int:
        """Return how many comments came by the share."""
        counted = select(func.count()).where(PostComment.share_id == share_id)
        return await self.tx.scalar(counted) or 0
