"""The AppView: notifications, counts, feeds. It is told of every post and answers app.bsky.*.

Notifications and their order follow bluesky-social/atproto, packages/bsky/src/data-plane (post.ts, notifs.ts): a reply
tells the owners of up to four posts above it; `indexedAt` is the earlier of the record's own date and the moment it
was seen. There is no delay: a count is right at once.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from drumtower.sandbox.bluesky.identifiers import AT_URI
from drumtower.sandbox.bluesky.lexicon import POST
from drumtower.sandbox.bluesky.sessions import Sessions
from drumtower.sandbox.bluesky.xrpc import Call, invalid
from drumtower.sandbox.store import Record, Store

LARGEST_BATCH = 25
_REPLY_DEPTH = 5
_COUNTS = {"likes": "likeCount", "comments": "replyCount", "reposts": "repostCount", "quotes": "quoteCount"}


class AppView:
    """Reads of one network: the sandbox's accounts and the public that /control/public plays."""

    def __init__(self, store: Store, now: Callable[[], datetime], sessions: Sessions) -> None:
        self._store = store
        self._now = now
        self._sessions = sessions

    def appeared(self, record: Record) -> None:
        """A post is new or was edited: count it, and tell whom it concerns."""
        uri, value = record["uri"], record["value"]
        known = self._post(uri)
        if known and not known["deleted"]:
            self._keep(known | {"text": value["text"], "cid": record["cid"]})
            return
        self._keep(self._new(record))
        parent = (value.get("reply") or {}).get("parent", {}).get("uri")
        self.count(parent, "comments", 1)
        self.count(_quoted(value), "quotes", 1)
        told = {record["did"]}
        for did, reason, subject in self._concerned(value):
            if did not in told:
                told.add(did)
                self.notify(did, reason, subject, record)

    def gone(self, uri: str) -> None:
        """A post was deleted: it counts no more, and nobody is told of it."""
        post = self._post(uri)
        if post is None or post["deleted"]:
            return
        self._keep(post | {"deleted": True})
        self.count(post["in_reply_to"], "comments", -1)
        self.count(post["quote_of"], "quotes", -1)
        for notification in self._store.all("_notifications"):
            if notification["uri"] == uri:
                self._store.delete("_notifications", f"{notification['to']} {uri}")

    def count(self, uri: str | None, what: str, step: int) -> None:
        """Change one count of a post; a post that is not known here has none."""
        post = self._post(uri or "")
        if post is None:
            return
        post[what] += step
        self._keep(post | {"shares": post["reposts"] + post["quotes"]})

    def notify(self, did: str, reason: str, subject: str | None, record: Record) -> None:
        """Tell an account of a record."""
        notification = {"to": did, "reason": reason, "reasonSubject": subject, "uri": record["uri"]}
        created = instant(datetime.fromisoformat(record["value"]["createdAt"]))
        dates = {"sort_at": min(created, record["indexed_at"])}
        content = {"cid": record["cid"], "author": record["did"], "record": record["value"]}
        self._store.put("_notifications", f"{did} {record['uri']}", notification | dates | content)

    async def notifications(self, call: Call) -> dict[str, Any]:
        """app.bsky.notification.listNotifications: newest first; the cursor is opaque."""
        query, limit = call.request.query_params, call.limit()
        reasons = query.getlist("reasons")
        mine = [
            one
            for one in self._store.all("_notifications")
            if one["to"] == call.did and (not reasons or one["reason"] in reasons)
        ]
        mine.sort(key=_order, reverse=True)
        if query.get("cursor"):
            at, _, cid = query["cursor"].partition("::")
            mine = [one for one in mine if _order(one) < (at, cid)]
        page = mine[:limit]
        following = {"cursor": "::".join(_order(page[-1]))} if page else {}
        seen = instant(self._now())
        return {"notifications": [self._told(one) for one in page], "seenAt": seen, **following}

    async def posts(self, call: Call) -> dict[str, Any]:
        """app.bsky.feed.getPosts: a post that is gone is left out."""
        uris = call.request.query_params.getlist("uris")
        if not uris or len(uris) > LARGEST_BATCH:
            raise invalid(f"Error: uris must not have more than {LARGEST_BATCH} elements, nor none")
        if not all(AT_URI.fullmatch(uri) for uri in uris):
            raise invalid("Error: uris must be at-uris")
        found = [self._post(uri) for uri in uris]
        return {"posts": [self._view(post) for post in found if post and not post["deleted"]]}

    async def profile(self, call: Call) -> dict[str, Any]:
        """app.bsky.actor.getProfile."""
        account = self._sessions.account(call.parameter("actor"))
        if account is None:
            raise invalid("Profile not found")
        posts = [one for one in self._store.all("posts") if one["account"] == account["id"]]
        counts = {"followersCount": account["followers"], "followsCount": 0}
        alive = sum(not post["deleted"] for post in posts)
        return self._person(account["id"]) | counts | {"postsCount": alive}

    async def author_feed(self, call: Call) -> dict[str, Any]:
        """app.bsky.feed.getAuthorFeed: own posts, newest first."""
        account = self._sessions.account(call.parameter("actor"))
        if account is None:
            raise invalid("Profile not found")
        cursor, limit = call.request.query_params.get("cursor", ""), call.limit()
        posts = [one for one in self._store.all("posts") if one["account"] == account["id"]]
        posts = [one for one in posts if not one["deleted"] and (not cursor or one["id"] < cursor)]
        posts.sort(key=lambda post: str(post["id"]), reverse=True)
        page = [{"post": self._view(post)} for post in posts[:limit]]
        return {"feed": page, **({"cursor": posts[limit - 1]["id"]} if len(posts) > limit else {})}

    def _concerned(self, value: Record) -> Iterator[tuple[str, str, str | None]]:
        features = [feature for facet in value.get("facets", []) for feature in facet["features"]]
        for feature in features:
            if feature["$type"] == "app.bsky.richtext.facet#mention":
                yield feature["did"], "mention", None
        quoted = _quoted(value)
        if quoted:
            yield _owner(quoted), "quote", quoted
        above = (value.get("reply") or {}).get("parent", {}).get("uri")
        for _ in range(_REPLY_DEPTH - 1):
            if above is None:
                return
            yield _owner(above), "reply", above
            above = (self._post(above) or {}).get("in_reply_to")

    def _new(self, record: Record) -> Record:
        value, did = record["value"], record["did"]
        reply = value.get("reply")
        names = {"id": record["uri"], "cid": record["cid"], "text": value["text"], "deleted": False}
        place = {"post": reply["root"]["uri"]} if reply else {}
        place |= {"in_reply_to": reply["parent"]["uri"] if reply else None}
        owner = {"author": did} if reply else {"account": did}
        counts = {
            "likes": 0,
            "comments": 0,
            "reposts": 0,
            "quotes": 0,
            "shares": 0,
            "saves": 0,
            "reads": None,
        }
        dates = {"created_at": value["createdAt"], "indexed_at": record["indexed_at"]}
        return {**names, **owner, **place, **counts, **dates, "quote_of": _quoted(value)}

    def _post(self, uri: str) -> Record | None:
        found = (self._store.get(shelf, uri) for shelf in ("posts", "comments", "mentions"))
        return next((post for post in found if post), None)

    def _keep(self, post: Record) -> None:
        ours = self._store.get("accounts", post.get("account", ""))
        shelf = "comments" if "author" in post else "posts" if ours else "mentions"
        self._store.put(shelf, post["id"], post)

    def _view(self, post: Record) -> dict[str, Any]:
        record = self._store.get("_records", post["id"]) or {"cid": post["cid"], "value": {}}
        counts = {wire: post[name] for name, wire in _COUNTS.items()} | {"bookmarkCount": post["saves"]}
        person = self._person(post.get("account") or post["author"])
        names = {"uri": post["id"], "cid": record["cid"], "author": person, "record": record["value"]}
        return {**names, **counts, "indexedAt": post["indexed_at"], "labels": []}

    def _told(self, one: Record) -> dict[str, Any]:
        subject = {"reasonSubject": one["reasonSubject"]} if one["reasonSubject"] else {}
        same = {name: one[name] for name in ("uri", "cid", "reason", "record")}
        person = self._person(one["author"])
        return {
            **same,
            **subject,
            "author": person,
            "isRead": False,
            "indexedAt": one["sort_at"],
            "labels": [],
        }

    def _person(self, did: str) -> dict[str, Any]:
        known = self._store.get("accounts", did) or self._store.get("people", did)
        shown = {"displayName": known["display_name"]} if known and known["display_name"] else {}
        return {"did": did, "handle": known["name"] if known else "handle.invalid", **shown}


def _owner(uri: str) -> str:
    return uri.removeprefix("at://").partition("/")[0]


def _order(notification: Record) -> tuple[str, str]:
    return notification["sort_at"], notification["cid"]


def _quoted(value: Record) -> str | None:
    match value.get("embed"):
        case {"$type": "app.bsky.embed.record", "record": {"uri": str(uri)}}:
            return uri if f"/{POST}/" in uri else None
        case {"$type": "app.bsky.embed.recordWithMedia", "record": {"record": {"uri": str(uri)}}}:
            return uri if f"/{POST}/" in uri else None
    return None


def instant(moment: datetime) -> str:
    """Write a moment so that texts sort as times do."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
