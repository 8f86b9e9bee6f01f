"""The calendar's marks: days that mean something to whoever plans, and what a workspace says about them itself."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from drumtower.domain.errors import Severity, Violation


class MarkKind(StrEnum):
    """What a mark says of its day. `workday`: a weekend day that makes up for a holiday."""

    STATUTORY_HOLIDAY = "statutory_holiday"
    WORKDAY = "workday"
    SOLAR_TERM = "solar_term"
    SHOPPING_FESTIVAL = "shopping_festival"
    QUIET_DAY = "quiet_day"


class Announced(StrEnum):
    """Whether a year's statutory holidays are known; they are announced late in the year before."""

    YES = "announced"
    NOT_YET = "not_yet_announced"
    NEVER = "not_recorded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One thing to know about a day. `severity`: how strongly a quiet day speaks against posting; else None."""

    day: date
    kind: MarkKind
    name: str
    note: str = ""
    severity: Severity | None = None
    own: bool = False  # the workspace's word, not what is shipped


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnMark:
    """What a workspace says about one kind of mark on one day: `mark` in its place, or None where it has none."""

    day: date
    kind: MarkKind
    mark: Mark | None


def is_far(day: date) -> bool:
    """Say whether the day is beyond what the calendar shows: each of its days has a place in UTC."""
    return not date(1970, 1, 1) <= day <= date(9000, 1, 1)


def marks(shipped: Iterable[Mark], own: Iterable[OwnMark]) -> list[Mark]:
    """Return what holds in a workspace: its own word goes before what is shipped of that kind on that day."""
    said = {(one.day, one.kind): one.mark for one in own}
    kept = [mark for mark in shipped if (mark.day, mark.kind) not in said]
    order = list(MarkKind)
    found = [*kept, *(mark for mark in said.values() if mark is not None)]
    return sorted(found, key=lambda mark: (mark.day, order.index(mark.kind), mark.name))


def check_quiet(quiet_days: Iterable[Mark]) -> Iterator[Violation]:
    """Say that a post would leave on a quiet day."""
    for mark in quiet_days:
        because = f": {mark.note}" if mark.note else ""
        yield Violation(
            pointer="/channel",
            code="quiet_day",
            detail=f"{mark.day.isoformat()} is a quiet day ({mark.name}){because}.",
            hint="Choose another day, unless the post befits this one.",
            severity=mark.severity or Severity.WARN,
        )


class EventKind(StrEnum):
    """`own`: what the enterprise does itself; `hot`: what everybody talks about, for as long as they do."""

    OWN = "own"
    HOT = "hot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """When an event is, and until when it is worth a post."""

    kind: EventKind
    starts_on: date
    ends_on: date
    expires_at: datetime | None
    prepare_days: int

    @property
    def prepare_by(self) -> date:
        """The day by which its posts have to be ready."""
        return self.starts_on - timedelta(days=self.prepare_days)


def check_occasion(occasion: Occasion) -> Iterator[Violation]:
    """Say what is wrong with an event's times."""
    if occasion.ends_on < occasion.starts_on:
        detail = "The event ends before it begins."
        yield Violation(pointer="/to", code="from_after_to", detail=detail, hint="Check both days.")
    for pointer, day in (("/from", occasion.starts_on), ("/to", occasion.ends_on)):
        if is_far(day):
            detail = f"{day.isoformat()} is out of reach."
            yield Violation(pointer=pointer, code="span_too_far", detail=detail, hint="Check the year.")
    if occasion.kind is EventKind.HOT and occasion.expires_at is None:
        detail = "A hot event is over some day, and says when."
        hint = "Say until when it is worth a post."
        yield Violation(pointer="/expires_at", code="field_missing", detail=detail, hint=hint)
