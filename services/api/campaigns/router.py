"""Campaigns: /v1/campaigns."""

from uuid import UUID

from fastapi import Response

from drumtower.db.models import Campaign
from drumtower.db.repositories.campaigns import CampaignRepository
from drumtower.domain.campaigns import CampaignStatus
from services.api.campaigns import service
from services.api.campaigns.schemas import CampaignCreate, CampaignRead, CampaignUpdate
from services.api.deps import ClockDep, Reader, TxDep
from services.api.editing import Edit, Publishing
from services.api.etags import set_etag
from services.api.idempotency import IdempotencyDep
from services.api.pagination import Page, PagingDep
from services.api.problems import responses
from services.api.routing import feature

router = feature("/campaigns", "campaigns")


def _answer(edit: Edit, campaign: Campaign) -> CampaignRead:
    return edit.answer(campaign.revision, service.read(campaign, service.today(edit.principal, edit.now)))


@router.get("", operation_id="campaigns_list", summary="List campaigns")
async def list_campaigns(
    principal: Reader,
    tx: TxDep,
    clock: ClockDep,
    paging: PagingDep,
    status: CampaignStatus | None = None,
    brand_id: UUID | None = None,
) -> Page[CampaignRead]:
    day = service.today(principal, clock.now())
    campaigns = CampaignRepository(tx, principal.workspace_id)
    statement = campaigns.matching(brand_id=brand_id, status=status, today=day)
    return await paging.page(tx, statement, Campaign.id, lambda row: service.read(row, day))


@router.post(
    "",
    status_code=201,
    operation_id="campaigns_create",
    summary="Plan a campaign",
    responses=responses(409, 413, 415),
)
async def create_campaign(
    body: CampaignCreate, edit: Publishing, idempotency: IdempotencyDep
) -> CampaignRead:
    campaign = await service.create(edit, body)
    edit.response.headers["Location"] = f"/v1/campaigns/{campaign.id}"
    return _answer(edit, campaign)


@router.get("/{campaign_id}", operation_id="campaigns_get", summary="Read a campaign")
async def get_campaign(
    campaign_id: UUID, principal: Reader, tx: TxDep, clock: ClockDep, response: Response
) -> CampaignRead:
    campaign = await CampaignRepository(tx, principal.workspace_id).get(campaign_id)
    set_etag(response, campaign.revision)
    return service.read(campaign, service.today(principal, clock.now()))


@router.patch(
    "/{campaign_id}",
    operation_id="campaigns_update",
    summary="Change a campaign",
    responses=responses(409, 412, 413, 415),
)
async def update_campaign(campaign_id: UUID, body: CampaignUpdate, edit: Publishing) -> CampaignRead:
    return _answer(edit, await service.update(edit, campaign_id, body))


@router.post(
    "/{campaign_id}/archive",
    operation_id="campaigns_archive",
    summary="Put a campaign away",
    responses=responses(409, 412),
)
async def archive_campaign(campaign_id: UUID, edit: Publishing, idempotency: IdempotencyDep) -> CampaignRead:
    """Its posts stay in it, and what is planned of them leaves; no other post joins them."""
    return _answer(edit, await service.archive(edit, campaign_id))
