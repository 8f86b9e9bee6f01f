"""The weather between the schedulers and the platforms: latency, and answers that get lost after the act."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from drumtower.sandbox.faults import ConnectionBroken
from tests.faults.blind import SEND

# The one call of each platform that makes something public.
PUBLISHING = ("statuses/share", "freepublish/submit", "putRecord", SEND)
# Longer than any lease of a run: the client gives up first.
FOR_EVER = 60.0


@dataclass(slots=True, kw_only=True)
class Override:
    """Something else that answers requests whose path contains `path`, the next `times` times."""

    path: str
    app: ASGIApp
    times: int = 1


async def drip(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a byte at a time, for as long as somebody listens."""
    del scope
    await send({"type": "http.response.start", "status": 200, "headers": []})
    gone = asyncio.create_task(_until_gone(receive))
    while not gone.done():
        await send({"type": "http.response.body", "body": b" ", "more_body": True})
        await asyncio.wait([gone], timeout=0.1)
    raise ConnectionBroken


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue


async def unending(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a hundred megabytes, or as many as somebody takes."""
    del scope
    await send({"type": "http.response.start", "status": 200, "headers": []})
    gone = asyncio.create_task(_until_gone(receive))
    for _ in range(100):
        await send({"type": "http.response.body", "body": b" " * 2**20, "more_body": True})
        await asyncio.sleep(0)
        if gone.done():
            break
    gone.cancel()
    raise ConnectionBroken


@dataclass(slots=True, kw_only=True)
class Weather:
    """What the calls that publish meet.

    Latency is drawn up to `before` the act and up to `after` it, in seconds. The shares of `hang` and `gateway` (502)
    are drawn for each call; in both the platform did what was asked.
    """

    before: float = 0.0
    after: float = 0.0
    hang: float = 0.0
    gateway: float = 0.0
    draw: random.Random = field(default_factory=lambda: random.Random(1))
    fired: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)  # every request, by "platform/last part of its path"
    acts: Counter[str] = field(default_factory=Counter)  # publishing calls that reached their platform
    overrides: list[Override] = field(default_factory=list)
    unanswered: int = 0  # publishing calls that are in the platform's hands at this moment
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def over(self, app: ASGIApp, slug: str) -> ASGIApp:
        """Put this weather between the callers and a platform."""

        async def call(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http" and "/control" not in scope["path"]:
                self.calls[f"{slug}/{scope['path'].rpartition('/')[2]}"] += 1
            if other := self._override(scope):
                await other(scope, receive, send)
                return
            if scope["type"] != "http" or not any(path in scope["path"] for path in PUBLISHING):
                await app(scope, receive, send)
                return
            self.unanswered += 1
            try:
                await self._publish(app, slug, scope, receive, send)
            except ClientDisconnect:
                return  # its caller was killed
            finally:
                self.unanswered -= 1

        return call

    def _override(self, scope: Scope) -> ASGIApp | None:
        for override in self.overrides:
            if override.path in scope.get("path", "") and override.times > 0:
                override.times -= 1
                self.fired["override"] += 1
                return override.app
        return None

    async def _publish(self, app: ASGIApp, slug: str, scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(self.draw.uniform(0, self.before))
        answer: list[Message] = []

        async def keep(message: Message) -> None:
            answer.append(message)

        self.acts[slug] += 1
        await app(scope, receive, keep)
        chance = self.draw.random()
        if chance < self.hang:
            self.fired["hang"] += 1
            await self._wait(FOR_EVER)
            raise ConnectionBroken
        if chance < self.hang + self.gateway:
            self.fired["gateway"] += 1
            await send({"type": "http.response.start", "status": 502, "headers": []})
            await send({"type": "http.response.body", "body": b"<html>bad gateway</html>"})
            return
        await self._wait(self.draw.uniform(0, self.after))
        for message in answer:
            await send(message)

    async def _wait(self, seconds: float) -> None:
        if not seconds:
            return
        try:
            await asyncio.wait_for(self.ended.wait(), seconds)
        except TimeoutError:
            return
