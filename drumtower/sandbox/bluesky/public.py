"""What the public and the platform's staff do, under /control/. Their posts are records of other accounts."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from starlette.routing import BaseRoute

from drumtower.sandbox.bluesky import identifiers
from drumtower.sandbox.bluesky.appview import AppView, instant
from drumtower.sandbox.bluesky.lexicon import POST, check_post
from drumtower.sandbox.bluesky.limits import Limits
from drumtower.sandbox.bluesky.repository import Repository
from drumtower.sandbox.control import Act, control_routes
from drumtower.sandbox.state import Refusal
from drumtower.sandbox.store import Record, Store

_REPOST = {"$type": "app.bsky.feed.repost"}
_LIKE = {"$type": "app.bsky.feed.like"}
_STATUSES = ("takendown", "suspended", "deactivated", None)


class Unknown(Refusal):
    """There is no such post or account in the sandbox."""


class Public:
    """Each act is one thing somebody does; its body is the request's JSON."""

    def __init__(
        self,
        store: Store,
        now: Callable[[], datetime],
        appview: AppView,
        repository: Repository,
        limits: Limits,
    ) -> None:
        self._store = store
        self._now = now
        self._appview = appview
        self._repository = repository
        self._limits = limits

    def routes(self) -> list[BaseRoute]:
        acts: dict[str, Act] = {
            "public/comment": self._comment,
            "public/uncomment": self._uncomment,
            "public/mention": self._mention,
            "public/quote": self._quote,
            "public/like": self._like,
            "public/share": self._share,
            "public/save": self._save,
            "public/read": self._read,
            "public/follow": self._follow,
            "status": self._status,
            "sessions/end": self._end_sessions,
            "blobs/expire": self._expire_blobs,
            "settings": self._settings,
        }
        return control_routes(acts)

    def _comment(self, body: Record) -> dict[str, Any]:
        """`{"post", "author", "text", "in_reply_to"?}`; `in_reply_to` is a comment under the post."""
        parent = self._record(str(body.get("in_reply_to") or body["post"]))
        root = (parent["value"].get("reply") or {}).get("root") or _reference(parent)
        return self._say(body, {"reply": {"root": root, "parent": _reference(parent)}})

    def _uncomment(self, body: Record) -> dict[str, Any]:
        record = self._record(str(body["id"]))
        self._store.delete("_records", record["uri"])
        self._appview.gone(record["uri"])
        return {}

    def _mention(self, body: Record) -> dict[str, Any]:
        """`{"account", "author", "text"}`: a post that begins with the account's handle."""
        account = self._account(body)
        called = f"@{account['name']}"
        feature = {"$type": "app.bsky.richtext.facet#mention", "did": account["id"]}
        facet = {"index": {"byteStart": 0, "byteEnd": len(called)}, "features": [feature]}
        return self._say(body | {"text": f"{called} {body['text']}"}, {"facets": [facet]})

    def _quote(self, body: Record) -> dict[str, Any]:
        quoted = self._record(str(body["post"]))
        return self._say(body, {"embed": {"$type": "app.bsky.embed.record", "record": _reference(quoted)}})

    def _like(self, body: Record) -> dict[str, Any]:
        return self._react(body, "likes", _LIKE)

    def _share(self, body: Record) -> dict[str, Any]:
        return self._react(body, "reposts", _REPOST)

    def _save(self, body: Record) -> dict[str, Any]:
        return self._react(body, "saves", None)

    def _read(self, body: Record) -> dict[str, Any]:
        """Bluesky counts no reads."""
        self._record(str(body["post"]))
        return {}

    def _follow(self, body: Record) -> dict[str, Any]:
        account = self._account(body)
        grown = account | {"followers": account["followers"] + int(body.get("count", 1))}
        self._store.put("accounts", account["id"], grown)
        return {}

    def _status(self, body: Record) -> dict[str, Any]:
        """`{"account", "status"}`: takendown, suspended, deactivated, or null for active."""
        if body["status"] not in _STATUSES:
            raise ValueError(f"no status: {body['status']}")
        account = self._account(body)
        self._store.put("accounts", account["id"], account | {"status": body["status"]})
        return {}

    def _end_sessions(self, body: Record) -> dict[str, Any]:
        """`{"account"}`: revoke its refresh tokens, as changing the app password does."""
        account = self._account(body)
        for jti in [one["jti"] for one in self._store.all("_refresh") if one["did"] == account["id"]]:
            self._store.delete("_refresh", jti)
        return {}

    def _expire_blobs(self, _: Record) -> dict[str, Any]:
        return {"dropped": self._repository.forget_unused_files()}

    def _settings(self, body: Record) -> dict[str, Any]:
        """`{"rate_limits"?: bool, "rate_limit_per_address"?: bool}`."""
        self._limits.enabled = bool(body.get("rate_limits", self._limits.enabled))
        self._limits.per_address = bool(body.get("rate_limit_per_address", self._limits.per_address))
        return {"rate_limits": self._limits.enabled, "rate_limit_per_address": self._limits.per_address}

    def _say(self, body: Record, more: Record) -> dict[str, Any]:
        author = self._person(body.get("author") or {})
        created = body.get("created_at") or instant(self._now())
        value = {"$type": POST, "text": str(body["text"]), "createdAt": created, **more}
        check_post(value, "$.record")
        record = self._keep(author["id"], POST, value)
        self._appview.appeared(record)
        return {"id": record["uri"]}

    def _keep(self, did: str, collection: str, value: Record) -> Record:
        rkey = identifiers.tid(int(self._now().timestamp() * 1_000_000))
        names = {"uri": f"at://{did}/{collection}/{rkey}", "did": did, "collection": collection}
        seen = {"cid": identifiers.record_cid(value), "value": value, "indexed_at": instant(self._now())}
        self._store.put("_records", names["uri"], {**names, **seen})
        return {**names, **seen}

    def _react(self, body: Record, what: str, reaction: Record | None) -> dict[str, Any]:
        post, count = self._record(str(body["post"])), int(body.get("count", 1))
        self._appview.count(post["uri"], what, count)
        if reaction and self._store.get("accounts", post["did"]):
            author = self._person(body.get("author") or {})
            value = {**reaction, "subject": _reference(post), "createdAt": instant(self._now())}
            told = self._keep(author["id"], reaction["$type"], value)
            self._appview.notify(post["did"], reaction["$type"].rpartition(".")[2], post["uri"], told)
        return {}

    def _person(self, author: Record) -> Record:
        seed, name = str(author.get("id") or "somebody"), str(author.get("name") or "")
        account = self._store.get("accounts", seed)
        if account:
            return account
        did = seed if identifiers.DID.fullmatch(seed) else identifiers.made_up_did(seed)
        person = {"id": did, "name": f"{did[-8:]}.public.test", "display_name": name}
        self._store.put("people", did, person)
        return person

    def _account(self, body: Record) -> Record:
        account = self._store.get("accounts", str(body["account"]))
        if account is None:
            raise Unknown(f"no account {body['account']}")
        return account

    def _record(self, uri: str) -> Record:
        record = self._store.get("_records", uri)
        if record is None:
            raise Unknown(f"no post {uri}")
        return record


def _reference(record: Record) -> dict[str, str]:
    return {"uri": record["uri"], "cid": record["cid"]}
