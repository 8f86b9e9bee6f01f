"""Calendar feeds: what of a workspace's calendar other calendars show, and for which days."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

# Of the days around today: what was planned lately, and as far ahead as a quarter is planned with its preparation.
BEHIND = timedelta(days=31)
AHEAD = timedelta(days=184)


class FeedKind(StrEnum):
    """What a feed may show: a mark of a day, an event, the day by which its posts are ready, a post, a delivery."""

    STATUTORY_HOLIDAY = "statutory_holiday"
    WORKDAY = "workday"
    SOLAR_TERM = "solar_term"
    SHOPPING_FESTIVAL = "shopping_festival"
    QUIET_DAY = "quiet_day"
    EVENT = "event"
    PREPARE_BY = "prepare_by"
    POST = "post"
    DELIVERY = "delivery"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing in a feed: a moment (`at`, in its zone), or whole days from `first` to `last`.

    `revision` counts its changes, `changed_at` is the last of them.
    """

    kind: FeedKind
    key: str  # stable, and unique within its kind
    title: str
    note: str = ""
    at: datetime | None = None
    first: date | None = None
    last: date | None = None
    revision: int = 0
    changed_at: datetime

    @property
    def uid(self) -> str:
        """The name by which a calendar knows it again."""
        return f"{self.kind}-{self.key}@drumtower"


def window(today: date) -> tuple[date, date]:
    """Return the first and the last day that a feed shows."""
    return today - BEHIND, today + AHEAD
