"""Deliveries over HTTP."""

from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from drumtower.domain.deliveries import Action, State
from services.api.problems import ProblemViolation
from services.api.schemas import Answer, Body, Moment

WebAddress = Annotated[str, StringConstraints(max_length=2_048, pattern=r"^https?://[^\s/?#]+\S*$")]
InstantText = Annotated[
    str, Field(max_length=64, json_schema_extra={"format": "date-time", "description": "With an offset."})
]


class Timing(Body):
    """When: exactly one of `at`, `local` with `timezone`, and `now`."""

    at: InstantText | None = None
    local: (
        Annotated[str, Field(max_length=64, description="Wall-clock time, such as 2026-12-01T09:30.")] | None
    ) = None
    timezone: Annotated[str, Field(max_length=64, description="IANA name, such as Asia/Shanghai.")] | None = (
        None
    )
    now: Literal[True] | None = None


class DeliveryReschedule(Timing):
    """A new time."""

    model_config = Body.model_config | {
        "json_schema_extra": {"example": {"local": "2026-12-01T09:30", "timezone": "Asia/Shanghai"}}
    }


class Verdict(StrEnum):
    """What a person saw on the channel."""

    LIVE = "live"  # it is published
    ABSENT = "absent"  # it is not there, and stays unpublished: the delivery has failed
    SEND_AGAIN = "send_again"  # it is not there, and goes again now


class DeliveryReconcile(Body):
    """What a person knows of an unknown outcome. Empty: let the engine look now.

    `send_again` is an order, and takes the word of whoever gives it: `not_there` must be true.
    """

    model_config = Body.model_config | {
        "json_schema_extra": {"example": {"verdict": "live", "url": "https://weibo.com/1/abc"}}
    }

    verdict: Verdict | None = None
    url: WebAddress | None = None
    external_id: Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"\S")] | None = None
    published_at: Moment | None = None
    not_there: (
        Annotated[Literal[True], Field(description="I have looked, and it is not on the channel.")] | None
    ) = None


class DeliveryProof(Body):
    """Where a hand-published post is to be seen."""

    model_config = Body.model_config | {
        "json_schema_extra": {
            "example": {
                "url": "https://www.xiaohongshu.com/explore/1",
                "published_at": "2026-12-01T09:31:00+08:00",
            }
        }
    }

    url: WebAddress
    published_at: Moment


class HandoffAssign(Body):
    """Who publishes it by hand, and until when; what is left out stays."""

    model_config = Body.model_config | {
        "json_schema_extra": {"example": {"deadline": "2026-12-01T12:00:00+08:00"}}
    }

    owner_id: Annotated[UUID | None, Field(description="A member who may publish.")] = None
    deadline: Moment | None = None


class DeliveryAction(StrEnum):
    """What a client may ask of a delivery."""

    CANCEL = "cancel"
    RESCHEDULE = "reschedule"
    RETRY = "retry"
    RECONCILE = "reconcile"
    PROOF = "proof"
    ASSIGN = "assign"


class DeliveryError(Answer):
    """Why it is where it is."""

    code: str
    detail: str
    hint: str = ""
    platform_code: str | None = None
    freeze_id: UUID | None = None
    violations: list[ProblemViolation] = []


class HandoffRead(Answer):
    """Who publishes it by hand, until when, and why. It stays when it is closed, and so does `late`."""

    reason: str
    owner_id: UUID | None
    deadline: Moment | None
    late: bool = Field(description="There was no proof by the deadline, or it says that it was out later.")
    pack: str = Field(description="The path of all that its owner needs.")


class DeliveryRead(Answer):
    """A delivery. `attempts` counts the tries; `allowed` says what may be asked of it now."""

    id: UUID
    post_id: UUID | None
    interaction_id: UUID | None
    follows_id: UUID | None = Field(description="The delivery after which this part of its thread comes.")
    channel_id: UUID
    platform: str
    action: Action
    state: State
    due_at: Moment
    local: str | None
    timezone: str | None
    not_before: Moment | None
    publish_if_late_by: int | None = Field(description="Seconds; null: never too late.")
    attempts: int
    external_id: str | None
    external_url: str | None
    published_at: Moment | None
    lateness_ms: int | None
    error: DeliveryError | None
    needs_check: bool = Field(description="Unknown, and only a person can tell.")
    look_at: str | None = Field(description="Where to look while the outcome is unknown.")
    allowed: list[DeliveryAction]
    handoff: HandoffRead | None
    post_version: int | None
    content_hash: str | None
    revision: int
    created_at: Moment
    updated_at: Moment


class AttemptRead(Answer):
    """One try, or one look at its outcome."""

    id: UUID
    number: int
    step: str
    outcome: str | None
    detail: str | None
    platform_code: str | None
    started_at: Moment
    ended_at: Moment | None
