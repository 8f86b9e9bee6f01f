"""Reviewers: /v1/posts/{id}/reviewers, and /v1/reviews, what is asked of whom."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Query

from drumtower.db.models import Post, ReviewAssignment
from drumtower.db.repositories.posts import PostRepository
from drumtower.db.repositories.reviews import AssignmentRepository
from drumtower.domain.reviews import AskedState
from services.api.deps import ClockDep, Reader, TxDep
from services.api.pagination import Page, PagingDep
from services.api.posts import assignments, service, statistics
from services.api.posts.assignment_schemas import AskedRead, AssignmentsRead, AssignmentsWrite
from services.api.posts.statistics_schemas import StatisticsRead
from services.api.posts.workflow import Writer
from services.api.problems import responses
from services.api.routing import feature
from services.api.schemas import Moment

router = feature("", "posts")
LOOK_BACK = timedelta(days=90)


@router.get(
    "/posts/{post_id}/reviewers", operation_id="posts_reviewers_list", summary="See a post's reviewers"
)
async def list_reviewers(post_id: UUID, principal: Reader, tx: TxDep, clock: ClockDep) -> AssignmentsRead:
    post = await PostRepository(tx, principal.workspace_id).get(post_id)
    rows = await AssignmentRepository(tx, principal.workspace_id).of(post_id)
    return AssignmentsRead(data=[assignments.read(row, post, clock.now()) for row in rows])


@router.put(
    "/posts/{post_id}/reviewers",
    operation_id="posts_reviewers_set",
    summary="Say who reviews a post",
    responses=responses(409, 413, 415),
)
async def set_reviewers(
    post_id: UUID, body: AssignmentsWrite, principal: Writer, tx: TxDep, clock: ClockDep
) -> AssignmentsRead:
    """They are asked when the post is submitted, or at once where it is in review already."""
    post = await service.hold(tx, principal, post_id)
    rows = await assignments.assign(tx, principal, post, body, clock.now())
    return AssignmentsRead(data=[assignments.read(row, post, clock.now()) for row in rows])


@router.get("/reviews", operation_id="reviews_list", summary="List the reviews that are asked for")
async def list_reviews(
    principal: Reader,
    tx: TxDep,
    clock: ClockDep,
    paging: PagingDep,
    state: AskedState | None = None,
    reviewer_id: UUID | None = None,
    overdue: Annotated[bool | None, Query(description="Open, and past its deadline.")] = None,
) -> Page[AskedRead]:
    """A reviewer's list of work: `state=open&reviewer_id=…`."""
    now = clock.now()
    found = AssignmentRepository(tx, principal.workspace_id).matching(
        now, reviewer_id=reviewer_id, state=state, overdue=overdue
    )
    rows, cursor = await paging.rows(tx, found, ReviewAssignment.id)
    posts = PostRepository(tx, principal.workspace_id).all().where(Post.id.in_([row.post_id for row in rows]))
    by_id = {post.id: post for post in await tx.scalars(posts)}
    data = [assignments.read_asked(row, by_id[row.post_id], now) for row in rows]
    return Page(data=data, next_cursor=cursor)


@router.get("/reviews/statistics", operation_id="reviews_statistics", summary="See how reviewers judge")
async def get_statistics(
    principal: Reader,
    tx: TxDep,
    clock: ClockDep,
    since: Annotated[Moment | None, Query(description="90 days back by default.")] = None,
) -> StatisticsRead:
    """Speed, deadlines kept, and agreement beyond chance, each with how much it rests on; null where that is too little."""
    now = clock.now()
    return await statistics.gather(tx, principal, since or now - LOOK_BACK, now)
