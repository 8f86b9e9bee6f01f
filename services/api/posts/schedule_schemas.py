"""Scheduling over HTTP."""

from datetime import timedelta
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from services.api.deliveries.schemas import DeliveryRead, Timing
from services.api.schemas import Body

LATEST = timedelta(days=30)


def duration(value: object) -> object:
    if isinstance(value, bool) or not (
        isinstance(value, int) or (isinstance(value, str) and value[:1] == "P")
    ):
        hint = {"hint": 'Send seconds (1800) or an ISO 8601 duration ("PT30M").'}
        raise PydanticCustomError("duration", "This is no duration.", hint)
    return value


Lateness = Annotated[
    timedelta,
    Field(ge=timedelta(), le=LATEST),
    BeforeValidator(duration),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0, "maximum": int(LATEST.total_seconds())},
                {"type": "string", "format": "duration"},
            ],
            "description": "Seconds or an ISO 8601 duration: if it can't leave within this, it is missed.",
        }
    ),
]


class BestTimeChoice(Body):
    """How far ahead the best free hour may be."""

    within_days: Annotated[int, Field(ge=1, le=30)]


class PostSchedule(Timing):
    """Where and when the approved post is published: exactly one of the times."""

    model_config = Body.model_config | {
        "json_schema_extra": {
            "example": {
                "channel_ids": ["0199c5c0-0000-7000-8000-000000000001"],
                "local": "2026-12-01T09:30",
                "timezone": "Asia/Shanghai",
                "publish_if_late_by": "PT30M",
            }
        }
    }

    channel_ids: Annotated[list[UUID], Field(min_length=1, max_length=100)]
    next_slot: Annotated[
        Literal[True] | None, Field(description="The next free slot of each channel, which takes no other.")
    ] = None
    best_time: Annotated[
        BestTimeChoice | None, Field(description="The best free hour of each channel; see its best-times.")
    ] = None
    publish_if_late_by: Lateness | None = None


class Scheduled(BaseModel):
    """The deliveries that were planned, in the order of the channels."""

    data: list[DeliveryRead]
