"""What went wrong on a platform, named after what *we* must do about it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from drumtower.domain.errors import Violation


class Scope(StrEnum):
    """Whom a rate limit binds: one channel, or the whole app."""

    CHANNEL = "channel"
    APP = "app"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transient:
    """Provably nothing happened; try again, `after` at the earliest."""

    detail: str
    platform_code: str | None = None
    after: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimited:
    """Over a budget; wait until `until`. Counts as no attempt."""

    detail: str
    platform_code: str | None = None
    until: datetime | None = None
    scope: Scope = Scope.CHANNEL


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthExpired:
    """The token is no longer taken; get a new one, and try once more."""

    detail: str
    platform_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Disconnected:
    """The channel's authorisation is gone; a person must connect it again."""

    detail: str
    platform_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentRejected:
    """The platform refused this content; sending it again can't help."""

    detail: str
    platform_code: str | None = None
    violations: tuple[Violation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NotPermitted:
    """This channel may not do this by API; a person can (handoff)."""

    detail: str
    platform_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeUnknown:
    """It may have happened. Never send again blindly: look it up."""

    detail: str
    platform_code: str | None = None


Failure = (
    Transient | RateLimited | AuthExpired | Disconnected | ContentRejected | NotPermitted | OutcomeUnknown
)


def code(failure: Failure) -> str:
    """Return the failure's stable code, as clients and logs see it."""
    match failure:
        case Transient():
            return "platform_unavailable"
        case RateLimited():
            return "rate_limited"
        case AuthExpired():
            return "auth_expired"
        case Disconnected():
            return "channel_disconnected"
        case ContentRejected():
            return "content_rejected"
        case NotPermitted():
            return "not_permitted"
        case OutcomeUnknown():
            return "outcome_unknown"
        case _:
            assert_never(failure)


HINTS = {
    "platform_unavailable": "Nothing was published. Drumtower tries again by itself.",
    "rate_limited": "The platform's budget is used up. Drumtower goes on when it opens again.",
    "auth_expired": "The platform no longer takes the token. Authorise the channel again.",
    "channel_disconnected": "Connect the channel again, then retry the delivery.",
    "content_rejected": "Change the content as the detail says, have it reviewed, and schedule it again.",
    "not_permitted": "This account may not do this by API. Publish it by hand and record the link as proof.",
    "outcome_unknown": "It may be live. Drumtower looks it up; do not publish it by hand before it has.",
}
