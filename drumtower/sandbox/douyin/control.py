"""What the public and the account's owner do in the sandbox, under /control/."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from drumtower.sandbox.douyin.pushes import Pusher
from drumtower.sandbox.douyin.state import State
from drumtower.sandbox.douyin.talk import add_comment
from drumtower.sandbox.douyin.wire import Refused
from drumtower.sandbox.store import Record

Act = Callable[[Record], Awaitable[Any]]


class Control:
    """Each method is one thing somebody does; its body is the request's JSON."""

    def __init__(self, state: State, pusher: Pusher) -> None:
        self._state = state
        self._pusher = pusher

    def routes(self) -> list[BaseRoute]:
        acts: dict[str, Act] = {
            "public/comment": self._comment,
            "public/message": self._message,
            "public/follow": self._follow,
            "public/like": partial(self._count, "likes"),
            "public/share": partial(self._count, "shares"),
            "public/read": partial(self._count, "reads"),
            "public/save": partial(self._count, "saves"),
            "settings": self._settings,
            "revoke": self._revoke,
            "webhook": self._webhook,
        }
        return [Route(f"/control/{path}", _endpoint(act), methods=["POST"]) for path, act in acts.items()]

    async def _comment(self, body: Record) -> Any:
        """`{"post", "author", "text", "in_reply_to"?}`."""
        post = self._post(body)
        said = add_comment(self._state, post["id"], _person(body), str(body["text"]), body.get("in_reply_to"))
        content = {
            "comment_id": said["id"],
            "comment_user_id": said["author"]["id"],
            "content": said["text"],
            "create_time": int(self._state.now().timestamp()),
            "digg_count": 0,
            "reply_comment_total": 0,
            "reply_to_comment_id": body.get("in_reply_to") or "",
            "reply_to_item_id": post["id"],
            "at_user_id": "",
        }
        self._pusher.push(post["account"], "item_comment_reply", said["author"]["id"], content)
        return {"id": said["id"]}

    async def _message(self, body: Record) -> Any:
        """`{"account", "author", "text"}`."""
        account, author = self._state.account(str(body["account"])), _person(body)
        message, conversation = self._state.new_id("message"), f"@9VwKz{author['id']}=="
        record = {
            "id": message,
            "direction": "in",
            "author": author,
            "to": account["open_id"],
            "text": body["text"],
        }
        self._state.store.put("messages", message, record)
        content = {
            "conversation_short_id": conversation,
            "server_message_id": message,
            "conversation_type": 1,
            "create_time": int(self._state.now().timestamp() * 1000),
            "message_type": "text",
            "source": "",
            "text": body["text"],
            "user_infos": [{"open_id": author["id"], "nick_name": author["name"], "avatar": ""}],
        }
        self._pusher.push(account["open_id"], "im_receive_msg", author["id"], content)
        return {"id": message}

    async def _follow(self, body: Record) -> Any:
        number = str(self._state.store.next_number("follow"))
        at, count = self._state.now().isoformat(), int(body.get("count", 1))
        self._state.store.put("_follows", number, {"account": body["account"], "at": at, "count": count})
        return {}

    async def _count(self, name: str, body: Record) -> Any:
        post = self._post(body)
        more = {name: post.get(name, 0) + int(body.get("count", 1))}
        self._state.store.put("posts", post["id"], post | more)
        return {}

    def _post(self, body: Record) -> Record:
        found = self._state.store.get("posts", str(body["post"]))
        if found is None:
            raise Refused(2190007)
        return found

    async def _settings(self, body: Record) -> Any:
        self._state.set(**body)
        return self._state.settings()

    async def _revoke(self, body: Record) -> Any:
        """The owner takes the authorisation back in the app: every token dies at once, and the app is told."""
        account = self._state.account(str(body["account"]))
        for name in ("_tokens", "_refresh"):
            for token in self._state.store.all(name):
                if token["account"] == account["open_id"]:
                    self._state.store.delete(name, token["token"])
        content = {"scopes": account["scopes"].split(",")}
        self._pusher.push(account["open_id"], "unauthorize", account["open_id"], content)
        return {}

    async def _webhook(self, body: Record) -> Any:
        """`{"account", "url"}`: what saving the address in the console does."""
        return {"verified": await self._pusher.verify(str(body["account"]), str(body["url"]))}


def _person(body: Record) -> Record:
    author = body.get("author") or {}
    return {"id": str(author.get("id", "9001")), "name": str(author.get("name", "胡同老王"))}


def _endpoint(act: Act) -> Callable[[Request], Awaitable[JSONResponse]]:
    async def endpoint(request: Request) -> JSONResponse:
        try:
            return JSONResponse(await act(await request.json()))
        except (Refused, KeyError, ValueError, TypeError) as error:
            return JSONResponse({"error": f"{type(error).__name__}: {error}"}, status_code=422)

    return endpoint
