"""Compliance findings and feedback of one workspace, and the scans that open them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, literal, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from drumtower.db.engine import Tx
from drumtower.db.models import ComplianceFeedback, ComplianceFinding, ComplianceScan, Post, Workspace
from drumtower.db.repositories.scope import Scoped
from drumtower.db.types import Instant
from drumtower.domain.compliance import FindingState
from drumtower.domain.posts import PostStatus

# What is going out or is out.
SCANNED = (
    PostStatus.SCHEDULED,
    PostStatus.PUBLISHED,
    PostStatus.PARTLY_PUBLISHED,
)


class FindingRepository(Scoped):
    """Reads findings and feedback."""

    async def get(self, finding_id: UUID, *, lock: bool = False) -> ComplianceFinding:
        """Return the finding; raise NotFound."""
        return await self.find(ComplianceFinding, finding_id, "finding", lock=lock)

    def matching(self, asked: dict[str, Any]) -> Select[ComplianceFinding]:
        """Select findings by columns; None asks nothing."""
        given = {name: value for name, value in asked.items() if value is not None}
        return self.select(ComplianceFinding).filter_by(**given)

    def feedback(self, asked: dict[str, Any]) -> Select[ComplianceFeedback]:
        """Select feedback by columns; None asks nothing."""
        given = {name: value for name, value in asked.items() if value is not None}
        return self.select(ComplianceFeedback).filter_by(**given)


async def next_scan(tx: Tx, shipped: str, now: datetime) -> ComplianceScan | None:
    """Return, locked, a scan that is not finished or was made with other shipped packs; None where all is done."""
    never = select(Workspace.id).where(
        ~select(ComplianceScan).where(ComplianceScan.workspace_id == Workspace.id).exists()
    )
    fresh = select(never.limit(100).subquery().c.id, literal(shipped), literal(now, Instant()))
    await tx.execute(
        insert(ComplianceScan)
        .from_select(["workspace_id", "shipped", "started_at"], fresh)
        .on_conflict_do_nothing()
    )
    waiting = or_(ComplianceScan.finished_at.is_(None), ComplianceScan.shipped != shipped)
    scan = await tx.scalar(select(ComplianceScan).where(waiting).limit(1).with_for_update(skip_locked=True))
    if scan is not None and scan.shipped != shipped:
        scan.shipped, scan.after, scan.started_at, scan.finished_at = shipped, None, now, None
    return scan


async def posts_after(tx: Tx, scan: ComplianceScan, limit: int) -> Sequence[Post]:
    """Return the next posts to look at."""
    statement = select(Post).where(
        Post.workspace_id == scan.workspace_id, Post.status.in_([status.value for status in SCANNED])
    )
    if scan.after is not None:
        statement = statement.where(Post.id > scan.after)
    return (await tx.scalars(statement.order_by(Post.id).limit(limit))).all()


async def settle(
    tx: Tx, posts: Collection[Post], found: Sequence[dict[str, Any]], now: datetime
) -> Sequence[UUID]:
    """Open what was found and not known yet, and resolve what is no longer found; return the ids of the new ones.

    What a person dismissed stays dismissed while the content is the same.
    """
    keys = [tuple(one[name] for name in _KEY) for one in found]
    gone = [ComplianceFinding.post_id.in_([post.id for post in posts])]
    if keys:
        gone.append(tuple_(*(getattr(ComplianceFinding, name) for name in _KEY)).not_in(keys))
    await tx.execute(
        update(ComplianceFinding)
        .where(ComplianceFinding.state == FindingState.OPEN.value, *gone)
        .values(state=FindingState.RESOLVED.value, closed_at=now)
    )
    if not found:
        return []
    statement = insert(ComplianceFinding).values(list(found))
    resolved = ComplianceFinding.state == FindingState.RESOLVED.value
    again = statement.on_conflict_do_update(
        index_elements=list(_KEY),
        set_={"state": FindingState.OPEN.value, "closed_at": None, "opened_at": now},
        where=resolved,
    )
    return (await tx.scalars(again.returning(ComplianceFinding.id))).all()


_KEY = ("post_id", "content_hash", "pointer", "start", "rule")
