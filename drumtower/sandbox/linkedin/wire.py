"""LinkedIn's wire format: Rest.li 2.0 queries, error envelopes, paging, and one call as an endpoint sees it."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse

from drumtower.sandbox.state import Refusal
from drumtower.sandbox.store import Record

MOST_LISTED = 100
_COMMENT = re.compile(r"urn:li:comment:\((urn:li:activity:[0-9]+),([0-9]+)\)")


class Refused(Refusal):
    """LinkedIn answers with an error; `inputs` are the input errors of a refused body."""

    def __init__(
        self, status: int, code: str | None, said: str, *, number: int | None = None, inputs: Any = None
    ) -> None:
        super().__init__(said)
        self.status, self.code, self.number, self.inputs = status, code, number, inputs


def envelope(refused: Refused) -> JSONResponse:
    body: Record = {"status": refused.status, "message": str(refused)}
    body |= {"code": refused.code} if refused.code else {}
    body |= {"serviceErrorCode": refused.number} if refused.number else {}
    if refused.inputs:
        detail = {"errorDetailType": "com.linkedin.common.error.BadRequest"}
        body |= detail | {"errorDetails": {"inputErrors": refused.inputs}}
    return JSONResponse(body, status_code=refused.status)


def denied(said: str = "Not enough permissions to access this resource") -> Refused:
    return Refused(403, "ACCESS_DENIED", said, number=100)


def not_found(urn: str) -> Refused:
    return Refused(404, "NOT_FOUND", f"Could not find entity {urn}")


def invalid(said: str, code: str = "PARAM_INVALID") -> Refused:
    return Refused(400, code, said)


def ms(moment: datetime | str) -> int:
    """Write a moment as LinkedIn does."""
    when = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return int(when.timestamp() * 1000)


def comment_parts(urn: str) -> tuple[str, str] | None:
    """Return the activity and the id in a comment's URN."""
    match = _COMMENT.fullmatch(urn)
    return (match[1], match[2]) if match else None


def read_query(raw: str) -> dict[str, str]:
    """Read a Rest.li query: brackets and commas stand bare, what is inside a URN must be escaped."""
    given: dict[str, str] = {}
    for part in filter(None, raw.split("&")):
        name, _, value = part.partition("=")
        if "urn:li:" in value or re.search(
            r"%28|%29|%2C", re.sub(r"urn%3A[^,)&]*", "", value), re.IGNORECASE
        ):
            raise invalid(f"Invalid query parameter {name}: URNs are escaped, lists and keys are not")
        given[name] = value
    return given


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One authorised call. `query` holds values as they came; `text` and `listed` decode them."""

    request: Request
    token: Record
    query: dict[str, str]
    body: Any = None
    urn: str = field(default="")

    def text(self, name: str) -> str:
        if not self.query.get(name):
            raise Refused(400, "PARAM_INVALID", f"Parameter {name} is required")
        return unquote(self.query[name])

    def number(self, name: str, default: int) -> int:
        value = self.query.get(name, str(default))
        if not value.isdecimal():
            raise invalid(f"Parameter {name} is no number")
        return int(value)

    def listed(self, name: str) -> list[str]:
        value = self.query.get(name, "List()")
        if not (value.startswith("List(") and value.endswith(")")):
            raise invalid(f"Parameter {name} is no list")
        return [unquote(one) for one in value[5:-1].split(",") if one]

    def finder(self, name: str) -> None:
        if self.query.get("q") != name:
            raise invalid(f"No finder {self.query.get('q')}", "QUERY_PARAM_NOT_ALLOWED")


def page(call: Call, rows: list[Record], *, total: bool = True) -> Record:
    """Cut the page that was asked for; LinkedIn does not always say how many there are."""
    start, count = call.number("start", 0), call.number("count", 10)
    if count > MOST_LISTED:
        raise invalid(f"count is at most {MOST_LISTED}")
    paging: Record = {"start": start, "count": count, "links": []}
    return {
        "paging": paging | ({"total": len(rows)} if total else {}),
        "elements": rows[start : start + count],
    }
