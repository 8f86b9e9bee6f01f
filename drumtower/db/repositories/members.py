"""Members of one workspace."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, or_, select, update

from drumtower.db.models import Member, Workspace
from drumtower.db.repositories.scope import Scoped
from drumtower.domain.permissions import Role


class MemberRepository(Scoped):
    """Reads members; a change of who may do what holds the team."""

    def all(self) -> Select[Member]:
        return self.select(Member)

    def matching(
        self, now: datetime, *, role: Role | None, external: bool | None, ended: bool | None
    ) -> Select[Member]:
        """Select members; None asks nothing."""
        statement = self.all()
        if role is not None:
            statement = statement.where(Member.role == role.value)
        if external is not None:
            statement = statement.where(Member.external == external)
        if ended is not None:
            statement = statement.where(~_stays(now) if ended else _stays(now))
        return statement

    async def get(self, member_id: UUID) -> Member:
        """Return the member; raise NotFound."""
        return await self.find(Member, member_id, "member")

    async def here(self, member_id: UUID, now: datetime) -> Member | None:
        """Return the member if they belong to this workspace, and still will in a moment."""
        return await self.tx.scalar(self.all().where(Member.id == member_id, _stays(now)))

    async def lock_team(self) -> None:
        """Hold the workspace's row, so that changes of the team come one after the other."""
        await self.tx.execute(
            select(Workspace.id).where(Workspace.id == self.workspace_id).with_for_update(key_share=True)
        )

    async def end_all(self, now: datetime) -> None:
        """End every membership that has not ended: sessions and API keys stop with it."""
        await self.tx.execute(
            update(Member)
            .where(Member.workspace_id == self.workspace_id, _stays(now))
            .values(ends_at=now, revision=Member.revision + 1)
            .execution_options(synchronize_session=False)
        )

    async def has_other_owner(self, member_id: UUID) -> bool:
        """Say whether an owner without an end stays beside this member."""
        others = exists().where(
            Member.workspace_id == self.workspace_id,
            Member.role == Role.OWNER.value,
            Member.ends_at.is_(None),
            Member.id != member_id,
        )
        return bool(await self.tx.scalar(select(others)))


def _stays(now: datetime) -> ColumnElement[bool]:
    return or_(Member.ends_at.is_(None), Member.ends_at > now)
