"""Compliance over HTTP."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from drumtower.domain.compliance import FindingState
from drumtower.domain.errors import Severity
from services.api.schemas import Answer, Body, Line, Moment

Text = Annotated[str, StringConstraints(max_length=50_000)]
Word = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class ComplianceCheck(Body):
    """Texts to look at; without platform and industry the rules of all of them hold."""

    model_config = Body.model_config | {
        "json_schema_extra": {"example": {"texts": ["全国最好的茶，国 家 级品质"], "platform": "weibo"}}
    }

    texts: Annotated[list[Text], Field(min_length=1, max_length=500)]
    platform: Word | None = None
    industry: Word | None = None


class HitRead(Answer):
    """A term that was found. `start` and `end` count code points of the text as it was sent, end exclusive."""

    term: str
    start: int
    end: int
    rule: str
    severity: Severity
    basis: str
    suggestion: str


class TextHits(Answer):
    """What was found in one text."""

    hits: list[HitRead]


class ComplianceChecked(Answer):
    """One entry for each text, in order. A screen: that it finds nothing does not make a text lawful."""

    data: list[TextHits]


class FindingRead(Answer):
    """A hit in a scheduled or published post, found when the rules changed."""

    id: UUID
    post_id: UUID
    content_hash: str
    pointer: str
    quote: str
    start: int
    end: int
    rule: str
    pack_version: int
    severity: Severity
    basis: str
    suggestion: str
    state: FindingState
    note: str
    opened_at: Moment
    closed_at: Moment | None
    closed_by: UUID | None


class Reason(StrEnum):
    """Why a finding needs no change of the post."""

    FALSE_POSITIVE = "false_positive"
    ACCEPTED = "accepted"


class FindingDismiss(Body):
    """Why a finding is put aside; a false positive is kept as feedback on the rule too."""

    reason: Reason
    note: Annotated[Line, StringConstraints(min_length=1, strip_whitespace=True)]


class FeedbackVerdict(StrEnum):
    """What was wrong with a check: it found what is harmless, or did not find what is not."""

    FALSE_POSITIVE = "false_positive"
    MISSED = "missed"


class FeedbackCreate(Body):
    """What a check got wrong in a text."""

    model_config = Body.model_config | {
        "json_schema_extra": {
            "example": {
                "verdict": "false_positive",
                "text": "这条街上最好找的门",
                "start": 4,
                "end": 6,
                "rule": "cn_advertising/absolute.most",
                "note": "说的是找门，不是商品",
            }
        }
    }

    verdict: FeedbackVerdict
    text: Annotated[str, StringConstraints(min_length=1, max_length=5_000)]
    start: Annotated[int, Field(ge=0, le=5_000)]
    end: Annotated[int, Field(ge=1, le=5_000)]
    rule: Annotated[str, StringConstraints(min_length=1, max_length=120)] | None = None
    note: Line = ""


class FeedbackRead(Answer):
    """What somebody said of a check."""

    id: UUID
    verdict: FeedbackVerdict
    text: str
    start: int
    end: int
    rule: str | None
    pack_version: int | None
    note: str
    created_by: UUID
    created_at: Moment
