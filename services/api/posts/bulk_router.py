"""One verb on many posts: /v1/posts/bulk."""

from typing import Annotated

from fastapi import Depends

from drumtower.domain.permissions import Permission
from services.api.deps import ClockDep, ServicesDep, TxDep, allow
from services.api.idempotency import IdempotencyDep
from services.api.posts import bulk
from services.api.posts.bulk_schemas import Bulk, BulkRead
from services.api.principals import Principal
from services.api.problems import responses
from services.api.routing import feature

router = feature("/posts", "posts")


@router.post(
    "/bulk",
    operation_id="posts_bulk",
    summary="Do one thing to many posts",
    responses=responses(409, 413, 415),
)
async def change_many(
    body: Bulk,
    principal: Annotated[Principal, Depends(allow(Permission.POSTS_WRITE))],
    services: ServicesDep,
    tx: TxDep,
    clock: ClockDep,
    idempotency: IdempotencyDep,
) -> BulkRead:
    """Refused, with nothing changed, unless the filter finds `expected_count` posts. Each post is then changed by the
    rules of its single call, and has a verdict and an audit entry of its own; a refusal stops no other.
    """
    return await bulk.run(tx, principal, services.registry, body, clock.now())
