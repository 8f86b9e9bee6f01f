"""The QQ sandbox's endpoints and pushes. Not here: guilds, files, cards, keyboards, taking messages back."""

import json
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from drumtower.sandbox.control import Act, ControlPlane
from drumtower.sandbox.platform import SandboxPlatform
from drumtower.sandbox.pushes import Push, Pusher, Signed
from drumtower.sandbox.qq.state import LONGEST, STATUSES, Refused, State
from drumtower.sandbox.store import Record


def sign(secret: str, text: bytes) -> str:
    """Sign as the documentation shows it: the seed is the secret, doubled until it is long enough, then cut."""
    seed = secret
    while len(seed) < 32:
        seed += seed
    return Ed25519PrivateKey.from_private_bytes(seed[:32].encode()).sign(text).hex()


def event(kind: str, row: Record) -> bytes:
    """One push about what somebody said."""
    group = row.get("group")
    author = {"member_openid": row["author"]["id"]} if group else {"user_openid": row["author"]["id"]}
    said = {"id": row["id"], "author": author, "content": f" {row['text']}", "timestamp": row["created_at"]}
    body = {
        "id": f"{kind}:{row['id']}",
        "op": 0,
        "t": kind,
        "d": said | ({"group_openid": group} if group else {}),
    }
    return json.dumps(body, ensure_ascii=False).encode()


def headers(app_id: str, secret: str, stamp: str, body: bytes) -> dict[str, str]:
    given = {"x-signature-ed25519": sign(secret, stamp.encode() + body), "x-signature-timestamp": stamp}
    return given | {"x-bot-appid": app_id, "user-agent": "QQBot-Callback"}


class Callbacks(Pusher):
    """Signed with the real clock: the receiver's own decides what is stale."""

    state: State

    def push(self, account: str, body: bytes) -> None:
        callback, secret = self.state.store.get("webhooks", account), self.state.found("_secrets", account)
        if callback is None:
            return

        def signed(raw: bytes) -> Signed:
            return Signed(headers=headers(account, secret["app_secret"], str(int(time.time())), raw))

        self.start(Push(url=callback["url"], body=body, sign=signed))


class Control(ControlPlane[State, Callbacks]):
    """Each method is one thing somebody does; its body is the request's JSON."""

    def acts(self) -> Mapping[str, Act]:
        return {"public/message": self._message, "public/mention": self._mention}

    def _message(self, body: Record) -> Record:
        """`{"account", "author", "text"}`: somebody writes to the bot alone."""
        return self._said(body, None, "C2C_MESSAGE_CREATE")

    def _mention(self, body: Record) -> Record:
        """`{"account", "author", "text", "group"?}`: somebody names the bot in a group."""
        return self._said(body, str(body.get("group") or "G1"), "GROUP_AT_MESSAGE_CREATE")

    def _said(self, body: Record, group: str | None, kind: str) -> Record:
        account = self.state.account(str(body["account"]))["id"]
        row = self.state.say(account, str(body["author"]["id"]), str(body["text"]), group)
        self.pusher.push(account, event(kind, row))
        return {"id": row["id"]}


class QQSandbox(SandboxPlatform):
    """Bots that may answer and nothing else; switches: `POST control/settings` (State.defaults)."""

    slug: ClassVar[str] = "qq"

    def routes(self) -> list[BaseRoute]:
        # The base class makes its store before it asks for routes.
        self.state = State(self.store, self.now)
        self.pusher = Callbacks(self.state)
        return [
            _route("/app/getAppAccessToken", self._sell, "POST"),
            _route("/users/@me", self._me, "GET"),
            _route("/v2/groups/{openid}/messages", self._group, "POST"),
            _route("/v2/users/{openid}/messages", self._private, "POST"),
        ]

    def control_routes(self) -> list[BaseRoute]:
        return Control(self.state, self.pusher).routes()

    def add_account(self, **account: Any) -> Mapping[str, Any]:
        return self.state.open_account(account)

    async def _sell(self, request: Request) -> Response:
        body = await request.json()
        return JSONResponse(self.state.sell(str(body.get("appId")), str(body.get("clientSecret"))))

    def _bot(self, request: Request) -> Record:
        return self.state.authorised(request.headers.get("authorization", "").removeprefix("QQBot "))

    async def _me(self, request: Request) -> Response:
        bot = self._bot(request)
        return JSONResponse({"id": f"9{bot['id']}", "username": bot["name"], "avatar": ""})

    async def _group(self, request: Request) -> Response:
        return await self._send(request, lambda said: said["group"])

    async def _private(self, request: Request) -> Response:
        return await self._send(request, lambda said: None if said["group"] else said["author"]["id"])

    async def _send(self, request: Request, place: Callable[[Record], str | None]) -> Response:
        bot, body = self._bot(request), await request.json()
        if not body.get("msg_id"):
            raise Refused("40034102", "no right to speak first")
        text = str(body.get("content") or "")
        if not text or len(text) > LONGEST:
            raise Refused("1100101", "content")
        said = self.store.get("messages", str(body["msg_id"]))
        if said is not None and (said["direction"] != "in" or place(said) != request.path_params["openid"]):
            said = None
        row = self.state.answer(bot, said, text, int(body.get("msg_seq", 1)))
        if self.state.settings()["review"]:
            audit = {"message_audit": {"audit_id": secrets.token_hex(8)}}
            return JSONResponse(
                {"message": "push message is waiting for audit", "code": 304023, "data": audit}, 202
            )
        return JSONResponse({"id": row["id"], "timestamp": row["created_at"]})


def _route(path: str, answer: Callable[[Request], Awaitable[Response]], method: str) -> Route:
    async def endpoint(request: Request) -> Response:
        try:
            return await answer(request)
        except Refused as refused:
            body = {"message": str(refused), "code": int(refused.code), "err_code": int(refused.code)}
            return JSONResponse(body | {"trace_id": secrets.token_hex(8)}, STATUSES.get(refused.code, 400))

    return Route(path, endpoint, methods=[method])
