"""What the public and LinkedIn's staff do in the sandbox, under /control/."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from drumtower.sandbox.linkedin import notifications
from drumtower.sandbox.linkedin.pushes import Pusher
from drumtower.sandbox.linkedin.state import State
from drumtower.sandbox.linkedin.wire import Refused, not_found
from drumtower.sandbox.store import Record

Act = Callable[[Record], Awaitable[Any]]


def person(author: Any) -> str:
    """Read `{"id"}` of a member of the public."""
    given = str(author.get("id") or "9001") if isinstance(author, dict) else "9001"
    return given if given.startswith("urn:li:") else f"urn:li:person:{re.sub(r'[^A-Za-z0-9_-]', '', given)}"


class Control:
    """Each method is one thing somebody does; its body is the request's JSON."""

    def __init__(self, state: State, pusher: Pusher) -> None:
        self._state = state
        self._pusher = pusher

    def routes(self) -> list[BaseRoute]:
        acts: dict[str, Act] = {
            "public/comment": self._comment,
            "public/uncomment": self._uncomment,
            "public/mention": self._mention,
            "public/follow": self._follow,
            "public/like": self._like,
            "public/share": self._share,
            "public/read": self._read,
            "public/save": self._save,
            "moderate": self._moderate,
            "token": self._token,
            "settings": self._settings,
            "webhook": self._webhook,
        }
        return [Route(f"/control/{path}", _endpoint(act), methods=["POST"]) for path, act in acts.items()]

    async def _comment(self, body: Record) -> Any:
        """`{"post", "author", "text", "in_reply_to"?}`; answers hang on comments of the first level."""
        post = self._state.post(str(body["post"]))
        parent = self._state.comment(str(body["in_reply_to"])) if body.get("in_reply_to") else None
        if parent and parent["in_reply_to"]:
            parent = self._state.comment(parent["in_reply_to"])
        row = self._state.add_comment(post, person(body.get("author")), str(body["text"]), parent)
        self._tell(post, notifications.commented(self._state, row, post))
        return {"id": row["id"]}

    async def _uncomment(self, body: Record) -> Any:
        row = self._state.comment(str(body["id"]))
        self._state.store.put("comments", row["id"], row | {"deleted": True})
        post = self._state.post(row["post"])
        self._tell(post, notifications.tell(self._state, post, "COMMENT_DELETE", row["id"]))
        return {}

    async def _mention(self, body: Record) -> Any:
        account = self._state.account(str(body["account"]))
        text = f"@{account['name']} {body['text']}"
        told = notifications.mentioned(self._state, account["id"], person(body.get("author")), text)
        self._pusher.push(told)
        return {"id": told["decoratedSourcePost"]["entity"]}

    async def _follow(self, body: Record) -> Any:
        account = self._state.account(str(body["account"]))
        grown = account | {"followers": account["followers"] + int(body.get("count", 1))}
        self._state.store.put("accounts", account["id"], grown)
        return {}

    async def _like(self, body: Record) -> Any:
        return self._grow(body, "likes", "LIKE")

    async def _share(self, body: Record) -> Any:
        return self._grow(body, "shares", "SHARE")

    async def _read(self, body: Record) -> Any:
        return self._grow(body, "impressions", None)

    def _grow(self, body: Record, counter: str, action: str | None) -> Record:
        post = self._state.post(str(body["post"]))
        self._state.grow(post["id"], counter, int(body.get("count", 1)))
        if action:
            self._tell(post, notifications.tell(self._state, post, action, post["activity"]))
        return {}

    def _tell(self, post: Record, notification: Record) -> None:
        """Only pages are told."""
        if self._state.account(post["account"])["kind"] == "organization":
            self._pusher.push(notification)

    async def _save(self, body: Record) -> Any:
        """LinkedIn tells nobody who saved what."""
        self._state.post(str(body["post"]))
        return {}

    async def _moderate(self, body: Record) -> Any:
        """LinkedIn's staff take a post down."""
        post = self._state.post(str(body["post"]))
        self._state.store.put("posts", post["id"], post | {"deleted": True})
        return {}

    async def _token(self, body: Record) -> Any:
        """`{"token", "action": "expire" | "revoke"}`."""
        token = self._state.store.get("_tokens", body["token"])
        if token is None:
            raise not_found("the token")
        now = self._state.now().isoformat()
        change = {"revoked": True} if body["action"] == "revoke" else {"expires_at": now}
        self._state.store.put("_tokens", body["token"], token | change)
        return {}

    async def _settings(self, body: Record) -> Any:
        self._state.set(**body)
        return self._state.settings()

    async def _webhook(self, body: Record) -> Any:
        """Register a page's address and subscribe to it; one that fails its check is not taken."""
        account, url = self._state.account(str(body["account"])), str(body["url"])
        verified = await self._pusher.check(account["id"], url)
        if verified:
            self._state.store.put("webhooks", account["id"], {"account": account["id"], "url": url})
        return {"verified": verified}


def _endpoint(act: Act) -> Callable[[Request], Awaitable[JSONResponse]]:
    async def endpoint(request: Request) -> JSONResponse:
        try:
            return JSONResponse(await act(await request.json()))
        except Refused as refused:
            return JSONResponse({"error": str(refused)}, status_code=404)
        except (KeyError, ValueError, TypeError) as error:
            return JSONResponse({"error": f"{type(error).__name__}: {error}"}, status_code=422)

    return endpoint
