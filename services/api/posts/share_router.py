"""Shares: /v1/posts/{id}/shares and …/comments, and /v1/public/shares, which needs no credential but the address."""

from uuid import UUID

from fastapi import Response

from drumtower.db.models import PostComment, PostShare
from drumtower.db.repositories.posts import PostRepository
from drumtower.db.repositories.shares import ShareRepository
from drumtower.domain.errors import Limited
from services.api.deps import ClockDep, Reader, ServicesDep, TxDep
from services.api.idempotency import IdempotencyDep
from services.api.pagination import Page, PagingDep
from services.api.posts import service, sharing
from services.api.posts.share_schemas import (
    CommentCreate,
    CommentRead,
    ShareCreate,
    SharedComment,
    SharedRead,
    ShareMade,
    ShareRead,
)
from services.api.posts.workflow import Writer
from services.api.problems import responses
from services.api.routing import feature

router = feature("/posts", "posts")
public_router = feature("/public/shares", "posts")
# Nobody keeps it, follows it to somewhere else with its address, or reads it as anything but JSON.
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


@router.get("/{post_id}/shares", operation_id="posts_shares_list", summary="List a post's shares")
async def list_shares(post_id: UUID, principal: Reader, tx: TxDep, paging: PagingDep) -> Page[ShareRead]:
    await PostRepository(tx, principal.workspace_id).get(post_id)
    statement = ShareRepository(tx, principal.workspace_id).of(post_id)
    return await paging.page(tx, statement, PostShare.id, ShareRead.model_validate)


@router.post(
    "/{post_id}/shares",
    status_code=201,
    operation_id="posts_shares_create",
    summary="Show a version to somebody outside",
    responses=responses(409, 413, 415),
)
async def create_share(
    post_id: UUID,
    body: ShareCreate,
    principal: Writer,
    services: ServicesDep,
    tx: TxDep,
    clock: ClockDep,
    response: Response,
    idempotency: IdempotencyDep,
) -> ShareMade:
    """The address shows this version, whatever becomes of the post: a later one is shared anew."""
    post = await service.hold(tx, principal, post_id)
    made, token = await sharing.share(tx, principal, post, body, clock.now())
    response.headers["Location"] = f"/v1/posts/{post_id}/shares"
    address = f"{services.settings.public_url.rstrip('/')}/v1/public/shares/{token}"
    return ShareMade(**ShareRead.model_validate(made).model_dump(), url=address)


@router.delete(
    "/{post_id}/shares/{share_id}",
    status_code=204,
    operation_id="posts_shares_revoke",
    summary="Revoke a share",
)
async def revoke_share(post_id: UUID, share_id: UUID, principal: Writer, tx: TxDep, clock: ClockDep) -> None:
    await sharing.revoke(tx, principal, post_id, share_id, clock.now())


@router.get("/{post_id}/comments", operation_id="posts_comments_list", summary="Read what was said of a post")
async def list_comments(post_id: UUID, principal: Reader, tx: TxDep, paging: PagingDep) -> Page[CommentRead]:
    await PostRepository(tx, principal.workspace_id).get(post_id)
    statement = ShareRepository(tx, principal.workspace_id).comments(post_id)
    return await paging.page(tx, statement, PostComment.id, CommentRead.model_validate)


@public_router.get("/{token}", operation_id="shares_get", summary="Read a shared version")
async def get_shared(
    token: str, services: ServicesDep, tx: TxDep, clock: ClockDep, response: Response
) -> SharedRead:
    """The token is the credential; where it is wrong or has ended, there is no such share."""
    response.headers.update(HEADERS)
    row = await sharing.opened(tx, token, clock.now())
    return await sharing.show(tx, services, row)


@public_router.post(
    "/{token}/comments",
    status_code=201,
    operation_id="shares_comment",
    summary="Comment on a shared version",
    responses=responses(409, 413, 415),
)
async def comment(
    token: str, body: CommentCreate, services: ServicesDep, tx: TxDep, clock: ClockDep, response: Response
) -> SharedComment:
    response.headers.update(HEADERS)
    row = await sharing.opened(tx, token, clock.now())
    if not await services.limiter.may_comment(str(row.id)):
        raise Limited("too_many_comments", "Too many comments at once. Wait a minute.", retry_after=60)
    return SharedComment.model_validate(await sharing.comment(tx, row, body, clock.now()))
