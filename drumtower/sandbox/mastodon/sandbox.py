"""A stock Mastodon server: statuses, media, notifications, sign-in; errors are `{"error": …}` with a status."""

import html
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, ClassVar

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from drumtower.sandbox.control import Act, control_routes
from drumtower.sandbox.mastodon.counting import length
from drumtower.sandbox.oauth import OAuthServer
from drumtower.sandbox.platform import SandboxPlatform
from drumtower.sandbox.state import Refusal
from drumtower.sandbox.store import Record

HOST = "https://mastodon.example"
LONGEST, MOST_MEDIA, LARGEST_IMAGE = 500, 4, 16_777_216
KEY_LIFE = timedelta(hours=1)
FIRST_ID = 115_000_000_000_000_001
_SIGNATURES = {
    "image/jpeg": b"\xff\xd8\xff",
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/gif": b"GIF8",
    "image/webp": b"RIFF",
}
Endpoint = Callable[[Request, Record], Awaitable[Any]]


class Refused(Refusal):
    """The server answers with an error status."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status = status


class MastodonSandbox(SandboxPlatform):
    """One server. Our statuses are `posts`, those of others and our answers are `comments`."""

    slug: ClassVar[str] = "mastodon"

    def routes(self) -> list[BaseRoute]:
        self.oauth = OAuthServer(store=self.store, now=self.now, life=None)
        return [
            *self.oauth.routes("/oauth/authorize", "/oauth/token"),
            *(Route(f"/api/{version}/instance", self._instance) for version in ("v1", "v2")),
            self._route("/api/v1/accounts/verify_credentials", self._me),
            self._route("/api/v1/accounts/{id}/statuses", self._own),
            self._route("/api/v2/media", self._upload, "POST"),
            self._route("/api/v1/statuses", self._publish, "POST"),
            self._route("/api/v1/statuses", self._statuses),
            self._route("/api/v1/statuses/{id}", self._delete, "DELETE"),
            self._route("/api/v1/notifications", self._notifications),
        ]

    def control_routes(self) -> list[BaseRoute]:
        acts: dict[str, Act] = {
            "comment": self._comment,
            "follow": self._follow,
            "like": partial(self._count, "favourites_count"),
            "share": partial(self._count, "reblogs_count"),
        }
        return control_routes({f"public/{name}": act for name, act in acts.items()})

    def add_account(self, **account: Any) -> Mapping[str, Any]:
        """Open an account (name, followers) with an app and a token of its own."""
        number = str(self.store.next_number("account", 100_001))
        acct = f"gulou{number}"
        record = {"id": number, "acct": acct, "username": acct, "url": f"{HOST}/@{acct}"}
        record |= {
            "display_name": account.get("name") or "鼓楼茶",
            "followers_count": account.get("followers", 80),
        }
        self.store.put("accounts", number, record)
        app = self.oauth.add_app(number)
        token = self.oauth.issue(number, "read write")
        return {
            "id": record["url"],
            "client_id": app["id"],
            "client_secret": app["secret"],
            "access_token": token,
        }

    def _route(self, path: str, answer: Endpoint, method: str = "GET") -> Route:
        async def endpoint(request: Request) -> JSONResponse:
            try:
                return JSONResponse(await answer(request, self._account(request)))
            except Refused as refused:
                return JSONResponse({"error": str(refused)}, status_code=refused.status)

        return Route(path, endpoint, methods=[method])

    def _account(self, request: Request) -> Record:
        token = self.oauth.account_of(request.headers.get("authorization", "").removeprefix("Bearer "))
        if token is None:
            raise Refused(401, "The access token is invalid")
        return self.store.get("accounts", token["account"]) or {}

    async def _instance(self, _: Request) -> JSONResponse:
        """Say who this server is, to anybody."""
        return JSONResponse(
            {"domain": HOST.removeprefix("https://"), "version": "4.3.0", "api_versions": {"mastodon": 2}}
        )

    async def _me(self, _: Request, account: Record) -> Record:
        return account

    async def _upload(self, request: Request, account: Record) -> Record:
        async with request.form() as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise Refused(422, "Validation failed: File can't be blank")
            data, kind = await file.read(), file.content_type or ""
        if len(data) > LARGEST_IMAGE:
            raise Refused(413, "Payload too large")
        if not data.startswith(_SIGNATURES.get(kind, b"\x00none")):
            raise Refused(422, "Validation failed: File content type is invalid")
        number = str(self.store.next_number("media", 700_001))
        self.store.put("_media", number, {"id": number, "account": account["id"], "type": kind})
        return {"id": number, "type": "image", "url": f"{HOST}/media/{number}", "description": None}

    async def _publish(self, request: Request, account: Record) -> Record:
        body = await _body(request)
        key = f"{account['id']}:{request.headers.get('idempotency-key', '')}"
        made = self.store.get("_keys", key)
        if made and not key.endswith(":") and datetime.fromisoformat(made["until"]) > self.now():
            return self._shown(self.store.get(made["collection"], made["id"]) or {})
        record = self._checked(body, account)
        collection = "comments" if record["in_reply_to"] else "posts"
        self.store.put(collection, record["id"], record)
        until = (self.now() + KEY_LIFE).isoformat()
        self.store.put("_keys", key, {"collection": collection, "id": record["id"], "until": until})
        return self._shown(record)

    def _checked(self, body: Record, account: Record) -> Record:
        text, media, parent = (
            body.get("status") or "",
            body.get("media_ids") or [],
            body.get("in_reply_to_id"),
        )
        if not text.strip() and not media:
            raise Refused(422, "Validation failed: Text can't be blank")
        if length(text) > LONGEST:
            raise Refused(422, f"Validation failed: Text character limit of {LONGEST} exceeded")
        if len(media) > MOST_MEDIA or any(self.store.get("_media", one) is None for one in media):
            raise Refused(422, "Cannot attach more than 4 files, or files that are not there")
        if parent and self.store.get("comments", parent) is None and self.store.get("posts", parent) is None:
            raise Refused(404, "Record not found")
        return self._record(text, account, parent, body.get("visibility") or "public") | {"media": media}

    def _record(self, text: str, author: Record, parent: str | None, visibility: str) -> Record:
        number = str(self.store.next_number("status", FIRST_ID))
        record = {"id": number, "text": text, "account": author, "in_reply_to": parent, "deleted": False}
        record |= {"created_at": self.now().isoformat(), "visibility": visibility}
        return record | {"favourites_count": 0, "reblogs_count": 0}

    def _shown(self, record: Record) -> Record:
        """A status as every answer embeds it."""
        parent = record["in_reply_to"]
        above = self.store.get("posts", parent or "") or self.store.get("comments", parent or "") or {}
        answers = [one for one in self.store.all("comments") if one["in_reply_to"] == record["id"]]
        content = html.escape(record["text"], quote=False).replace("\n", "<br />")
        url = f"{record['account']['url']}/{record['id']}"
        return {
            **{name: record[name] for name in ("id", "created_at", "account", "visibility")},
            **{name: record[name] for name in ("favourites_count", "reblogs_count")},
            "content": f"<p>{content}</p>",
            "uri": url,
            "url": url,
            "in_reply_to_id": parent,
            "in_reply_to_account_id": above["account"]["id"] if above else None,
            "replies_count": len(answers),
        }

    async def _own(self, request: Request, account: Record) -> list[Record]:
        rows = [*self.store.all("posts"), *self.store.all("comments")]
        ours = [row for row in rows if row["account"]["id"] == account["id"] and not row["deleted"]]
        newest = sorted(ours, key=lambda row: int(row["id"]), reverse=True)
        return [self._shown(row) for row in newest[: int(request.query_params.get("limit", 20))]]

    async def _statuses(self, request: Request, _: Record) -> list[Record]:
        found = [self.store.get("posts", one) for one in request.query_params.getlist("id[]")]
        return [self._shown(row) for row in found if row and not row["deleted"]]

    async def _delete(self, request: Request, account: Record) -> Record:
        post = self.store.get("posts", request.path_params["id"])
        if post is None or post["deleted"] or post["account"]["id"] != account["id"]:
            raise Refused(404, "Record not found")
        self.store.put("posts", post["id"], post | {"deleted": True})
        return self._shown(post) | {"text": post["text"]}

    async def _notifications(self, request: Request, account: Record) -> list[Record]:
        after, limit = int(request.query_params.get("min_id", 0)), int(request.query_params.get("limit", 40))
        ours = [one for one in self.store.all("notifications") if one["to"] == account["id"]]
        rows = [one for one in ours if int(one["id"]) > after][: min(limit, 80)]
        return [self._notification(one) for one in reversed(rows)]

    def _notification(self, one: Record) -> Record:
        status = self._shown(self.store.get("comments", one["status"]) or {})
        return {"id": one["id"], "type": "mention", "created_at": status["created_at"], "status": status}

    def _count(self, field: str, body: Record) -> Record:
        post = self.store.get("posts", body["post"]) or {}
        self.store.put("posts", body["post"], post | {field: post[field] + body.get("count", 1)})
        return {}

    def _follow(self, body: Record) -> Record:
        for account in self.store.all("accounts"):
            if account["url"] == body["account"]:
                more = {"followers_count": account["followers_count"] + body.get("count", 1)}
                self.store.put("accounts", account["id"], account | more)
        return {}

    def _comment(self, body: Record) -> Record:
        """Somebody on another server answers one of our statuses."""
        author, post = body["author"], self.store.get("posts", body["post"]) or {}
        acct = f"wang{author['id']}@elsewhere.example"
        who = {"id": author["id"], "acct": acct, "url": f"https://elsewhere.example/@wang{author['id']}"}
        record = self._record(body["text"], who | {"display_name": author["name"]}, body["post"], "public")
        self.store.put("comments", record["id"], record)
        number = str(self.store.next_number("notification", 9_001))
        told = {"id": number, "status": record["id"], "to": post["account"]["id"]}
        self.store.put("notifications", number, told)
        return {"id": record["id"]}


async def _body(request: Request) -> Record:
    """Read JSON, or a form with lists as `name[]`; the server takes both."""
    if "json" in request.headers.get("content-type", ""):
        return dict(await request.json())
    async with request.form() as form:
        lists = {name[:-2]: form.getlist(name) for name in form if name.endswith("[]")}
        return {**{name: form[name] for name in form if not name.endswith("[]")}, **lists}
