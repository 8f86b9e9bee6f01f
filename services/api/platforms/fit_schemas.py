"""Platform advice over HTTP."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from drumtower.domain.audiences import (
    Age,
    Basis,
    Confidence,
    Gender,
    Goal,
    Interest,
    Market,
    MatrixRole,
    Region,
    Tongue,
)
from drumtower.domain.content import Kind
from services.api.schemas import Answer, Body


class FitAudience(Body):
    """Whom the brand wants to reach; what is left out is not asked for."""

    ages: Annotated[list[Age], Field(default_factory=list, max_length=6)]
    genders: Annotated[list[Gender], Field(default_factory=list, max_length=2)]
    regions: Annotated[list[Region], Field(default_factory=list, max_length=8)]
    interests: Annotated[list[Interest], Field(default_factory=list, max_length=25)]
    markets: Annotated[list[Market], Field(default_factory=list, max_length=2)]
    languages: Annotated[list[Tongue], Field(default_factory=list, max_length=8)]


class FitRequest(Body):
    """Whom to reach, what for, and with what. With `brand_id`, its channels are shown as evidence."""

    model_config = Body.model_config | {
        "json_schema_extra": {
            "example": {
                "audience": {
                    "ages": ["18-24", "25-34"],
                    "genders": ["female"],
                    "regions": ["cn_large_cities"],
                    "interests": ["food", "travel"],
                    "markets": ["b2c"],
                    "languages": ["zh"],
                },
                "goals": ["awareness", "conversion"],
                "content_kinds": ["image_text", "video"],
            }
        }
    }

    audience: FitAudience
    goals: Annotated[list[Goal], Field(default_factory=list, max_length=7)]
    content_kinds: Annotated[list[Kind], Field(default_factory=list, max_length=6)]
    brand_id: UUID | None = None


class FitComponent(Answer):
    """One part of the score. `score` null: unknown, counts for nothing. `basis` null: a documented fact, or unknown."""

    name: str
    label: str
    weight: float = Field(description="Its share of the whole: all together 1.")
    score: float | None
    confidence: Confidence | None
    basis: Basis | None
    source: str
    reason: str


class FitEvidence(Answer):
    """A channel of the brand on this platform, and what it brought. It moves no score."""

    channel_id: UUID
    name: str
    posts: int = Field(description="Posts with results: of half a year, 3 days old.")
    engagements: int | None = Field(description="Theirs within 3 days, all together; null: no posts.")


class FitRead(Answer):
    """How well one platform suits, from 0 to 1, what a channel there would be for, and why."""

    platform: str
    name: str
    score: float
    unknown: float = Field(description="The share of the weight of which nothing is known.")
    confidence: Confidence
    role: MatrixRole
    role_label: str
    reason: str
    components: list[FitComponent]
    evidence: list[FitEvidence]


class FitAnswer(Answer):
    """Every platform, the best first; `core`: the one or two to start with."""

    core: list[str]
    data: list[FitRead]
