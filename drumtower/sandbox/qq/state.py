"""What the QQ sandbox knows: bots and tokens, what people said, and what was answered to it."""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from drumtower.sandbox.state import Refusal, SandboxState
from drumtower.sandbox.store import Record

LIFE, LAST = timedelta(seconds=7200), timedelta(seconds=60)
WINDOWS = {"group": timedelta(minutes=5), "private": timedelta(minutes=60)}
MOST_ANSWERS, LONGEST = 5, 2000
STATUSES = {"11241": 401, "11242": 401, "11243": 401, "100016": 400, "40034102": 403}


class Refused(Refusal):
    """QQ says no: an HTTP status and a code."""

    def __init__(self, code: str, said: str) -> None:
        super().__init__(said)
        self.code = code


class State(SandboxState):
    """The store and what is looked up in it."""

    defaults: ClassVar[Record] = {"review": False}  # answers wait for a review (304023)

    def open_account(self, options: Record) -> Record:
        number = str(self.store.next_number("bot", 102_000_001))
        name = options.get("name") or "鼓楼小助手"
        self.store.put("accounts", number, {"id": number, "name": name, "followers": 0})
        secret = secrets.token_hex(8)
        self.store.put("_secrets", number, {"app_secret": secret})
        return {"id": number, "app_id": number, "app_secret": secret}

    def sell(self, app_id: str, secret: str) -> Record:
        """Give the bot's token: the same one, until its last minute."""
        found = self.store.get("_secrets", app_id)
        if found is None or found["app_secret"] != secret:
            raise Refused("100016", "invalid appid or secret")
        now = datetime.now(UTC)
        held = [
            one for one in self.store.all("_tokens") if one["account"] == app_id and not one.get("revoked")
        ]
        fresh = next((one for one in held if datetime.fromisoformat(one["expires_at"]) > now + LAST), None)
        if fresh is None:
            fresh = {
                "id": secrets.token_urlsafe(48),
                "account": app_id,
                "expires_at": (now + LIFE).isoformat(),
            }
            self.store.put("_tokens", str(fresh["id"]), fresh)
        left = int((datetime.fromisoformat(fresh["expires_at"]) - now).total_seconds())
        return {"access_token": fresh["id"], "expires_in": str(left)}

    def authorised(self, token: str) -> Record:
        if not token:
            raise Refused("11241", "no token")
        held = self.store.get("_tokens", token)
        if held is None or held.get("revoked"):
            raise Refused("11242", "token not exist or expire")
        # By the real clock, as the holder counts too.
        if datetime.fromisoformat(held["expires_at"]) <= datetime.now(UTC):
            raise Refused("11243", "token expired")
        return self.account(held["account"])

    def say(self, account: str, author: str, text: str, group: str | None) -> Record:
        number = f"ROBOT1.0_{secrets.token_urlsafe(24)}"
        row: Record = {
            "id": number,
            "account": account,
            "author": {"id": author},
            "text": text,
            "group": group,
        }
        row |= {"direction": "in", "created_at": self.now().isoformat(), "answers": []}
        self.store.put("messages", number, row)
        return row

    def answer(self, account: Record, said: Record | None, text: str, sequence: int) -> Record:
        """Answer what was said; only once with a sequence, five times in all, and not too late."""
        if said is None or said["account"] != account["id"]:
            raise Refused("40034024", "msg_id invalid")
        window = WINDOWS["group" if said["group"] else "private"]
        if datetime.fromisoformat(said["created_at"]) + window <= self.now():
            raise Refused("304027", "msg_id expired")
        if sequence in said["answers"]:
            raise Refused("40054005", "message deduplicated, check msgseq")
        if len(said["answers"]) >= MOST_ANSWERS:
            raise Refused("22009", "msg limit exceed")
        self.store.put("messages", said["id"], said | {"answers": [*said["answers"], sequence]})
        number = hashlib.sha256(f"{said['id']}{sequence}".encode()).hexdigest()[:24]
        row: Record = {"id": number, "account": account["id"], "to": said["author"]["id"], "text": text}
        row |= {"direction": "out", "in_reply_to": said["id"], "created_at": self.now().isoformat()}
        self.store.put("messages", number, row)
        return row
