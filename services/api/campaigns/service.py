"""What can be done with campaigns."""

from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from drumtower.db.models import Campaign
from drumtower.db.repositories.brands import BrandRepository
from drumtower.db.repositories.campaigns import CampaignRepository
from drumtower.domain.campaigns import status
from drumtower.domain.errors import Conflict, Invalid, Violation
from drumtower.domain.ids import new_id
from services.api import audit
from services.api.campaigns.schemas import CampaignCreate, CampaignRead, CampaignUpdate
from services.api.editing import Edit
from services.api.principals import Principal


def today(principal: Principal, now: datetime) -> date:
    """Return the workspace's day."""
    return now.astimezone(ZoneInfo(principal.timezone)).date()


async def create(edit: Edit, asked: CampaignCreate) -> Campaign:
    """Add a campaign; raise Invalid with everything that is wrong."""
    violations = _span(asked.starts_on, asked.ends_on)
    if not await BrandRepository(edit.tx, edit.principal.workspace_id).knows(asked.brand_id):
        violations.append(Violation.unknown("brand"))
    if violations:
        raise Invalid.of(violations)
    campaign = Campaign(
        id=new_id(),
        workspace_id=edit.principal.workspace_id,
        revision=1,
        created_by=edit.principal.member_id,
        created_at=edit.now,
        updated_at=edit.now,
        **asked.model_dump(),
    )
    edit.tx.add(campaign)
    audit.record(edit.tx, edit.principal, "campaign.created", campaign.id, edit.now, name=campaign.name)
    return campaign


def _span(starts_on: date, ends_on: date | None) -> list[Violation]:
    if ends_on is None or ends_on >= starts_on:
        return []
    detail = "The campaign ends before it begins."
    return [Violation(pointer="/ends_on", code="from_after_to", detail=detail, hint="Check both days.")]


async def update(edit: Edit, campaign_id: UUID, asked: CampaignUpdate) -> Campaign:
    """Change the fields that were sent; raise Conflict where the campaign is archived."""
    campaign = await _hold(edit, campaign_id)
    if campaign.archived_at is not None:
        raise Conflict("campaign_archived", "The campaign is archived. Make a new one.")
    changes = asked.changes()
    shape = {"starts_on": campaign.starts_on, "ends_on": campaign.ends_on} | changes
    if violations := _span(shape["starts_on"], shape["ends_on"]):
        raise Invalid.of(violations)
    for name, value in changes.items():
        setattr(campaign, name, value)
    _changed(edit, campaign, "updated", fields=sorted(changes))
    return campaign


async def archive(edit: Edit, campaign_id: UUID) -> Campaign:
    """Put the campaign away: its posts stay in it and no other joins them."""
    campaign = await _hold(edit, campaign_id)
    if campaign.archived_at is None:
        campaign.archived_at = edit.now
        _changed(edit, campaign, "archived")
    return campaign


async def _hold(edit: Edit, campaign_id: UUID) -> Campaign:
    campaign = await CampaignRepository(edit.tx, edit.principal.workspace_id).get(campaign_id, lock=True)
    edit.check(campaign.revision)
    return campaign


def _changed(edit: Edit, campaign: Campaign, verb: str, **detail: object) -> None:
    campaign.revision += 1
    campaign.updated_at = edit.now
    audit.record(edit.tx, edit.principal, f"campaign.{verb}", campaign.id, edit.now, **detail)


def read(campaign: Campaign, day: date) -> CampaignRead:
    """Return the campaign as clients see it on `day`."""
    fields = {name: getattr(campaign, name) for name in CampaignRead.model_fields if name != "status"}
    archived = campaign.archived_at is not None
    return CampaignRead(**fields, status=status(campaign.starts_on, campaign.ends_on, day, archived=archived))
