"""Notice's wire format, as its documentation would give it, over the sandbox's store."""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from drumtower.sandbox.control import control_routes
from drumtower.sandbox.platform import SandboxPlatform
from drumtower.sandbox.state import Refusal
from drumtower.sandbox.store import Record

LONGEST = 500
STATUS = {"token_invalid": 401, "not_found": 404}


class Refused(Refusal):
    """The platform answers with an error code."""


class NoticeSandbox(SandboxPlatform):
    """Keeps accounts, posts and comments; a comment of ours is one by the account."""

    slug: ClassVar[str] = "notice"

    def routes(self) -> list[BaseRoute]:
        return [
            self._route("/api/me", self._me),
            self._route("/api/notices", self._list),
            self._route("/api/notices", self._publish, "POST"),
            self._route("/api/notices/{id}/delete", self._delete, "POST"),
            self._route("/api/comments", self._comments),
            self._route("/api/comments", self._answer, "POST"),
        ]

    def control_routes(self) -> list[BaseRoute]:
        acts = {"like": "likes", "share": "shares", "save": "saves", "read": "reads"}
        counted = {f"public/{name}": partial(self._count, field=field) for name, field in acts.items()}
        return control_routes({**counted, "public/comment": self._say, "public/follow": self._follow})

    def add_account(self, **account: Any) -> Mapping[str, Any]:
        number = str(self.store.next_number("account", 1000))
        record = {"id": number, "name": account.get("name") or f"公告{number}", "followers": 12}
        self.store.put("accounts", number, record)
        token = secrets.token_urlsafe(24)
        self.store.put("_tokens", token, {"account": number})
        return {"id": number, "access_token": token}

    def _route(
        self, path: str, answer: Callable[[Request, Record], Awaitable[Any]], method: str = "GET"
    ) -> Route:
        async def endpoint(request: Request) -> JSONResponse:
            try:
                return JSONResponse(await answer(request, self._account(request)))
            except Refused as refused:
                code = str(refused)
                return JSONResponse({"code": code, "message": code}, status_code=STATUS.get(code, 422))

        return Route(path, endpoint, methods=[method])

    def _account(self, request: Request) -> Record:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        account = self.store.get("accounts", (self.store.get("_tokens", token) or {}).get("account", ""))
        if account is None:
            raise Refused("token_invalid")
        return account

    async def _me(self, _: Request, account: Record) -> Record:
        return account

    async def _publish(self, request: Request, account: Record) -> Record:
        body = await request.json()
        return self._once("posts", account, body, {"likes": 0, "shares": 0, "saves": 0, "reads": 0})

    def _once(self, collection: str, account: Record, body: Record, more: Record) -> Record:
        """Make a record, or return the one that this reference made."""
        key = f"{account['id']}:{body['reference']}"
        if made := self.store.get("_references", key):
            return self._shown(self.store.get(made["collection"], made["id"]) or {})
        if not body["text"].strip():
            raise Refused("text_blank")
        if len(body["text"]) > LONGEST:
            raise Refused("text_too_long")
        number = str(self.store.next_number("notice", 500_001))
        record = {
            "id": number,
            "text": body["text"],
            "author": {"id": account["id"], "name": account["name"]},
        }
        record |= {"created_at": self.now().isoformat(), "deleted": False, **more}
        self.store.put(collection, number, record)
        self.store.put("_references", key, {"collection": collection, "id": number})
        return self._shown(record)

    def _shown(self, record: Record) -> Record:
        said = [one for one in self.store.all("comments") if one["notice"] == record["id"]]
        return record | {"comments": len(said)}

    async def _list(self, request: Request, account: Record) -> Record:
        query = request.query_params
        made = self.store.get("_references", f"{account['id']}:{query.get('reference', '')}")
        keys = (
            [(made["collection"], made["id"])]
            if made
            else [("posts", i) for i in query.get("ids", "").split(",")]
        )
        found = [self.store.get(collection, key) for collection, key in keys]
        return {"notices": [self._shown(one) for one in found if one and not one["deleted"]]}

    async def _delete(self, request: Request, _: Record) -> Record:
        post = self.store.get("posts", request.path_params["id"])
        if post is None or post["deleted"]:
            raise Refused("not_found")
        self.store.put("posts", post["id"], post | {"deleted": True})
        return {}

    async def _comments(self, request: Request, _: Record) -> Record:
        after, limit = int(request.query_params.get("after", 0)), int(request.query_params["limit"])
        rows = [one for one in self.store.all("comments") if int(one["id"]) > after]
        return {"comments": rows[:limit]}

    async def _answer(self, request: Request, account: Record) -> Record:
        body = await request.json()
        parent = self.store.get("comments", body["parent"])
        if parent is None:
            raise Refused("not_found")
        more = {"notice": parent["notice"], "parent": parent["id"], "in_reply_to": parent["id"]}
        return self._once("comments", account, body, more)

    def _count(self, body: Record, field: str) -> Record:
        post = self.store.get("posts", body["post"]) or {}
        self.store.put("posts", body["post"], post | {field: post[field] + body.get("count", 1)})
        return {}

    def _follow(self, body: Record) -> Record:
        account = self.store.get("accounts", body["account"]) or {}
        self.store.put(
            "accounts", body["account"], account | {"followers": account["followers"] + body["count"]}
        )
        return {}

    def _say(self, body: Record) -> Record:
        number = str(self.store.next_number("notice", 500_001))
        record = {
            "id": number,
            "notice": body["post"],
            "parent": body.get("in_reply_to"),
            "author": body["author"],
        }
        record |= {"in_reply_to": body.get("in_reply_to"), "text": body["text"], "deleted": False}
        self.store.put("comments", number, record | {"created_at": self.now().isoformat()})
        return {"id": number}
