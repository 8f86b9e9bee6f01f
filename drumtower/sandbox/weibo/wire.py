"""Weibo's wire format: error envelopes, dates, how long a text is, and one call as an endpoint sees it."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import regex
from starlette.datastructures import ImmutableMultiDict
from starlette.responses import JSONResponse

from drumtower.sandbox.state import Refusal
from drumtower.sandbox.store import Record

BEIJING = timezone(timedelta(hours=8))
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
URL = regex.compile(r"https?://[!-~]+")

# The HTTP status of a code is not documented; here 403 for permission, token and rate, 400 for the rest.
_FORBIDDEN = frozenset(
    {10004, 10005, 10014, 10022, 10023, 10024, 20016, 20102, 20301, 21301, 21315, 21319, 21327, 21332}
)
SAID = {
    10005: "need higher appkey",
    10008: "param error",
    10014: "Insufficient app permissions!",
    10016: "miss required parameter",
    10017: "parameter value invalid",
    10018: "request body length over limit",
    10020: "request api not found",
    10021: "HTTP method is not suported for this request",
    10023: "User requests out of rate limit!",
    20003: "User does not exists!",
    20005: "Unsupported image type, only suport JPG, GIF, PNG!",
    20006: "image too large",
    20007: "does multipart has image?",
    20008: "content is null!",
    20012: "text too long, please input text less than 140 characters!",
    20013: "text too long, please input text less than 300 characters!",
    20016: "out of limit",
    20017: "contain similar content",
    20019: "repeat content!",
    20021: "contain illegal content!",
    20032: "update success, while server slow now, please wait 1-2 minutes before next update!",
    20101: "target weibo does not exist!",
    20102: "not your own weibo!",
    20201: "target weibo comment does not exist!",
    20301: "can not send direct message to user who is not your follower!",
    20306: "repeated direct message",
    21319: "Accessor was revoked",
    21324: "invalid client",
    21325: "invalid_grant",
    21327: "expired_token",
    21332: "invalid_access_token",
}


class Refused(Refusal):
    """Weibo answers with an error code."""

    def __init__(self, code: int, more: str = "") -> None:
        super().__init__(f"{SAID[code]} {more}".strip())
        self.code = code


def envelope(path: str, refused: Refused, *, as_text: bool) -> JSONResponse:
    """Put an error into Weibo's envelope; `as_text`: the code comes as a string, as it sometimes does."""
    code: int | str = str(refused.code) if as_text else refused.code
    body: Record = {"request": path, "error_code": code, "error": str(refused)}
    if path.startswith("/oauth2"):
        body |= {"error": SAID[refused.code], "error_uri": path, "error_description": str(refused)}
    return JSONResponse(body, status_code=status_of(refused.code))


def status_of(code: int) -> int:
    """Say under which HTTP status the code goes out."""
    return {10020: 404, 10021: 405}.get(code, 403 if code in _FORBIDDEN else 400)


def stamp(moment: datetime) -> str:
    """Write a time as Weibo does: `Wed Oct 24 23:49:17 +0800 2012`."""
    local = moment.astimezone(BEIJING)
    return f"{_DAYS[local.weekday()]} {_MONTHS[local.month - 1]} {local:%d %H:%M:%S} +0800 {local.year}"


def length(text: str) -> int:
    """Count a text: two ASCII characters are one, any other is one, a link is ten (its t.cn form)."""
    links = len(URL.findall(text))
    bare = URL.sub("", text)
    ascii_only = sum(character.isascii() for character in bare)
    return math.ceil(ascii_only / 2 + len(bare) - ascii_only) + links * 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A file that came with a multipart body."""

    content_type: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One authorised call: who calls, and its parameters from query and body."""

    account: Record
    params: ImmutableMultiDict[str, str]
    picture: Picture | None = None

    def need(self, name: str) -> str:
        value = self.params.get(name, "")
        if not value:
            raise Refused(10016, f"({name})")
        return value

    def number(self, name: str, default: int) -> int:
        value = self.params.get(name, "") or str(default)
        if not value.isdecimal():
            raise Refused(10008, f"({name})")
        return int(value)


def page(rows: list[Any], call: Call, *, limit: int) -> list[Any]:
    """Cut a page out of `rows` (newest first): `since_id` exclusive, `max_id` inclusive, `page`, `count`."""
    since, newest = call.number("since_id", 0), call.number("max_id", 0)
    window = [row for row in rows if int(row["id"]) > since and (not newest or int(row["id"]) <= newest)]
    count = min(call.number("count", limit), limit)
    first = (max(call.number("page", 1), 1) - 1) * count
    return window[first : first + count]
