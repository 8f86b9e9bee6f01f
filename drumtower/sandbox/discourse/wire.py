"""Discourse's wire format: refusals, dates, and one call as an endpoint sees it."""

import html
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.responses import JSONResponse

from drumtower.sandbox.state import Refusal
from drumtower.sandbox.store import Record

# error_type -> HTTP status
STATUSES = {
    "invalid_access": 403,
    "not_logged_in": 403,
    "not_found": 404,
    "invalid_parameters": 400,
    "rate_limit": 429,
    "read_only": 503,
}
SAID = {
    "invalid_access": "You are not permitted to view the requested resource.",
    "not_logged_in": "You need to be logged in to do that.",
    "not_found": "The requested URL or resource could not be found.",
    "read_only": "This site is in read only mode. Interactions are disabled.",
}


class Refused(Refusal):
    """The forum answers with an error under a name."""

    def __init__(self, name: str, said: str = "", wait: int | None = None) -> None:
        super().__init__(said or SAID.get(name, name))
        self.name = name
        self.wait = wait


class Invalid(Exception):
    """The forum does not take a text: 422 without a name."""


def envelope(refused: Refused) -> JSONResponse:
    """Put an error into Discourse's envelope."""
    body: Record = {"errors": [str(refused)], "error_type": refused.name}
    headers = {}
    if refused.wait is not None:
        body["extras"] = {"wait_seconds": refused.wait, "time_left": f"{refused.wait} seconds"}
        headers["Retry-After"] = str(refused.wait)
    return JSONResponse(body, status_code=STATUSES[refused.name], headers=headers)


def stamp(moment: str | datetime) -> str:
    """Write a time as Rails does: `2026-11-24T08:00:00.123Z`."""
    when = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03d}Z"


def cooked(raw: str) -> str:
    """Stand in for the forum's Markdown: paragraphs, and nothing else."""
    return "\n".join(f"<p>{html.escape(part, quote=False)}</p>" for part in raw.split("\n\n"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One authorised call: who calls, and what it carries."""

    account: Record
    parameters: Mapping[str, Any]  # path, query and body together
    lists: Mapping[str, list[str]]  # query parameters that may come several times
    file: tuple[str, bytes] | None = None  # name and content of the uploaded file
    root: str = ""  # the forum's own address

    def need(self, name: str) -> Any:
        value = self.parameters.get(name)
        if value in (None, ""):
            raise Refused("invalid_parameters", f"You supplied invalid parameters to the request: {name}")
        return value

    def number(self, name: str, default: int = 0) -> int:
        value = str(self.parameters.get(name, default))
        return int(value) if value.isascii() and value.isdecimal() else default
