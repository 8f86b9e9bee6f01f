"""The calendar's marks: days that mean something to whoever plans, and what a workspace says about them itself."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
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
