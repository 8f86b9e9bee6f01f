"""What the Weibo sandbox knows: accounts, tokens, statuses, comments, messages, and the indexes over them."""

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any, ClassVar

from drumtower.sandbox.state import SandboxState
from drumtower.sandbox.store import Record, Store
from drumtower.sandbox.weibo.wire import Refused

# Beyond 2^53, so that a client that reads ids as floats fails here and not in production.
FIRST_ID = 9_300_000_000_000_001
TOKEN_LIFE = timedelta(days=30)
DEFAULTS: Record = {
    "string_codes": False,  # error codes as strings
    "pending": 0,  # how many of the next shares answer 20032
    "pending_seconds": 90,
    "expand_closed": False,  # short_url/expand answers 10014
    "timeline": 5,  # how many of its newest statuses a normal app sees
    "duplicate_minutes": 10,
    "banned": ["违禁词"],
}


class State(SandboxState):
    """The store and what is looked up in it; indexes are rebuilt from it, so a restart loses nothing."""

    defaults: ClassVar[Record] = DEFAULTS

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        super().__init__(store, now)
        self._posts: dict[str, list[str]] = {}
        self._comments: dict[str, list[str]] = {}
        for post in store.all("posts"):
            self._posts.setdefault(post["account"], []).append(post["id"])
        for comment in store.all("comments"):
            self._comments.setdefault(comment["account"], []).append(comment["id"])

    def new_id(self) -> str:
        return str(self.store.next_number("id", FIRST_ID))

    def account(self, account: str) -> Record:
        found = self.store.get("accounts", account)
        if found is None:
            raise Refused(20003)
        return found

    def app(self, account: str) -> Record:
        """The app that the account's owner made: key, secret, security domain."""
        return self.store.get("_apps", account) or {}

    def issue(self, account: str) -> str:
        token = f"2.00{secrets.token_hex(14)}"
        expires_at = (self.now() + TOKEN_LIFE).isoformat()
        self.store.put("_tokens", token, {"account": account, "expires_at": expires_at, "revoked": False})
        return token

    def authorised(self, token: str) -> Record:
        """Return the account behind a token, or refuse as Weibo does."""
        found = self.store.get("_tokens", token)
        if found is None:
            raise Refused(21332)
        if found["revoked"]:
            raise Refused(21319)
        if datetime.fromisoformat(found["expires_at"]) <= self.now():
            raise Refused(21327)
        return self.account(found["account"])

    def add_post(self, post: Record) -> None:
        self.store.put("posts", post["id"], post)
        self._posts.setdefault(post["account"], []).append(post["id"])

    def post(self, post_id: str) -> Record:
        """Return a status that can be seen now."""
        found = self.store.get("posts", post_id)
        if found is None or found["deleted"] or not self.visible(found):
            raise Refused(20101)
        return found

    def visible(self, post: Record) -> bool:
        return datetime.fromisoformat(post["visible_at"]) <= self.now()

    def timeline(self, account: str, newest: int) -> list[Record]:
        """The account's `newest` statuses, newest first."""
        ids = self._posts.get(account, [])
        rows = (self.store.get("posts", post_id) for post_id in reversed(ids[-newest:]))
        return [row for row in rows if row]

    def post_count(self, account: str) -> int:
        return len(self._posts.get(account, []))

    def add_comment(self, comment: Record) -> None:
        """`account` of a comment is whose status it stands under."""
        self.store.put("comments", comment["id"], comment)
        self._comments.setdefault(comment["account"], []).append(comment["id"])
        post = self.store.get("posts", comment["post"])
        if post:
            self.store.put("posts", post["id"], post | {"comments": post["comments"] + 1})

    def comment(self, comment_id: str) -> Record:
        found = self.store.get("comments", comment_id)
        if found is None or found["deleted"]:
            raise Refused(20201)
        return found

    def comments(self, account: str, since: int = 0) -> list[Record]:
        """Comments under the account's statuses that are newer than `since`, newest first."""
        ids = reversed(self._comments.get(account, []))
        newer = takewhile(lambda comment_id: int(comment_id) > since, ids)
        rows = (self.store.get("comments", comment_id) for comment_id in newer)
        return [row for row in rows if row]

    def repeats(self, account: str, kind: str, text: str) -> bool:
        """Say whether the same text went out within the guard's minutes."""
        last = self.store.get("_texts", _text_key(account, kind, text))
        guard = timedelta(minutes=self.settings()["duplicate_minutes"])
        return last is not None and datetime.fromisoformat(last["at"]) > self.now() - guard

    def remember(self, account: str, kind: str, text: str) -> None:
        self.store.put("_texts", _text_key(account, kind, text), {"at": self.now().isoformat()})

    def spend(self, account: str, budget: str, limit: int | None, period: str) -> bool:
        """Take one from a budget; False when it is used up. `period` names the hour or day it counts in."""
        if limit is None:
            return True
        key = f"{account}:{budget}:{period}"
        used = (self.store.get("_budgets", key) or {"used": 0})["used"]
        if used >= limit:
            return False
        self.store.put("_budgets", key, {"used": used + 1})
        return True


def _text_key(account: str, kind: str, text: str) -> str:
    return f"{account}:{kind}:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:24]}"


def person(author: Any) -> Record:
    """Read `{"id", "name"}` of a member of the public; an id that is no number gets one, as on Weibo."""
    given = author if isinstance(author, dict) else {}
    who = str(given.get("id") or "1000000001")
    if not who.isdecimal():
        who = str(int(hashlib.sha256(who.encode()).hexdigest()[:8], 16) + 1_000_000_000)
    return {"id": who, "name": str(given.get("name") or f"用户{who}")}
