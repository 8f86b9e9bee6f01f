"""Campaigns of one workspace."""

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, or_

from drumtower.db.models import Campaign
from drumtower.db.repositories.scope import Scoped
from drumtower.domain.campaigns import CampaignStatus


class CampaignRepository(Scoped):
    """Reads campaigns."""

    def matching(
        self, *, brand_id: UUID | None = None, status: CampaignStatus | None = None, today: date
    ) -> Select[Campaign]:
        """Select campaigns by brand, and by where they stand `today`; None asks nothing."""
        statement = self.select(Campaign)
        if brand_id is not None:
            statement = statement.where(Campaign.brand_id == brand_id)
        return statement if status is None else statement.where(_in_status(status, today))

    async def get(self, campaign_id: UUID, *, lock: bool = False) -> Campaign:
        """Return the campaign; raise NotFound."""
        return await self.find(Campaign, campaign_id, "campaign", lock=lock)

    async def named(self, campaign_id: UUID) -> Campaign | None:
        """Return the campaign, where it is one of the workspace."""
        return await self.tx.scalar(self.select(Campaign).where(Campaign.id == campaign_id))

    async def among(self, campaign_ids: Iterable[UUID]) -> set[UUID]:
        """Return those of `campaign_ids` that are this workspace's."""
        asked = set(campaign_ids)
        found = await self.tx.scalars(self.select(Campaign).where(Campaign.id.in_(asked))) if asked else ()
        return {campaign.id for campaign in found}


def _in_status(status: CampaignStatus, today: date) -> ColumnElement[bool]:
    """Say in SQL what domain/campaigns.status says."""
    stays = Campaign.archived_at.is_(None)
    if status is CampaignStatus.ARCHIVED:
        return Campaign.archived_at.is_not(None)
    if status is CampaignStatus.UPCOMING:
        return and_(stays, Campaign.starts_on > today)
    if status is CampaignStatus.ENDED:
        return and_(stays, Campaign.starts_on <= today, Campaign.ends_on < today)
    goes_on = or_(Campaign.ends_on.is_(None), Campaign.ends_on >= today)
    return and_(stays, Campaign.starts_on <= today, goes_on)
