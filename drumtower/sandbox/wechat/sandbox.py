"""WeChat as one sandbox platform: the desks put together, and the control plane."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from drumtower.sandbox.control import Act, control_routes
from drumtower.sandbox.platform import SandboxPlatform
from drumtower.sandbox.state import Refusal
from drumtower.sandbox.store import Record
from drumtower.sandbox.wechat.accounts import Accounts
from drumtower.sandbox.wechat.callbacks import Callbacks
from drumtower.sandbox.wechat.datacube import READY_AT, DataCube
from drumtower.sandbox.wechat.drafts import DraftBox
from drumtower.sandbox.wechat.ground import BEIJING, SETTINGS, Ground
from drumtower.sandbox.wechat.media import MediaLibrary
from drumtower.sandbox.wechat.publishes import Publishes
from drumtower.sandbox.wechat.talk import Talk

PROFILES = ("service", "subscription", "personal")
_COUNTED = {"like": "likes", "share": "shares", "save": "saves", "read": "reads"}


class WeChatSandbox(SandboxPlatform):
    """Control plane beyond the common one (bodies are JSON, answers too):

    `public/comment {account, post, author: {id}, text}`, `public/message {account, author, text}`,
    `public/like|share|save|read {post, count}`, `public/follow {account, count, author?}`,
    `callback {account, url, mode: plain|compatible|safe, verify?}` (checks the address first, as WeChat does),
    `scenario {account, publish_status: 2…6, times?}`, `tokens/void {account}`, `tokens/age {account, seconds}`,
    `settings` (GET, POST: publish_delay, poll_quota, is_delay, reply_shape).
    The clock's `days` never stop before 08:00 in Beijing, so one day ahead the numbers of today are there.
    """

    slug: ClassVar[str] = "wechat"

    def __init__(self, log: Path | None = None) -> None:
        super().__init__(log)
        self.wake()

    @property
    def app(self) -> ASGIApp:
        return _Awake(self)

    def routes(self) -> list[BaseRoute]:
        ground = Ground(self.store, self.now)
        self.accounts, self.library = Accounts(ground), MediaLibrary(ground)
        self.callbacks, self.cube = Callbacks(ground), DataCube(ground)
        self.box = DraftBox(ground, self.library)
        self.publishes = Publishes(ground, self.box, self.callbacks)
        self.talk = Talk(ground, self.callbacks)
        desks = (self.accounts, self.library, self.box, self.publishes, self.talk, self.cube)
        return [route for desk in desks for route in desk.routes()]

    def control_routes(self) -> list[BaseRoute]:
        acts: dict[str, Act] = {
            "public/comment": self._comment,
            "public/message": self._message,
            "public/follow": self._follow,
            "scenario": self._scenario,
            "tokens/void": self._void,
            "tokens/age": self._age,
        }
        counted = {f"public/{name}": self._counter(what) for name, what in _COUNTED.items()}
        return [
            *control_routes(acts | counted),
            Route("/control/callback", self._callback, methods=["POST"]),
            Route("/control/settings", self._settings, methods=["GET", "POST"]),
        ]

    def add_account(self, **account: Any) -> Mapping[str, Any]:
        """Open an account (name, profile, followers, encoding_aes_key; "" for plain mode only)."""
        profile = account.pop("profile", "service")
        if profile not in PROFILES:
            raise ValueError(f"profile must be one of {PROFILES}")
        secret = self.accounts.open(
            name=account.pop("name", "鼓楼咖啡"),
            profile=profile,
            followers=account.pop("followers", 0),
            encoding_aes_key=account.pop("encoding_aes_key", None),
        )
        if account:
            raise ValueError(f"an account has no {', '.join(account)}")
        return {**secret, "id": secret["account"]}

    def wake(self) -> None:
        """Do what is due, and go on with what a restart left unfinished as soon as a loop runs."""
        self.publishes.wake()
        self.callbacks.wake()

    def _counter(self, what: str) -> Callable[[Record], Mapping[str, Any]]:
        def count(body: Record) -> Mapping[str, Any]:
            self.cube.count(self._post(body), what, int(body.get("count", 1)))
            return {}

        return count

    def _post(self, body: Record) -> Record:
        post = self.store.get("posts", str(body.get("post")))
        if post is None or post["deleted"]:
            raise Refusal("there is no such post")
        return post

    def _account(self, body: Record) -> Record:
        account = self.store.get("accounts", str(body.get("account")))
        if account is None:
            raise Refusal("there is no such account")
        return account

    def _comment(self, body: Record) -> Mapping[str, Any]:
        post = self._post(body)
        if not post["news_item"][0]["need_open_comment"]:
            raise PermissionError("comments are closed under this article")
        return {"id": self.talk.comment(post, _person(body.get("author")), str(body["text"]))}

    def _message(self, body: Record) -> Mapping[str, Any]:
        account, author = self._account(body)["id"], _person(body["author"])
        return {"id": self.talk.message(account, author, str(body["text"]))}

    def _follow(self, body: Record) -> Mapping[str, Any]:
        account = self._account(body)
        followers = account["followers"] + int(body.get("count", 1))
        self.store.put("accounts", account["id"], {**account, "followers": followers})
        if author := body.get("author"):
            self.talk.follow(account["id"], str(author["id"]))
        return {}

    def _scenario(self, body: Record) -> Mapping[str, Any]:
        statuses = [int(body["publish_status"])] * int(body.get("times", 1))
        self.store.put("_scenarios", self._account(body)["id"], {"statuses": statuses})
        return {}

    def _void(self, body: Record) -> Mapping[str, Any]:
        self.accounts.void_tokens(self._account(body)["id"])
        return {}

    def _age(self, body: Record) -> Mapping[str, Any]:
        self.accounts.age_tokens(self._account(body)["id"], float(body["seconds"]))
        return {}

    async def _callback(self, request: Request) -> Response:
        body = await request.json()
        try:
            account = self._account(body)["id"]
        except Refusal as error:
            return JSONResponse({"error": str(error)}, 404)
        mode = body.get("mode", "safe")
        if body.get("verify", True):
            wrong = await self.callbacks.set(account, body["url"], mode)
            return JSONResponse({"error": wrong}, 400) if wrong else JSONResponse({})
        self.callbacks.keep(account, body["url"], mode)
        return JSONResponse({})

    async def _settings(self, request: Request) -> Response:
        held = self.store.get("_settings", "all") or {}
        if request.method == "POST":
            changed = await request.json()
            if unknown := set(changed) - set(SETTINGS):
                return JSONResponse({"error": f"unknown: {sorted(unknown)}"}, 400)
            held = {**held, **changed}
            self.store.put("_settings", "all", held)
        return JSONResponse({**SETTINGS, **held})

    async def _clock(self, request: Request) -> JSONResponse:
        answer = await super()._clock(request)
        here = self.now().astimezone(BEIJING)
        if (await request.json()).get("days") and here.time() < READY_AT:
            morning = datetime.combine(here.date(), time(READY_AT.hour, 1), BEIJING)
            held = self.store.get("_clock", "ahead") or {"seconds": 0}
            self.store.put("_clock", "ahead", {"seconds": held["seconds"] + (morning - here).total_seconds()})
            answer = JSONResponse({"now": self.now().isoformat()})
        return answer


@dataclass(frozen=True, slots=True)
class _Awake:
    """Wakes the sandbox with every request (and the server's own start), because only then a loop runs."""

    sandbox: WeChatSandbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.sandbox.wake()
        await self.sandbox.faults(scope, receive, send)


def _person(author: Any) -> Record:
    """Somebody of the public; without an id, a commenter who has no WeChat identity."""
    given = author if isinstance(author, dict) else {}
    return {"id": str(given.get("id") or ""), "name": str(given.get("name") or "")}
