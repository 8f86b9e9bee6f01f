"""XRPC calls, what their answers must look like, and the session they are made with."""

import base64
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx
from pydantic import ValidationError

from drumtower.adapters.bluesky.errors import BREAKDOWNS, REFUSALS, RULES, SESSION_RULES
from drumtower.adapters.bluesky.schemas import Tokens, Uploaded, Wire
from drumtower.domain import failures
from drumtower.platforms import (
    Credentials,
    HttpClient,
    PlatformCalls,
    PlatformError,
    RemoteError,
    Token,
)
from drumtower.platforms.errors import lost

Parameters = Sequence[tuple[str, str]]
Shape = TypeVar("Shape", bound=Wire)

_SECRET = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*|\b[a-z2-7]{4}(?:-[a-z2-7]{4}){3}\b")
_LONGEST_NAME = 64


class Xrpc:
    """One account's calls to its server."""

    def __init__(self, http: HttpClient, base_url: str, credentials: Credentials) -> None:
        self._calls = PlatformCalls(http=http, base_url=base_url, read_error=read_error, rules=RULES)
        self._credentials = credentials

    async def query(self, method: str, parameters: Parameters, shape: type[Shape]) -> Shape:
        """Ask; nothing changes by it."""
        headers = _bearer(self._credentials.access)
        answer = await self._calls.call(
            "GET", f"/xrpc/{method}", once=False, params=list(parameters), headers=headers
        )
        return read(shape, answer, once=False)

    async def procedure(
        self, method: str, body: Mapping[str, Any], shape: type[Shape], *, once: bool
    ) -> Shape:
        """Change something. `once`: its repeat would be seen in public."""
        headers = _bearer(self._credentials.access)
        answer = await self._calls.call("POST", f"/xrpc/{method}", once=once, json=body, headers=headers)
        return read(shape, answer, once=once)

    async def upload(self, data: bytes, content_type: str) -> dict[str, Any]:
        """Upload a file and return the reference to it; the same bytes give the same reference."""
        answer = await self._calls.call(
            "POST",
            "/xrpc/com.atproto.repo.uploadBlob",
            once=False,
            content=data,
            headers={**_bearer(self._credentials.access), "Content-Type": content_type},
        )
        return read(Uploaded, answer, once=False).blob


async def log_in(http: HttpClient, base_url: str, credentials: Credentials) -> Token:
    """Open a session with the app password."""
    calls = PlatformCalls(http=http, base_url=base_url, read_error=_read_quietly, rules=SESSION_RULES)
    body = {"identifier": credentials["identifier"], "password": credentials["password"]}
    return _token(await calls.call("POST", "/xrpc/com.atproto.server.createSession", once=False, json=body))


async def refresh(http: HttpClient, base_url: str, refresh_token: str) -> Token:
    """Renew a session. Where the answer was lost, the same refresh token works again for about two hours."""
    calls = PlatformCalls(http=http, base_url=base_url, read_error=_read_quietly, rules=RULES)
    path = "/xrpc/com.atproto.server.refreshSession"
    return _token(await calls.call("POST", path, once=False, headers=_bearer(refresh_token)))


def read_error(response: httpx.Response, body: Any) -> RemoteError | None:
    """Find the error's name; a name is believed only with a status that it belongs to."""
    if response.is_success or not isinstance(body, dict) or not isinstance(body.get("error"), str):
        return None
    name = body["error"][:_LONGEST_NAME]
    if name in (REFUSALS if response.is_server_error else BREAKDOWNS):
        return None
    said = body.get("message")
    return RemoteError(code=name, said=_scrubbed(said, response.request) if isinstance(said, str) else "")


def read(shape: type[Shape], answer: Any, *, once: bool) -> Shape:
    """Read an answer; one that does not fit proves nothing."""
    try:
        return shape.model_validate(answer)
    except ValidationError:
        raise PlatformError(lost(f"an answer that is no {shape.__name__}", once=once)) from None


def read_each(shape: type[Shape], entries: Iterable[Any]) -> list[Shape]:
    """Read what can be read of a list."""
    found = []
    for entry in entries:
        try:
            found.append(shape.model_validate(entry))
        except ValidationError:
            continue
    return found


def is_code(error: PlatformError, code: str) -> bool:
    """Say whether the server refused with this name."""
    return error.failure.platform_code == code


def is_refusal(error: PlatformError) -> bool:
    """Say whether the server refused the request itself, so that the same request can't help."""
    return isinstance(error.failure, failures.ContentRejected)


def _read_quietly(response: httpx.Response, body: Any) -> RemoteError | None:
    # These requests carry the password or the refresh token: nothing of the server's text is repeated.
    error = read_error(response, body)
    return RemoteError(code=error.code) if error else None


def _scrubbed(said: str, request: httpx.Request) -> str:
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    return _SECRET.sub("***", said.replace(token, "***") if token else said)


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _token(answer: Any) -> Token:
    tokens = read(Tokens, answer, once=False)
    return Token(
        access=tokens.access_jwt, refresh=tokens.refresh_jwt, expires_at=_expires_at(tokens.access_jwt)
    )


def _expires_at(jwt: str) -> datetime | None:
    # Read, not verified: it only tells when to renew.
    try:
        claims = json.loads(base64.urlsafe_b64decode(jwt.split(".")[1] + "=="))
        return datetime.fromtimestamp(claims["exp"], UTC)
    except (IndexError, KeyError, TypeError, ValueError, OverflowError, OSError):
        return None
