"""Members of one workspace."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import or_

from drumtower.db.models import Member
from drumtower.db.repositories.scope import Scoped


class MemberRepository(Scoped):
    """Reads members."""

    async def here(self, member_id: UUID, now: datetime) -> Member | None:
        """Return the member if they belong to this workspace, and still will in a moment."""
        stays = or_(Member.ends_at.is_(None), Member.ends_at > now)
        return await self.tx.scalar(self.select(Member).where(Member.id == member_id, stays))
