"""Four eyes: who may not judge, schedule or rewrite a post because of what they have done to it already.

A member is a member, whatever they come with: an API key acts as the one who made it.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import select

from drumtower.db.engine import Tx
from drumtower.db.models import Delivery, Post, Series
from drumtower.db.repositories.posts import PostRepository
from drumtower.db.repositories.workspaces import policies_of
from drumtower.domain.deliveries import FINAL, State
from drumtower.domain.errors import Conflict, Forbidden
from drumtower.domain.reviews import Judgement, lacks_eyes
from drumtower.domain.series import SeriesState
from services.api.principals import Principal


async def check_reviewer(tx: Tx, principal: Principal, post: Post) -> None:
    """Raise Forbidden where the principal wrote the post, or what it says now."""
    if principal.member_id in await authors(tx, post):
        raise Forbidden("own_work", "Whoever wrote a post can't review it. Ask another member.")


async def check_reviewers(tx: Tx, post: Post, standing: Iterable[Judgement]) -> None:
    """Raise Conflict where all four points would be passed by fewer people than the workspace asks for."""
    least = (await policies_of(tx, post.workspace_id)).four_eyes.min_reviewers
    if lacks_eyes(standing, least):
        raise Conflict(
            "another_reviewer_needed",
            f"This workspace asks for {least} reviewers. Leave a point to somebody else.",
        )


async def check_publisher(tx: Tx, principal: Principal, post: Post) -> None:
    """Raise Forbidden where the workspace wants a post to leave by another hand than its author's."""
    if not principal.policies.four_eyes.separate_publisher:
        return
    if principal.member_id in await authors(tx, post):
        raise Forbidden("own_work", "Whoever wrote a post can't schedule it here. Ask another member.")


async def check_editor(tx: Tx, principal: Principal, post: Post, deliveries: Sequence[Delivery]) -> None:
    """Raise Forbidden where the principal has scheduled the post: an edit would make them author and publisher."""
    if not principal.policies.four_eyes.separate_publisher:
        return
    waits = any(row.created_by == principal.member_id and State(row.state) not in FINAL for row in deliveries)
    if waits or await _has_series(tx, principal, post):
        raise Forbidden(
            "own_schedule",
            "Whoever scheduled a post can't rewrite it here. Ask another member, or cancel it.",
        )


async def authors(tx: Tx, post: Post) -> tuple[UUID, UUID]:
    """Return who began the post, and who wrote what it says now."""
    version = await PostRepository(tx, post.workspace_id).version(post.id, post.version)
    return post.created_by, version.created_by


async def _has_series(tx: Tx, principal: Principal, post: Post) -> bool:
    theirs = select(Series.id).where(
        Series.post_id == post.id,
        Series.created_by == principal.member_id,
        Series.state != SeriesState.ENDED.value,
    )
    return await tx.scalar(theirs.limit(1)) is not None
