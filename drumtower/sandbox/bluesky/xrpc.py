"""XRPC: what a method gets, how it refuses, and the limits that stand before it."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from drumtower.sandbox.bluesky.limits import Limits

LARGEST_JSON = 150 * 1024


class Refused(Exception):
    """An XRPC error: `{"error": name, "message": text}` with an HTTP status."""

    def __init__(self, status: int, error: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{error}: {message}")
        self.status = status
        self.error = error
        self.message = message
        self.headers = headers or {}


def invalid(message: str, error: str = "InvalidRequest") -> Refused:
    """Return the 400 that most refusals are."""
    return Refused(400, error, message)


@dataclass(slots=True, kw_only=True)
class Call:
    """One request to one method. `limits` may be drawn on; what it says goes into the answer's headers."""

    request: Request
    method: str
    limits: Limits
    did: str = ""  # whose token it bears; empty where the method asks for none
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    def parameter(self, name: str) -> str:
        """Return a query parameter that must be there."""
        value = self.request.query_params.get(name)
        if not value:
            raise invalid(f'Invalid {self.method} params: Missing required key "{name}"')
        return value

    def limit(self, default: int = 50) -> int:
        """Return the page size, 1 to 100."""
        value = self.request.query_params.get("limit", str(default))
        if not value.isdigit() or not 1 <= int(value) <= 100:
            raise invalid(f"Invalid {self.method} params: integer out of range (got {value})")
        return int(value)

    def need(self, name: str, kind: type = str) -> Any:
        """Return a field of the body that must be there, of the given type."""
        if name not in self.body:
            raise invalid(f'Missing required key "{name}" at $')
        value = self.body[name]
        if not isinstance(value, kind):
            wanted = "string" if kind is str else "object"
            raise invalid(f"Expected {wanted} value type (got {json.dumps(value)}) at $.{name}")
        return value

    def draw(self, *budgets: tuple[str, int]) -> None:
        """Take points from the named budgets; raise 429 where one is empty."""
        status = self.limits.draw(budgets, self.request.client.host if self.request.client else "")
        if status is None:
            return
        self.headers |= status.headers
        if status.exceeded:
            raise Refused(429, "RateLimitExceeded", "Rate Limit Exceeded", self.headers)


Handler = Callable[[Call], Awaitable[dict[str, Any] | None]]


def content_type(request: Request) -> str:
    """Return the request's media type; every body must name one."""
    value = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if not value:
        raise invalid("Request encoding (Content-Type) required but not provided")
    return value


async def json_body(request: Request) -> dict[str, Any]:
    """Read a JSON object of at most 150 kB. JSON of whole floats is read as integers, as JavaScript does."""
    encoding = content_type(request)
    if encoding != "application/json":
        raise invalid(f"Wrong request encoding (Content-Type): {encoding}")
    raw = await request.body()
    if len(raw) > LARGEST_JSON:
        raise Refused(413, "PayloadTooLargeError", "request entity too large")
    try:
        body = json.loads(raw, parse_float=_number)
    except (ValueError, RecursionError) as error:
        raise invalid(str(error), "SyntaxError") from error
    if not isinstance(body, dict):
        raise invalid("Expected object value type at $")
    return body


async def no_body(request: Request) -> None:
    """Refuse a body where the method takes none; an empty one is ignored."""
    if await request.body():
        raise invalid("A request body was provided when none was expected")


def answer(result: dict[str, Any] | None, headers: dict[str, str]) -> Response:
    """Return a method's answer; methods without output send an empty body."""
    return Response(headers=headers) if result is None else JSONResponse(result, headers=headers)


def refusal(refused: Refused) -> Response:
    """Return the error envelope."""
    body = {"error": refused.error, "message": refused.message}
    return JSONResponse(body, status_code=refused.status, headers=refused.headers)


def _number(text: str) -> int | float:
    value = float(text)
    return int(value) if value.is_integer() else value
