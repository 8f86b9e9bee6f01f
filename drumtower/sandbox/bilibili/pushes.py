"""What Bilibili pushes: signed with the app's secret, three tries, each answered within 5 seconds."""

import hashlib
import json
from datetime import datetime
from functools import partial
from typing import Any

import httpx

from drumtower.http import client
from drumtower.platforms.moments import BEIJING
from drumtower.sandbox.bilibili.state import RETURNED, State
from drumtower.sandbox.pushes import Push, Pusher, Signed
from drumtower.sandbox.store import Record


def sign(secret: str, body: bytes) -> str:
    """SHA-1 over the app's secret and the raw body."""
    return hashlib.sha1(secret.encode() + body, usedforsecurity=False).hexdigest()


def pushed(event: str, content: dict[str, Any], at: datetime) -> bytes:
    stamp = at.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")
    return json.dumps({"event": event, "content": content, "timestamp": stamp}, ensure_ascii=False).encode()


class EventPusher(Pusher):
    """One address an app; an app is an account's here."""

    state: State

    async def check(self, account: str, url: str) -> bool:
        """Check an address as saving it in the console does: the number comes back."""
        body = pushed("verify_webhooks", {"data": 1371848576}, self.state.now())
        headers = dict(_signed(self.state.app_of(account)["app_secret"], body).headers)
        async with client(allow_private=True) as http:
            try:
                answer = await http.post(url, content=body, headers=headers, timeout=self.patience)
                return answer.status_code == httpx.codes.OK and bool(answer.json() == {"data": 1371848576})
            except (httpx.HTTPError, ValueError):
                return False

    def reviewed(self, row: Record) -> None:
        """Tell how a review ended."""
        returned = row["state"] == RETURNED
        said = {"state_desc": row["reason"] if returned else "开放浏览"}
        content = {"resource_id": row["id"], "state": row["state"], **said}
        self.push(row["account"], "video_fail" if returned else "video_open", content)

    def push(self, account: str, event: str, content: dict[str, Any]) -> None:
        hook = self.state.store.get("webhooks", account)
        if hook is not None:
            app = self.state.app_of(account)
            about = {"openid": account, "client_id": app["client_id"], **content}
            body = pushed(event, about, self.state.now())
            self.start(Push(url=hook["url"], body=body, sign=partial(_signed, app["app_secret"])))


def _signed(secret: str, body: bytes) -> Signed:
    return Signed(headers={"x-bilibili-signature": sign(secret, body)})
