"""Events of the calendar over HTTP."""

import datetime as dt
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import ConfigDict, Field

from drumtower.domain.calendar import EventKind
from services.api.schemas import Answer, Body, Day, Moment, Name, Paragraph, Patch

From = Annotated[Day, Field(alias="from", description="The first day.")]
To = Annotated[Day, Field(alias="to", description="The last day.")]
ExpiresAt = Annotated[
    Moment | None, Field(description="From when on it is worth no post; a hot event needs one.")
]
PrepareDays = Annotated[
    int, Field(ge=0, le=365, description="How many days before `from` its posts have to be ready.")
]


class EventCreate(Body):
    """Something to post about. Without `brand_id` it is every brand's; without `owner_id`, yours to see to."""

    model_config = Body.model_config | {
        "json_schema_extra": {
            "example": {
                "kind": "own",
                "title": "秋茶节",
                "from": "2026-09-20",
                "to": "2026-09-25",
                "prepare_days": 14,
                "note": "三店同时，含直播",
            }
        }
    }

    kind: EventKind
    title: Name
    starts_on: From
    ends_on: To
    expires_at: ExpiresAt = None
    prepare_days: PrepareDays = 0
    note: Paragraph = ""
    brand_id: UUID | None = None
    owner_id: UUID | None = None


class EventUpdate(Patch):
    """A merge patch of an event."""

    nullable: ClassVar[frozenset[str]] = frozenset({"expires_at", "brand_id"})
    model_config = Patch.model_config | {"json_schema_extra": {"example": {"to": "2026-09-27"}}}

    kind: EventKind | None = None
    title: Name | None = None
    starts_on: Annotated[Day | None, Field(alias="from")] = None
    ends_on: Annotated[Day | None, Field(alias="to")] = None
    expires_at: ExpiresAt = None
    prepare_days: PrepareDays | None = None
    note: Paragraph | None = None
    brand_id: UUID | None = None
    owner_id: UUID | None = None


class EventRead(Answer):
    """Something to post about, and the day by which its posts have to be ready."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    id: UUID
    kind: EventKind
    title: str
    note: str
    starts_on: Annotated[dt.date, Field(alias="from")]
    ends_on: Annotated[dt.date, Field(alias="to")]
    expires_at: Moment | None
    prepare_days: int
    prepare_by: dt.date
    brand_id: UUID | None
    owner_id: UUID
    revision: int
    created_by: UUID
    created_at: Moment
    updated_at: Moment
