"""The workspace over HTTP."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from drumtower.policies import Policies
from services.api.schemas import Answer, Moment, Name, Patch

Zone = Annotated[str, Field(max_length=64)]


class WorkspaceRead(Answer):
    """The workspace that the credential belongs to."""

    id: UUID
    name: str
    timezone: str
    policies: Policies
    revision: int
    created_at: Moment


class WorkspaceUpdate(Patch):
    """A merge patch, policies included: what is absent stays."""

    model_config = Patch.model_config | {
        "json_schema_extra": {"example": {"policies": {"four_eyes": {"min_reviewers": 2}}}}
    }

    name: Name | None = None
    timezone: Zone | None = None
    policies: Policies | None = None
