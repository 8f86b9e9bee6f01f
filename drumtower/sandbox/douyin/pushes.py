"""What Douyin pushes: signed with the app's secret, three tries with one Msg-Id, each answered within 5 seconds."""

import hashlib
import json
from functools import partial
from typing import Any

import httpx

from drumtower.http import client
from drumtower.sandbox.douyin.state import State
from drumtower.sandbox.douyin.wire import log_id
from drumtower.sandbox.pushes import Push, Pusher, Signed
from drumtower.sandbox.store import Record

CHALLENGE = {"challenge": 12345}


def sign(secret: str, body: bytes) -> str:
    """SHA-1 over the client secret and the raw body."""
    return hashlib.sha1(secret.encode() + body, usedforsecurity=False).hexdigest()


def pushed(event: str, sender: str, receiver: str, client_key: str, content: Any) -> bytes:
    """A push's body. `content` is an object or, as it often comes, JSON in a string."""
    body = {"event": event, "from_user_id": sender, "to_user_id": receiver, "client_key": client_key}
    return json.dumps(body | {"content": content, "log_id": log_id()}, ensure_ascii=False).encode()


class EventPusher(Pusher):
    """One address an app; an app is an account's here."""

    state: State

    async def check(self, account: str, url: str) -> bool:
        """Check an address as saving it in the console does."""
        body = json.dumps({"event": "verify_webhook", "client_key": "", "content": CHALLENGE}).encode()
        headers = _signed(self.state.app_of(account)["client_secret"], log_id(), body).headers
        async with client(allow_private=True) as http:
            try:
                answer = await http.post(url, content=body, headers=dict(headers), timeout=self.patience)
                return answer.status_code == httpx.codes.OK and bool(answer.json() == CHALLENGE)
            except (httpx.HTTPError, ValueError):
                return False

    def push(self, account: str, event: str, sender: str, content: Record) -> None:
        """Tell the account's app, where it has an address."""
        hook = self.state.store.get("webhooks", account)
        if hook is None:
            return
        app, number = self.state.app_of(account), log_id()
        as_text = self.state.settings()["content_as_string"]
        shown = json.dumps(content, ensure_ascii=False) if as_text else content
        body = pushed(event, sender, account, app["client_key"], shown)
        sign_with = partial(_signed, app["client_secret"], number)
        self.start(Push(url=hook["url"], body=body, sign=sign_with, about={"msg_id": number}))


def _signed(secret: str, number: str, body: bytes) -> Signed:
    return Signed(headers={"X-Douyin-Signature": sign(secret, body), "Msg-Id": number})
