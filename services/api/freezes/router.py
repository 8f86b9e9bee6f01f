"""Freezes: /v1/freezes."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Response

from drumtower.db.models import Freeze
from drumtower.db.repositories.freezes import FreezeRepository, in_state, reach_of
from drumtower.domain.content import Nature
from drumtower.domain.freezes import FreezeState, Scope
from drumtower.domain.permissions import Permission
from services.api.deps import ClockDep, Reader, TxDep, allow
from services.api.editing import Publishing
from services.api.etags import set_etag
from services.api.freezes import service
from services.api.freezes.impact import Span, impact
from services.api.freezes.schemas import FreezeCreate, FreezeRead, FreezeUpdate, ImpactRead
from services.api.idempotency import IdempotencyDep
from services.api.pagination import Page, PagingDep
from services.api.principals import Principal
from services.api.problems import responses
from services.api.routing import feature

router = feature("/freezes", "freezes")
Publisher = Annotated[Principal, Depends(allow(Permission.POSTS_PUBLISH))]


@router.get("", operation_id="freezes_list", summary="List freezes")
async def list_freezes(
    principal: Reader,
    tx: TxDep,
    clock: ClockDep,
    paging: PagingDep,
    state: Annotated[FreezeState | None, Query()] = None,
    scope: Scope | None = None,
    brand_id: UUID | None = None,
    channel_id: UUID | None = None,
    campaign_id: UUID | None = None,
    nature: Nature | None = None,
) -> Page[FreezeRead]:
    now = clock.now()
    statement = FreezeRepository(tx, principal.workspace_id).all()
    equal = {
        Freeze.scope: scope,
        Freeze.brand_id: brand_id,
        Freeze.channel_id: channel_id,
        Freeze.campaign_id: campaign_id,
        Freeze.nature: nature,
    }
    for column, value in equal.items():
        if value is not None:
            statement = statement.where(column == value)
    if state is not None:
        statement = statement.where(in_state(state, now))
    return await paging.page(tx, statement, Freeze.id, lambda row: service.read(row, now))


@router.post(
    "",
    status_code=201,
    operation_id="freezes_create",
    summary="Stop publishing",
    responses=responses(409, 413, 415),
)
async def create_freeze(
    body: FreezeCreate,
    principal: Publisher,
    tx: TxDep,
    clock: ClockDep,
    response: Response,
    idempotency: IdempotencyDep,
) -> FreezeRead:
    """From the answer on, nothing within its reach begins to leave; what is due is held, and says why."""
    now = clock.now()
    freeze = await service.create(tx, principal, body, now)
    response.headers["Location"] = f"/v1/freezes/{freeze.id}"
    set_etag(response, freeze.revision)
    return service.read(freeze, now)


@router.post(
    "/preview",
    operation_id="freezes_preview",
    summary="See what a freeze would hold, without making it",
    responses=responses(413, 415),
)
async def preview_freeze(body: FreezeCreate, principal: Publisher, tx: TxDep, clock: ClockDep) -> ImpactRead:
    now = clock.now()
    reach, starts_at = await service.check(tx, principal, body, now)
    span = Span(reach=reach, starts_at=starts_at, ends_at=body.ends_at)
    return await impact(tx, principal, span, now)


@router.get("/{freeze_id}", operation_id="freezes_get", summary="Read a freeze")
async def get_freeze(
    freeze_id: UUID, principal: Reader, tx: TxDep, clock: ClockDep, response: Response
) -> FreezeRead:
    freeze = await FreezeRepository(tx, principal.workspace_id).get(freeze_id)
    set_etag(response, freeze.revision)
    return service.read(freeze, clock.now())


@router.patch(
    "/{freeze_id}",
    operation_id="freezes_update",
    summary="Change a freeze's end, reason, or whether answers leave",
    responses=responses(409, 412, 413, 415),
)
async def update_freeze(freeze_id: UUID, body: FreezeUpdate, edit: Publishing) -> FreezeRead:
    freeze = await service.update(edit, freeze_id, body)
    return edit.answer(freeze.revision, service.read(freeze, edit.now))


@router.get("/{freeze_id}/impact", operation_id="freezes_impact", summary="See what a freeze holds")
async def get_impact(freeze_id: UUID, principal: Reader, tx: TxDep, clock: ClockDep) -> ImpactRead:
    """A freeze that is over holds only what is about to be released."""
    now = clock.now()
    freeze = await FreezeRepository(tx, principal.workspace_id).get(freeze_id)
    ends_at = freeze.ends_at if freeze.lifted_at is None else freeze.lifted_at
    span = Span(reach=reach_of(freeze), starts_at=freeze.starts_at, ends_at=ends_at, freeze_id=freeze.id)
    return await impact(tx, principal, span, now)


@router.post(
    "/{freeze_id}/lift",
    operation_id="freezes_lift",
    summary="End a freeze now",
    responses=responses(409, 412),
)
async def lift_freeze(freeze_id: UUID, edit: Publishing, idempotency: IdempotencyDep) -> FreezeRead:
    """What it held leaves again, a channel's deliveries at a distance from each other; what is too late is missed."""
    freeze = await service.lift(edit, freeze_id)
    return edit.answer(freeze.revision, service.read(freeze, edit.now))
