"""What the public and the forum's moderators do in the sandbox, under /control/."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from drumtower.sandbox.discourse.reading import first_post
from drumtower.sandbox.discourse.state import State, person
from drumtower.sandbox.discourse.webhooks import Pusher, pushed
from drumtower.sandbox.discourse.wire import Refused
from drumtower.sandbox.discourse.writing import approve
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
            "public/mention": self._mention,
            "public/like": self._like,
            "public/read": self._read,
            "public/share": self._nothing,  # a forum counts no shares
            "public/save": self._nothing,
            "public/uncomment": self._uncomment,
            "recover": self._recover,
            "move": self._move,
            "moderate": self._moderate,
            "key": self._key,
            "settings": self._settings,
            "webhook": self._webhook,
        }
        return [Route(f"/control/{path}", _endpoint(act), methods=["POST"]) for path, act in acts.items()]

    async def _comment(self, body: Record) -> Any:
        """`{"post", "author", "text", "in_reply_to"?}`: answer a topic, or a post in it."""
        topic = self._state.topic(str(body["post"]))
        above = self._answer(str(body["in_reply_to"])) if body.get("in_reply_to") else None
        number = above["post_number"] if above else None
        answer = self._state.add_answer(topic, person(body.get("author")), str(body["text"]), number)
        self._pusher.push("post_created", pushed(topic, answer, above["author"] if above else None))
        return {"id": answer["id"]}

    def _answer(self, number: str) -> Record:
        found = self._state.store.get("comments", number)
        if found is None:
            raise Refused("not_found")
        return found

    async def _mention(self, body: Record) -> Any:
        """Somebody opens a topic that names the account."""
        account, author = self._state.account(str(body["account"])), person(body.get("author"))
        text = f"@{account['username']} {body['text']}"
        topic = self._state.add_topic("", author=author, title="有人提到你们", text=text, slug="topic")
        self._pusher.push("post_created", pushed(topic, first_post(self._state, topic), None))
        return {"id": topic["post_id"]}

    async def _like(self, body: Record) -> Any:
        return self._grow(body, "likes")

    async def _read(self, body: Record) -> Any:
        return self._grow(body, "views")

    def _grow(self, body: Record, counter: str) -> Record:
        topic = self._state.topic(str(body["post"]))
        grown = topic | {counter: topic[counter] + int(body.get("count", 1))}
        self._state.store.put("posts", topic["id"], grown)
        return {}

    async def _nothing(self, body: Record) -> Any:
        self._state.topic(str(body["post"]))
        return {}

    async def _uncomment(self, body: Record) -> Any:
        self._state.store.put("comments", str(body["id"]), self._answer(str(body["id"])) | {"deleted": True})
        return {}

    async def _recover(self, body: Record) -> Any:
        """An answer that was taken down is there again, at its old place."""
        self._state.store.put("comments", str(body["id"]), self._answer(str(body["id"])) | {"deleted": False})
        return {}

    async def _move(self, body: Record) -> Any:
        """The moderators move an answer to another topic's end; it keeps its id."""
        answer, topic = self._answer(str(body["id"])), self._state.topic(str(body["post"]))
        number = topic["highest"] + 1
        self._state.store.put("posts", topic["id"], topic | {"highest": number})
        moved = {"post": topic["id"], "post_number": number, "reply_to_post_number": None}
        self._state.store.put("comments", answer["id"], answer | moved)
        return {}

    async def _moderate(self, body: Record) -> Any:
        """`{"id", "action": "approve" | "reject", "title"?, "raw"?}`: decide on a text that waits, or rewrite it."""
        waiting = self._state.store.get("queued", str(body["id"]))
        if waiting is None or waiting["status"] != "pending":
            raise Refused("not_found")
        waiting |= {name: body[name] for name in ("title", "raw") if name in body}
        verdict = {"approve": "approved", "reject": "rejected"}[body["action"]]
        self._state.store.put("queued", waiting["id"], waiting | {"status": verdict})
        return approve(self._state, waiting) if verdict == "approved" else {}

    async def _key(self, body: Record) -> Any:
        """`{"key", "action": "revoke"}`."""
        key = self._state.store.get("_keys", body["key"])
        if key is None:
            raise Refused("not_found")
        self._state.store.put("_keys", body["key"], key | {"revoked": body["action"] == "revoke"})
        return {}

    async def _settings(self, body: Record) -> Any:
        self._state.set(**body)
        return self._state.settings()

    async def _webhook(self, body: Record) -> Any:
        """`{"account", "url"}`: the forum's webhook, with the secret that the account was given."""
        account = self._state.account(str(body["account"]))["id"]
        secret = (self._state.store.get("_webhook_secrets", account) or {})["secret"]
        self._state.store.put("webhooks", account, {"id": account, "url": str(body["url"]), "secret": secret})
        return {}


def _endpoint(act: Act) -> Callable[[Request], Awaitable[JSONResponse]]:
    async def endpoint(request: Request) -> JSONResponse:
        try:
            return JSONResponse(await act(await request.json()))
        except Refused as refused:
            return JSONResponse({"error": str(refused)}, status_code=404)
        except (KeyError, ValueError, TypeError) as error:
            return JSONResponse({"error": f"{type(error).__name__}: {error}"}, status_code=422)

    return endpoint
