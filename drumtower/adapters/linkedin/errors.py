"""LinkedIn's errors: where they stand in an answer, and what each asks of us.

Source: learn.microsoft.com (error handling, Posts, Comments, rate limits) and bodies that users published. An answer
may name its error in `errorDetails`, in `code`, or only by the `status` in its own JSON; a page of a gateway in front
has no JSON and proves nothing. The day's limits come as 429 too, and only the words tell them apart: they become
codes of ours (`…_DAY_LIMIT`). 409 is BUSY, because no source says that nothing was written.
UNVERIFIED: the numbers 65600 and 65601 that may come with 401, so they are not read.
"""

import re
from datetime import UTC, timedelta
from typing import Any

import httpx

from drumtower.platforms import Meaning, RemoteError, error_table
from drumtower.platforms.answers import objects

DUPLICATE = "DUPLICATE_POST"
GONE = frozenset({"RESOURCE_NOT_FOUND", "NOT_FOUND", "404"})
_DAY = re.compile(r"\b(APPLICATION_AND_MEMBER|APPLICATION|MEMBER) DAY limit")
_DAYS = ("APPLICATION_DAY_LIMIT", "MEMBER_DAY_LIMIT", "APPLICATION_AND_MEMBER_DAY_LIMIT")

_WORDS: dict[Meaning, dict[str, str]] = {
    Meaning.AUTH_EXPIRED: {
        "EXPIRED_ACCESS_TOKEN": "the token has expired",
        "REVOKED_ACCESS_TOKEN": "the token was revoked",
        "INVALID_ACCESS_TOKEN": "LinkedIn does not know this token",
        "EMPTY_ACCESS_TOKEN": "the token is missing",
        "401": "LinkedIn does not take this token",
    },
    Meaning.NOT_PERMITTED: {
        "ACCESS_DENIED": "the scope, the app's product or the role on the page is missing",
        "403": "LinkedIn refuses this to the app or the member",
        "VERSION_MISSING": "LinkedIn asks for the version of its API",
        "NONEXISTENT_VERSION": "LinkedIn has retired the version of its API that this adapter speaks",
        "426": "LinkedIn has retired the version of its API that this adapter speaks",
    },
    Meaning.CONTENT_REJECTED: {
        DUPLICATE: "the same post is there already",
        "FIELD_LENGTH_TOO_LONG": "a text is too long",
        "MISSING_FIELD": "a field is missing",
        "FIELD_INVALID": "a field is not valid",
        "INVALID_URN_TYPE": "this kind of thing can't be named here",
        "INVALID_VALUE_FOR_FIELD": "a field has a value that is not allowed",
        "QUERY_PARAM_NOT_ALLOWED": "a parameter is not allowed",
        "PARAM_INVALID": "a parameter is not valid",
        "ILLEGAL_ARGUMENT": "LinkedIn can't read the request",
        "RESOURCE_NOT_FOUND": "it is not there, or not any more",
        "NOT_FOUND": "it is not there, or not any more",
        "404": "it is not there, or not any more",
        "422": "LinkedIn refuses the content",
    },
    Meaning.RATE_LIMITED: {
        "TOO_MANY_REQUESTS": "too many calls in a short time",
        "MEMBER_DAY_LIMIT": "the member's calls of the day are used up",
        "APPLICATION_AND_MEMBER_DAY_LIMIT": "the member's calls of the day through this app are used up",
    },
    Meaning.APP_RATE_LIMITED: {"APPLICATION_DAY_LIMIT": "the app's calls of the day are used up"},
    Meaning.BUSY: {
        "CONFLICT": "something else was writing at the same time",
        "INTERNAL_SERVER_ERROR": "LinkedIn had an error",
        "SERVICE_UNAVAILABLE": "LinkedIn is unavailable for a moment",
        "GATEWAY_TIMEOUT": "LinkedIn did not answer itself in time",
    },
}
# No reset is documented for a burst; users saw it over after about 35 s.
ERRORS = error_table(
    _WORDS,
    after={"TOO_MANY_REQUESTS": timedelta(minutes=1)},
    midnight=dict.fromkeys(_DAYS, UTC),
)


def read_error(response: httpx.Response, body: Any) -> RemoteError | None:
    """Find the error in an answer; a code is believed only where it belongs to the answer's status."""
    if not response.is_error or not isinstance(body, dict):
        return None
    said = body["message"] if isinstance(body.get("message"), str) else ""
    code = _code(body, response.status_code, said)
    if code is None or (response.is_server_error and code not in _WORDS[Meaning.BUSY]):
        return None
    return RemoteError(code=code[:64], said=said)


def _code(body: dict[str, Any], status: int, said: str) -> str | None:
    details = body.get("errorDetails")
    inputs = objects(details.get("inputErrors")) if isinstance(details, dict) else []
    if day := _DAY.search(said):
        return f"{day[1]}_DAY_LIMIT"
    for given in (inputs[0].get("code") if inputs else None, body.get("code")):
        if isinstance(given, str) and given:
            return given
    return str(status) if body.get("status") == status else None
