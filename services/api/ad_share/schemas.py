"""The ad share over HTTP."""

from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from drumtower.domain.ad_share import OnBreach, ShareVerdict, WindowKind
from drumtower.domain.content import Nature
from services.api.schemas import Answer, Body, Moment


class ShareRead(Answer):
    """What was counted in one window: posts that are out or planned, not what failed, was missed or cancelled."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    window: WindowKind
    start: Annotated[Moment, Field(alias="from")]
    end: Annotated[Moment, Field(alias="to", description="Inclusive.")]
    promotional: int
    total: int
    share: Annotated[float | None, Field(description="Null where nothing is counted.")]
    limit: float
    verdict: ShareVerdict
    room: Annotated[int, Field(description="How many promotional posts fit besides.")]
    needed: Annotated[
        int | None,
        Field(description="How many other posts bring it within the limit; null where none can."),
    ]
    explanation: str


class ChannelShare(Answer):
    """One channel's shares around the moment asked about."""

    channel_id: UUID
    platform: str
    name: str
    on_breach: OnBreach
    windows: list[ShareRead]


class PlannedPosts(Body):
    """Posts that are only thought of."""

    nature: Nature
    at: Moment
    count: Annotated[int, Field(ge=1, le=1_000)] = 1


class SimulationCreate(Body):
    """What would be planned; nothing is."""

    model_config = Body.model_config | {
        "json_schema_extra": {
            "example": {
                "channel_ids": ["0199c5c0-0000-7000-8000-000000000000"],
                "posts": [
                    {"nature": "promotional", "at": "2026-12-12T20:00:00+08:00"},
                    {"nature": "editorial", "at": "2026-12-13T12:00:00+08:00", "count": 4},
                ],
            }
        }
    }

    channel_ids: Annotated[list[UUID], Field(min_length=1, max_length=100)]
    posts: Annotated[list[PlannedPosts], Field(min_length=1, max_length=200)]


class SimulatedMoment(Answer):
    """The shares around one of the moments, without and with what is thought of."""

    at: Moment
    before: list[ShareRead]
    after: list[ShareRead]


class SimulatedChannel(Answer):
    """What it would do to one channel."""

    channel_id: UUID
    platform: str
    ok: Annotated[bool, Field(description="No window goes over its limit.")]
    explanation: str
    moments: list[SimulatedMoment]


class Simulated(Answer):
    """One entry for each channel, in the order asked."""

    on_breach: OnBreach
    data: list[SimulatedChannel]


class OverrideCreate(Body):
    """Lets a post's present content go over the limit on one channel; an edit ends it."""

    model_config = Body.model_config | {
        "json_schema_extra": {
            "example": {
                "post_id": "0199c5c0-0000-7000-8000-000000000001",
                "channel_id": "0199c5c0-0000-7000-8000-000000000000",
                "reason": "双十一主推，总监已同意",
            }
        }
    }

    post_id: UUID
    channel_id: UUID
    reason: Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True)]


class OverrideRead(Answer):
    """What a second person has allowed, and why."""

    id: UUID
    post_id: UUID
    channel_id: UUID
    content_hash: str
    reason: str
    granted_by: UUID
    granted_at: Moment
