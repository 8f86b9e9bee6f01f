"""A post's status: derived from its review and its deliveries, never set by hand."""

from collections.abc import Collection
from enum import StrEnum

from drumtower.domain.deliveries import State
from drumtower.domain.reviews import ReviewState


class PostStatus(StrEnum):
    """Where a post stands."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    CHANGES_REQUESTED = "changes_requested"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    PUBLISHED = "published"
    PARTLY_PUBLISHED = "partly_published"
    FAILED = "failed"
    ARCHIVED = "archived"


_OVER = {State.FAILED, State.MISSED}


def status(review: ReviewState, deliveries: Collection[State], *, archived: bool = False) -> PostStatus:
    """Derive the status from the review and the states of the post's publish deliveries."""
    if archived:
        return PostStatus.ARCHIVED
    live = [state for state in deliveries if state is not State.CANCELLED]
    if not live:
        return PostStatus(review.value)
    published = live.count(State.PUBLISHED)
    if published == len(live):
        return PostStatus.PUBLISHED
    going = [state for state in live if state not in _OVER and state is not State.PUBLISHED]
    if going:
        # What is held until the post is approved again waits on its author and reviewers, not on the clock.
        waits = review is not ReviewState.APPROVED and all(state is State.HELD for state in going)
        return PostStatus(review.value) if waits else PostStatus.SCHEDULED
    return PostStatus.PARTLY_PUBLISHED if published else PostStatus.FAILED


def counts_as(state: State) -> PostStatus:
    """Return what one delivery alone makes of an approved post: a move that keeps it changes no post's status."""
    return status(ReviewState.APPROVED, [state])
