"""Ideas of one workspace, their scores, and the posts they became."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.dialects.postgresql import insert

from drumtower.db.models import Idea, IdeaScore, Post
from drumtower.db.repositories.scope import Scoped
from drumtower.domain.ids import new_id


class IdeaRepository(Scoped):
    """Reads and scores ideas."""

    def matching(self, *, equal: dict[str, Any], found: ColumnElement[bool] | None) -> Select[Idea]:
        """Select ideas by columns (`equal`; None asks nothing) and what is `found` in."""
        statement = self.select(Idea).where(
            *(getattr(Idea, name) == value for name, value in equal.items() if value is not None)
        )
        return statement if found is None else statement.where(found)

    async def get(self, idea_id: UUID, *, lock: bool = False) -> Idea:
        """Return the idea; raise NotFound."""
        return await self.find(Idea, idea_id, "idea", lock=lock)

    async def score(self, idea_id: UUID, member_id: UUID, points: dict[str, int], now: datetime) -> None:
        """Keep a member's score; it replaces their earlier one."""
        given = insert(IdeaScore).values(
            id=new_id(),
            workspace_id=self.workspace_id,
            idea_id=idea_id,
            member_id=member_id,
            points=points,
            scored_at=now,
        )
        await self.tx.execute(
            given.on_conflict_do_update(
                index_elements=["idea_id", "member_id"], set_={"points": points, "scored_at": now}
            )
        )

    async def scores_of(self, idea_ids: Collection[UUID]) -> dict[UUID, list[IdeaScore]]:
        """Return the scores of these ideas, in one query."""
        by_idea: dict[UUID, list[IdeaScore]] = {idea_id: [] for idea_id in idea_ids}
        statement = self.select(IdeaScore).where(IdeaScore.idea_id.in_(idea_ids)).order_by(IdeaScore.id)
        for score in await self.tx.scalars(statement):
            by_idea[score.idea_id].append(score)
        return by_idea

    async def posts_of(self, idea_ids: Collection[UUID]) -> dict[UUID, list[UUID]]:
        """Return the ids of the posts that these ideas became, oldest first, in one query."""
        by_idea: dict[UUID, list[UUID]] = {idea_id: [] for idea_id in idea_ids}
        statement = select(Post.id, Post.idea_id).where(
            Post.workspace_id == self.workspace_id, Post.idea_id.in_(idea_ids)
        )
        for row in await self.tx.execute(statement.order_by(Post.id)):
            by_idea[row.idea_id].append(row.id)
        return by_idea
