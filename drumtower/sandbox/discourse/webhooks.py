"""What the forum pushes: every new post, signed where the webhook has a secret; failed ones are not sent again."""

import asyncio
import hashlib
import hmac
import json
from typing import Any

import httpx

from drumtower.http import client
from drumtower.sandbox.discourse.reading import post_json
from drumtower.sandbox.discourse.state import State
from drumtower.sandbox.store import Record

PATIENCE = 5.0


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


class Pusher:
    """Pushes in the background."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._pushes: set[asyncio.Task[None]] = set()

    def push(self, event: str, body: Record) -> None:
        """Tell every webhook of the forum."""
        for hook in self._state.store.all("webhooks"):
            task = asyncio.create_task(self._deliver(hook, event, body))
            self._pushes.add(task)
            task.add_done_callback(self._pushes.discard)

    async def drained(self) -> None:
        """Wait until every push has ended."""
        await asyncio.gather(*self._pushes)

    async def _deliver(self, hook: Record, event: str, body: Record) -> None:
        kind = event.partition("_")[0]
        raw = json.dumps({kind: body}, ensure_ascii=False).encode()
        number = str(self._state.store.next_number("web_hook_event"))
        ended: dict[str, Any] = {"id": number, "url": hook["url"], "event": event, "body": raw.decode()}
        async with client(allow_private=True) as http:
            try:
                answer = await http.post(
                    hook["url"],
                    content=raw,
                    headers=headers(hook["secret"], event, number, raw),
                    timeout=PATIENCE,
                )
                ended["status"] = answer.status_code
            except httpx.HTTPError as error:
                ended["error"] = type(error).__name__
        self._state.store.put("pushes", number, ended)


def headers(secret: str, event: str, number: str, raw: bytes) -> dict[str, str]:
    """What comes with a push."""
    return {
        "Content-Type": "application/json",
        "User-Agent": "Discourse/2026.8.0",
        "X-Discourse-Instance": "https://forum.gulou.example",
        "X-Discourse-Event-Id": number,
        "X-Discourse-Event-Type": event.partition("_")[0],
        "X-Discourse-Event": event,
        "X-Discourse-Event-Signature": sign(secret, raw),
    }
