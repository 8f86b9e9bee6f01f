"""What the WeCom sandbox knows: robots, corps with one owner of groups each, tasks, and who may be written to."""

import secrets
import string
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from drumtower.sandbox.state import Refusal, SandboxState
from drumtower.sandbox.store import Record

TOKEN_LIFE = timedelta(seconds=7200)
MEDIA_LIFE = timedelta(days=3)
ROBOT_LIMIT, ROBOT_SPAN = 20, timedelta(minutes=1)
_LETTERS = string.ascii_letters + string.digits
SAID = {
    40001: "invalid credential",
    40003: "invalid userid",
    40007: "invalid media_id",
    40013: "invalid corpid",
    40014: "invalid access_token",
    40058: "invalid Request Parameter",
    41001: "access_token missing",
    42001: "access_token expired",
    44004: "content is empty",
    45002: "content size out of limit",
    45009: "api freq out of limit",
    48002: "api forbidden",
    81013: "user & party & tag all invalid",
    93000: "invalid webhook url",
}


class Refused(Refusal):
    """WeCom says no: an errcode, with HTTP 200."""

    def __init__(self, code: int, more: str = "") -> None:
        super().__init__(f"{SAID[code]}{more and ', '}{more}")
        self.code = code


class State(SandboxState):
    """The store and what is looked up in it."""

    defaults: ClassVar[Record] = {
        "confirm_seconds": 60,  # how long an owner takes to confirm a mass message; None: `control/confirm` does it
        "customer_contact": True,  # whether the app may call externalcontact (48002)
        "groups_full": False,  # every group has used up its mass messages of the month
    }

    def open_account(self, options: Record) -> Record:
        """Open a corp with an app and an owner of groups or (`kind` "robot") a group's robot."""
        number = self.store.next_number("account", 1)
        if options.get("kind") == "robot":
            key = f"{secrets.token_hex(4)}-{secrets.token_hex(2)}-{secrets.token_hex(6)}"
            self.store.put("accounts", f"robot{number}", {"id": f"robot{number}", "followers": 0})
            self.store.put("_robots", key, {"account": f"robot{number}"})
            return {"id": f"robot{number}", "robot_key": key}
        secret = {
            "corp_id": f"ww{secrets.token_hex(8)}",
            "corp_secret": secrets.token_urlsafe(32),
            "agent_id": str(1_000_000 + number),
            "owner": f"owner{number}",
            "token": secrets.token_hex(8),
            "encoding_aes_key": "".join(secrets.choice(_LETTERS) for _ in range(43)),
        }
        account = f"{secret['corp_id']}/{secret['owner']}"
        followers = int(options.get("followers", 230))
        self.store.put("accounts", account, {"id": account, "name": secret["owner"], "followers": followers})
        self.store.put("_secrets", account, secret)
        return {"id": account} | secret

    def sell(self, corp_id: str, corp_secret: str) -> Record:
        """Give the app's token; the same one until it ends."""
        found = next((one for one in self.store.all("_secrets") if one["corp_id"] == corp_id), None)
        if found is None:
            raise Refused(40013)
        if found["corp_secret"] != corp_secret:
            raise Refused(40001)
        account = f"{corp_id}/{found['owner']}"
        held = next(
            (one for one in self.store.all("_tokens") if one["account"] == account and self._lives(one)), None
        )
        if held is None:
            ends = (datetime.now(UTC) + TOKEN_LIFE).isoformat()
            held = {"token": secrets.token_urlsafe(64), "account": account, "expires_at": ends}
            self.store.put("_tokens", held["token"], held)
        left = datetime.fromisoformat(held["expires_at"]) - datetime.now(UTC)
        return {"access_token": held["token"], "expires_in": int(left.total_seconds())}

    def _lives(self, token: Record) -> bool:
        # By the real clock, as the holder counts too: a day moved ahead must not cost everybody their token.
        return not token.get("revoked") and datetime.fromisoformat(token["expires_at"]) > datetime.now(UTC)

    def authorised(self, token: str | None) -> Record:
        """Return the account and its secrets behind an access token."""
        if not token:
            raise Refused(41001)
        held = self.store.get("_tokens", token)
        if held is None or held.get("revoked"):
            raise Refused(40014)
        if not self._lives(held):
            raise Refused(42001)
        return self.account(held["account"]) | (self.store.get("_secrets", held["account"]) or {})

    def robot(self, key: str | None, *, spend: bool) -> Record:
        """Return the account of a robot; a message takes one of its twenty a minute."""
        found = self.store.get("_robots", key or "")
        if found is None:
            raise Refused(93000)
        used = self.store.get("_spent", found["account"]) or {"at": []}
        recent = [at for at in used["at"] if datetime.fromisoformat(at) > self.now() - ROBOT_SPAN]
        if spend and len(recent) >= ROBOT_LIMIT:
            raise Refused(45009)
        if spend:
            self.store.put("_spent", found["account"], {"at": [*recent, self.now().isoformat()]})
        return self.account(found["account"])

    def add_post(self, account: str, text: str, **more: Any) -> Record:
        post: Record = {"id": secrets.token_urlsafe(24), "account": account, "text": text, "deleted": False}
        post |= {"created_at": self.now().isoformat(), "attachments": [], "confirmed_at": None, **more}
        self.store.put("posts", post["id"], post)
        return post

    def keep_file(self, account: str) -> str:
        media_id = secrets.token_urlsafe(40)
        ends = (self.now() + MEDIA_LIFE).isoformat()
        self.store.put("_media", media_id, {"id": media_id, "account": account, "until": ends})
        return media_id

    def check_file(self, media_id: Any, account: str) -> None:
        found = self.store.get("_media", str(media_id))
        if (
            found is None
            or found["account"] != account
            or datetime.fromisoformat(found["until"]) <= self.now()
        ):
            raise Refused(40007)

    def confirmed_at(self, post: Record) -> datetime | None:
        """Return when the owner confirmed a mass message; None while it waits."""
        if post["confirmed_at"]:
            return datetime.fromisoformat(post["confirmed_at"])
        seconds = self.settings()["confirm_seconds"]
        due = datetime.fromisoformat(post["created_at"]) + timedelta(seconds=seconds or 0)
        return due if seconds is not None and due <= self.now() else None

    def writers(self, account: str) -> Counter[str]:
        """Members who have written to the app: it sees them."""
        rows = self.store.all("messages")
        return Counter(
            row["author"]["id"] for row in rows if row["account"] == account and row["direction"] == "in"
        )
