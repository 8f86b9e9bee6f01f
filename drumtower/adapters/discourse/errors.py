"""How a forum words its refusals, and what each asks of us.

`{"errors": [text, …], "error_type": name}` with a 4xx; a post that it does not take has `{"action", "errors"}` and no
name, under 422. Texts come in the site's language, so only names are told apart. A 429 names the wait in `Retry-After`
and in `extras.wait_seconds`; the one of the limiter per address is plain text. Source: discourse/discourse,
`application_controller.rb`, `posts_controller.rb`; UNVERIFIED on a live server.
"""

from datetime import timedelta
from typing import Any

import httpx

from drumtower.platforms import Meaning, RemoteError, error_table

NOT_FOUND, INVALID_ACCESS, READ_ONLY = "not_found", "invalid_access", "read_only"
REFUSED = "post_refused"  # our name for a 422 without one
_LONGEST_NAME = 64

ERRORS = error_table(
    {
        Meaning.RATE_LIMITED: {"rate_limit": "over one of the forum's limits"},
        # A key that is no good and a right that is missing have the same name: the adapter asks once more.
        Meaning.NOT_PERMITTED: {INVALID_ACCESS: "the key or its user may not do this"},
        Meaning.DISCONNECTED: {"not_logged_in": "the forum takes the key for nobody's"},
        Meaning.CONTENT_REJECTED: {
            REFUSED: "the forum refuses the text",
            "invalid_parameters": "the forum refuses a parameter",
            "record_invalid": "the forum refuses the record",
            NOT_FOUND: "the forum has no such topic, post or category",
        },
        Meaning.TRANSIENT: {READ_ONLY: "the forum is in read-only mode"},
    },
    after={READ_ONLY: timedelta(minutes=2)},
)


def read_error(response: httpx.Response, body: Any) -> RemoteError | None:
    """Find the error's name; one that comes with a 5xx proves nothing, but for the read-only mode."""
    if not response.is_error or not isinstance(body, dict):
        return None
    name = body.get("error_type")
    if name is None and response.status_code == httpx.codes.UNPROCESSABLE_ENTITY and "errors" in body:
        name = REFUSED
    if not isinstance(name, str) or not name or (response.is_server_error and name != READ_ONLY):
        return None
    return RemoteError(code=name[:_LONGEST_NAME], said=_said(body.get("errors")), after=_wait(body))


def _said(errors: Any) -> str:
    return "; ".join(str(text) for text in errors) if isinstance(errors, list) else ""


def _wait(body: dict[str, Any]) -> timedelta | None:
    extras = body.get("extras")
    seconds = extras.get("wait_seconds") if isinstance(extras, dict) else None
    usable = isinstance(seconds, int) and not isinstance(seconds, bool) and 0 < seconds <= 86_400
    return timedelta(seconds=seconds) if usable and seconds else None
