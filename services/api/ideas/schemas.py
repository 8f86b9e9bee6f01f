"""Ideas over HTTP."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from drumtower.domain.content import Kind, Nature
from drumtower.domain.ideas import HIGHEST, LOWEST, IdeaSource, IdeaStatus
from services.api.posts.schemas import Pillar, Text, Title
from services.api.schemas import Answer, Body, Day, Moment, Name, Paragraph, Patch

Points = Annotated[int, Field(ge=LOWEST, le=HIGHEST)]


class IdeaCreate(Body):
    """A new idea."""

    model_config = Body.model_config | {
        "json_schema_extra": {
            "example": {
                "brand_id": "0199c5c0-0000-7000-8000-000000000000",
                "title": "办公室三分钟泡茶法",
                "note": "评论里常问：没有茶具怎么泡？",
                "source": "user_need",
                "evidence": "11 月的 37 条评论",
            }
        }
    }

    brand_id: UUID
    title: Name
    note: Paragraph = ""
    source: IdeaSource
    evidence: Paragraph = Field(
        default="", description="What the source says: a link, a quotation, the event."
    )


class IdeaUpdate(Patch):
    """A merge patch: what is absent stays."""

    title: Name | None = None
    note: Paragraph | None = None
    source: IdeaSource | None = None
    evidence: Paragraph | None = None


class IdeaScoreBody(Body):
    """One member's score, from 1 to 5 on each point; a later one replaces it."""

    model_config = Body.model_config | {
        "json_schema_extra": {"example": {"brand_fit": 5, "user_need": 4, "timeliness": 3, "feasibility": 4}}
    }

    brand_fit: Points
    user_need: Points
    timeliness: Points
    feasibility: Points


class IdeaDevelop(Body):
    """The post that an idea becomes. Without a title or a body it begins with the idea's own."""

    model_config = Body.model_config | {
        "json_schema_extra": {
            "example": {"kind": "image_text", "nature": "editorial", "due_on": "2026-12-10"}
        }
    }

    kind: Kind
    nature: Nature
    title: Title | None = None
    body: Text | None = None
    pillar: Pillar | None = None
    owner_id: UUID | None = None
    due_on: Day | None = None


class StandingRead(Answer):
    """What members think: the mean by point (1 to 5), the total from 0 to 100; null where nobody has said."""

    brand_fit: float | None
    user_need: float | None
    timeliness: float | None
    feasibility: float | None
    total: int | None
    voices: int


class IdeaRead(Answer):
    """An idea, what members think of it, and the posts it became."""

    id: UUID
    brand_id: UUID
    title: str
    note: str
    source: IdeaSource
    evidence: str
    status: IdeaStatus
    score: StandingRead
    post_ids: list[UUID]
    revision: int
    created_by: UUID
    created_at: Moment
    updated_at: Moment
