"""What leads from a draft to its deliveries: preflight, submit, reviews, schedule."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response

from drumtower.db.models import Review
from drumtower.db.repositories.posts import PostRepository
from drumtower.db.repositories.reviews import ReviewRepository
from drumtower.domain.content import from_json
from drumtower.domain.permissions import Permission
from drumtower.domain.schedules import check_future
from drumtower.jobs import Role
from services.api.deliveries.quotas import reserve
from services.api.deliveries.reading import read
from services.api.deps import BellDep, ClockDep, Reader, ServicesDep, TxDep, allow
from services.api.etags import set_etag
from services.api.idempotency import IdempotencyDep
from services.api.pagination import Page, PagingDep
from services.api.posts import preflight, previewing, reviewing, scheduling, service
from services.api.posts.evidence import read_preflight, read_review
from services.api.posts.preview_schemas import PreviewRead
from services.api.posts.reading import read_post
from services.api.posts.review_schemas import PreflightRead, PreflightRequest, ReviewCreate, ReviewRead
from services.api.posts.schedule_schemas import PostSchedule, Scheduled
from services.api.posts.schemas import PostRead
from services.api.principals import Principal
from services.api.problems import responses
from services.api.routing import feature

router = feature("/posts", "posts")
Writer = Annotated[Principal, Depends(allow(Permission.POSTS_WRITE))]
Reviewer = Annotated[Principal, Depends(allow(Permission.POSTS_REVIEW))]
Publisher = Annotated[Principal, Depends(allow(Permission.POSTS_PUBLISH))]


@router.post(
    "/{post_id}/preflight",
    operation_id="posts_preflight",
    summary="Check a post against its channels",
    responses=responses(413, 415),
)
async def preflight_post(
    post_id: UUID,
    principal: Reader,
    services: ServicesDep,
    tx: TxDep,
    clock: ClockDep,
    body: PreflightRequest | None = None,
) -> PreflightRead:
    """Everything at once, changing nothing. The same checks run when it is submitted, scheduled and sent."""
    post = await PostRepository(tx, principal.workspace_id).get(post_id)
    content = from_json(post.content)
    asked = body or PreflightRequest()
    now = clock.now()
    at = asked.at or now
    check_future(at, now)
    channels = await preflight.channels_asked(tx, principal, post, asked.channel_ids)
    checks = await preflight.check(tx, principal, services.registry, content, channels, at, post_id)
    return read_preflight(post, content, checks)


@router.post(
    "/{post_id}/preview",
    operation_id="posts_preview",
    summary="Show a post as it would leave to its channels",
    responses=responses(413, 415),
)
async def preview_post(
    post_id: UUID,
    principal: Reader,
    services: ServicesDep,
    tx: TxDep,
    clock: ClockDep,
    body: PreflightRequest | None = None,
) -> PreviewRead:
    """The very words that each platform would get, counted its way, and the files; nothing is sent and nothing changed."""
    post = await PostRepository(tx, principal.workspace_id).get(post_id)
    channels = await preflight.channels_asked(tx, principal, post, body.channel_ids if body else None)
    return await previewing.preview(tx, principal, services, post, channels, clock.now())


@router.post(
    "/{post_id}/submit",
    operation_id="posts_submit",
    summary="Hand a post to its reviewers",
    responses=responses(409),
)
async def submit_post(
    post_id: UUID,
    principal: Writer,
    services: ServicesDep,
    tx: TxDep,
    clock: ClockDep,
    response: Response,
    idempotency: IdempotencyDep,
) -> PostRead:
    now = clock.now()
    post = await service.hold(tx, principal, post_id)
    await reviewing.submit(tx, principal, services.registry, post, now)
    set_etag(response, post.revision)
    return await read_post(tx, principal, services.registry, post, now)


@router.get("/{post_id}/reviews", operation_id="posts_reviews_list", summary="List a post's verdicts")
async def list_reviews(post_id: UUID, principal: Reader, tx: TxDep, paging: PagingDep) -> Page[ReviewRead]:
    await PostRepository(tx, principal.workspace_id).get(post_id)
    statement = ReviewRepository(tx, principal.workspace_id).all(post_id)
    return await paging.page(tx, statement, Review.id, read_review)


@router.post(
    "/{post_id}/reviews",
    status_code=201,
    operation_id="posts_reviews_create",
    summary="Judge a post",
    responses=responses(409, 413, 415),
)
async def review_post(
    post_id: UUID,
    body: ReviewCreate,
    principal: Reviewer,
    services: ServicesDep,
    tx: TxDep,
    bell: BellDep,
    clock: ClockDep,
    response: Response,
    idempotency: IdempotencyDep,
) -> PostRead:
    """Points that are not judged stay open; four passes approve the version, one failure sends it back."""
    now = clock.now()
    post = await service.hold(tx, principal, post_id)
    await reviewing.judge(tx, principal, post, body, now)
    bell.ring(Role.SCHEDULER)  # an approval may have let overdue deliveries go
    set_etag(response, post.revision)
    return await read_post(tx, principal, services.registry, post, now)


@router.post(
    "/{post_id}/schedule",
    status_code=201,
    operation_id="posts_schedule",
    summary="Plan a post's deliveries",
    responses=responses(409, 413, 415),
)
async def schedule_post(
    post_id: UUID,
    body: PostSchedule,
    principal: Publisher,
    services: ServicesDep,
    tx: TxDep,
    bell: BellDep,
    clock: ClockDep,
    idempotency: IdempotencyDep,
) -> Scheduled:
    now = clock.now()
    post = await PostRepository(tx, principal.workspace_id).get(post_id, lock=True)
    rows, due = await scheduling.schedule(tx, principal, services.registry, post, body, now)
    pointers = {row.channel_id: f"/channel_ids/{body.channel_ids.index(row.channel_id)}" for row in rows}
    await reserve(tx, services.limits, rows, now, pointers)
    if due.is_near(now):
        bell.ring(Role.SCHEDULER)
    return Scheduled(data=[read(row, services.registry) for row in rows])
