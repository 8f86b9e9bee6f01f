"""What Weibo answers, read strictly where we depend on it and tolerantly elsewhere."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, Field, TypeAdapter, ValidationError

from drumtower.platforms import PlatformError
from drumtower.platforms.errors import lost

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

T = TypeVar("T")


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


def _number_as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _lenient_count(value: Any) -> Any:
    known = (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, str) and value.isdecimal()
    )
    return int(value) if known and len(str(value)) < 16 and int(value) >= 0 else None


Id = Annotated[str, BeforeValidator(_number_as_text), Field(pattern=r"^[0-9]{1,20}$")]
Moment = Annotated[datetime, BeforeValidator(read_time)]
Number = Annotated[int | None, BeforeValidator(_lenient_count)]


class Person(BaseModel):
    """A user."""

    id: Id
    screen_name: str = ""
    followers_count: Number = None


class Status(BaseModel):
    """A status; one that was deleted has no author."""

    id: Id
    created_at: Moment
    text: str = ""
    user: Person | None = None


class Comment(BaseModel):
    """A comment and what it stands under or answers."""

    id: Id
    created_at: Moment
    text: str = ""
    user: Person
    status: Status | None = None
    reply_comment: "Comment | None" = None


class StatusList(BaseModel):
    """Newest first."""

    statuses: list[Status]
    total_number: Number = None


class CommentList(BaseModel):
    """Newest first."""

    comments: list[Comment]
    total_number: Number = None


class Counters(BaseModel):
    """The totals of one status; what Weibo leaves out is unknown."""

    id: Id
    comments: Number = None
    reposts: Number = None
    attitudes: Number = None


class LongUrl(BaseModel):
    """One row of short_url/expand."""

    url_short: str
    url_long: str = ""


class LongUrls(BaseModel):
    """The answer of short_url/expand."""

    urls: list[LongUrl]


class TokenInfo(BaseModel):
    """Whose token it is, which app's, and how many seconds it has left."""

    uid: Id
    appkey: Id
    expire_in: Annotated[
        int, BeforeValidator(lambda value: int(value) if str(value).lstrip("-").isdecimal() else None)
    ]


class Acknowledged(BaseModel):
    """The fan service took a message; it gives no id."""

    result: bool


def read(shape: type[T], body: Any, *, once: bool = False) -> T:
    """Read an answer of Weibo's; one that does not have the shape proves nothing."""
    try:
        return TypeAdapter(shape).validate_python(body)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors(include_input=False)[0]["loc"]) or "the answer"
        raise PlatformError(lost(f"an answer we can't read: {where}", once=once)) from None


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
