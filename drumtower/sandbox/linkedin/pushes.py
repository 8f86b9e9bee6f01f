"""The webhook of a page: a check of the address by a code, signed pushes, three tries."""

import asyncio
import hashlib
import hmac
import json
from uuid import uuid4

import httpx

from drumtower.http import client
from drumtower.sandbox.linkedin.state import State
from drumtower.sandbox.store import Record

TYPE = "ORGANIZATION_SOCIAL_ACTION_NOTIFICATIONS"
PATIENCE = 3.0
TRIES, PAUSE = 3, 0.2  # LinkedIn itself tries for 8 hours, every 5 minutes


def answer_to(secret: str, code: str) -> str:
    """What the address must answer to a check."""
    return hmac.new(secret.encode(), code.encode(), hashlib.sha256).hexdigest()


def sign(secret: str, body: bytes) -> str:
    """The signature of a push: over a literal prefix and the body."""
    return hmac.new(secret.encode(), b"hmacsha256=" + body, hashlib.sha256).hexdigest()


def pushed(*notifications: Record) -> bytes:
    return json.dumps({"type": TYPE, "notifications": notifications}, ensure_ascii=False).encode()


class Pusher:
    """Pushes in the background."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._pushes: set[asyncio.Task[None]] = set()

    async def check(self, account: str, url: str) -> bool:
        """Check an address as the developer portal does."""
        code, secret = str(uuid4()), self._secret(account)
        async with client(allow_private=True) as http:
            try:
                answer = await http.get(url, params={"challengeCode": code}, timeout=PATIENCE)
                right = {"challengeCode": code, "challengeResponse": answer_to(secret, code)}
                return answer.status_code == httpx.codes.OK and answer.json() == right
            except (httpx.HTTPError, ValueError):
                return False

    def push(self, notification: Record) -> None:
        """Push to the page's webhook, if it has one; only what happens on public posts."""
        callback = self._state.store.get("webhooks", notification["organizationalEntity"])
        post = self._state.store.get("posts", notification["decoratedSourcePost"]["entity"])
        if callback is None or (post and post.get("visibility", "PUBLIC") != "PUBLIC"):
            return
        task = asyncio.create_task(self._deliver(callback, pushed(notification)))
        self._pushes.add(task)
        task.add_done_callback(self._pushes.discard)

    async def drained(self) -> None:
        """Wait until every push has ended."""
        await asyncio.gather(*self._pushes)

    async def _deliver(self, callback: Record, body: bytes) -> None:
        prefix = "hmacsha256=" if self._state.settings()["signature_prefix"] else ""
        signature = prefix + sign(self._secret(callback["account"]), body)
        headers = {"Content-Type": "application/json", "X-LI-Signature": signature}
        async with client(allow_private=True) as http:
            for attempt in range(1, TRIES + 1):
                if await self._try(http, callback["url"], body, headers, attempt):
                    return
                await asyncio.sleep(PAUSE)

    async def _try(
        self, http: httpx.AsyncClient, url: str, body: bytes, headers: dict[str, str], attempt: int
    ) -> bool:
        status = None
        try:
            answer = await http.post(url, content=body, headers=headers, timeout=PATIENCE)
            status = answer.status_code
        except httpx.HTTPError:
            pass
        number = str(self._state.store.next_number("push"))
        ended = {"id": number, "url": url, "try": attempt, "body": body.decode(), "status": status}
        self._state.store.put("pushes", number, ended)
        return status is not None and 200 <= status < 300

    def _secret(self, account: str) -> str:
        return str((self._state.store.get("_secrets", account) or {})["client_secret"])
