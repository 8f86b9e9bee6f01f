"""What the public and Weibo's staff do in the sandbox, under /control/."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from drumtower.sandbox.store import Record
from drumtower.sandbox.weibo import messages
from drumtower.sandbox.weibo.messages import Pusher
from drumtower.sandbox.weibo.state import State, person
from drumtower.sandbox.weibo.wire import Refused

Act = Callable[[Record], Awaitable[Any]]


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
            "public/message": self._message,
            "public/follow": self._follow,
            "public/like": self._like,
            "public/share": self._share,
            "public/read": self._nothing,  # not counted for a normal app
            "public/save": self._nothing,
            "moderate": self._moderate,
            "token": self._token,
            "settings": self._settings,
            "webhook": self._webhook,
        }
        return [Route(f"/control/{path}", _endpoint(act), methods=["POST"]) for path, act in acts.items()]

    async def _comment(self, body: Record) -> Any:
        post = self._state.post(str(body["post"]))
        comment = {
            "id": self._state.new_id(),
            "account": post["account"],
            "post": post["id"],
            "author": person(body.get("author")),
            "text": str(body["text"]),
            "in_reply_to": str(body["in_reply_to"]) if body.get("in_reply_to") else None,
            "created_at": self._state.now().isoformat(),
            "deleted": False,
        }
        self._state.add_comment(comment)
        return {"id": comment["id"]}

    async def _uncomment(self, body: Record) -> Any:
        comment = self._state.comment(str(body["id"]))
        self._state.store.put("comments", comment["id"], comment | {"deleted": True})
        return {}

    async def _mention(self, body: Record) -> Any:
        account = self._state.account(str(body["account"]))
        text = f"@{account['name']} {body['text']}"
        status = {"id": self._state.new_id(), "account": account["id"], "author": person(body.get("author"))}
        counts = {"likes": 0, "comments": 0, "shares": 0, "picture": None}
        times = {"created_at": self._state.now().isoformat(), "visible_at": self._state.now().isoformat()}
        self._state.store.put(
            "mentions", status["id"], status | counts | times | {"text": text, "wire_text": text}
        )
        return {"id": status["id"]}

    async def _message(self, body: Record) -> Any:
        account, author = self._state.account(str(body["account"])), person(body.get("author"))
        number = messages.put_in(self._state, account["id"], author, str(body["text"]))
        pushed = messages.event(self._state, account["id"], author["id"], "text", str(body["text"]), {})
        self._pusher.push(account["id"], pushed)
        return {"id": number}

    async def _follow(self, body: Record) -> Any:
        account = self._state.account(str(body["account"]))
        grown = account | {"followers": account["followers"] + int(body.get("count", 1))}
        self._state.store.put("accounts", account["id"], grown)
        if body.get("author"):
            who = person(body["author"])["id"]
            messages.open_window(self._state, account["id"], who)
            data = {"subtype": "follow"}
            self._pusher.push(
                account["id"], messages.event(self._state, account["id"], who, "event", "关注事件消息", data)
            )
        return {}

    async def _like(self, body: Record) -> Any:
        return self._grow(body, "likes")

    async def _share(self, body: Record) -> Any:
        return self._grow(body, "shares")

    def _grow(self, body: Record, counter: str) -> Record:
        post = self._state.post(str(body["post"]))
        self._state.store.put(
            "posts", post["id"], post | {counter: post[counter] + int(body.get("count", 1))}
        )
        return {}

    async def _nothing(self, body: Record) -> Any:
        self._state.post(str(body["post"]))
        return {}

    async def _moderate(self, body: Record) -> Any:
        """Weibo's staff take a status down."""
        post = self._state.store.get("posts", str(body["post"]))
        if post is None:
            raise Refused(20101)
        self._state.store.put("posts", post["id"], post | {"deleted": True})
        return {}

    async def _token(self, body: Record) -> Any:
        """`{"token", "action": "expire" | "revoke"}`."""
        token = self._state.store.get("_tokens", body["token"])
        if token is None:
            raise Refused(21332)
        change = (
            {"revoked": True} if body["action"] == "revoke" else {"expires_at": self._state.now().isoformat()}
        )
        self._state.store.put("_tokens", body["token"], token | change)
        return {}

    async def _settings(self, body: Record) -> Any:
        self._state.set(**body)
        return self._state.settings()

    async def _webhook(self, body: Record) -> Any:
        """Set the fan service's callback; as in the console, an address that fails its check is not taken."""
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
