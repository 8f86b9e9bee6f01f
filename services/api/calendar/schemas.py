"""The calendar over HTTP."""

import datetime as dt
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from drumtower.domain.content import Kind, Nature
from drumtower.domain.deliveries import Action, State
from drumtower.domain.freezes import Scope
from drumtower.domain.posts import PostStatus
from services.api.schemas import Answer, Moment


class CalendarPost(Answer):
    """A post on its planned day."""

    id: UUID
    title: str
    status: PostStatus
    kind: Kind
    nature: Nature
    pillar: str | None
    brand_id: UUID
    campaign_id: UUID | None
    owner_id: UUID
    due_on: dt.date


class CalendarDelivery(Answer):
    """A delivery on the day it is due."""

    id: UUID
    post_id: UUID | None
    post_title: str | None
    channel_id: UUID
    platform: str
    action: Action
    state: State
    due_at: Moment
    published_at: Moment | None


class CalendarFreeze(BaseModel):
    """A freeze that touches the day: what is due in it is held."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    id: UUID
    scope: Scope
    brand_id: UUID | None
    channel_id: UUID | None
    nature: Nature | None
    reason: str
    starts_at: Annotated[Moment, Field(alias="from")]
    ends_at: Annotated[Moment | None, Field(alias="to")]


class CalendarOccurrence(Answer):
    """A day of a series that has no deliveries yet; once it has, they stand here instead."""

    series_id: UUID
    name: str
    post_id: UUID
    channel_ids: list[UUID]
    due_at: Moment


class CalendarDay(BaseModel):
    """One day of the zone; empty days are gaps worth seeing."""

    date: dt.date
    posts: list[CalendarPost]
    deliveries: list[CalendarDelivery]
    occurrences: list[CalendarOccurrence] = []
    freezes: list[CalendarFreeze] = []


class CalendarRead(BaseModel):
    """The days asked for, in order."""

    timezone: str
    data: list[CalendarDay]
