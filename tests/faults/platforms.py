"""The sandbox platforms of a run: what they did, and the weather between them and us."""

import asyncio
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from drumtower.sandbox.app import PLATFORMS
from drumtower.sandbox.faults import ConnectionBroken
from drumtower.sandbox.platform import SandboxPlatform
from tests.faults.blind import SEND, BlindSandbox
from tests.faults.checker import RemotePost

# The one call of each platform that makes something public.
PUBLISHING = ("statuses/share", "freepublish/submit", "putRecord", SEND)
MARK = re.compile(r"〔([0-9a-f]{32})〕")
# Longer than any lease of a run: the client gives up first.
FOR_EVER = 60.0


def mark(delivery_id: UUID) -> str:
    """What a delivery's text carries, so that its posts are known without asking our own code."""
    return f"〔{delivery_id.hex}〕"


@dataclass(slots=True, kw_only=True)
class Weather:
    """What the calls that publish meet: latency before and after the act, and answers that get lost after it.

    The shares of `hang` and `gateway` (502) are drawn for each call; in both the platform did what was asked.
    """

    before: float = 0.0
    after: float = 0.0
    hang: float = 0.0
    gateway: float = 0.0
    draw: random.Random = field(default_factory=lambda: random.Random(1))
    fired: Counter[str] = field(default_factory=Counter)
    acts: Counter[str] = field(default_factory=Counter)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def over(self, app: ASGIApp, slug: str) -> ASGIApp:
        """Put this weather between the callers and a platform."""

        async def call(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or not any(path in scope["path"] for path in PUBLISHING):
                await app(scope, receive, send)
                return
            await asyncio.sleep(self.draw.uniform(0, self.before))
            answer: list[Message] = []

            async def keep(message: Message) -> None:
                answer.append(message)

            await app(scope, receive, keep)
            self.acts[slug] += 1
            await self._answer(answer, send)

        return call

    async def _answer(self, answer: list[Message], send: Send) -> None:
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
        try:
            await asyncio.wait_for(self.ended.wait(), seconds)
        except TimeoutError:
            return


@dataclass(slots=True, kw_only=True)
class Platforms:
    """The platforms, each with a store of its own whose log nothing is ever taken out of."""

    made: Mapping[str, SandboxPlatform]
    weather: Weather

    def app(self) -> ASGIApp:
        """All of them under one address."""
        mounts = [Mount(f"/{slug}", app=self.weather.over(one.app, slug)) for slug, one in self.made.items()]
        return Starlette(routes=mounts)

    def posts(self) -> Iterator[RemotePost]:
        """Every post that was ever made, each once."""
        for slug, platform in self.made.items():
            seen: dict[str, str] = {}
            for entry in platform.store.log():
                if entry["collection"] == "posts" and entry["value"] is not None:
                    seen.setdefault(entry["key"], f"{entry['value']['text']}")
            for post_id, text in seen.items():
                found = MARK.search(text)
                yield RemotePost(platform=slug, id=post_id, mark=UUID(found[1]) if found else None)


def make_platforms(weather: Weather) -> Platforms:
    """Make every platform, empty. Guards of the platforms' own against repeats are off: they are no merit of ours."""
    made: dict[str, SandboxPlatform] = {platform.slug: platform() for platform in (*PLATFORMS, BlindSandbox)}
    made["weibo"].store.put("_settings", "all", {"duplicate_minutes": 0, "timeline": 100})
    made["wechat"].store.put("_settings", "all", {"publish_delay": 0.3, "poll_quota": 10**6})
    return Platforms(made=made, weather=weather)
