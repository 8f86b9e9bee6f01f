"""Freezes over HTTP."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from drumtower.domain.content import Nature
from drumtower.domain.deliveries import Action, State
from drumtower.domain.freezes import FreezeState, Scope
from services.api.schemas import Answer, Body, Moment, Patch

Reason = Annotated[
    str,
    StringConstraints(min_length=1, max_length=500, strip_whitespace=True),
    Field(description="Why: everybody whose delivery is held reads it."),
]
To = Annotated[Moment | None, Field(alias="to", description="Exclusive; null: until it is lifted.")]


class FreezeCreate(Body):
    """A publishing stop. A scope other than `all` names its target: `brand_id`, `channel_id`,
    `campaign_id` or `nature`."""

    model_config = Body.model_config | {
        "json_schema_extra": {
            "example": {
                "scope": "brand",
                "brand_id": "0199c5c0-0000-7000-8000-000000000000",
                "from": "2026-12-12T20:00:00+08:00",
                "to": "2026-12-14T08:00:00+08:00",
                "reason": "国家公祭日",
                "allows_replies": True,
            }
        }
    }

    scope: Scope
    brand_id: UUID | None = None
    channel_id: UUID | None = None
    campaign_id: UUID | None = None
    nature: Nature | None = None
    starts_at: Annotated[Moment | None, Field(alias="from", description="Without it: now.")] = None
    ends_at: To = None
    reason: Reason
    allows_replies: Annotated[bool, Field(description="Replies and messages leave all the same.")] = False


class FreezeUpdate(Patch):
    """A merge patch of a freeze that is not over. To end it now, lift it."""

    nullable: ClassVar[frozenset[str]] = frozenset({"ends_at"})
    model_config = Patch.model_config | {
        "json_schema_extra": {"example": {"to": "2026-12-15T08:00:00+08:00", "reason": "延长一天"}}
    }

    ends_at: To = None
    reason: Reason | None = None
    allows_replies: bool | None = None


class FreezeRead(Answer):
    """A publishing stop. It holds from `from` up to, not with, `to`."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    id: UUID
    state: FreezeState
    scope: Scope
    brand_id: UUID | None
    channel_id: UUID | None
    campaign_id: UUID | None
    nature: Nature | None
    starts_at: Annotated[Moment, Field(alias="from")]
    ends_at: Annotated[Moment | None, Field(alias="to")]
    reason: str
    allows_replies: bool
    lifted_at: Moment | None
    lifted_by: UUID | None
    revision: int
    created_by: UUID
    created_at: Moment
    updated_at: Moment


class FrozenDelivery(Answer):
    """A delivery that a freeze holds or would hold."""

    id: UUID
    post_id: UUID | None
    channel_id: UUID
    platform: str
    action: Action
    state: State
    due_at: Moment
    would_miss: bool = Field(description="Its `publish_if_late_by` ends before the freeze does.")


class FrozenChannel(Answer):
    """How many deliveries of one channel a freeze holds or would hold."""

    channel_id: UUID
    platform: str
    deliveries: int


class ImpactRead(Answer):
    """What a freeze does, as things stand now. A series plans on in it; what is not planned yet is not counted."""

    held: int = Field(description="Held by this freeze now.")
    to_hold: int = Field(description="Waiting, and due while it lasts.")
    would_miss: int = Field(
        description="Of both, those whose `publish_if_late_by` ends before the freeze does."
        " Without an end, all that have one."
    )
    unstoppable: int = Field(description="Leaving at this moment, or already with the platform.")
    by_hand: int = Field(description="Hand-offs: tell whoever publishes them.")
    channels: list[FrozenChannel]
    deliveries: list[FrozenDelivery] = Field(description="The first 50 in the order in which they are due.")
