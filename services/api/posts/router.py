"""Posts: /v1/posts. What leads to their publishing stands in workflow.py."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Path, Query, Response

from drumtower.db.models import Post, PostVersion
from drumtower.db.repositories.posts import PostRepository
from drumtower.domain.content import Kind, Nature
from drumtower.domain.permissions import Permission
from drumtower.domain.posts import PostStatus
from drumtower.domain.reviews import ReviewState
from services.api import searching
from services.api.deps import ClockDep, Reader, ServicesDep, TxDep, allow
from services.api.etags import set_etag
from services.api.idempotency import IdempotencyDep
from services.api.pagination import Page, PagingDep
from services.api.posts import evidence, service
from services.api.posts.reading import read_new, read_post, read_posts, read_version
from services.api.posts.review_schemas import EvidenceRead
from services.api.posts.schemas import PostCreate, PostRead, PostUpdate, VersionRead
from services.api.principals import Principal
from services.api.problems import responses
from services.api.routing import feature
from services.api.schemas import Day, Tag

router = feature("/posts", "posts")
Writer = Annotated[Principal, Depends(allow(Permission.POSTS_WRITE))]


@router.get("", operation_id="posts_list", summary="List posts")
async def list_posts(
    principal: Reader,
    services: ServicesDep,
    tx: TxDep,
    clock: ClockDep,
    paging: PagingDep,
    status: Annotated[list[PostStatus] | None, Query()] = None,
    review_state: ReviewState | None = None,
    brand_id: UUID | None = None,
    owner_id: UUID | None = None,
    kind: Kind | None = None,
    nature: Nature | None = None,
    pillar: Annotated[str | None, Query(max_length=100)] = None,
    campaign_id: UUID | None = None,
    tag: Annotated[list[Tag] | None, Query(max_length=10, description="Has each of these.")] = None,
    is_template: Annotated[bool, Query(description="Templates, which stand in no other list.")] = False,
    template_id: UUID | None = None,
    idea_id: UUID | None = None,
    due_on_from: Day | None = None,
    due_on_to: Day | None = None,
    q: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=100,
            description="Stands in the title, the body or a hashtag, in simplified or traditional characters.",
        ),
    ] = None,
) -> Page[PostRead]:
    equal = {
        "review_state": review_state,
        "brand_id": brand_id,
        "owner_id": owner_id,
        "kind": kind,
        "nature": nature,
        "pillar": pillar,
        "campaign_id": campaign_id,
        "is_template": is_template,
        "template_id": template_id,
        "idea_id": idea_id,
    }
    statement = PostRepository(tx, principal.workspace_id).matching(
        equal=equal,
        statuses=[one.value for one in status or ()],
        due_from=due_on_from,
        due_to=due_on_to,
        tags=tag or (),
        found=searching.found("posts", q) if q else None,
    )
    rows, cursor = await paging.rows(tx, statement, Post.id)
    data = await read_posts(tx, principal, services.registry, rows, clock.now())
    return Page(data=data, next_cursor=cursor)


@router.post(
    "",
    status_code=201,
    operation_id="posts_create",
    summary="Write a post",
    responses=responses(409, 413, 415),
)
async def create_post(
    body: PostCreate,
    principal: Writer,
    services: ServicesDep,
    tx: TxDep,
    clock: ClockDep,
    response: Response,
    idempotency: IdempotencyDep,
) -> PostRead:
    now = clock.now()
    post = await service.create(tx, principal, services.registry, body, now)
    response.headers["Location"] = f"/v1/posts/{post.id}"
    set_etag(response, post.revision)
    return read_new(post, services.registry, now)


@router.get("/{post_id}", operation_id="posts_get", summary="Read a post")
async def get_post(
    post_id: UUID,
    principal: Reader,
    services: ServicesDep,
    tx: TxDep,
    clock: ClockDep,
    response: Response,
) -> PostRead:
    post = await PostRepository(tx, principal.workspace_id).get(post_id)
    set_etag(response, post.revision)
    return await read_post(tx, principal, services.registry, post, clock.now())


@router.patch(
    "/{post_id}",
    operation_id="posts_update",
    summary="Change a post",
    responses=responses(409, 412, 413, 415, 428),
)
async def update_post(
    post_id: UUID,
    body: PostUpdate,
    principal: Writer,
    services: ServicesDep,
    tx: TxDep,
    clock: ClockDep,
    response: Response,
    if_match: Annotated[
        str | None, Header(max_length=1_000, description="Required: the ETag you have read.")
    ] = None,
) -> PostRead:
    """A change of the content is a new version: its approval ends, and what waits to leave is held until the next."""
    now = clock.now()
    post = await service.update(tx, principal, services.registry, post_id, body, if_match, now)
    set_etag(response, post.revision)
    return await read_post(tx, principal, services.registry, post, now)


@router.post(
    "/{post_id}/archive", operation_id="posts_archive", summary="Put a post away", responses=responses(409)
)
async def archive_post(
    post_id: UUID,
    principal: Writer,
    services: ServicesDep,
    tx: TxDep,
    clock: ClockDep,
    response: Response,
    idempotency: IdempotencyDep,
) -> PostRead:
    now = clock.now()
    post = await service.archive(tx, principal, post_id, now)
    set_etag(response, post.revision)
    return await read_post(tx, principal, services.registry, post, now)


@router.post(
    "/{post_id}/duplicate",
    status_code=201,
    operation_id="posts_duplicate",
    summary="Copy a post's content into a new draft",
    responses=responses(409),
)
async def duplicate_post(
    post_id: UUID,
    principal: Writer,
    services: ServicesDep,
    tx: TxDep,
    clock: ClockDep,
    response: Response,
    idempotency: IdempotencyDep,
) -> PostRead:
    now = clock.now()
    post = await service.duplicate(tx, principal, post_id, now)
    response.headers["Location"] = f"/v1/posts/{post.id}"
    set_etag(response, post.revision)
    return read_new(post, services.registry, now)


@router.get("/{post_id}/versions", operation_id="posts_versions", summary="List a post's versions")
async def list_versions(post_id: UUID, principal: Reader, tx: TxDep, paging: PagingDep) -> Page[VersionRead]:
    posts = PostRepository(tx, principal.workspace_id)
    await posts.get(post_id)
    return await paging.page(tx, posts.versions(post_id), PostVersion.id, read_version)


@router.get("/{post_id}/versions/{version}", operation_id="posts_version", summary="Read a version")
async def get_version(
    post_id: UUID, version: Annotated[int, Path(ge=1, le=2**31 - 1)], principal: Reader, tx: TxDep
) -> VersionRead:
    posts = PostRepository(tx, principal.workspace_id)
    await posts.get(post_id)
    return read_version(await posts.version(post_id, version))


@router.get("/{post_id}/evidence", operation_id="posts_evidence", summary="Read all that is known of a post")
async def get_evidence(
    post_id: UUID, principal: Reader, services: ServicesDep, tx: TxDep, clock: ClockDep
) -> EvidenceRead:
    """Versions, checks (run now), reviews, deliveries with their attempts, and the audit entries, in one pack."""
    post = await PostRepository(tx, principal.workspace_id).get(post_id)
    return await evidence.gather(tx, principal, services.registry, post, clock.now())
