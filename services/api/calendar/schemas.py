"""The calendar over HTTP."""

import datetime as dt
from uuid import UUID

from pydantic import BaseModel

from drumtower.domain.content import Kind, Nature
from drumtower.domain.deliveries import Action, State
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


class CalendarDay(BaseModel):
    """One day of the zone; empty days are gaps worth seeing."""

    date: dt.date
    posts: list[CalendarPost]
    deliveries: list[CalendarDelivery]


class CalendarRead(BaseModel):
    """The days asked for, in order."""

    timezone: str
    data: list[CalendarDay]
