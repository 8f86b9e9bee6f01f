"""Best times over HTTP."""

from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, Field

from drumtower.domain.slots import Weekday
from services.api.schemas import Answer


class Basis(StrEnum):
    """What the ranking stands on."""

    OWN = "own"
    PRIOR = "prior"


class BestTimeRead(Answer):
    """One hour of the week; shares of the channel's mean: 0.2 is a fifth above it."""

    weekday: Weekday
    hour: int = Field(description="0 to 23, in the zone.")
    lift: float
    low: float = Field(description="The lower end of an 80 % interval.")
    high: float
    posts: int = Field(description="How many of the channel's own posts left in this hour.")
    reason: str


class BestTimesRead(BaseModel):
    """The hours, the best first. With the basis `prior` nothing here is measured."""

    channel_id: UUID
    timezone: str
    basis: Basis
    posts: int = Field(description="How many of the channel's posts are counted: of half a year, 3 days old.")
    data: list[BestTimeRead]
