"""What Weibo answers, read strictly where we depend on it and tolerantly elsewhere."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator

from drumtower.domain.samples import Metric
from drumtower.platforms.answers import Count, NumberId

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def read_time(value: Any) -> datetime:
    """Read `Wed Oct 24 23:49:17 +0800 2012`, whatever the machine's locale; raise ValueError."""
    if isinstance(value, datetime):
        return value
    try:
        _, month, day, clock, zone, year = str(value).split()
        hour, minute, second = (int(part) for part in clock.split(":"))
        offset = timedelta(hours=int(zone[:3]), minutes=int(zone[0] + zone[3:]))
        number = _MONTHS.index(month) + 1
        local = datetime(int(year), number, int(day), hour, minute, second, tzinfo=timezone(offset))
        return local.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"no time of Weibo's: {str(value)[:40]!r}") from error


Moment = Annotated[datetime, BeforeValidator(read_time)]


class Person(BaseModel):
    """A user."""

    id: NumberId
    screen_name: str = ""
    followers_count: Count = None


class Status(BaseModel):
    """A status; one that was deleted has no author."""

    id: NumberId
    created_at: Moment
    text: str = ""
    user: Person | None = None


class Comment(BaseModel):
    """A comment and what it stands under or answers."""

    id: NumberId
    created_at: Moment
    text: str = ""
    user: Person
    status: Status | None = None
    reply_comment: "Comment | None" = None


class StatusList(BaseModel):
    """Newest first."""

    statuses: list[Status]
    total_number: Count = None


class CommentList(BaseModel):
    """Newest first."""

    comments: list[Comment]
    total_number: Count = None


class Counters(BaseModel):
    """The totals of one status; what Weibo leaves out is unknown."""

    id: NumberId
    comments: Count = None
    reposts: Count = None
    attitudes: Count = None

    def given(self) -> dict[Metric, int | None]:
        return {Metric.LIKES: self.attitudes, Metric.COMMENTS: self.comments, Metric.SHARES: self.reposts}


class LongUrl(BaseModel):
    """One row of short_url/expand."""

    url_short: str
    url_long: str = ""


class LongUrls(BaseModel):
    """The answer of short_url/expand."""

    urls: list[LongUrl]


class TokenInfo(BaseModel):
    """Whose token it is, which app's, and how many seconds it has left."""

    uid: NumberId
    appkey: NumberId
    expire_in: Annotated[
        int, BeforeValidator(lambda value: int(value) if str(value).lstrip("-").isdecimal() else None)
    ]


class Acknowledged(BaseModel):
    """The fan service took a message; it gives no id."""

    result: bool


def permalink(uid: str, mid: str) -> str:
    """The status's page. Its name is the mid in groups of seven digits from the right, each in base 62.

    Source: vectors published by users (4331051486294436 is Hd1N2qpta); the site documents none.
    """
    name = ""
    while mid:
        mid, group = mid[:-7], _base62(int(mid[-7:]))
        name = (group.rjust(4, "0") if mid else group) + name
    return f"https://weibo.com/{uid}/{name}"


def _base62(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 62)
        digits = _ALPHABET[digit] + digits
    return digits or "0"
