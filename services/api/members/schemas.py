"""Members and invitations over HTTP."""

from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field, StringConstraints

from drumtower.domain.permissions import Permission, Role
from services.api.schemas import Answer, Body, Moment, Name, Patch

Email = Annotated[
    str,
    StringConstraints(
        max_length=320,
        strip_whitespace=True,
        to_lower=True,
        pattern=r"^[^\s@<>,;]+@[^\s@<>,;]+\.[^\s@<>,;.]+$",
    ),
]
NewPassword = Annotated[
    str, Field(min_length=10, max_length=1024, description="At least ten characters; nothing else is asked.")
]


class RoleRead(Answer):
    """A role: a named set of permissions."""

    role: Role
    permissions: list[Permission]


class PermissionRead(Answer):
    """One thing a member may do, in words."""

    permission: Permission
    meaning: str


class Roles(Answer):
    """Who may do what."""

    data: list[RoleRead]
    permissions: list[PermissionRead]


class MemberRead(Answer):
    """A person in this workspace. Access is over from `ends_at`; `permissions` is what they may do now."""

    id: UUID
    name: str
    email: str
    role: Role
    external: bool
    ends_at: Moment | None
    ended: bool
    permissions: list[Permission]
    revision: int
    created_at: Moment


class MemberUpdate(Patch):
    """A merge patch: what is absent stays; `ends_at: null` takes the end away."""

    nullable: ClassVar[frozenset[str]] = frozenset({"ends_at"})
    model_config = Patch.model_config | {"json_schema_extra": {"example": {"role": "planner"}}}

    name: Name | None = None
    role: Role | None = None
    external: bool | None = None
    ends_at: Moment | None = None


class InvitationState(StrEnum):
    """Where an invitation stands."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REVOKED = "revoked"
    EXPIRED = "expired"


class InvitationCreate(Body):
    """Who is invited, and as what."""

    model_config = Body.model_config | {
        "json_schema_extra": {
            "example": {
                "email": "agency@example.com",
                "role": "creator",
                "external": True,
                "ends_at": "2027-03-31T00:00:00+08:00",
            }
        }
    }

    email: Email
    role: Role
    external: bool = Field(default=False, description="An agency: never reviews, never publishes, and ends.")
    ends_at: Moment | None = Field(default=None, description="When the membership ends.")


class InvitationRead(Answer):
    """An invitation, without its token."""

    id: UUID
    email: str
    role: Role
    external: bool
    ends_at: Moment | None
    state: InvitationState
    invited_by: UUID
    expires_at: Moment
    accepted_at: Moment | None
    revoked_at: Moment | None
    created_at: Moment


class InvitationMade(InvitationRead):
    """An invitation just made. `token` is shown this once: hand it to the person it names."""

    token: str


class InvitationAccept(Body):
    """The invited person's own words."""

    model_config = Body.model_config | {
        "json_schema_extra": {"example": {"token": "dti_…", "name": "林晓", "password": "…"}}
    }

    token: Annotated[str, Field(min_length=1, max_length=512)]
    name: Name
    password: NewPassword
