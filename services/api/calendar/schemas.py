"""The calendar over HTTP."""

import datetime as dt
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from drumtower.domain.calendar import Announced, MarkKind
from drumtower.domain.content import Kind, Nature
from drumtower.domain.deliveries import Action, State
from drumtower.domain.errors import Severity
from drumtower.domain.freezes import Scope
from drumtower.domain.posts import PostStatus
from services.api.calendar.event_schemas import EventRead
from services.api.schemas import Answer, Body, Line, Moment, Name


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
    owner_id: UUID | None = Field(description="Who is responsible for its post.")
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
    campaign_id: UUID | None
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


class CalendarMark(Answer):
    """Something to know about the day. `own`: the workspace's word, in place of what is shipped."""

    kind: MarkKind
    name: str
    note: str
    severity: Severity | None = Field(description="How strongly a quiet day speaks against posting.")
    own: bool


class CalendarDay(BaseModel):
    """One day of the zone; empty days are gaps worth seeing."""

    date: dt.date
    lunar: str = Field(description="The date in the Chinese lunar calendar, such as 闰六月初八.")
    marks: list[CalendarMark] = []
    posts: list[CalendarPost]
    deliveries: list[CalendarDelivery]
    occurrences: list[CalendarOccurrence] = []
    freezes: list[CalendarFreeze] = []
    events: list[EventRead] = []


class CalendarYear(BaseModel):
    """Whether a year's statutory holidays are known; a workspace may mark them itself meanwhile."""

    year: int
    holidays: Announced


class CalendarRead(BaseModel):
    """The days asked for, in order."""

    timezone: str
    years: list[CalendarYear]
    data: list[CalendarDay]


class MarkWrite(Body):
    """What the workspace says about one kind of mark on one day. Not `observed`: it has none, whatever is shipped."""

    model_config = Body.model_config | {
        "json_schema_extra": {
            "example": {"name": "公司吊唁日", "note": "不发布促销内容", "severity": "block"}
        }
    }

    name: Name
    note: Line = ""
    severity: Annotated[
        Severity | None,
        Field(description="Of quiet days only, `warn` by default; `block` stops what is due."),
    ] = None
    observed: bool = True


class OwnMarkRead(Answer):
    """The workspace's own word on a day."""

    id: UUID
    day: dt.date
    kind: MarkKind
    observed: bool
    name: str
    note: str
    severity: Severity | None
    updated_by: UUID
    updated_at: Moment
