"""The sandbox platforms of a run, and what they really did."""

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from starlette.routing import Mount, Router
from starlette.types import ASGIApp

from drumtower.sandbox.app import PLATFORMS
from drumtower.sandbox.platform import SandboxPlatform
from drumtower.sandbox.store import Record
from tests.faults.blind import BlindSandbox
from tests.faults.checker import RemotePost
from tests.faults.weather import Weather

# One of each reconcile class: what is proven of it holds for the platforms of that class.
CHOSEN = ("weibo", "wechat", "bluesky")
ALL: tuple[type[SandboxPlatform], ...] = (*(one for one in PLATFORMS if one.slug in CHOSEN), BlindSandbox)
MARK = re.compile(r"〔([0-9a-f]{32})〕")
UNGUARDED: dict[str, Record] = {
    "weibo": {"duplicate_minutes": 0, "timeline": 100},
    "wechat": {"publish_delay": 0.3, "poll_quota": 10**6},
}
# Whose post it is, where its text carries no mark: of the platform's name, its store's record, and the platform.
Owner = Callable[[str, Record, SandboxPlatform], UUID | None]


def mark(delivery_id: UUID) -> str:
    """What a delivery's text carries, so that its posts are known without asking our own code."""
    return f"〔{delivery_id.hex}〕"


def place(name: str) -> str:
    """Where a platform is served."""
    return name.replace(" ", "-")


def marked(_: str, post: Record, __: SandboxPlatform) -> UUID | None:
    """Read the mark of a post's text."""
    found = MARK.search(str(post["text"]))
    return UUID(found[1]) if found else None


@dataclass(slots=True, kw_only=True)
class Platforms:
    """The platforms, each with a store of its own whose log nothing is ever taken out of."""

    made: Mapping[str, SandboxPlatform]
    weather: Weather
    asked_at: dict[UUID, datetime] = field(
        default_factory=dict
    )  # when a platform first had a delivery's text
    owner: Owner = marked

    def app(self) -> ASGIApp:
        """All of them under one address. A bare router: nothing may turn a broken connection into a 500."""
        return Router(
            [
                Mount(f"/{place(name)}", app=self.weather.over(one.app, name))
                for name, one in self.made.items()
            ]
        )

    def posts(self) -> Iterator[RemotePost]:
        """Every post that was ever made, each once."""
        for slug, platform in self.made.items():
            seen: dict[str, Record] = {}
            for entry in platform.store.log():
                if entry["collection"] == "posts" and entry["value"] is not None:
                    seen.setdefault(entry["key"], entry["value"])
            for post_id, post in seen.items():
                yield RemotePost(platform=slug, id=post_id, mark=self.owner(slug, post, platform))

    async def until_busy(self, least: int, within: float = 10.0) -> int:
        """Wait until platforms have so many publishing calls in hand; return how many they have then."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                while self.weather.unanswered < least:  # noqa: ASYNC110 - a gauge, not an event
                    await asyncio.sleep(0.005)
        return self.weather.unanswered

    def watch(self) -> None:
        """Note when each delivery's text first made something public, or was submitted to become so."""
        for platform in self.made.values():
            write = platform.store._write

            def noted(
                collection: str,
                key: str,
                value: Record | None,
                write: Callable[[str, str, Record | None], None] = write,
            ) -> None:
                if collection in ("posts", "publishes") and (found := MARK.search(str(value))):
                    self.asked_at.setdefault(UUID(found[1]), datetime.now(UTC))
                write(collection, key, value)

            platform.store._write = noted  # type: ignore[method-assign]


def make_platforms(weather: Weather, twins: Mapping[str, str]) -> Platforms:
    """Make every platform, empty. Guards of the platforms' own against repeats are off: they are no merit of ours."""
    kinds = {platform.slug: platform for platform in ALL}
    made: dict[str, SandboxPlatform] = {slug: kind() for slug, kind in kinds.items()}
    for number, (name, slug) in enumerate(twins.items(), start=2):
        made[name] = kinds[slug]()
        # Two servers of one platform never give the same account id.
        made[name].store.put("_numbers", "account", {"value": number * 10**9})
    for platform in made.values():
        if platform.slug in UNGUARDED:
            platform.store.put("_settings", "all", UNGUARDED[platform.slug])
    platforms = Platforms(made=made, weather=weather)
    platforms.watch()
    return platforms
