"""Interactions over HTTP."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field, StringConstraints

from drumtower.domain.interactions import Intent, InteractionKind, InteractionStatus, Sentiment
from services.api.schemas import Answer, Body, Moment, Patch

Tag = Annotated[str, StringConstraints(min_length=1, max_length=50, strip_whitespace=True)]
Tags = Annotated[list[Tag], Field(max_length=20)]


class InteractionRead(Answer):
    """One comment, message or mention. `reply_by` is the end of the platform's window for answers, if it has one."""

    id: UUID
    channel_id: UUID
    platform: str
    conversation_id: UUID
    delivery_id: UUID | None
    post_id: UUID | None
    kind: InteractionKind
    external_id: str
    in_reply_to: str | None
    author_id: str
    author_name: str
    text: str
    url: str | None
    language: str
    sentiment: Sentiment
    sentiment_score: float
    sentiment_edited: bool
    intent: Intent | None
    intent_score: float | None
    reasons: list[str]
    status: InteractionStatus
    assignee_id: UUID | None
    tags: list[str]
    occurred_at: Moment
    received_at: Moment
    answered_at: Moment | None
    reply_by: Moment | None
    revision: int
    updated_at: Moment


class InteractionUpdate(Patch):
    """A merge patch: a field that is absent stays as it is."""

    nullable: ClassVar[frozenset[str]] = frozenset({"assignee_id", "intent"})
    model_config = Patch.model_config | {
        "json_schema_extra": {"example": {"status": "pending", "tags": ["物流"], "sentiment": "negative"}}
    }

    status: InteractionStatus | None = None
    assignee_id: UUID | None = None
    tags: Tags | None = None
    sentiment: Sentiment | None = None
    intent: Intent | None = None


class ReplyCreate(Body):
    """An answer, due now."""

    model_config = Body.model_config | {
        "json_schema_extra": {"example": {"text": "您好，龙井今天发货，单号稍后发您。"}}
    }

    text: Annotated[str, Field(max_length=20_000)]
