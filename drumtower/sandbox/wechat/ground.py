"""What every desk of the sandbox stands on: the store, the clock, tokens, WeChat's way to answer, and its timers."""

import asyncio
import json
import re
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from drumtower.sandbox.store import Record, Store

BEIJING = timezone(timedelta(hours=8))
SETTINGS = {
    "publish_delay": 1.0,  # seconds from submit to the result
    "poll_quota": 100,  # freepublish/get calls a day
    "is_delay": False,  # datacube: more may come
    "reply_shape": "object",  # of a comment's reply: "object" or "array"
}
# An escape is odd numbers of backslashes before the u; "\\u" is text that an author wrote.
_ESCAPE = re.compile(rb"(?<!\\)(?:\\\\)*\\u[0-9a-fA-F]{4}")

Handler = Callable[[Record, Record], Mapping[str, Any]]
RequestHandler = Callable[[Record, Request], Awaitable[Mapping[str, Any]]]


class Refused(Exception):
    """WeChat says no: an errcode, with HTTP 200."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text

    def answer(self) -> JSONResponse:
        rid = "-".join(secrets.token_hex(4) for _ in range(3))
        return JSONResponse({"errcode": self.code, "errmsg": f"{self.text} rid: {rid}"})


@dataclass(slots=True)
class Timers:
    """Work that goes on after an answer, by name; what is due is in the store, so that a restart finds it again."""

    tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def start(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run `work` unless it runs already; without a running loop the next request starts it."""
        running = self.tasks.get(name)
        if running is not None and not running.done() and not running.get_loop().is_closed():
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        self.tasks = {other: task for other, task in self.tasks.items() if not task.done()}
        self.tasks[name] = loop.create_task(work())


@dataclass(frozen=True, slots=True)
class Ground:
    """Shared by all desks."""

    store: Store
    now: Callable[[], datetime]
    timers: Timers = field(default_factory=Timers)

    def setting(self, name: str) -> Any:
        return {**SETTINGS, **(self.store.get("_settings", "all") or {})}[name]

    def today(self) -> datetime:
        """The platform's own time in Beijing, where its days turn."""
        return self.now().astimezone(BEIJING)

    def call(self, path: str, handler: Handler, *, method: str = "POST", verified: bool = False) -> Route:
        """An endpoint that takes JSON (or a bare GET) and a token; `verified`: personal accounts get 48001."""

        async def handle(account: Record, request: Request) -> Mapping[str, Any]:
            return handler(account, parsed(await request.body()) if method == "POST" else {})

        return self.raw_call(path, handle, method=method, verified=verified)

    def raw_call(
        self, path: str, handler: RequestHandler, *, method: str = "POST", verified: bool = False
    ) -> Route:
        """An endpoint that reads its request itself."""

        async def endpoint(request: Request) -> Response:
            try:
                account = self.account_of(request.query_params.get("access_token"))
                if request.method != method:
                    raise Refused(43002 if method == "POST" else 43001, f"require {method} method")
                if verified and account["profile"] == "personal":
                    raise Refused(48001, "api unauthorized")
                return JSONResponse(dict(await handler(account, request)))
            except Refused as refused:
                return refused.answer()

        return Route(path, endpoint, methods=["GET", "POST"])

    def account_of(self, token: str | None) -> Record:
        """Return the account behind an access token, or say what is wrong with it."""
        if not token:
            raise Refused(41001, "access_token missing")
        held = self.store.get("_tokens", token)
        if held is None or held["void"]:
            raise Refused(40001, "invalid credential, access_token is invalid or not latest")
        # By the real clock, as the holder counts too: a day moved ahead must not cost everybody their token.
        if datetime.fromisoformat(held["expires_at"]) <= datetime.now(UTC):
            raise Refused(42001, "access_token expired")
        account = self.store.get("accounts", held["account"])
        assert account is not None
        return account


def parsed(body: bytes) -> Record:
    """Read a JSON body as strictly as the platform may."""
    if not body:
        raise Refused(44002, "empty post data")
    if _ESCAPE.search(body):
        raise Refused(
            40033, "invalid charset. please check your request, if include \\uxxxx will create fail!"
        )
    try:
        value = json.loads(body)
    except ValueError as error:
        raise Refused(47001, "data format error") from error
    if not isinstance(value, dict):
        raise Refused(47001, "data format error")
    return value


def whole(body: Record, name: str, low: int, high: int, code: int = 47003) -> int:
    """Return an integer argument within its range."""
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise Refused(code, f"invalid args: {name}")
    return value


def opaque(length: int = 32) -> str:
    """Return an id that says nothing."""
    return secrets.token_urlsafe(length)[:length]
