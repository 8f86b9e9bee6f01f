"""What the LinkedIn sandbox knows: members and pages, tokens, posts, comments, notifications."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import ClassVar

from drumtower.sandbox.linkedin.wire import Refused, denied, not_found
from drumtower.sandbox.oauth import OAuthServer, Spending
from drumtower.sandbox.state import SandboxState
from drumtower.sandbox.store import Record, Store

FIRST_ID = 7_460_000_000_000_000_001  # beyond 2^53, so that a client that reads ids as floats fails here
ROLES = frozenset({"ADMINISTRATOR", "CONTENT_ADMINISTRATOR"})
SCOPES = (
    "openid",
    "profile",
    "w_member_social",
    "w_organization_social",
    "r_organization_social",
    "rw_organization_admin",
)
DEFAULTS: Record = {
    "list_lag_seconds": 30,  # how long `q=author` misses a new post
    "duplicate_hours": 24,  # how long the same content is refused, after its deletion too
    "oldest_version": "202512",
    "newest_version": "202611",
    "foreign_statistics": "refuse",  # refuse the whole call for one post that is not the page's, or "omit" it
    "signature_prefix": False,  # whether X-LI-Signature begins with `hmacsha256=`
}


class State(SandboxState):
    """The store and what is looked up in it."""

    defaults: ClassVar[Record] = DEFAULTS

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        super().__init__(store, now)
        self.oauth = OAuthServer(
            store=store,
            now=now,
            life=timedelta(days=60),
            refresh_life=timedelta(days=365),
            spending=Spending.KEPT,  # as for an approved partner; other apps get no refresh token
            refresh_ends="refresh_token_expires_in",
        )

    def number(self) -> str:
        return str(self.store.next_number("id", FIRST_ID))

    def open_account(self, options: Record) -> Record:
        """Open a page with its one member, or (`kind` "person") a member; each has an app of its own.

        Options: id (number or name of the page or member), name, kind, role, scopes, followers, calls_per_day.
        """
        count = self.store.next_number("account", 1)
        kind = options.get("kind", "organization")
        member = f"urn:li:person:{options.get('id') if kind == 'person' and options.get('id') else f'gulou{count:04}'}"
        page = str(options.get("id") or 90_000_000 + count)
        urn = member if kind == "person" else f"urn:li:organization:{page}"
        record = {
            "id": urn,
            "kind": kind,
            "member": member,
            "name": options.get("name") or f"Gulou Tea {count}",
            "role": options.get("role", "ADMINISTRATOR"),
            "followers": options.get("followers", 1204),
            "calls_per_day": options.get("calls_per_day"),
        }
        self.store.put("accounts", urn, record)
        app = self.oauth.add_app(urn)
        self.store.put("_secrets", urn, {"client_secret": app["secret"]})
        token = self.oauth.issue(urn, " ".join(options.get("scopes", SCOPES)))
        values = {"client_id": app["id"], "client_secret": app["secret"], "access_token": token}
        return {"id": urn} | values | ({"organization": page} if kind == "organization" else {})

    def authorised(self, token: str) -> Record:
        found = self.store.get("_tokens", token)
        if found is None:
            raise Refused(401, "INVALID_ACCESS_TOKEN", "Invalid access token", number=65600)
        if found.get("revoked"):
            said = "The token has been revoked by the user"
            raise Refused(401, "REVOKED_ACCESS_TOKEN", said, number=65601)
        if found["expires_at"] and datetime.fromisoformat(found["expires_at"]) <= self.now():
            said = "The token used in the request has expired"
            raise Refused(401, "EXPIRED_ACCESS_TOKEN", said, number=65602)
        self._spend(found["account"])
        return found | {"scopes": found["scope"].split()}

    def _spend(self, account: str) -> None:
        limit, key = self.account(account)["calls_per_day"], f"{account}:{self.now():%Y%m%d}"
        used = (self.store.get("_spent", key) or {"calls": 0})["calls"]
        if limit is not None and used >= limit:
            said = "Resource level throttle APPLICATION_AND_MEMBER DAY limit for calls to this resource is reached."
            raise Refused(429, "TOO_MANY_REQUESTS", said, number=101)
        self.store.put("_spent", key, {"calls": used + 1})

    def account(self, urn: str) -> Record:
        found = self.store.get("accounts", urn)
        if found is None:
            raise not_found(urn)
        return found

    def may_write(self, token: Record, author: str) -> None:
        """A member writes for itself; for its page with a role there."""
        account = self.account(token["account"])
        if author == account["member"] and "w_member_social" in token["scopes"]:
            return
        allowed = account["role"] in ROLES and "w_organization_social" in token["scopes"]
        if author != account["id"] or not allowed:
            raise denied(f"{author} is not allowed to the token's member")

    def may_read(self, token: Record, scope: str = "r_organization_social", owner: str | None = None) -> None:
        """Pages are read with the scope and a role; what is a member's is closed to every app."""
        account = self.account(token["account"])
        mine = account["kind"] == "organization" and owner in (None, account["id"])
        if not mine or scope not in token["scopes"] or account["role"] not in ROLES:
            raise denied()

    def post(self, urn: str) -> Record:
        """Return a post by its own URN or its activity's."""
        named = (self.store.get("_activities", urn) or {"post": urn})["post"]
        found = self.store.get("posts", named) or self.store.get("mentions", named)
        if found is None or found["deleted"]:
            raise not_found(urn)
        return found

    def comment(self, urn: str) -> Record:
        found = self.store.get("comments", urn)
        if found is None or found["deleted"]:
            raise not_found(urn)
        return found

    def comments(self, *, post: str, in_reply_to: str | None) -> list[Record]:
        """Those under a post, or under one of its comments; newest first."""
        rows = self.store.all("comments")
        return [
            row
            for row in reversed(rows)
            if row["post"] == post and row["in_reply_to"] == in_reply_to and not row["deleted"]
        ]

    def add_comment(self, post: Record, actor: str, text: str, parent: Record | None) -> Record:
        number = self.number()
        row = {
            "id": f"urn:li:comment:({post['activity']},{number})",
            "number": number,
            "post": post["id"],
            "activity": post["activity"],
            "account": post["account"],
            "actor": actor,
            "text": text,
            "in_reply_to": parent["id"] if parent else None,
            "created_at": self.now().isoformat(),
            "deleted": False,
        }
        self.store.put("comments", row["id"], row)
        self.grow(post["id"], "comments")
        return row

    def grow(self, post: str, counter: str, by: int = 1) -> None:
        row, kept = self.post(post), "mentions" if self.store.get("mentions", post) else "posts"
        self.store.put(kept, row["id"], row | {counter: row[counter] + by})
