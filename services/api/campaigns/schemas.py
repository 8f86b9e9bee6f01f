"""Campaigns over HTTP."""

from datetime import date
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from drumtower.domain.campaigns import CampaignStatus
from services.api.posts.schemas import Hashtags
from services.api.schemas import Answer, Body, Day, Line, Moment, Name, Paragraph, Patch

Objective = Annotated[Line, Field(description="What it is to reach, in one line.")]
EndsOn = Annotated[Day | None, Field(description="Its last day; null: it has none yet.")]


class CampaignCreate(Body):
    """A new campaign of one brand."""

    model_config = Body.model_config | {
        "json_schema_extra": {
            "example": {
                "name": "秋茶上新",
                "brand_id": "0199c5c0-0000-7000-8000-000000000000",
                "objective": "三店新客 2,000 人",
                "starts_on": "2026-09-20",
                "ends_on": "2026-10-10",
                "hashtags": ["秋茶"],
            }
        }
    }

    name: Name
    brand_id: UUID
    objective: Objective = ""
    description: Paragraph = ""
    hashtags: Hashtags = []
    starts_on: Day
    ends_on: EndsOn = None


class CampaignUpdate(Patch):
    """A merge patch: what is absent stays. A campaign keeps its brand."""

    nullable: ClassVar[frozenset[str]] = frozenset({"ends_on"})
    model_config = Patch.model_config | {"json_schema_extra": {"example": {"ends_on": "2026-10-17"}}}

    name: Name | None = None
    objective: Objective | None = None
    description: Paragraph | None = None
    hashtags: Hashtags | None = None
    starts_on: Day | None = None
    ends_on: EndsOn = None


class CampaignRead(Answer):
    """A campaign. `status` follows from its days in the workspace's zone, unless it is archived."""

    id: UUID
    name: str
    status: CampaignStatus
    brand_id: UUID
    objective: str
    description: str
    hashtags: list[str]
    starts_on: date
    ends_on: date | None
    archived_at: Moment | None
    revision: int
    created_by: UUID
    created_at: Moment
    updated_at: Moment
