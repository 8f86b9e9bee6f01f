"""A campaign's status: derived from its days, unless it was put away."""

from datetime import date
from enum import StrEnum


class CampaignStatus(StrEnum):
    """Where a campaign stands."""

    UPCOMING = "upcoming"
    ACTIVE = "active"
    ENDED = "ended"
    ARCHIVED = "archived"


def status(starts_on: date, ends_on: date | None, today: date, *, archived: bool) -> CampaignStatus:
    """Say where a campaign stands `today`; both days belong to it, and without an end it goes on."""
    if archived:
        return CampaignStatus.ARCHIVED
    if today < starts_on:
        return CampaignStatus.UPCOMING
    return CampaignStatus.ENDED if ends_on is not None and ends_on < today else CampaignStatus.ACTIVE
