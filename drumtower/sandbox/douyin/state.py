"""What Douyin knows: accounts with an app each, tokens and how they age, switches of the sandbox."""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from drumtower.sandbox.douyin.wire import Refused
from drumtower.sandbox.state import SandboxState
from drumtower.sandbox.store import Record

SCOPES = (
    "user_info,renew_refresh_token,video.create.bind,video.list.bind,video.data.bind,"
    "item.comment,im.direct_message,data.external.user,fans.data.bind"
)
ACCESS, REFRESH, APP_TOKEN = timedelta(days=15), timedelta(days=30), timedelta(hours=2)
MOST_RENEWALS = 5
CODE_LIFE = timedelta(minutes=10)
DEFAULTS: Record = {
    "numbers_as_strings": False,  # error codes and counts as text
    "content_as_string": True,  # a push's content as JSON in a string
    "bare_extra": False,  # no error code in `extra`
    "refused_words": ["违禁词"],  # what the review takes down again
    "review_seconds": 60,  # after which it does
}


class State(SandboxState):
    """The store, and what is looked up in it."""

    defaults: ClassVar[Record] = DEFAULTS

    def secret_id(self, kind: str, number: int) -> str:
        """Make an encrypted id: it begins with @ and holds signs that a query must escape."""
        digest = hashlib.sha256(f"{kind}{number}".encode()).digest()
        return "@8+/" + base64.b64encode(digest).decode()

    def new_id(self, kind: str) -> str:
        return self.secret_id(kind, self.store.next_number(kind))

    def open_account(self, options: Record) -> Record:
        """Open an account with an app and a token of its own; options: name, followers, scopes."""
        number = self.store.next_number("account")
        open_id = f"0da22181-d833-447f-995f-{number:012d}"
        scopes = str(options.get("scopes", SCOPES))
        account: Record = {
            "id": open_id,
            "union_id": f"u-{open_id}",
            "nickname": options.get("name", "鼓楼茶"),
        }
        account |= {"followers": int(options.get("followers", 1200)), "scopes": scopes}
        app: Record = {"client_key": f"aw{secrets.token_hex(7)}", "client_secret": secrets.token_hex(16)}
        self.store.put("accounts", open_id, account)
        self.store.put("_apps", app["client_key"], app | {"account": open_id})
        token = self.issue(open_id, scopes)
        return {"id": open_id, **app, "open_id": open_id, "access_token": token}

    def app(self, client_key: str) -> Record:
        found = self.store.get("_apps", client_key)
        if found is None:
            raise Refused(10003)
        return found

    def app_of(self, open_id: str) -> Record:
        return next(app for app in self.store.all("_apps") if app["account"] == open_id)

    def issue(self, open_id: str, scopes: str) -> str:
        token = f"act.{secrets.token_hex(24)}"
        ends = (self.now() + ACCESS).isoformat()
        self.store.put(
            "_tokens", token, {"token": token, "account": open_id, "scopes": scopes, "expires_at": ends}
        )
        return token

    def is_over(self, record: Mapping[str, Any]) -> bool:
        return datetime.fromisoformat(record["expires_at"]) <= self.now()

    def authorised(self, token: str, open_id: str, scope: str) -> Record:
        """Return the account that a token speaks for."""
        found = self.store.get("_tokens", token)
        if found is None or found.get("revoked"):
            raise Refused(2190002)
        if self.is_over(found):
            raise Refused(2190008)
        if found["account"] != open_id:
            raise Refused(2190015)
        if scope not in found["scopes"].split(","):
            raise Refused(2190003)
        return self.account(open_id)
