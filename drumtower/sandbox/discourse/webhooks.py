"""What the forum pushes: every new post, signed where the webhook has a secret; failed ones are not sent again."""

import hashlib
import hmac
import json
from functools import partial
from typing import ClassVar

from drumtower.sandbox.discourse.reading import post_json
from drumtower.sandbox.discourse.state import State
from drumtower.sandbox.pushes import Push, Pusher, Signed
from drumtower.sandbox.store import Record


def sign(secret: str, body: bytes) -> str:
    """HMAC-SHA256 over the raw body, with the algorithm's name in front."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def pushed(topic: Record, post: Record, above: Record | None) -> Record:
    """A post as the webhook serializer writes it."""
    body = post_json(topic, post, raw=True)
    kept = {name: value for name, value in body.items() if name not in ("actions_summary", "yours")}
    to = {"reply_to_user": {"username": above["username"], "name": above["name"]}} if above else {}
    return (
        kept | to | {"topic_title": topic["title"], "topic_archetype": "regular", "category_slug": "general"}
    )


class WebHooks(Pusher):
    """Tells every webhook of the forum."""

    tries: ClassVar[int] = 1
    state: State

    def push(self, event: str, body: Record) -> None:
        raw = json.dumps({event.partition("_")[0]: body}, ensure_ascii=False).encode()
        for hook in self.state.store.all("webhooks"):
            secret = (self.state.store.get("_webhook_secrets", hook["account"]) or {})["secret"]
            number = str(self.state.store.next_number("web_hook_event"))
            sign_with = partial(_signed, secret, event, number)
            self.start(Push(url=hook["url"], body=raw, sign=sign_with, about={"event": event}))


def _signed(secret: str, event: str, number: str, raw: bytes) -> Signed:
    return Signed(headers=headers(secret, event, number, raw))


def headers(secret: str, event: str, number: str, raw: bytes) -> dict[str, str]:
    """What comes with a push."""
    return {
        "User-Agent": "Discourse/2026.8.0",
        "X-Discourse-Instance": "https://forum.gulou.example",
        "X-Discourse-Event-Id": number,
        "X-Discourse-Event-Type": event.partition("_")[0],
        "X-Discourse-Event": event,
        "X-Discourse-Event-Signature": sign(secret, raw),
    }
