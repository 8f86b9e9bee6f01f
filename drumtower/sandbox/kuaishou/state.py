"""What Kuaishou knows: accounts with an app each, tokens and refresh tokens that are used once, switches, refusals."""

import secrets
from datetime import datetime, timedelta
from typing import Any, ClassVar

from starlette.responses import JSONResponse

from drumtower.sandbox.state import Refusal, SandboxState
from drumtower.sandbox.store import Record

SCOPES = "user_info,user_video_publish,user_video_info,user_video_delete"
ACCESS, REFRESH, CODE_LIFE = timedelta(hours=48), timedelta(days=180), timedelta(minutes=2)
SAID = {
    100100400: "param invalid",
    100100402: "over daily limit",
    100120001: "photo not exist",
    100120002: "photo not upload",
    100200100: "invalid request",
    100200101: "invalid client",
    100200102: "access denied",
    100200105: "invalid code",
    100200106: "invalid scope",
    100200108: "access_token expired",
    100200113: "refresh_token expired",
    100200301: "anti spam",
}
DEFAULTS: Record = {
    "pending_seconds": 20,  # from taking a video to showing it
    "unknown_seconds": 0,  # after taking a video, in which it is not known yet
    "numbers_as_strings": False,
    "refused_words": ["违禁词"],  # what the review does not let through
    "calls_a_day": 1000,  # of one call for one account
}


class Refused(Refusal):
    """Kuaishou says no: a result other than 1, with HTTP 200."""

    def __init__(self, code: int, more: str = "") -> None:
        super().__init__(f"{SAID[code]} {more}".strip())
        self.code = code

    def answer(self) -> JSONResponse:
        return JSONResponse({"result": self.code, "error": "refused", "error_msg": str(self)})


class State(SandboxState):
    """The store, and what is looked up in it."""

    defaults: ClassVar[Record] = DEFAULTS

    def open_account(self, options: Record) -> Record:
        """Open an account with an app and a token of its own; options: name, followers, scopes."""
        number = self.store.next_number("account")
        open_id = f"f198e20b0c24ac9014bf{number:012d}"
        scopes = str(options.get("scopes", SCOPES))
        account = {"id": open_id, "name": options.get("name", "鼓楼茶"), "scopes": scopes}
        account |= {"followers": int(options.get("followers", 300)), "revoked": False}
        app = {"app_id": f"ks{684_828_620_219_089_000 + number}", "app_secret": secrets.token_urlsafe(16)}
        self.store.put("accounts", open_id, account)
        self.store.put("_apps", app["app_id"], {**app, "account": open_id})
        return {"id": open_id, **app, "open_id": open_id, "access_token": self.issue(open_id, scopes)}

    def app(self, app_id: str) -> Record:
        found = self.store.get("_apps", app_id)
        if found is None:
            raise Refused(100200101)
        return found

    def app_of(self, open_id: str) -> Record:
        return next(app for app in self.store.all("_apps") if app["account"] == open_id)

    def issue(self, open_id: str, scopes: str) -> str:
        token = f"ChFvYXV0aC5hY2Nlc3NUb2tlbhJg{secrets.token_urlsafe(24)}"
        ends = (self.now() + ACCESS).isoformat()
        self.store.put(
            "_tokens", token, {"token": token, "account": open_id, "scopes": scopes, "expires_at": ends}
        )
        return token

    def is_over(self, record: Record) -> bool:
        return datetime.fromisoformat(record["expires_at"]) <= self.now()

    def authorised(self, token: str, app_id: str, scope: str) -> Record:
        """Return the account that a token speaks for, and count the call."""
        app, found = self.app(app_id), self.store.get("_tokens", token)
        if found is None or found.get("revoked") or found["account"] != app["account"]:
            raise Refused(100200102)
        if self.is_over(found):
            raise Refused(100200108)
        if scope not in found["scopes"].split(","):
            raise Refused(100200106, scope)
        return self.account(found["account"])

    def spend(self, account: str, call: str) -> None:
        key = f"{self.now():%F}:{account}:{call}"
        used = (self.store.get("_calls", key) or {"count": 0})["count"]
        if used >= self.settings()["calls_a_day"]:
            raise Refused(100100402)
        self.store.put("_calls", key, {"count": used + 1})

    def own(self, open_id: str) -> list[Record]:
        """What the account sees of its own, newest first; what the review refused is gone without a word."""
        rows = [one for one in self.store.all("posts") if one["account"] == open_id and not one["deleted"]]
        return [one for one in reversed(rows) if not self._refused(one)]

    def _refused(self, post: Record) -> bool:
        settings = self.settings()
        return self.age(post) >= settings["pending_seconds"] and any(
            word in post["text"] for word in settings["refused_words"]
        )

    def age(self, post: Record) -> float:
        return (self.now() - datetime.fromisoformat(post["created_at"])).total_seconds()

    def video_info(self, post: Record) -> Record:
        at = int(datetime.fromisoformat(post["created_at"]).timestamp() * 1000)
        numbers = {"create_time": at, "like_count": post["likes"], "comment_count": post["comments"]}
        numbers |= {"view_count": post["reads"]}
        if self.settings()["numbers_as_strings"]:
            numbers = {name: str(value) for name, value in numbers.items()}
        pending = self.age(post) < self.settings()["pending_seconds"]
        about: dict[str, Any] = {"photo_id": post["id"], "caption": post["text"], "pending": pending}
        cdn = f"https://cdn.kuaishou.example/{post['id']}"
        return {**about, "cover": f"{cdn}.jpg", "play_url": f"{cdn}.mp4", **numbers}
