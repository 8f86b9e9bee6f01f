"""What Douyin pushes: signed with the app's secret, three tries with one Msg-Id, each answered within 5 seconds."""

import asyncio
import hashlib
import json
from typing import Any

import httpx

from drumtower.http import client
from drumtower.sandbox.douyin.state import State
from drumtower.sandbox.douyin.wire import log_id
from drumtower.sandbox.store import Record

TRIES, PATIENCE = 3, 5.0


def sign(secret: str, body: bytes) -> str:
    """SHA-1 over the client secret and the raw body."""
    return hashlib.sha1(secret.encode() + body, usedforsecurity=False).hexdigest()


def pushed(event: str, sender: str, receiver: str, client_key: str, content: Any) -> bytes:
    """A push's body. `content` is an object or, as it often comes, JSON in a string."""
    body = {"event": event, "from_user_id": sender, "to_user_id": receiver, "client_key": client_key}
    return json.dumps(body | {"content": content, "log_id": log_id()}, ensure_ascii=False).encode()


class Pusher:
    """Pushes in the background."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._pushes: set[asyncio.Task[None]] = set()

    async def verify(self, open_id: str, url: str) -> bool:
        """Check an address as saving it in the console does, and keep it where it answers."""
        app = self._state.app_of(open_id)
        body = json.dumps(
            {"event": "verify_webhook", "client_key": "", "content": {"challenge": 12345}}
        ).encode()
        async with client(allow_private=True) as http:
            answer = await http.post(
                url, content=body, headers=_headers(app, body, log_id()), timeout=PATIENCE
            )
        verified = answer.status_code == httpx.codes.OK and answer.json() == {"challenge": 12345}
        if verified:
            self._state.store.put("webhooks", open_id, {"account": open_id, "url": url})
        return verified

    def push(self, open_id: str, event: str, sender: str, content: Record) -> None:
        """Tell the account's app, where it has an address."""
        hook = self._state.store.get("webhooks", open_id)
        if hook is None:
            return
        app = self._state.app_of(open_id)
        as_text = self._state.settings()["content_as_string"]
        shown = json.dumps(content, ensure_ascii=False) if as_text else content
        body = pushed(event, sender, open_id, app["client_key"], shown)
        task = asyncio.create_task(self._deliver(hook["url"], body, _headers(app, body, log_id())))
        self._pushes.add(task)
        task.add_done_callback(self._pushes.discard)

    async def drained(self) -> None:
        await asyncio.gather(*self._pushes)

    async def _deliver(self, url: str, body: bytes, headers: dict[str, str]) -> None:
        async with client(allow_private=True) as http:
            for _ in range(TRIES):
                number = str(self._state.store.next_number("push"))
                ended: Record = {"id": number, "msg_id": headers["Msg-Id"], "body": body.decode()}
                try:
                    answer = await http.post(url, content=body, headers=headers, timeout=PATIENCE)
                    ended["status"] = answer.status_code
                except httpx.HTTPError as error:
                    ended["error"] = type(error).__name__
                self._state.store.put("pushes", number, ended)
                if ended.get("status") == httpx.codes.OK:
                    return


def _headers(app: Record, body: bytes, message: str) -> dict[str, str]:
    signature = sign(app["client_secret"], body)
    return {"Content-Type": "application/json", "X-Douyin-Signature": signature, "Msg-Id": message}
