"""Copies of a series' post, one an occurrence: the same content, and its approval where that covers the day."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import select

from drumtower import originality
from drumtower.db.engine import Tx
from drumtower.db.models import Post, PostVersion, Review
from drumtower.db.repositories import audit
from drumtower.domain.errors import Violation
from drumtower.domain.ids import new_id
from drumtower.domain.posts import PostStatus
from drumtower.domain.reviews import Approval, ReviewState, approval_violations

_SHARED = (
    "workspace_id",
    "brand_id",
    "title",
    "kind",
    "nature",
    "pillar",
    "campaign_id",
    "tags",
    "idea_id",
    "owner_id",
)
_SAME = ("content", "content_hash", "created_by")


def lacking(template: Post, at: datetime) -> Violation | None:
    """Say why the template's approval does not cover a copy of it that leaves at `at`; None where it does."""
    stands = template.review_state == ReviewState.APPROVED.value
    approval = Approval(
        content_hash=template.approved_hash if stands else None, expires_at=template.approval_expires_at
    )
    return next(iter(approval_violations(approval, template.content_hash, at)), None)


async def copy(tx: Tx, template: Post, day: date, *, approved: bool, now: datetime) -> Post:
    """Add a copy for the day. With `approved` the verdicts come with it: they are on this very content."""
    post = Post(
        id=new_id(),
        due_on=day,
        version=1,
        revision=1,
        status=PostStatus.DRAFT.value,  # derived once its deliveries stand
        created_at=now,
        updated_at=now,
        **{name: getattr(template, name) for name in _SHARED + _SAME},
        **_approval(template, approved=approved),
    )
    tx.add(post)
    await tx.flush()  # its version, verdicts and deliveries refer to it
    tx.add(_version(post, now))
    await originality.remember(tx, post)
    verdicts = await _verdicts(tx, template) if approved else []
    tx.add_all(_carried(verdict, post) for verdict in verdicts)
    audit.record(
        tx,
        workspace_id=post.workspace_id,
        actor_id=None,
        verb="post.copied",
        subject_id=post.id,
        now=now,
        template_id=str(template.id),
        template_version=template.version,
        approved=approved,
    )
    return post


def _approval(template: Post, *, approved: bool) -> dict[str, Any]:
    if not approved:
        return {"review_state": ReviewState.DRAFT.value}
    return {
        "review_state": ReviewState.APPROVED.value,
        "approved_hash": template.approved_hash,
        "approval_expires_at": template.approval_expires_at,
    }


def _version(post: Post, now: datetime) -> PostVersion:
    return PostVersion(
        id=new_id(),
        workspace_id=post.workspace_id,
        post_id=post.id,
        version=1,
        content=post.content,
        content_hash=post.content_hash,
        created_by=post.created_by,
        created_at=now,
    )


async def _verdicts(tx: Tx, template: Post) -> Sequence[Review]:
    on_this = (Review.post_id == template.id, Review.content_hash == template.content_hash)
    return (await tx.scalars(select(Review).where(*on_this).order_by(Review.id))).all()


def _carried(verdict: Review, post: Post) -> Review:
    same = ("workspace_id", "content_hash", "criterion", "verdict", "note", "reviewer_id", "created_at")
    carried = {name: getattr(verdict, name) for name in same}
    return Review(id=new_id(), post_id=post.id, version=1, **carried)
