"""Brands over HTTP."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from services.api.schemas import Answer, Body, Line, Moment, Name, Paragraph, Patch

Words = Annotated[list[Annotated[str, Field(min_length=1, max_length=100)]], Field(max_length=200)]


class BrandCreate(Body):
    """A new brand."""

    model_config = Body.model_config | {
        "json_schema_extra": {
            "example": {
                "name": "鼓楼茶",
                "positioning": "办公室里的好茶",
                "tone": "温和、具体",
                "pillars": ["产品", "茶知识"],
            }
        }
    }

    name: Name
    positioning: Paragraph = ""
    tone: Line = ""
    pillars: Words = []
    banned_words: Words = []
    required_words: Words = []


class BrandUpdate(Patch):
    """A merge patch: a field that is absent stays as it is."""

    name: Name | None = None
    positioning: Paragraph | None = None
    tone: Line | None = None
    pillars: Words | None = None
    banned_words: Words | None = None
    required_words: Words | None = None


class BrandRead(Answer):
    """A brand."""

    id: UUID
    name: str
    positioning: str
    tone: str
    pillars: list[str]
    banned_words: list[str]
    required_words: list[str]
    created_at: Moment
    updated_at: Moment
