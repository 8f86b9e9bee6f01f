"""Reads when a person wants something to happen; everything that is wrong with it at once."""

from dataclasses import dataclass
from datetime import UTC, datetime

from drumtower.domain.errors import Invalid, Violation
from drumtower.domain.schedules import GRACE, check_future, resolve, zone
from services.api.deliveries.schemas import Timing

CHOICES = ("at", "local", "now", "next_slot", "best_time")
_FORM = "Use RFC 3339, such as 2026-12-01T09:30:00+08:00."


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """The instant, and the wall-clock time it was planned as, where it was."""

    at: datetime
    local: str | None = None
    timezone: str | None = None
    slot_at: datetime | None = None  # the opening it books

    def is_near(self, now: datetime) -> bool:
        """Say whether the scheduler should hear of it now rather than by its own clock."""
        return self.at <= now + GRACE


def read_due(asked: Timing, now: datetime) -> tuple[Due | None, list[Violation]]:
    """Return the due time, or why there is none; neither where the channels are to find one."""
    try:
        return _due(asked, now), []
    except Invalid as refused:
        return None, list(refused.violations)


def _due(asked: Timing, now: datetime) -> Due | None:
    given = [name for name in CHOICES if getattr(asked, name, None) is not None]
    if len(given) != 1:
        known = ", ".join(name for name in CHOICES if name in type(asked).model_fields)
        raise Invalid.at(
            f"/{given[1]}" if given else "",
            "time_choice",
            f"Give one time, not {len(given)}." if given else "Say when.",
            f"Send exactly one of {known}; local goes with timezone.",
        )
    if asked.local is None and asked.timezone is not None:
        raise Invalid.at(
            "/timezone",
            "timezone_without_local",
            "`timezone` belongs to `local`.",
            "Send `local` with it, or leave it out.",
        )
    if asked.now:
        return Due(at=now)
    if asked.at is None and asked.local is None:
        return None
    due = _instant(asked.at) if asked.at is not None else _wall_clock(asked)
    check_future(due.at, now, f"/{given[0]}")
    return due


def _instant(text: str) -> Due:
    moment = _parse(text, "/at")
    if moment.tzinfo is None:
        raise Invalid.at(
            "/at",
            "naive_time",
            f"{text} has no offset, so it names no instant.",
            "Add an offset, such as +08:00 or Z.",
        )
    try:
        return Due(at=moment.astimezone(UTC))
    except OverflowError:
        raise Invalid.at("/at", "invalid_datetime", f"{text!r} is beyond the calendar.", _FORM) from None


def _wall_clock(asked: Timing) -> Due:
    assert asked.local is not None
    violations: list[Violation] = []
    moment: datetime | None = None
    try:
        moment = _parse(asked.local, "/local")
    except Invalid as refused:
        violations += refused.violations
    if asked.timezone is None:
        hint = "Add an IANA name, such as Asia/Shanghai."
        violations.append(_missing_zone(hint))
    else:
        try:
            zone(asked.timezone)
        except Invalid as refused:
            violations += refused.violations
    if violations or moment is None or asked.timezone is None:
        raise Invalid.of(violations)
    try:
        at = resolve(moment, asked.timezone)
    except OverflowError:
        raise Invalid.at("/local", "invalid_datetime", "This is beyond the calendar.", _FORM) from None
    return Due(at=at, local=asked.local, timezone=asked.timezone)


def _missing_zone(hint: str) -> Violation:
    return Violation(
        pointer="/timezone", code="field_missing", detail="`local` needs a `timezone`.", hint=hint
    )


def _parse(text: str, pointer: str) -> datetime:
    try:
        if not text.isascii() or len(text) < len("2026-12-01T09:30") or text[10] not in "Tt ":
            raise ValueError(text)
        return datetime.fromisoformat(text.upper())
    except ValueError:
        raise Invalid.at(pointer, "invalid_datetime", f"{text!r} is no date and time.", _FORM) from None
