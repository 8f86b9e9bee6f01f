"""Posts as clients see them: a page of posts takes three queries, whatever its length."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from drumtower.db.engine import Tx
from drumtower.db.models import Delivery, Post, PostVersion, Review
from drumtower.db.repositories.posts import PostRepository
from drumtower.db.repositories.reviews import ReviewRepository
from drumtower.domain.reviews import ReviewState
from drumtower.platforms.registry import Registry
from services.api.deliveries import reading as deliveries
from services.api.posts.contents import read_content
from services.api.posts.schemas import (
    CriteriaRead,
    CriterionRead,
    PostRead,
    ReviewSummary,
    VersionRead,
)
from services.api.principals import Principal


async def read_posts(
    tx: Tx, principal: Principal, registry: Registry, posts: Sequence[Post], now: datetime
) -> list[PostRead]:
    """Return the posts with their deliveries and where their reviews stand."""
    ids = [post.id for post in posts]
    found = await PostRepository(tx, principal.workspace_id).deliveries_of(ids) if ids else {}
    verdicts = await ReviewRepository(tx, principal.workspace_id).of(ids) if ids else {}
    return [_read(post, found[post.id], verdicts[post.id], registry, now) for post in posts]


async def read_post(tx: Tx, principal: Principal, registry: Registry, post: Post, now: datetime) -> PostRead:
    """Return one post."""
    await tx.flush()
    [read] = await read_posts(tx, principal, registry, [post], now)
    return read


def read_new(post: Post, registry: Registry, now: datetime) -> PostRead:
    """Return a post that was just added: nobody has reviewed or planned it."""
    return _read(post, (), (), registry, now)


def _read(
    post: Post, rows: Iterable[Delivery], verdicts: Iterable[Review], registry: Registry, now: datetime
) -> PostRead:
    return PostRead(
        **dict(read_content(post.content)),
        id=post.id,
        status=post.status,
        version=post.version,
        revision=post.revision,
        content_hash=post.content_hash,
        brand_id=post.brand_id,
        pillar=post.pillar,
        campaign_id=post.campaign_id,
        tags=post.tags,
        is_template=post.is_template,
        template_id=post.template_id,
        idea_id=post.idea_id,
        owner_id=post.owner_id,
        due_on=post.due_on,
        review=ReviewSummary(
            state=ReviewState(post.review_state),
            criteria=_criteria(counting(post, verdicts, now)),
            approved_hash=post.approved_hash,
            expires_at=post.approval_expires_at,
        ),
        deliveries=[deliveries.read(row, registry) for row in rows],
        created_by=post.created_by,
        created_at=post.created_at,
        updated_at=post.updated_at,
        archived_at=post.archived_at,
    )


def counting(post: Post, verdicts: Iterable[Review], now: datetime) -> list[Review]:
    """Return the verdicts that count: on this content, and none from before an approval that has ended since."""
    ended = post.approval_expires_at
    return [
        review
        for review in verdicts
        if review.content_hash == post.content_hash
        and (ended is None or ended >= now or review.created_at > ended)
    ]


def _criteria(verdicts: Iterable[Review]) -> CriteriaRead:
    """The last verdict per point; `verdicts` come oldest first."""
    points = {
        review.criterion: CriterionRead(
            verdict=review.verdict, note=review.note, reviewer_id=review.reviewer_id, at=review.created_at
        )
        for review in verdicts
    }
    return CriteriaRead(**points)


def read_version(version: PostVersion) -> VersionRead:
    """Return one version."""
    return VersionRead(
        version=version.version,
        content_hash=version.content_hash,
        content=read_content(version.content),
        created_by=version.created_by,
        created_at=version.created_at,
    )
