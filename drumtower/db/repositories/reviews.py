"""Reviews of one workspace's posts: only ever added."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Select

from drumtower.db.models import Review
from drumtower.db.repositories.scope import Scoped
from drumtower.domain.reviews import Criterion, Judgement, Verdict


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
