"""Reviews of one workspace's posts, only ever added, and who is asked for them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, and_, select

from drumtower.db.engine import Tx
from drumtower.db.models import Post, Review, ReviewAssignment
from drumtower.db.repositories.scope import Scoped
from drumtower.domain.reviews import AskedState, Assignment, Criterion, Judgement, ReviewState, Verdict


class ReviewRepository(Scoped):
    """Reads and adds verdicts."""

    def all(self, post_id: UUID) -> Select[Review]:
        return self.select(Review).where(Review.post_id == post_id)

    async def of(self, post_ids: Collection[UUID]) -> dict[UUID, list[Review]]:
        """Return the verdicts on these posts, oldest first, in one query."""
        by_post: dict[UUID, list[Review]] = {post_id: [] for post_id in post_ids}
        statement = self.select(Review).where(Review.post_id.in_(post_ids)).order_by(Review.id)
        for review in await self.tx.scalars(statement):
            by_post[review.post_id].append(review)
        return by_post

    async def last_id(self, post_id: UUID) -> UUID | None:
        """Return the id of the newest verdict on the locked post."""
        newest = self.all(post_id).order_by(Review.id.desc()).limit(1)
        return await self.tx.scalar(newest.with_only_columns(Review.id))

    def add(self, review: Review) -> None:
        self.tx.add(review)


def judgement_of(review: Review) -> Judgement:
    """Return the verdict as the rules know it."""
    return Judgement(
        criterion=Criterion(review.criterion),
        verdict=Verdict(review.verdict),
        content_hash=review.content_hash,
        reviewer_id=review.reviewer_id,
        note=review.note,
    )


class AssignmentRepository(Scoped):
    """Reads and adds who is asked to judge which post."""

    def all(self) -> Select[ReviewAssignment]:
        return self.select(ReviewAssignment)

    async def of(self, post_id: UUID) -> Sequence[ReviewAssignment]:
        """Return the post's."""
        theirs = self.all().where(ReviewAssignment.post_id == post_id)
        return (await self.tx.scalars(theirs.order_by(ReviewAssignment.id))).all()

    def matching(
        self, now: datetime, *, reviewer_id: UUID | None, state: AskedState | None, overdue: bool | None
    ) -> Select[ReviewAssignment]:
        """Select what was asked for; None asks nothing."""
        statement = self.all().join(Post, Post.id == ReviewAssignment.post_id)
        statement = statement.where(ReviewAssignment.requested_at.is_not(None), Post.archived_at.is_(None))
        is_open = and_(ReviewAssignment.judged_at.is_(None), _IN_REVIEW)
        if reviewer_id is not None:
            statement = statement.where(ReviewAssignment.reviewer_id == reviewer_id)
        if state is AskedState.OPEN:
            statement = statement.where(is_open)
        elif state is AskedState.JUDGED:
            statement = statement.where(ReviewAssignment.judged_at.is_not(None))
        elif state is AskedState.CLOSED:
            statement = statement.where(ReviewAssignment.judged_at.is_(None), ~_IN_REVIEW)
        if overdue is not None:
            is_late = and_(is_open, ReviewAssignment.due_at.is_not(None), ReviewAssignment.due_at <= now)
            statement = statement.where(is_late if overdue else ~is_late)
        return statement


_IN_REVIEW = Post.review_state == ReviewState.IN_REVIEW.value


def assignment_of(row: ReviewAssignment) -> Assignment:
    """Return the assignment as the rules know it."""
    return Assignment(
        reviewer_id=row.reviewer_id,
        criteria=frozenset(Criterion(one) for one in row.criteria),
        required=row.required,
    )


async def take_due(tx: Tx, now: datetime, limit: int) -> Sequence[tuple[ReviewAssignment, Post]]:
    """Lock assignments of which something is to be told, each with its post; skip what others hold."""
    found = await tx.execute(
        select(ReviewAssignment, Post)
        .join(Post, Post.id == ReviewAssignment.post_id)
        .where(ReviewAssignment.next_at <= now)
        .order_by(ReviewAssignment.next_at, ReviewAssignment.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=ReviewAssignment)
    )
    return [(row, post) for row, post in found]
