"""How much a channel may publish in one of the platform's own hours or days; reserved when it is planned."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from drumtower.domain.deliveries import Action, State


class Period(StrEnum):
    """What a quota is counted over, on the clock of the platform's zone."""

    HOUR = "hour"
    DAY = "day"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """At most `count` of `action` in every `period` of `timezone`. `source` says where the number comes from."""

    count: int
    period: Period
    timezone: str
    source: str
    action: Action = Action.PUBLISH


# What is over without having used anything gives its place back.
FREES = frozenset({State.CANCELLED, State.FAILED, State.MISSED})


def window(quota: Quota, at: datetime) -> tuple[datetime, datetime]:
    """Return the start and the end of the platform's hour or day that holds `at`."""
    zone = ZoneInfo(quota.timezone)
    local = at.astimezone(zone)
    if quota.period is Period.HOUR:
        start = at.astimezone(UTC) - timedelta(
            minutes=local.minute, seconds=local.second, microseconds=local.microsecond
        )
        return start, start + timedelta(hours=1)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    # Wall-clock arithmetic: a day with a change of clocks has 23 or 25 hours.
    return midnight.astimezone(UTC), (midnight + timedelta(days=1)).astimezone(UTC)


def next_free(quota: Quota, at: datetime, full: set[datetime], most: int = 400) -> datetime | None:
    """Return the start of the first window after that of `at` that is not `full` (by start); None far beyond."""
    _, start = window(quota, at)
    for _ in range(most):
        if start not in full:
            return start
        _, start = window(quota, start)
    return None
