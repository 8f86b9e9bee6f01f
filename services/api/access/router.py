"""Access: /v1/auth, /v1/me, /v1/api-keys."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response

from drumtower.crypto import token_hash
from drumtower.db.models import ApiKey, Member, Workspace
from drumtower.domain.errors import Limited, Unauthenticated
from drumtower.domain.permissions import Permission
from services.api.access import keys, sessions
from services.api.access.schemas import ApiKeyCreate, ApiKeyMade, ApiKeyRead, LogIn, Me, Refresh, Tokens
from services.api.deps import BearerDep, ClockDep, PrincipalDep, ServicesDep, TxDep, allow
from services.api.idempotency import IdempotencyDep
from services.api.pagination import Page, PagingDep
from services.api.principals import Principal
from services.api.problems import responses
from services.api.routing import feature

router = feature("", "access")
KeyMaker = Annotated[Principal, Depends(allow(Permission.API_KEYS_WRITE))]


@router.post("/auth/token", operation_id="auth_token", summary="Log in", responses=responses(413, 415))
async def log_in(body: LogIn, request: Request, services: ServicesDep, tx: TxDep, clock: ClockDep) -> Tokens:
    # By address too, so that a stranger's failures do not lock a member out.
    address = request.client.host if request.client else ""
    who = token_hash(f"{body.email.strip().lower()} {address}").hex()
    if not await services.limiter.may_log_in(who):
        raise Limited("too_many_log_ins", "Too many wrong passwords. Wait a minute.", retry_after=60)
    try:
        return Tokens.of(await sessions.log_in(tx, body.email, body.password, clock.now()))
    except Unauthenticated:
        await services.limiter.log_in_failed(who)
        raise


@router.post(
    "/auth/refresh", operation_id="auth_refresh", summary="Renew a session", responses=responses(413, 415)
)
async def refresh(body: Refresh, services: ServicesDep) -> Tokens:
    async with services.db.transaction() as tx:
        pair = await sessions.refresh(tx, body.refresh_token, services.clock.now())
    if pair is None:
        raise Unauthenticated(
            "refresh_failed", "The refresh token is unknown, used or expired. Log in again."
        )
    return Tokens.of(pair)


@router.post("/auth/logout", status_code=204, operation_id="auth_logout", summary="End the session")
async def log_out(principal: PrincipalDep, bearer: BearerDep, tx: TxDep, clock: ClockDep) -> None:
    if bearer is not None and principal.api_key_id is None:
        await sessions.log_out(tx, bearer.credentials, clock.now())


@router.get("/me", operation_id="me_get", summary="Who am I?")
async def me(principal: PrincipalDep, tx: TxDep) -> Me:
    member = await tx.get_one(Member, principal.member_id)
    workspace = await tx.get_one(Workspace, principal.workspace_id)
    return Me(
        member_id=member.id,
        name=member.name,
        email=member.email,
        role=principal.role,
        external=member.external,
        permissions=sorted(principal.permissions),
        workspace_id=workspace.id,
        workspace_name=workspace.name,
        timezone=workspace.timezone,
        api_key_id=principal.api_key_id,
    )


@router.get("/api-keys", operation_id="api_keys_list", summary="List API keys")
async def list_keys(principal: KeyMaker, tx: TxDep, paging: PagingDep) -> Page[ApiKeyRead]:
    return await paging.page(tx, keys.every(tx, principal), ApiKey.id, ApiKeyRead.model_validate)


@router.post(
    "/api-keys",
    status_code=201,
    operation_id="api_keys_create",
    summary="Make an API key",
    responses=responses(409, 413, 415),
)
async def create_key(
    body: ApiKeyCreate,
    principal: KeyMaker,
    tx: TxDep,
    clock: ClockDep,
    response: Response,
    idempotency: IdempotencyDep,
) -> ApiKeyMade:
    key, secret = keys.create(tx, principal, body, clock.now())
    response.headers["Location"] = f"/v1/api-keys/{key.id}"
    return ApiKeyMade(**ApiKeyRead.model_validate(key).model_dump(), key=secret)


@router.delete(
    "/api-keys/{key_id}", status_code=204, operation_id="api_keys_revoke", summary="Revoke an API key"
)
async def revoke_key(key_id: UUID, principal: KeyMaker, tx: TxDep, clock: ClockDep) -> None:
    await keys.revoke(tx, principal, key_id, clock.now())
