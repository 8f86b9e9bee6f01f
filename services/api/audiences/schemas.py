"""Audiences over HTTP."""

from datetime import date
from enum import StrEnum
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from drumtower.domain.audience_profiles import Dimension
from services.api.platforms.schemas import LabelRead
from services.api.schemas import Moment


class AudienceState(StrEnum):
    """Whether there is something to show, and why not."""

    GIVEN = "given"
    NOT_YET = "not_yet"  # the platform tells it, and has not yet, or not for these days
    CLOSED = (
        "not_open"  # the platform knows it and does not tell it here; `reason` says on what terms it does
    )
    NOT_GIVEN = "not_given_by_platform"


class AudienceValueRead(BaseModel):
    """One value, in the platform's own words."""

    value: str
    people: int
    share: float


class AudienceDimensionRead(BaseModel):
    """One dimension, the largest first. Shares and the unknown share add up to 1 at most, for they are rounded down."""

    values: list[AudienceValueRead]
    unknown_share: float | None = Field(description="Who told nothing; null: how many there are is unknown.")


class AudienceDay(BaseModel):
    """The audience on a day. A dimension that is null was not given: that is not 0."""

    day: date
    as_of: Moment = Field(
        description="When it was counted; where the platform does not say, when it was told."
    )
    total: int | None
    source: Literal["pull", "import"]
    dimensions: dict[Dimension, AudienceDimensionRead | None]


class AudienceRead(BaseModel):
    """Who follows a channel; `gives`: the dimensions that its platform tells of."""

    channel_id: UUID
    platform: str
    state: AudienceState
    source: str | None = Field(description="Who counted; null: nobody.")
    gives: list[Dimension]
    reason: LabelRead | None = Field(
        description="With `not_open`: where, or on what terms, the platform tells it."
    )
    error: str | None = Field(description="Why the last pull brought none.")
    data: list[AudienceDay] = Field(description="The newest one; with `from` all, the newest first.")
