"""Pure ASGI middleware: request ids, rate limits, and the last net under what nobody foresaw."""

import re
from collections.abc import MutableMapping
from typing import Any

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from drumtower.crypto import token_hash
from drumtower.domain.ids import new_id
from services.api.limits import RateLimiter
from services.api.problems import problem, unexpected

log = structlog.get_logger(__name__)

_REQUEST_ID = re.compile(r"^[A-Za-z0-9._:-]{1,128}$")
# Platforms and probes are not clients with a budget.
_UNLIMITED = ("/health/", "/metrics", "/v1/webhooks/", "/l/")


class RequestIds:
    """Takes `X-Request-Id` where it is one, makes one otherwise, and gives it to logs and the answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _REQUEST_ID.match(given) else str(new_id())
        scope["request_id"] = request_id

        async def tagged(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self.app(scope, receive, tagged)


class Failures:
    """Answers unforeseen errors inside the other middleware, so that a 500 has its request id and its headers too."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except ClientDisconnect:
            log.info("request.abandoned", path=scope["path"])
        except Exception as error:
            if started or scope["type"] != "http":
                raise
            answer = await unexpected(Request(scope), error)
            await answer(scope, receive, send)


class RateLimits:
    """Counts requests per credential (or address) and minute, and says what is left."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(_UNLIMITED):
            await self.app(scope, receive, send)
            return
        limiter: RateLimiter = scope["app"].state.services.limiter
        budget = await limiter.hit(_who(scope))
        headers = {
            "RateLimit-Limit": str(budget.limit),
            "RateLimit-Remaining": str(budget.remaining),
            "RateLimit-Reset": str(budget.reset),
        }

        async def tagged(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(headers)
            await send(message)

        if budget.allowed:
            await self.app(scope, receive, tagged)
            return
        wait = {"Retry-After": str(budget.reset)}
        refusal = problem(Request(scope), 429, "rate_limited", "Too many requests.", headers=wait)
        await refusal(scope, receive, tagged)


def _who(scope: MutableMapping[str, Any]) -> str:
    authorization = Headers(scope=scope).get("authorization")
    if authorization:
        return token_hash(authorization).hex()[:32]
    client = scope.get("client")
    return f"address:{client[0] if client else 'unknown'}"
