"""Series over HTTP."""

import datetime as dt
from datetime import timedelta
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema

from drumtower.domain.deliveries import State
from drumtower.domain.series import Every, SeriesState
from drumtower.domain.slots import Weekday
from services.api.posts.schedule_schemas import Lateness, duration
from services.api.schemas import Answer, Body, Day, Moment, Name, Patch
from services.api.slots.schemas import TimeOfDay, Zone

ChannelIds = Annotated[list[UUID], Field(min_length=1, max_length=20)]
Times = Annotated[
    int, Field(ge=1, le=1_000, description="How often in all, from the first day on, instead of `ends_on`.")
]
Gap = Annotated[
    timedelta,
    Field(ge=timedelta(minutes=1), le=timedelta(hours=12)),
    BeforeValidator(duration),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 60, "maximum": 43_200},
                {"type": "string", "format": "duration"},
            ],
            "description": "Seconds or an ISO 8601 duration that must lie between an occurrence and anything else on"
            " its channel: it gives way to later, by 12 hours at most.",
        }
    ),
]


class RuleBody(Body):
    """Every so many days, weeks or months. Nothing is shorter than a day."""

    every: Every
    interval: Annotated[
        int, Field(ge=1, le=365, description="Days up to 365, weeks up to 52, months up to 24.")
    ] = 1
    weekdays: Annotated[
        list[Weekday], Field(max_length=7, description="With `week`: on which of its days.")
    ] = []
    day: Annotated[
        int | None,
        Field(ge=1, le=31, description="With `month`: the day; in a shorter month its last one."),
    ] = None


class SeriesCreate(Body):
    """A recurring plan. Its post is copied for each day, with its approval where that covers the day."""

    model_config = Body.model_config | {
        "json_schema_extra": {
            "example": {
                "name": "每周茶知识",
                "post_id": "0199c5c0-0000-7000-8000-000000000002",
                "channel_ids": ["0199c5c0-0000-7000-8000-000000000001"],
                "rule": {"every": "week", "interval": 1, "weekdays": ["tue", "fri"]},
                "local": "09:30",
                "timezone": "Asia/Shanghai",
                "starts_on": "2026-12-01",
                "ends_on": "2027-03-31",
                "min_gap": "PT30M",
                "publish_if_late_by": "PT2H",
            }
        }
    }

    name: Name
    post_id: UUID
    channel_ids: ChannelIds
    rule: RuleBody
    local: TimeOfDay
    timezone: Zone
    starts_on: Day
    ends_on: Annotated[Day | None, Field(description="The last day; absent: until it is ended.")] = None
    times: Times | None = None
    min_gap: Gap | None = None
    publish_if_late_by: Lateness | None = None


class SeriesUpdate(Patch):
    """A merge patch: it reaches what has not begun to leave."""

    nullable: ClassVar[frozenset[str]] = frozenset({"ends_on", "times", "min_gap", "publish_if_late_by"})
    model_config = Patch.model_config | {"json_schema_extra": {"example": {"local": "10:00"}}}

    name: Name | None = None
    channel_ids: ChannelIds | None = None
    rule: RuleBody | None = None
    local: TimeOfDay | None = None
    timezone: Zone | None = None
    ends_on: Day | None = None
    times: Times | None = None
    min_gap: Gap | None = None
    publish_if_late_by: Lateness | None = None


class RuleRead(Answer):
    """When it repeats."""

    every: Every
    interval: int
    weekdays: list[Weekday]
    day: int | None


class SeriesRead(Answer):
    """A recurring plan. `upcoming` are its next instants, planned or not yet."""

    id: UUID
    name: str
    state: SeriesState
    post_id: UUID
    channel_ids: list[UUID]
    rule: RuleRead
    local: str
    timezone: str
    starts_on: dt.date
    ends_on: dt.date | None
    times: int | None
    min_gap: int | None = Field(description="Seconds.")
    publish_if_late_by: int | None = Field(description="Seconds; null: never too late.")
    upcoming: list[Moment]
    revision: int
    created_by: UUID
    created_at: Moment
    updated_at: Moment


class OccurrenceDelivery(Answer):
    """A delivery of the day."""

    id: UUID
    channel_id: UUID
    state: State
    due_at: Moment


class SkippedRead(BaseModel):
    """Why nothing is planned; without a channel: on any."""

    channel_id: UUID | None
    code: str
    detail: str


class OccurrenceRead(BaseModel):
    """One planned day: the copy of the post that leaves, or why there is none."""

    id: UUID
    day: dt.date
    due_at: Moment
    post_id: UUID | None
    deliveries: list[OccurrenceDelivery]
    skipped: list[SkippedRead]
