"""A post's status follows from its review and its deliveries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumtower.domain.deliveries import State
from drumtower.domain.posts import PostStatus, counts_as, status
from drumtower.domain.reviews import ReviewState

S, R, P = State, ReviewState, PostStatus


@pytest.mark.parametrize(
    ("review", "deliveries", "expected"),
    [
        (R.DRAFT, [], P.DRAFT),
        (R.IN_REVIEW, [], P.IN_REVIEW),
        (R.CHANGES_REQUESTED, [S.CANCELLED], P.CHANGES_REQUESTED),
        (R.APPROVED, [S.CANCELLED], P.APPROVED),
        (R.APPROVED, [S.PLANNED], P.SCHEDULED),
        (R.APPROVED, [S.HELD], P.SCHEDULED),
        (R.DRAFT, [S.HELD], P.DRAFT),
        (R.IN_REVIEW, [S.HELD, S.CANCELLED], P.IN_REVIEW),
        (R.DRAFT, [S.HELD, S.UNKNOWN], P.SCHEDULED),
        (R.APPROVED, [S.PUBLISHED], P.PUBLISHED),
        (R.DRAFT, [S.PUBLISHED], P.PUBLISHED),
        (R.APPROVED, [S.PUBLISHED, S.CANCELLED], P.PUBLISHED),
        (R.APPROVED, [S.PUBLISHED, S.FAILED], P.PARTLY_PUBLISHED),
        (R.APPROVED, [S.PUBLISHED, S.RETRYING], P.SCHEDULED),
        (R.APPROVED, [S.FAILED, S.MISSED], P.FAILED),
        (R.APPROVED, [S.HANDOFF], P.SCHEDULED),
    ],
)
def test_status(review: ReviewState, deliveries: list[State], expected: PostStatus) -> None:
    assert status(review, deliveries) is expected
    assert status(review, deliveries, archived=True) is P.ARCHIVED


@given(st.sampled_from(R), st.lists(st.sampled_from(S), max_size=6), st.randoms())
def test_order_does_not_matter_and_published_is_never_claimed_without_one(
    review: ReviewState, deliveries: list[State], random: st.DataObject
) -> None:
    shuffled = sorted(deliveries, key=lambda _: random.random())  # type: ignore[attr-defined]
    found = status(review, deliveries)
    assert status(review, shuffled) is found
    if found in (P.PUBLISHED, P.PARTLY_PUBLISHED):
        assert S.PUBLISHED in deliveries
    if found is P.PUBLISHED:
        assert set(deliveries) <= {S.PUBLISHED, S.CANCELLED}


@given(st.lists(st.sampled_from(S), max_size=5), st.sampled_from(S), st.sampled_from(S))
def test_a_move_that_counts_the_same_changes_no_approved_post(
    others: list[State], source: State, target: State
) -> None:
    if counts_as(source) is counts_as(target):
        assert status(R.APPROVED, [*others, source]) is status(R.APPROVED, [*others, target])
