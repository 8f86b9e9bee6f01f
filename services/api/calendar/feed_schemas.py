"""Calendar feeds over HTTP."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from drumtower.domain.feeds import FeedKind
from services.api.schemas import Answer, Body, Moment, Name


class FeedCreate(Body):
    """What the feed shows, and for whom; what is not said is not narrowed.

    With `channel_id` it has the channel's deliveries, and the posts and events of its brand.
    """

    model_config = Body.model_config | {
        "json_schema_extra": {"example": {"name": "我的手机", "kinds": ["post", "delivery", "prepare_by"]}}
    }

    name: Name
    kinds: Annotated[
        list[FeedKind], Field(default_factory=list, max_length=len(FeedKind), description="None: all.")
    ]
    brand_id: UUID | None = None
    channel_id: UUID | None = None


class FeedRead(Answer):
    """A feed, without its token. It ends with the member's access."""

    id: UUID
    name: str
    member_id: UUID
    kinds: list[FeedKind]
    brand_id: UUID | None
    channel_id: UUID | None
    last_used_at: Moment | None
    revoked_at: Moment | None
    created_at: Moment


class FeedMade(FeedRead):
    """A feed just made. `url` is what a calendar subscribes to; it is shown this once, and whoever has it reads it."""

    url: str
