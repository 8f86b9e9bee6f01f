"""Gaps and clashes over HTTP."""

import datetime as dt
from uuid import UUID

from pydantic import BaseModel, Field

from drumtower.domain.gaps import ClashKind
from services.api.schemas import Answer, Moment


class BrandGaps(BaseModel):
    """The days on which nothing of a brand is planned or out."""

    brand_id: UUID
    name: str
    days: list[dt.date]


class PlannedRead(Answer):
    """What leaves to a channel: a delivery, or a day of a series that has none yet."""

    delivery_id: UUID | None
    series_id: UUID | None
    due_at: Moment


class ClashRead(Answer):
    """What gets in each other's way on a channel.

    `channel_gap`: closer than the channel's `min_gap_seconds`. `hot_event`: more than one on a day of a hot event.
    """

    kind: ClashKind
    channel_id: UUID
    day: dt.date
    event_id: UUID | None
    planned: list[PlannedRead] = Field(description="In the order in which they are due.")


class GapsRead(BaseModel):
    """Gaps and clashes of the days asked for."""

    timezone: str
    gaps: list[BrandGaps]
    clashes: list[ClashRead]
