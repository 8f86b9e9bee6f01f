"""The webhook of a page: a check of the address by a code, signed pushes, three tries."""

import hashlib
import hmac
import json
from typing import ClassVar
from uuid import uuid4

import httpx

from drumtower.sandbox.linkedin.state import State
from drumtower.sandbox.pushes import Push, Pusher, Signed
from drumtower.sandbox.store import Record

TYPE = "ORGANIZATION_SOCIAL_ACTION_NOTIFICATIONS"


def answer_to(secret: str, code: str) -> str:
    """What the address must answer to a check."""
    return hmac.new(secret.encode(), code.encode(), hashlib.sha256).hexdigest()


def sign(secret: str, body: bytes) -> str:
    """The signature of a push: over a literal prefix and the body."""
    return hmac.new(secret.encode(), b"hmacsha256=" + body, hashlib.sha256).hexdigest()


def pushed(*notifications: Record) -> bytes:
    return json.dumps({"type": TYPE, "notifications": notifications}, ensure_ascii=False).encode()


class PagePusher(Pusher):
    """LinkedIn itself tries for 8 hours, every 5 minutes."""

    patience: ClassVar[float] = 3.0
    state: State

    async def check(self, account: str, url: str) -> bool:
        """Check an address as the developer portal does."""
        code = str(uuid4())
        answer = await self.ask(url, {"challengeCode": code})
        right = {"challengeCode": code, "challengeResponse": answer_to(self._secret(account), code)}
        try:
            return answer is not None and answer.status_code == httpx.codes.OK and answer.json() == right
        except ValueError:
            return False

    def push(self, notification: Record) -> None:
        """Push to the page's webhook, if it has one; only what happens on public posts."""
        callback = self.state.store.get("webhooks", notification["organizationalEntity"])
        post = self.state.store.get("posts", notification["decoratedSourcePost"]["entity"])
        if callback is None or (post and post.get("visibility", "PUBLIC") != "PUBLIC"):
            return
        secret = self._secret(callback["account"])
        body = pushed(notification)
        self.start(Push(url=callback["url"], body=body, sign=lambda raw: self._signed(secret, raw)))

    def _signed(self, secret: str, body: bytes) -> Signed:
        prefix = "hmacsha256=" if self.state.settings()["signature_prefix"] else ""
        return Signed(headers={"X-LI-Signature": prefix + sign(secret, body)})

    def _secret(self, account: str) -> str:
        return str((self.state.store.get("_secrets", account) or {})["client_secret"])
