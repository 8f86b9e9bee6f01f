"""Access over HTTP."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from drumtower.domain.permissions import Permission, Role
from services.api.access.sessions import ACCESS_LIFE, Pair
from services.api.schemas import Answer, Body, Moment, Name

Password = Annotated[str, Field(min_length=1, max_length=1024)]


class LogIn(Body):
    """A member's e-mail and password."""

    model_config = Body.model_config | {
        "json_schema_extra": {"example": {"email": "owner@demo.drumtower.example", "password": "…"}}
    }

    email: Annotated[str, Field(min_length=3, max_length=320)]
    password: Password


class Refresh(Body):
    """A refresh token; it is good once."""

    refresh_token: Annotated[str, Field(min_length=1, max_length=512)]


class Tokens(Answer):
    """A session. `expires_in` is in seconds; the refresh token replaces the one before it."""

    access_token: str
    refresh_token: str
    token_type: str = "Bearer"  # noqa: S105 - RFC 6750's word, no secret
    expires_in: int

    @classmethod
    def of(cls, pair: Pair) -> "Tokens":
        return cls(
            access_token=pair.access,
            refresh_token=pair.refresh,
            expires_in=int(ACCESS_LIFE.total_seconds()),
        )


class Me(Answer):
    """Who the credential belongs to, and what it may do."""

    member_id: UUID
    name: str
    email: str
    role: Role
    external: bool
    permissions: list[Permission]
    workspace_id: UUID
    workspace_name: str
    timezone: str
    api_key_id: UUID | None


class ApiKeyCreate(Body):
    """A new key. Without `scopes` it may do what its maker may."""

    model_config = Body.model_config | {
        "json_schema_extra": {"example": {"name": "官网", "scopes": ["workspace.read", "conversions.write"]}}
    }

    name: Name
    scopes: Annotated[list[Permission], Field(max_length=50)] = []
    expires_at: Moment | None = None


class ApiKeyRead(Answer):
    """A key, without its secret."""

    id: UUID
    name: str
    prefix: str
    member_id: UUID
    scopes: list[Permission]
    expires_at: Moment | None
    last_used_at: Moment | None
    revoked_at: Moment | None
    created_at: Moment


class ApiKeyMade(ApiKeyRead):
    """A key just made; `key` is shown this once."""

    key: str
