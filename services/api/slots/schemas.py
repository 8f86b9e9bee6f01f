"""Slots over HTTP."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from drumtower.domain.slots import MOST, Weekday
from services.api.schemas import Answer, Body, Moment

TimeOfDay = Annotated[
    str,
    StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", max_length=5),
    Field(description="Wall-clock time, such as 09:30."),
]
Zone = Annotated[str, Field(max_length=64, description="IANA name, such as Asia/Shanghai.")]


class SlotCreate(Body):
    """A weekly publishing time. Where the clocks are put forward over it, it comes later by as much that day."""

    model_config = Body.model_config | {
        "json_schema_extra": {"example": {"weekday": "tue", "local": "09:30", "timezone": "Asia/Shanghai"}}
    }

    weekday: Weekday
    local: TimeOfDay
    timezone: Zone


class SlotSet(Body):
    """All slots of the channel: what is not named goes, what stays keeps its id."""

    model_config = Body.model_config | {
        "json_schema_extra": {
            "example": {"slots": [{"weekday": "tue", "local": "09:30", "timezone": "Asia/Shanghai"}]}
        }
    }

    slots: Annotated[list[SlotCreate], Field(max_length=MOST)]


class SlotRead(Answer):
    """A weekly publishing time of a channel."""

    id: UUID
    channel_id: UUID
    weekday: Weekday
    local: str
    timezone: str
    created_at: Moment


class SlotsRead(BaseModel):
    """All slots of a channel."""

    data: list[SlotRead]
