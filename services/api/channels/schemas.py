"""Channels over HTTP. Credentials go in and never come out."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from drumtower.domain.audiences import MatrixRole
from services.api.schemas import Answer, Body, Moment, Name, Patch

BaseUrl = Annotated[str, StringConstraints(max_length=500, pattern=r"^https?://[^\s/@\\]+(/[^\s?#\\]*)?$")]
CredentialValues = Annotated[
    dict[
        Annotated[str, StringConstraints(max_length=100)],
        Annotated[str, StringConstraints(min_length=1, max_length=8_192)],
    ],
    Field(max_length=30),
]


class ChannelCreate(Body):
    """A new channel. Which `credentials` a platform wants stands in `GET /v1/platforms/{platform}`."""

    model_config = Body.model_config | {
        "json_schema_extra": {
            "example": {
                "platform": "bluesky",
                "name": "鼓楼茶 · Bluesky",
                "brand_id": "0199c5c0-0000-7000-8000-000000000000",
                "credentials": {"identifier": "tea.example.com", "password": "xxxx-xxxx-xxxx-xxxx"},
            }
        }
    }

    platform: Annotated[str, Field(max_length=64)]
    name: Name
    brand_id: UUID
    credentials: CredentialValues
    base_url: BaseUrl | None = None


class ChannelUpdate(Patch):
    """A merge patch. New `credentials` must belong to the same account.

    `min_gap_seconds`: how long the channel rests between two posts at least; null lets them follow one another.
    `handoff_owner_id`: who publishes by hand what the API can't; null: whoever planned it. `handoff_within_seconds`:
    how long after its time that may take; null: two hours. `matrix_role`: what the channel is for among the brand's
    others (`POST /v1/platforms/fit` suggests one); null: nobody has said.
    """

    nullable: ClassVar[frozenset[str]] = frozenset(
        {
            "credentials",
            "base_url",
            "min_gap_seconds",
            "handoff_owner_id",
            "handoff_within_seconds",
            "matrix_role",
        }
    )

    name: Name | None = None
    credentials: CredentialValues | None = None
    base_url: BaseUrl | None = None
    matrix_role: MatrixRole | None = None
    min_gap_seconds: Annotated[int, Field(ge=1, le=86_400)] | None = None
    handoff_owner_id: UUID | None = None
    handoff_within_seconds: Annotated[int, Field(ge=300, le=30 * 86_400)] | None = None


class ChannelRead(Answer):
    """A channel. `webhook_url` is what to enter in the platform's console, where it has webhooks.

    `authorise_by`: until then a person must authorise it again, because the platform lets nobody renew its token.
    """

    id: UUID
    platform: str
    name: str
    brand_id: UUID
    base_url: str | None
    account_id: str
    account_name: str
    account_url: str | None
    status: Literal["connected", "disconnected"]
    status_detail: str | None
    token_expires_at: Moment | None
    matrix_role: MatrixRole | None
    min_gap_seconds: int | None
    handoff_owner_id: UUID | None
    handoff_within_seconds: int | None
    authorise_by: Moment | None
    webhook_url: str | None
    created_at: Moment
    updated_at: Moment
