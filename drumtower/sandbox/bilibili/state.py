"""What Bilibili knows: accounts with an app each, tokens, nonces, submissions and how their review stands."""

import secrets
from datetime import datetime, timedelta
from typing import Any, ClassVar

from starlette.responses import JSONResponse

from drumtower.sandbox.state import Refusal, SandboxState
from drumtower.sandbox.store import Record

SCOPES = "USER_INFO,USER_DATA,ARC_BASE,ARC_DATA"
ACCESS, CODE_LIFE = timedelta(days=30), timedelta(minutes=10)
OPEN, RETURNED, WAITING = 0, -2, -30
DEFAULTS: Record = {
    "review_seconds": 60,  # from a submission to the end of its review
    "refused_words": ["违禁词"],  # what the review returns
    "seconds_between": 0,  # two submissions; Bilibili wants 30
    "submissions_a_day": 0,  # of one account; 0: no limit, and 5 for one without full membership
    "clock_skew": 0,  # seconds by which Bilibili's clock is ahead of ours
}


class Refused(Refusal):
    """Bilibili says no, with HTTP 200."""

    def __init__(self, code: int, said: str = "refused") -> None:
        super().__init__(said)
        self.code = code

    def answer(self) -> JSONResponse:
        return JSONResponse(wrapped(None, self.code, str(self)))


def wrapped(data: Any, code: int = 0, message: str = "0") -> Record:
    """Put an answer into Bilibili's envelope."""
    return {"code": code, "message": message, "ttl": 1, "request_id": secrets.token_hex(16), "data": data}


class State(SandboxState):
    """The store, and what is looked up in it."""

    defaults: ClassVar[Record] = DEFAULTS

    def open_account(self, options: Record) -> Record:
        """Open an account with an app and a token of its own; options: name, followers, scopes."""
        number = self.store.next_number("account")
        openid = f"{number:032x}"
        scopes = str(options.get("scopes", SCOPES))
        account: Record = {"id": openid, "name": options.get("name", "鼓楼茶"), "scopes": scopes}
        account |= {"followers": int(options.get("followers", 500))}
        app = {"client_id": f"{number:016x}", "app_secret": secrets.token_hex(16)}
        self.store.put("accounts", openid, account)
        self.store.put("_apps", app["client_id"], {**app, "account": openid})
        return {"id": openid, **app, "access_token": self.issue(openid, scopes)}

    def app(self, client_id: str) -> Record:
        found = self.store.get("_apps", client_id)
        if found is None:
            raise Refused(122000, "client_id")
        return found

    def app_of(self, openid: str) -> Record:
        return next(app for app in self.store.all("_apps") if app["account"] == openid)

    def issue(self, openid: str, scopes: str) -> str:
        token, ends = secrets.token_hex(16), (self.now() + ACCESS).isoformat()
        self.store.put(
            "_tokens", token, {"token": token, "account": openid, "scopes": scopes, "expires_at": ends}
        )
        return token

    def is_over(self, record: Record) -> bool:
        return datetime.fromisoformat(record["expires_at"]) <= self.now()

    def authorised(self, token: str, app: Record, scope: str) -> Record:
        """Return the account that a token speaks for."""
        found = self.store.get("_tokens", token)
        if found is None or found.get("revoked") or found["account"] != app["account"] or self.is_over(found):
            raise Refused(127001, "access_token")
        if scope not in found["scopes"].split(","):
            raise Refused(127011, scope)
        return self.account(found["account"])

    def own(self, openid: str) -> list[Record]:
        """The account's submissions, newest first."""
        rows = [one for one in self.store.all("_archives") if one["account"] == openid and not one["deleted"]]
        return list(reversed(rows))

    def archive(self, openid: str, resource_id: str) -> Record:
        found = next((one for one in self.own(openid) if one["id"] == resource_id), None)
        if found is None:
            raise Refused(123004, "resource_id")
        return found

    def post(self, post: str) -> Record:
        """Return what is public."""
        self.review()
        return super().post(post)

    def review(self) -> list[Record]:
        """End the reviews whose time has come, and return their submissions."""
        ended = [one for one in self.store.all("_archives") if one["state"] == WAITING and self._is_due(one)]
        return [
            self.judge(one, refused=any(word in one["text"] for word in self.settings()["refused_words"]))
            for one in ended
        ]

    def _is_due(self, row: Record) -> bool:
        age = self.now() - datetime.fromisoformat(row["created_at"])
        return age.total_seconds() >= self.settings()["review_seconds"] and not row["deleted"]

    def judge(self, row: Record, *, refused: bool, reason: str = "视频内容违规") -> Record:
        """End one review; what is open is public."""
        judged = row | {"state": RETURNED if refused else OPEN, "reason": reason if refused else ""}
        judged |= {"opened_at": None if refused else self.now().isoformat()}
        self.store.put("_archives", row["id"], judged)
        if not refused:
            counts = dict.fromkeys(("reads", "likes", "comments", "shares", "saves"), 0)
            public = {name: judged[name] for name in ("id", "account", "title", "text", "deleted")}
            self.store.put("posts", row["id"], public | counts)
        return judged
