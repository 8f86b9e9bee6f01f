"""The one exception an adapter raises, and the rule that turns an answer into a failure.

The outcome rule, for a call that must not be repeated blindly (`once`):
- not sent (DNS, connect, TLS, no connection free): transient, go again;
- refused: only what the adapter's table lists as proof that nothing happened;
- everything else (time-out, reset, any 5xx, unreadable 2xx, unlisted 4xx): unknown, look it up.
A call that is harmless to repeat is transient in those cases.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from email.utils import parsedate_to_datetime
from enum import StrEnum

from drumtower.domain import failures
from drumtower.platforms.moments import epoch, iso, next_midnight

LONGEST_WAIT = timedelta(days=1)


class PlatformError(Exception):
    """A platform call failed; `failure` says what we must do."""

    def __init__(self, failure: failures.Failure) -> None:
        super().__init__(f"{failures.code(failure)}: {failure.detail}")
        self.failure = failure


class Meaning(StrEnum):
    """What a platform's error code asks of us."""

    TRANSIENT = "transient"  # provably nothing happened; again soon
    BUSY = "busy"  # no proof either way: unknown for a call made once
    RATE_LIMITED = "rate_limited"
    APP_RATE_LIMITED = "app_rate_limited"
    AUTH_EXPIRED = "auth_expired"
    DISCONNECTED = "disconnected"
    CONTENT_REJECTED = "content_rejected"
    NOT_PERMITTED = "not_permitted"


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRule:
    """One row of an adapter's error table."""

    meaning: Meaning
    detail: str
    after: timedelta | None = None  # for rate limits and transients: when it may go again
    midnight: tzinfo | None = None  # for a quota of the day: where the day ends


def error_table(
    meanings: Mapping[Meaning, Mapping[str, str]],
    *,
    after: Mapping[str, timedelta] | None = None,
    midnight: Mapping[str, tzinfo] | None = None,
) -> dict[str, ErrorRule]:
    """Make an adapter's table: by meaning, each code with what it says; `after` and `midnight` by code."""
    return {
        code: ErrorRule(
            meaning=meaning, detail=detail, after=(after or {}).get(code), midnight=(midnight or {}).get(code)
        )
        for meaning, rows in meanings.items()
        for code, detail in rows.items()
    }


def failure_for(rule: ErrorRule, code: str, *, once: bool, said: str = "", now: datetime) -> failures.Failure:
    """Return the failure for a listed code. `said` is the platform's own text, shown to people."""
    detail = f"{rule.detail} ({code}{': ' + said[:300] if said else ''})"
    match rule.meaning:
        case Meaning.TRANSIENT:
            return failures.Transient(detail=detail, platform_code=code, after=rule.after)
        case Meaning.BUSY:
            return lost(detail, once=once, code=code)
        case Meaning.RATE_LIMITED | Meaning.APP_RATE_LIMITED:
            scope = failures.Scope.APP if rule.meaning is Meaning.APP_RATE_LIMITED else failures.Scope.CHANNEL
            until = now + rule.after if rule.after else None
            until = next_midnight(now, rule.midnight) if rule.midnight else until
            return failures.RateLimited(detail=detail, platform_code=code, until=until, scope=scope)
        case Meaning.AUTH_EXPIRED:
            return failures.AuthExpired(detail=detail, platform_code=code)
        case Meaning.DISCONNECTED:
            return failures.Disconnected(detail=detail, platform_code=code)
        case Meaning.CONTENT_REJECTED:
            return failures.ContentRejected(detail=detail, platform_code=code)
        case Meaning.NOT_PERMITTED:
            return failures.NotPermitted(detail=detail, platform_code=code)


def lost(detail: str, *, once: bool, code: str | None = None) -> failures.Failure:
    """An answer that proves nothing: unknown for a call made once, transient for a harmless one."""
    kind = failures.OutcomeUnknown if once else failures.Transient
    return kind(detail=detail, platform_code=code)


def retry_after(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """Read `Retry-After` (seconds or HTTP date), `RateLimit-Reset` (epoch seconds) or `X-RateLimit-Reset` (that, or an
    ISO moment as Mastodon writes it); nonsense reads as None.

    Never later than a day: a platform that says otherwise is asked again anyway.
    """
    for name, read in _RESETS:
        value = headers.get(name)
        until = read(value, now) if value else None
        if until is not None and until > now:
            return min(until, now + LONGEST_WAIT)
    return None


def _seconds(value: str, now: datetime) -> datetime | None:
    return now + timedelta(seconds=min(int(value), 10**6)) if value.isascii() and value.isdigit() else None


def _http_date(value: str, _: datetime) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(value)
    except ValueError:
        return None
    return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _epoch(value: str, _: datetime) -> datetime | None:
    return epoch(value)


def _iso(value: str, _: datetime) -> datetime | None:
    return iso(value)


_RESETS = (
    ("retry-after", _seconds),
    ("retry-after", _http_date),
    ("ratelimit-reset", _epoch),
    ("x-ratelimit-reset", _epoch),
    ("x-ratelimit-reset", _iso),
)
