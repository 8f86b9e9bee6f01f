"""What the forum knows: users and keys, topics, answers, texts that wait for the moderators, site settings."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any, ClassVar

from drumtower.sandbox.discourse.wire import Refused
from drumtower.sandbox.state import SandboxState
from drumtower.sandbox.store import Record

# Site settings by Discourse's names, with its defaults for a forum in Chinese. A rate of None does not bind: Discourse's
# own are 60 calls a minute, 15 and 5 seconds, 20 topics a day.
DEFAULTS: Record = {
    "version": "2026.8.0",
    "min_post_length": 8,
    "max_post_length": 32_000,
    "min_topic_title_length": 6,
    "max_topic_title_length": 255,
    "allow_duplicate_topic_titles": False,
    "unique_posts_mins": 5,
    "max_image_size_kb": 4096,
    "max_tags_per_topic": 5,
    "max_tag_length": 20,
    "read_only": False,
    "needs_approval": False,  # every text goes to the moderators
    "blocked_words": ["违禁词"],
    "categories": [1, 4, 7],
    "closed_categories": [7],  # nobody but the staff may write there
    "max_admin_api_reqs_per_minute": None,
    "rate_limit_create_topic": None,
    "rate_limit_create_post": None,
    "max_topics_per_day": None,
}
MEMO = timedelta(seconds=120)


class State(SandboxState):
    """The store, and what is looked up in it."""

    defaults: ClassVar[Record] = DEFAULTS

    def open_account(self, options: Record) -> Record:
        """Open an account with a key of its own; options: id, username, name, staff, settings."""
        self.set(**options.get("settings", {}))
        number = self.store.next_number("user", 11)
        record: Record = {
            "id": str(options.get("id") or number),
            "username": str(options.get("username") or f"gulou{number}"),
            "name": str(options.get("name") or f"鼓楼茶 {number}"),
            "staff": bool(options.get("staff", False)),
        }
        key, secret = secrets.token_hex(32), secrets.token_urlsafe(18)
        self.store.put("accounts", record["id"], record)
        self.store.put("_keys", key, {"account": record["id"], "revoked": False})
        self.store.put("_webhook_secrets", record["id"], {"secret": secret})
        given = {"username": record["username"], "api_key": key, "webhook_secret": secret}
        return {"id": record["id"], **given}

    def authorised(self, key: str, username: str) -> Record:
        """Return the account that a key acts as, or refuse as Discourse does."""
        if not key:
            raise Refused("not_logged_in")
        found = self.store.get("_keys", key)
        account = self.store.get("accounts", found["account"]) if found and not found["revoked"] else None
        if account is None or account["username"].lower() != username.lower():
            said = "You are not permitted to view the requested resource. The API username or key is invalid."
            raise Refused("invalid_access", said)
        return account

    def account(self, account: str) -> Record:
        found = self.store.get("accounts", account)
        if found is None:
            raise Refused("not_found")
        return found

    def named(self, username: str) -> Record:
        rows = self.store.all("accounts")
        found = next((row for row in rows if row["username"].lower() == username.lower()), None)
        if found is None:
            raise Refused("not_found")
        return found

    def topic(self, topic: str) -> Record:
        found = self.store.get("posts", topic)
        if found is None or found["deleted"]:
            raise Refused("not_found")
        return found

    def answers(self, topic: str) -> list[Record]:
        """What stands under a topic now, in its order."""
        rows = [row for row in self.store.all("comments") if row["post"] == topic and not row["deleted"]]
        return sorted(rows, key=lambda row: int(row["post_number"]))

    def new_post_id(self) -> str:
        return str(self.store.next_number("post", 5_001))

    def add_topic(self, account: str, **given: Any) -> Record:
        """Open a topic; `text` is its first post's."""
        topic: Record = {
            "id": str(self.store.next_number("topic", 1_201)),
            "account": account,
            "post_id": self.new_post_id(),
            "external_id": None,
            "category": None,
            "tags": [],
            "created_at": self.now().isoformat(),
            "highest": 1,
            "views": 0,
            "likes": 0,
            "deleted": False,
            **given,
        }
        self.store.put("posts", topic["id"], topic)
        return topic

    def add_answer(self, topic: Record, author: Record, text: str, reply_to: int | None = None) -> Record:
        number = topic["highest"] + 1
        self.store.put("posts", topic["id"], topic | {"highest": number})
        above = next((row for row in self.answers(topic["id"]) if row["post_number"] == reply_to), None)
        answer: Record = {
            "id": self.new_post_id(),
            "post": topic["id"],
            "post_number": number,
            "author": author,
            "text": text,
            "reply_to_post_number": reply_to,
            "in_reply_to": above["id"] if above else None,
            "likes": 0,
            "created_at": self.now().isoformat(),
            "deleted": False,
        }
        self.store.put("comments", answer["id"], answer)
        return answer

    def memo(self, signature: str) -> Record | None:
        """Discourse answers the same API call again from memory for two minutes."""
        found = self.store.get("_memos", signature)
        fresh = found is not None and datetime.fromisoformat(found["at"]) > self.now() - MEMO
        return found["answer"] if found and fresh else None

    def memorise(self, signature: str, answer: Record) -> None:
        self.store.put("_memos", signature, {"at": self.now().isoformat(), "answer": answer})

    def spend(self, account: Record, name: str, limit: int | None, seconds: int) -> None:
        """Take one from a budget of so many in a sliding window; the staff is free of all but the API's own."""
        if limit is None or (account["staff"] and name != "api"):
            return
        key, now = f"{name}:{account['id']}", self.now().timestamp()
        used = (self.store.get("_budgets", key) or {"at": []})["at"]
        used = [at for at in used if at > now - seconds]
        if len(used) >= limit:
            wait = max(1, int(used[0] + seconds - now))
            raise Refused(
                "rate_limit",
                f"You've performed this action too many times, please wait {wait} seconds.",
                wait,
            )
        self.store.put("_budgets", key, {"at": [*used, now]})


def person(author: Any) -> Record:
    """Read `{"id", "name"}` of a member of the public; an id that is no number gets one, as on a forum."""
    given = author if isinstance(author, dict) else {}
    who = str(given.get("id") or "90001")
    if not who.isdecimal():
        who = str(int(hashlib.sha256(who.encode()).hexdigest()[:6], 16) + 100_000)
    return {"id": who, "username": f"user{who}", "name": str(given.get("name") or f"茶友{who}")}
