"""The ad share: /v1/ad-share."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from drumtower.db.models import AdShareOverride, Channel
from drumtower.db.repositories.ad_share import AdShareRepository
from drumtower.db.repositories.channels import ChannelRepository
from drumtower.domain.permissions import Permission
from drumtower.standards import share_rows
from services.api.ad_share import service
from services.api.ad_share.schemas import (
    ChannelShare,
    OverrideCreate,
    OverrideRead,
    Simulated,
    SimulationCreate,
)
from services.api.deps import ClockDep, Reader, TxDep, allow
from services.api.grounds import ground_of
from services.api.idempotency import IdempotencyDep
from services.api.languages import LanguageDep
from services.api.pagination import Page, PagingDep
from services.api.principals import Principal
from services.api.problems import responses
from services.api.routing import feature
from services.api.schemas import Moment

router = feature("/ad-share", "ad share")
Reviewer = Annotated[Principal, Depends(allow(Permission.POSTS_REVIEW))]


@router.get("", operation_id="ad_share_list", summary="Read each channel's ad share")
async def list_shares(
    principal: Reader,
    tx: TxDep,
    clock: ClockDep,
    paging: PagingDep,
    language: LanguageDep,
    channel_id: UUID | None = None,
    at: Annotated[Moment | None, Query(description="Around this moment; without it: now.")] = None,
) -> Page[ChannelShare]:
    """Published and planned posts, in the 30 days that end with `at` and in the month around it."""
    statement = ChannelRepository(tx, principal.workspace_id).all()
    if channel_id is not None:
        statement = statement.where(Channel.id == channel_id)
    channels, cursor = await paging.rows(tx, statement, Channel.id)
    ground = await ground_of(tx, principal)
    found = await share_rows(tx, ground, [one.id for one in channels], at or clock.now())
    data = [
        ChannelShare(
            channel_id=one.id,
            platform=one.platform,
            name=one.name,
            on_breach=ground.policies.ad_share.on_breach,
            windows=[service.read(share, language) for share in found[one.id]],
        )
        for one in channels
    ]
    return Page(data=data, next_cursor=cursor)


@router.post(
    "/simulate",
    operation_id="ad_share_simulate",
    summary="See what posts would do to the ad share, without planning them",
    responses=responses(413, 415),
)
async def simulate_share(
    body: SimulationCreate, principal: Reader, tx: TxDep, language: LanguageDep
) -> Simulated:
    ground = await ground_of(tx, principal)
    data = await service.simulate(tx, principal, ground, body, language)
    return Simulated(on_breach=ground.policies.ad_share.on_breach, data=data)


@router.get(
    "/overrides", operation_id="ad_share_overrides_list", summary="List what was allowed over the limit"
)
async def list_overrides(
    principal: Reader, tx: TxDep, paging: PagingDep, post_id: UUID | None = None
) -> Page[OverrideRead]:
    statement = AdShareRepository(tx, principal.workspace_id).overrides(post_id)
    return await paging.page(tx, statement, AdShareOverride.id, OverrideRead.model_validate)


@router.post(
    "/overrides",
    status_code=201,
    operation_id="ad_share_overrides_create",
    summary="Let a post over the ad share on one channel",
    responses=responses(409, 413, 415),
)
async def create_override(
    body: OverrideCreate, principal: Reviewer, tx: TxDep, clock: ClockDep, idempotency: IdempotencyDep
) -> OverrideRead:
    """By somebody who did not write it, with a reason; only where the workspace's policy is `override`."""
    return OverrideRead.model_validate(await service.allow(tx, principal, body, clock.now()))
