"""Posts of one workspace, their versions, and the deliveries that an edit of a post must reach."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select
from sqlalchemy.exc import DBAPIError

from drumtower.db.models import AuditEvent, Delivery, Member, Post, PostVersion
from drumtower.db.repositories.scope import Scoped
from drumtower.domain.deliveries import FINAL, Action
from drumtower.domain.errors import Conflict, NotFound

_LOCK_NOT_AVAILABLE = "55P03"


class PostRepository(Scoped):
    """Reads and adds posts and versions."""

    def all(self) -> Select[Post]:
        return self.select(Post)

    async def get(self, post_id: UUID, *, lock: bool = False) -> Post:
        """Return the post; raise NotFound. `lock` it before anything of it changes."""
        return await self.find(Post, post_id, "post", lock=lock)

    def matching(
        self,
        *,
        equal: dict[str, Any],
        statuses: Collection[str] = (),
        due_from: date | None = None,
        due_to: date | None = None,
        tags: Collection[str] = (),
        found: ColumnElement[bool] | None = None,
    ) -> Select[Post]:
        """Select posts by columns (`equal`; None asks nothing), days (inclusive), tags, and what is `found` in."""
        statement = self.all().where(
            *(getattr(Post, name) == value for name, value in equal.items() if value is not None)
        )
        if statuses:
            statement = statement.where(Post.status.in_(statuses))
        if due_from is not None:
            statement = statement.where(Post.due_on >= due_from)
        if due_to is not None:
            statement = statement.where(Post.due_on <= due_to)
        if tags:
            statement = statement.where(Post.tags.contains(list(tags)))
        return statement if found is None else statement.where(found)

    def versions(self, post_id: UUID) -> Select[PostVersion]:
        return self.select(PostVersion).where(PostVersion.post_id == post_id)

    async def version(self, post_id: UUID, version: int) -> PostVersion:
        """Return one version; raise NotFound."""
        found = await self.tx.scalar(self.versions(post_id).where(PostVersion.version == version))
        if found is None:
            raise NotFound.thing("version")
        return found

    async def is_member(self, member_id: UUID) -> bool:
        """Say whether this is a member of the workspace."""
        return await self.tx.scalar(self.select(Member).where(Member.id == member_id)) is not None

    async def deliveries_of(self, post_ids: Collection[UUID]) -> dict[UUID, list[Delivery]]:
        """Return the deliveries of these posts, oldest first, in one query."""
        by_post: dict[UUID, list[Delivery]] = {post_id: [] for post_id in post_ids}
        statement = self.select(Delivery).where(Delivery.post_id.in_(post_ids)).order_by(Delivery.id)
        for delivery in await self.tx.scalars(statement):
            assert delivery.post_id is not None
            by_post[delivery.post_id].append(delivery)
        return by_post

    async def hold_deliveries(self, post_id: UUID) -> Sequence[Delivery]:
        """Lock the locked post's publish deliveries that are not final; raise Conflict where one is held elsewhere.

        The engine locks the delivery first and the post after it, so waiting here could be a deadlock. And whoever
        holds a delivery at this moment is sending it or settling it: the caller should look again.
        """
        statement = (
            self.select(Delivery)
            .where(
                Delivery.post_id == post_id,
                Delivery.action == Action.PUBLISH.value,
                Delivery.state.not_in([state.value for state in FINAL]),
            )
            .order_by(Delivery.id)
            .with_for_update(nowait=True)
        )
        try:
            return (await self.tx.scalars(statement)).all()
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
                raise
            raise Conflict(
                "delivery_busy", "A delivery of this post is changing at this moment. Try again."
            ) from error

    async def siblings(self, delivery: Delivery) -> Sequence[Delivery]:
        """Return the other publish deliveries of the same post to the same channel."""
        statement = self.select(Delivery).where(
            Delivery.post_id == delivery.post_id,
            Delivery.channel_id == delivery.channel_id,
            Delivery.action == Action.PUBLISH.value,
            Delivery.id != delivery.id,
        )
        return (await self.tx.scalars(statement)).all()

    async def audit_trail(self, subject_ids: Collection[UUID]) -> Sequence[AuditEvent]:
        """Return what was done to these things, oldest first."""
        statement = self.select(AuditEvent).where(AuditEvent.subject_id.in_(subject_ids))
        return (await self.tx.scalars(statement.order_by(AuditEvent.id))).all()
