"""One verb on many posts, over HTTP."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from drumtower.domain.content import Kind, Nature
from drumtower.domain.posts import PostStatus
from drumtower.domain.reviews import ReviewState
from services.api.posts.schemas import Pillar
from services.api.problems import ProblemViolation
from services.api.schemas import Answer, Body, Day, Tags

MOST = 1_000


class BulkVerb(StrEnum):
    """What is done to each post; the same call for one post has the same name, or is a PATCH."""

    ARCHIVE = "archive"
    ASSIGN = "assign"
    DUPLICATE = "duplicate"
    SET_CAMPAIGN = "set_campaign"
    SET_DUE = "set_due"
    SET_PILLAR = "set_pillar"
    SUBMIT = "submit"
    TAG = "tag"
    UNTAG = "untag"


class BulkFilter(Body):
    """Which posts, by the names that `GET /v1/posts` filters by; what is absent asks nothing. Not those archived."""

    ids: Annotated[list[UUID] | None, Field(min_length=1, max_length=MOST)] = None
    status: Annotated[list[PostStatus] | None, Field(min_length=1, max_length=len(PostStatus))] = None
    review_state: ReviewState | None = None
    brand_id: UUID | None = None
    owner_id: UUID | None = None
    kind: Kind | None = None
    nature: Nature | None = None
    pillar: Pillar | None = None
    campaign_id: UUID | None = None
    idea_id: UUID | None = None
    template_id: UUID | None = None
    tag: Tags | None = None
    due_on_from: Day | None = None
    due_on_to: Day | None = None
    q: Annotated[str | None, StringConstraints(min_length=1, max_length=100)] = None


class BulkArguments(Body):
    """What the verb needs: `tags`, `owner_id`, `campaign_id`, `pillar` or `due_on`; the last three may be null."""

    tags: Tags = Field(default_factory=list, min_length=1)
    owner_id: UUID | None = None
    campaign_id: UUID | None = None
    pillar: Pillar | None = None
    due_on: Day | None = None


class Bulk(Body):
    """One verb on every post that the filter finds, if those are as many as you have seen."""

    model_config = Body.model_config | {
        "json_schema_extra": {
            "example": {
                "filter": {"status": ["draft"], "tag": ["双十一"]},
                "verb": "set_due",
                "arguments": {"due_on": "2026-11-11"},
                "expected_count": 12,
            }
        }
    }

    filter: BulkFilter
    verb: BulkVerb
    arguments: BulkArguments = BulkArguments()
    expected_count: Annotated[int, Field(ge=1, le=MOST)]


class BulkVerdict(StrEnum):
    """What became of one post."""

    DONE = "done"
    REFUSED = "refused"


class BulkRow(Answer):
    """One post's verdict; `made_id`: the copy that was made of it."""

    post_id: UUID
    verdict: BulkVerdict
    made_id: UUID | None = None
    errors: list[ProblemViolation] = Field(default_factory=list)


class BulkRead(Answer):
    """Every verdict, oldest post first, and how many there are of each."""

    data: list[BulkRow]
    done: int
    refused: int
