"""What was found and decided about a post, as clients see it: preflight, reviews, and the whole pack."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from drumtower.db.engine import Tx
from drumtower.db.models import Attempt, Delivery, Post, PostComment, PostVersion, Review
from drumtower.db.repositories.posts import PostRepository
from drumtower.db.repositories.reviews import AssignmentRepository, ReviewRepository
from drumtower.db.repositories.shares import ShareRepository
from drumtower.domain.content import Content, from_json
from drumtower.platforms.registry import Registry
from services.api.deliveries import reading as deliveries
from services.api.deliveries.schemas import AttemptRead
from services.api.posts import assignments, preflight
from services.api.posts.preflight import ChannelCheck
from services.api.posts.reading import read_post, read_version
from services.api.posts.review_schemas import (
    AuditRead,
    ChannelPreflight,
    DeliveryEvidence,
    EvidenceRead,
    FindingRead,
    LengthRead,
    PreflightRead,
    ReviewRead,
)
from services.api.posts.share_schemas import CommentRead
from services.api.principals import Principal
from services.api.problems import violations_read


def read_preflight(post: Post, content: Content, checks: Sequence[ChannelCheck]) -> PreflightRead:
    """Return what the engine found."""
    return PreflightRead(
        ok=all(check.is_ok for check in checks),
        version=post.version,
        data=[_channel(check, content) for check in checks],
    )


def _channel(check: ChannelCheck, content: Content) -> ChannelPreflight:
    findings = preflight.placed(check, content)
    shown = violations_read([finding.violation for finding in findings])
    return ChannelPreflight(
        channel_id=check.channel.id,
        platform=check.channel.platform,
        ok=check.is_ok,
        length=LengthRead.model_validate(check.length) if check.length else None,
        violations=[
            FindingRead(**dict(violation), criterion=finding.criterion)
            for violation, finding in zip(shown, findings, strict=True)
        ],
    )


def read_review(review: Review) -> ReviewRead:
    """Return one verdict."""
    return ReviewRead(
        id=review.id,
        version=review.version,
        criterion=review.criterion,
        verdict=review.verdict,
        note=review.note,
        reviewer_id=review.reviewer_id,
        at=review.created_at,
    )


async def gather(tx: Tx, principal: Principal, registry: Registry, post: Post, now: datetime) -> EvidenceRead:
    """Return everything that is known of the post; the checks are run now."""
    posts = PostRepository(tx, principal.workspace_id)
    content = from_json(post.content)
    channels = await preflight.channels_of(tx, principal, post)
    checks = await preflight.check(tx, principal, registry, content, channels, now, post.id)
    versions = (await tx.scalars(posts.versions(post.id).order_by(PostVersion.version))).all()
    verdicts = (await ReviewRepository(tx, principal.workspace_id).of([post.id]))[post.id]
    rows = (await posts.deliveries_of([post.id]))[post.id]
    asked = await AssignmentRepository(tx, principal.workspace_id).of(post.id)
    said = ShareRepository(tx, principal.workspace_id).comments(post.id).order_by(PostComment.created_at)
    trail = await posts.audit_trail([post.id, *(row.id for row in rows), *(row.id for row in asked)])
    return EvidenceRead(
        generated_at=now,
        post=await read_post(tx, principal, registry, post, now),
        versions=[read_version(version) for version in versions],
        checks=read_preflight(post, content, checks),
        reviewers=[assignments.read(row, post, now) for row in asked],
        comments=[CommentRead.model_validate(one) for one in await tx.scalars(said)],
        reviews=[read_review(review) for review in verdicts],
        deliveries=await _tried(tx, principal, registry, rows),
        audit=[AuditRead.model_validate(event) for event in trail],
    )


async def _tried(
    tx: Tx, principal: Principal, registry: Registry, rows: Sequence[Delivery]
) -> list[DeliveryEvidence]:
    statement = select(Attempt).where(
        Attempt.workspace_id == principal.workspace_id, Attempt.delivery_id.in_([row.id for row in rows])
    )
    found = (await tx.scalars(statement.order_by(Attempt.id))).all() if rows else []
    return [
        DeliveryEvidence(
            **dict(deliveries.read(row, registry)),
            tried=[AttemptRead.model_validate(one) for one in found if one.delivery_id == row.id],
        )
        for row in rows
    ]
