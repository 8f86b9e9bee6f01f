"""Freezes: what a publishing stop covers, and how what it held leaves again without a burst."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from drumtower.domain.deliveries import Action


class Scope(StrEnum):
    """How far a freeze reaches."""

    ALL = "all"
    BRAND = "brand"
    CHANNEL = "channel"
    CAMPAIGN = "campaign"
    NATURE = "nature"


class FreezeState(StrEnum):
    """Where a freeze stands: derived from its times, never set."""

    UPCOMING = "upcoming"
    ACTIVE = "active"
    ENDED = "ended"
    LIFTED = "lifted"


# The field that names what a scope is about.
TARGETS = {
    Scope.BRAND: "brand_id",
    Scope.CHANNEL: "channel_id",
    Scope.CAMPAIGN: "campaign_id",
    Scope.NATURE: "nature",
}
ANSWERS = frozenset({Action.REPLY, Action.MESSAGE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What a freeze stops. `allows_replies`: answers leave all the same."""

    scope: Scope
    brand_id: UUID | None = None
    channel_id: UUID | None = None
    campaign_id: UUID | None = None
    nature: str | None = None
    allows_replies: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A delivery as a freeze looks at it; campaign and nature are those of its post, and answers have none."""

    action: Action
    brand_id: UUID
    channel_id: UUID
    campaign_id: UUID | None
    nature: str | None


def covers(reach: Reach, subject: Subject) -> bool:
    """Say whether the freeze stops the delivery. Deletions are never stopped: they take things back."""
    if subject.action is Action.DELETE:
        return False
    if reach.allows_replies and subject.action in ANSWERS:
        return False
    target = TARGETS.get(reach.scope)
    return target is None or getattr(reach, target) == getattr(subject, target)


def state(
    starts_at: datetime, ends_at: datetime | None, lifted_at: datetime | None, now: datetime
) -> FreezeState:
    """Say where a freeze stands at `now`: it holds from its first instant up to, not with, its last."""
    if lifted_at is not None:
        return FreezeState.LIFTED
    if ends_at is not None and ends_at <= now:
        return FreezeState.ENDED
    return FreezeState.ACTIVE if starts_at <= now else FreezeState.UPCOMING


@dataclass(frozen=True, slots=True, kw_only=True)
class Gaps:
    """How far apart a channel's released deliveries leave, at least."""

    publish: timedelta
    answer: timedelta

    def of(self, action: Action) -> timedelta:
        return self.answer if action in ANSWERS else self.publish


def first_free(at: datetime, gap: timedelta, taken: Iterable[datetime]) -> datetime:
    """Return the first instant from `at` on that is at least `gap` away from all that are taken."""
    for other in sorted(taken):
        if other - gap < at < other + gap:
            at = other + gap
    return at
