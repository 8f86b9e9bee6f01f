"""Preflight, reviews and evidence over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from drumtower.domain.reviews import Criterion, Verdict
from drumtower.domain.text import Unit
from services.api.deliveries.schemas import AttemptRead, DeliveryRead
from services.api.posts.assignment_schemas import AssignmentRead
from services.api.posts.schemas import PostRead, VersionRead
from services.api.posts.share_schemas import CommentRead
from services.api.problems import ProblemViolation
from services.api.schemas import Answer, Body, Moment

ChannelIds = Annotated[list[UUID], Field(min_length=1, max_length=100)]


class PreflightRequest(Body):
    """Which channels; without them, those of the post's variants, or else all connected ones of its brand."""

    model_config = Body.model_config | {
        "json_schema_extra": {"example": {"channel_ids": ["0199c5c0-0000-7000-8000-000000000001"]}}
    }

    channel_ids: ChannelIds | None = None
    at: Annotated[Moment | None, Field(description="When it would leave; now by default.")] = None


class LengthRead(Answer):
    """How long the text is, counted the platform's way."""

    value: int
    maximum: int
    unit: Unit


class FindingRead(ProblemViolation):
    """A violation, and the point of review it belongs to; null: the platform."""

    criterion: Criterion | None


class ChannelPreflight(Answer):
    """What one channel would take or refuse; `ok` when nothing forbids sending."""

    channel_id: UUID
    platform: str
    ok: bool
    length: LengthRead | None
    violations: list[FindingRead]


class PreflightRead(Answer):
    """Preflight of one version of a post."""

    ok: bool
    version: int
    data: list[ChannelPreflight]


class JudgementBody(Body):
    """A verdict on one point; a failure needs a note."""

    verdict: Verdict
    note: Annotated[str, Field(max_length=2_000)] | None = None


class Judgements(Body):
    """Verdicts by point; those that are missing stay open."""

    accuracy: JudgementBody | None = None
    compliance: JudgementBody | None = None
    readability: JudgementBody | None = None
    aesthetics: JudgementBody | None = None

    def given(self) -> dict[Criterion, JudgementBody]:
        """Return what was judged."""
        found = {criterion: getattr(self, criterion.value) for criterion in Criterion}
        return {criterion: one for criterion, one in found.items() if one is not None}


class ReviewCreate(Body):
    """A reviewer's verdicts on one version."""

    model_config = Body.model_config | {
        "json_schema_extra": {
            "example": {
                "version": 1,
                "criteria": {
                    "accuracy": {"verdict": "pass"},
                    "compliance": {"verdict": "fail", "note": "“最好”属于广告法禁用的绝对化用语"},
                },
            }
        }
    }

    criteria: Judgements
    version: Annotated[int, Field(ge=1, le=2**31 - 1)]


class ReviewRead(Answer):
    """One verdict on one point of one version."""

    id: UUID
    version: int
    criterion: Criterion
    verdict: Verdict
    note: str | None
    reviewer_id: UUID
    at: Moment


class AuditRead(Answer):
    """One entry of the audit log."""

    id: UUID
    verb: str
    subject: str
    subject_id: UUID
    actor_id: UUID | None
    api_key_id: UUID | None
    detail: dict[str, Any]
    request_id: str | None
    occurred_at: Moment


class DeliveryEvidence(DeliveryRead):
    """A delivery with all that was tried."""

    tried: list[AttemptRead]


class EvidenceRead(Answer):
    """Everything that is known of a post, in one pack."""

    generated_at: Moment
    post: PostRead
    versions: list[VersionRead]
    checks: PreflightRead
    reviewers: list[AssignmentRead]
    comments: list[CommentRead]
    reviews: list[ReviewRead]
    deliveries: list[DeliveryEvidence]
    audit: list[AuditRead]
