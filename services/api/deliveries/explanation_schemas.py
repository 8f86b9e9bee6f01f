"""Why a delivery has (not) gone out, over HTTP."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from drumtower.domain.deliveries import State
from drumtower.domain.explanations import Step
from drumtower.domain.reasons import Retryable, Who
from services.api.deliveries.schemas import DeliveryAction
from services.api.schemas import Answer, Moment


class ReasonRead(Answer):
    """One thing that stands in the way, or did."""

    code: str
    detail: str
    until: Moment | None


class NextRead(Answer):
    """What happens next by itself, and when."""

    step: Step
    at: Moment | None


class ActorRead(Answer):
    """Who did it: the engine by itself, the platform by telling us, or a member."""

    kind: Literal["engine", "platform", "member"]
    id: UUID | None
    name: str | None
    api_key_id: UUID | None


class EntryRead(Answer):
    """One thing that happened. `step` is an attempt's step, or what somebody did (`cancelled`, `rescheduled`, …)."""

    at: Moment
    ended_at: Moment | None
    step: str
    outcome: str | None
    detail: str | None
    platform_code: str | None
    attempt: int | None
    actor: ActorRead


class ExplanationRead(Answer):
    """Why it has (not) gone out. `sentence` and `do` are for people, in the language asked for."""

    delivery_id: UUID
    state: State
    sentence: str
    reasons: list[ReasonRead] = Field(description="What stands in the way, the first one first.")
    who: Who = Field(description="Who must act next.")
    do: str | None = Field(description="What a person must do, where one must.")
    next: NextRead | None
    retryable: Retryable = Field(description="Whether sending it again is safe and can help.")
    due_at: Moment
    not_before: Moment | None
    attempts: int
    lookups: int
    platform_code: str | None
    look_at: str | None = Field(description="Where a person sees what is on the channel.")
    allowed: list[DeliveryAction]
    then: str | None = Field(description="What waits for this one: the further parts of its thread.")
    timeline: list[EntryRead] = Field(description="What happened, oldest first; the last 200.")
