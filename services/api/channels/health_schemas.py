"""A channel's health over HTTP: whether it works, and what holds it back."""

from typing import Literal
from uuid import UUID

from drumtower.domain.breakers import BreakerState
from drumtower.domain.capabilities import Feature
from drumtower.domain.deliveries import Action
from drumtower.domain.failures import Scope
from drumtower.domain.quotas import Period
from services.api.platforms.schemas import CapabilitiesRead
from services.api.schemas import Answer, Moment


class BreakerRead(Answer):
    """A circuit breaker. Open: nothing leaves before `next_at`, when one delivery goes as a probe."""

    scope: Scope
    state: BreakerState
    faults: int
    opened_at: Moment | None
    next_at: Moment | None


class BudgetRead(Answer):
    """A rate budget: `count` calls in `per_seconds`, `burst` at once; `left` may leave now, else at `free_at`.

    `action` is null where every call draws on it.
    """

    scope: Scope
    action: Action | None
    count: int
    per_seconds: float
    burst: int
    left: int
    free_at: Moment


class ResetRead(Answer):
    """The platform said to wait: no call leaves before `until`."""

    scope: Scope
    until: Moment
    detail: str


class QuotaLeftRead(Answer):
    """What is left of a quota in the platform's present hour or day, planned deliveries counted."""

    action: Action
    period: Period
    timezone: str
    count: int
    used: int
    left: int
    starts_at: Moment
    ends_at: Moment


class ChannelErrorRead(Answer):
    """The last thing that went wrong."""

    code: str
    detail: str
    delivery_id: UUID
    at: Moment


class ChannelHealthRead(Answer):
    """`ok`: deliveries leave. `limited`: a limit holds them back. `failing`: a breaker does. `disconnected`: a person
    must connect it again.

    `authorise_again` says so from a week ahead on; an event and the audit log say it 7 days and 1 day ahead.
    """

    channel_id: UUID
    health: Literal["ok", "limited", "failing", "disconnected"]
    status: Literal["connected", "disconnected"]
    status_detail: str | None
    token_expires_at: Moment | None
    authorise_by: Moment | None
    authorise_again: str | None
    breakers: list[BreakerRead]
    budgets: list[BudgetRead]
    resets: list[ResetRead]
    quotas: list[QuotaLeftRead]
    waiting: int
    needs_check: int
    last_success_at: Moment | None
    last_error: ChannelErrorRead | None
    checked_at: Moment


class GrantRead(Answer):
    """Whether this account may use a feature. `unknown`: not probed, or it shows only when it is used.

    `handoff`: what can't be done by API goes to a person.
    """

    feature: Feature
    state: Literal["allowed", "not_permitted", "unknown"]
    reason: str
    platform_code: str | None
    handoff: bool


class ChannelCapabilitiesRead(Answer):
    """What the channel takes, what its account may do (as found at `probed_at`), and what is left of its quotas."""

    channel_id: UUID
    platform: str
    capabilities: CapabilitiesRead
    quotas: list[QuotaLeftRead]
    grants: list[GrantRead]
    probed_at: Moment | None
