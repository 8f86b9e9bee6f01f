"""Authorisations over HTTP. Secrets go in and never come out."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from services.api.channels.schemas import BaseUrl, CredentialValues
from services.api.schemas import Answer, Body, Moment, Name


class AuthorizationCreate(Body):
    """A channel to connect through the platform's consent page.

    For a new channel give `platform`, `name`, `brand_id` and the app's `credentials`; to authorise a channel again,
    `channel_id` is enough: what it was connected with is used, with `credentials` in its place where they are given.
    """

    model_config = Body.model_config | {
        "json_schema_extra": {
            "example": {
                "platform": "weibo",
                "name": "鼓楼茶 · 微博",
                "brand_id": "0199c5c0-0000-7000-8000-000000000000",
                "credentials": {
                    "app_key": "2500000001",
                    "app_secret": "…",
                    "security_domain": "gulou.example",
                    "rip": "203.0.113.7",
                },
            }
        }
    }

    platform: Annotated[str, Field(max_length=64)] | None = None
    name: Name | None = None
    brand_id: UUID | None = None
    channel_id: UUID | None = None
    credentials: CredentialValues | None = None
    base_url: BaseUrl | None = None


class AuthorizationRead(Answer):
    """Open `authorize_url` in the browser that asked for it, before `expires_at`; it works once.

    `redirect_uri` is what to register in the platform's console, exactly as it stands here.
    """

    id: UUID
    platform: str
    authorize_url: str
    redirect_uri: str
    scopes: list[str]
    expires_at: Moment
