"""Links over HTTP."""

from typing import Annotated
from uuid import UUID

from pydantic import AnyHttpUrl, UrlConstraints

from services.api.schemas import Answer, Body, Line, Moment, Patch

Target = Annotated[AnyHttpUrl, UrlConstraints(max_length=2048, host_required=True)]


class LinkCreate(Body):
    """A new link. Where it leads is fixed for ever: printed codes and posts out there rely on it."""

    model_config = Body.model_config | {
        "json_schema_extra": {
            "example": {
                "target_url": "https://shop.example.com/tea?from=weibo",
                "name": "双十一微博主贴",
                "placement": "post",
            }
        }
    }

    target_url: Target
    name: Line = ""
    placement: Line = ""
    channel_id: UUID | None = None
    post_id: UUID | None = None


class LinkUpdate(Patch):
    """A merge patch: a field that is absent stays as it is."""

    name: Line | None = None
    placement: Line | None = None


class LinkRead(Answer):
    """A link and what it brought. `clicks` are people's; machines that follow links count in `bot_clicks`."""

    id: UUID
    code: str
    short_url: str
    target_url: str
    name: str
    placement: str
    channel_id: UUID | None
    post_id: UUID | None
    clicks: int
    bot_clicks: int
    conversions: int
    created_by: UUID
    created_at: Moment
