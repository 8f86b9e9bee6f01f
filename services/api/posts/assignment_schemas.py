"""Who is asked to review, over HTTP."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from drumtower.domain.reviews import AskedState, Criterion
from services.api.schemas import Answer, Body, Moment


class AssignmentBody(Body):
    """One reviewer. Without `criteria` all four points are theirs; `required`: these do not pass without them."""

    reviewer_id: UUID
    criteria: Annotated[list[Criterion], Field(default_factory=list, max_length=len(Criterion))]
    required: bool = True


class AssignmentsWrite(Body):
    """Everybody who is asked to review the post, in place of whoever was before."""

    model_config = Body.model_config | {
        "json_schema_extra": {
            "example": {
                "reviewers": [
                    {"reviewer_id": "0199c5c0-0000-7000-8000-000000000000", "criteria": ["compliance"]}
                ]
            }
        }
    }

    reviewers: Annotated[list[AssignmentBody], Field(max_length=20)]


class AssignmentRead(Answer):
    """Who is asked for which points, and until when; without a `state` the post was not submitted yet."""

    id: UUID
    post_id: UUID
    reviewer_id: UUID
    criteria: list[Criterion]
    required: bool
    state: AskedState | None
    assigned_by: UUID
    assigned_at: Moment
    requested_at: Moment | None
    due_at: Moment | None
    overdue: bool
    late_at: Moment | None = Field(description="The deadline that was missed, whatever came after it.")
    judged_at: Moment | None


class AssignmentsRead(Answer):
    """A post's reviewers."""

    data: list[AssignmentRead]


class AskedRead(AssignmentRead):
    """One review in a reviewer's list of work."""

    post_title: str
    version: int
    owner_id: UUID = Field(description="Who is responsible for the post, and hears of it when it is late.")
