"""What Kuaishou pushes: signed with the app's secret; taken only where the answer repeats the message's id."""

import hashlib
import json
from functools import partial
from typing import Any

import httpx

from drumtower.http import client
from drumtower.sandbox.kuaishou.state import State
from drumtower.sandbox.pushes import Push, Pusher, Signed


def sign(secret: str, body: bytes) -> str:
    """MD5 over the raw body and the app's secret."""
    return hashlib.md5(body + secret.encode(), usedforsecurity=False).hexdigest()


def pushed(app_id: str, event: str, message_id: str, at: int, data: dict[str, Any] | None) -> bytes:
    """A push's body; `at` in milliseconds. UNVERIFIED: that the check of an address has no `data`."""
    body = {"app_id": app_id, "event": event, "timestamp": at, "message_id": message_id}
    return json.dumps(body | ({"data": data} if data else {}), ensure_ascii=False).encode()


class EventPusher(Pusher):
    """Kuaishou itself waits 5 seconds between its tries."""

    state: State

    async def check(self, account: str, url: str) -> bool:
        """Check an address as saving it in the console does."""
        push = self._push(account, "TEST", None, url)
        async with client(allow_private=True) as http:
            try:
                headers = dict(push.sign(push.body).headers)
                return self.taken(
                    await http.post(url, content=push.body, headers=headers, timeout=self.patience)
                )
            except httpx.HTTPError:
                return False

    def taken(self, answer: httpx.Response) -> bool:
        sent = json.loads(answer.request.content)
        try:
            said = answer.json()
        except ValueError:
            return False
        return bool(said == {"result": 1, "message_id": sent["message_id"]})

    def push(self, account: str, event: str, data: dict[str, Any]) -> None:
        hook = self.state.store.get("webhooks", account)
        if hook is not None:
            self.start(self._push(account, event, data, hook["url"]))

    def _push(self, account: str, event: str, data: dict[str, Any] | None, url: str) -> Push:
        app, number = self.state.app_of(account), f"msg-{self.state.store.next_number('message'):06d}"
        body = pushed(app["app_id"], event, number, int(self.state.now().timestamp() * 1000), data)
        return Push(
            url=url, body=body, sign=partial(_signed, app["app_secret"]), about={"message_id": number}
        )


def _signed(secret: str, body: bytes) -> Signed:
    return Signed(headers={"kwaisign": sign(secret, body)})
