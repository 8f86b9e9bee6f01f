"""How a PDS talks, and the sessions that calls are made with."""

import base64
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx

from drumtower.adapters.bluesky.errors import BREAKDOWNS, REFUSALS, RULES, SESSION_RULES
from drumtower.adapters.bluesky.schemas import Tokens
from drumtower.domain import failures
from drumtower.platforms import Adapter, Credentials, Envelope, PlatformError, RemoteError, Token, Wire

_SECRET = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*|\b[a-z2-7]{4}(?:-[a-z2-7]{4}){3}\b")
_ENVELOPE = Envelope(code=("error",), said=("message",))


def read_error(response: httpx.Response, body: Any) -> RemoteError | None:
    """Find the error's name; a name is believed only with a status that it belongs to."""
    error = None if response.is_success else _ENVELOPE(response, body)
    if error is None or error.code in (REFUSALS if response.is_server_error else BREAKDOWNS):
        return None
    return replace(error, said=_SECRET.sub("***", error.said))


WIRE = Wire(path="/xrpc/{}", read_error=read_error, errors=RULES)
# These requests carry the password or the refresh token: nothing of the server's text is repeated.
REFRESH_WIRE = replace(WIRE, quiet=True)
SESSION_WIRE = replace(REFRESH_WIRE, errors=SESSION_RULES)


async def log_in(adapter: Adapter, credentials: Credentials) -> Token:
    """Open a session with the app password."""
    body = {"identifier": credentials["identifier"], "password": credentials["password"]}
    api = adapter.api(credentials, token="", wire=SESSION_WIRE)
    return _token(await api.post("com.atproto.server.createSession", Tokens, body))


async def refresh(adapter: Adapter, credentials: Credentials, refresh_token: str) -> Token:
    """Renew a session. Where the answer was lost, the same refresh token works again for about two hours."""
    api = adapter.api(credentials, token=refresh_token, wire=REFRESH_WIRE)
    return _token(await api.post("com.atproto.server.refreshSession", Tokens))


def is_code(error: PlatformError, code: str) -> bool:
    """Say whether the server refused with this name."""
    return error.failure.platform_code == code


def is_refusal(error: PlatformError) -> bool:
    """Say whether the server refused the request itself, so that the same request can't help."""
    return isinstance(error.failure, failures.ContentRejected)


def _token(tokens: Tokens) -> Token:
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
