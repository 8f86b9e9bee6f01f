"""A world in which faults happen: a database, platforms, channels, posts to send, and schedulers that send them."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, and_, func, select

from drumtower.connections import Connections
from drumtower.db.engine import Database
from drumtower.db.models import Attempt, Delivery, Heartbeat, Post
from drumtower.db.repositories.deliveries import payload_of, plan
from drumtower.domain import content as contents
from drumtower.domain.content import Content, Kind, Nature
from drumtower.domain.deliveries import Action, State
from drumtower.domain.ids import new_id
from drumtower.settings import Settings
from services.scheduler.settle import open_attempt
from tests.factories import Team
from tests.faults.checker import RESTING, Verdict, compare
from tests.faults.crew import Crew
from tests.faults.platforms import Platforms, mark, place
from tests.scheduler.stage import LINK, Stage

BATCH = 250
LOOK_EVERY = 0.1
# Of each platform in most runs: publishes leave a channel one by one, and a dead scheduler's lease holds its channel.
ACCOUNTS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large a run is."""

    posts: int
    kills: int = 3
    seed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long the engine waits in a run, in seconds; production has 60 for both."""

    lease: float
    grace: float = 1.0
    concurrency: int = 4  # a replica claims four times as many at once


@dataclass(slots=True, kw_only=True)
class Field:
    """One run's world. `acknowledged` are the deliveries that were promised."""

    db: Database
    settings: Settings
    team: Team
    platforms: Platforms
    base_url: str
    crew: Crew
    connections: Connections
    draw: random.Random
    cover: UUID
    stages: dict[str, list[Stage]] = field(default_factory=dict)
    acknowledged: list[UUID] = field(default_factory=list)

    async def connect(self, accounts: Mapping[str, int]) -> None:
        """Open so many more accounts on each platform, and connect them."""
        for name, count in accounts.items():
            platform = self.platforms.made[name].slug
            for _ in range(count):
                number = len(self.stages.get(name, []))
                stage = Stage(
                    db=self.db,
                    connections=self.connections,
                    settings=self.settings,
                    team=self.team,
                    platform=platform,
                    base_url=f"{self.base_url}/{place(name)}",
                )
                await stage.connect(**({"name": f"brand{number}.test"} if platform == "bluesky" else {}))
                self.stages.setdefault(name, []).append(stage)

    async def plant(
        self,
        count: int,
        platforms: Sequence[str],
        *,
        after: float = 0.0,
        over: float = 0.0,
        late_by: int | None = None,
        broken_off: timedelta | None = None,
    ) -> list[UUID]:
        """Promise `count` posts, in turns over the platforms, due within `over` seconds from `after` on.

        `broken_off`: as a power cut so long ago left them.
        """
        now = datetime.now(UTC)
        made: list[tuple[Post, Delivery]] = []
        for number in range(count):
            stages = self.stages[platforms[number % len(platforms)]]
            due = now + timedelta(seconds=after + over * number / max(count, 1))
            made.append(self.promise(stages[self.draw.randrange(len(stages))], due, late_by=late_by))
        if broken_off is not None:
            _break_off([delivery for _, delivery in made], now - broken_off, self.settings.lease)
        for start in range(0, count, BATCH):
            await self.commit(made[start : start + BATCH])
        return [delivery.id for _, delivery in made]

    def promise(
        self, stage: Stage, due: datetime, *, late_by: int | None = None, text: str | None = None
    ) -> tuple[Post, Delivery]:
        """Make an approved post and its delivery; its text carries the delivery's mark unless one is given."""
        now = datetime.now(UTC)
        delivery_id = new_id()
        content = Content(
            title="秋茶",
            body=text or f"秋茶上新{mark(delivery_id)}",
            kind=Kind.IMAGE_TEXT,
            nature=Nature.EDITORIAL,
            links=(LINK,),
            asset_ids=(self.cover,) if stage.platform == "wechat" else (),
        )
        post = _approved(self.team, content, now)
        delivery = plan(
            workspace_id=self.team.workspace_id,
            channel_id=stage.channel_id,
            platform=stage.platform,
            action=Action.PUBLISH,
            payload=payload_of(contents.for_channel(content, stage.channel_id)),
            due_at=due,
            created_by=self.team.owner_id,
            now=now,
            post_id=post.id,
            post_version=1,
            content_hash=post.content_hash,
            late_by_seconds=late_by,
        )
        delivery.id = delivery_id
        return post, delivery

    async def commit(self, made: Sequence[tuple[Post, Delivery]]) -> None:
        """Acknowledge: from here on, losing one of them is a lie."""
        async with self.db.transaction() as tx:
            tx.add_all({post.id: post for post, _ in made}.values())
            await tx.flush()
            tx.add_all([delivery for _, delivery in made])
            await tx.flush()
            tx.add_all(open_attempt(row, "send", row.sent_at) for _, row in made if row.sent_at)
        self.acknowledged += [delivery.id for _, delivery in made]

    async def moving(self) -> int:
        """Count the deliveries that the engine still owes a step."""
        return await self._scalar(_moving())

    async def count(self, *states: State) -> int:
        """Count the deliveries in these states."""
        counted = select(func.count()).select_from(Delivery)
        return await self._scalar(counted.where(Delivery.state.in_([state.value for state in states])))

    async def until(self, *states: State, least: int = 1, within: float = 30.0) -> int:
        """Wait until so many are in these states; return how many are."""
        async with asyncio.timeout(within):
            while (count := await self.count(*states)) < least:  # noqa: ASYNC110 - other processes do it
                await asyncio.sleep(0.01)
        return count

    async def until_beating(self, replicas: int, within: float = 30.0) -> None:
        """Wait until so many schedulers have looked for what is due."""
        counted = select(func.count()).select_from(Heartbeat).where(Heartbeat.step == "dispatch")
        async with asyncio.timeout(within):
            while await self._scalar(counted) < replicas:  # noqa: ASYNC110 - other processes do it
                await asyncio.sleep(LOOK_EVERY)

    async def _scalar(self, counted: Select[int]) -> int:
        async with self.db.transaction() as tx:
            return await tx.scalar(counted) or 0

    async def drain(self, within: float, *, leave: int = 0) -> float | None:
        """Wait until nothing is owed a step any more; return the seconds, or None where it did not come to that."""
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(within):
                while await self.moving() > leave:  # noqa: ASYNC110 - other processes do it
                    await asyncio.sleep(LOOK_EVERY)
        except TimeoutError:
            return None
        return asyncio.get_running_loop().time() - began

    async def settle(self, within: float = 90.0) -> int:
        """Wait until looks have settled what a person is asked about meanwhile; return how many they have not."""
        asked = and_(Delivery.state == State.UNKNOWN.value, Delivery.platform != "blind")
        counted = select(func.count()).select_from(Delivery).where(asked)
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                while await self._scalar(counted):  # noqa: ASYNC110 - other processes do it
                    await asyncio.sleep(LOOK_EVERY)
        return await self._scalar(counted)

    async def rows(self) -> list[Delivery]:
        async with self.db.transaction() as tx:
            return list((await tx.scalars(select(Delivery).order_by(Delivery.id))).all())

    async def attempts(self) -> list[Attempt]:
        async with self.db.transaction() as tx:
            return list((await tx.scalars(select(Attempt).order_by(Attempt.id))).all())

    async def verdict(self, *may_end: State) -> Verdict:
        """Compare our rows with what the platforms did."""
        return compare(
            self.acknowledged,
            await self.rows(),
            await self.attempts(),
            list(self.platforms.posts()),
            may_end=may_end or (State.PUBLISHED,),
        )


def _approved(team: Team, content: Content, now: datetime) -> Post:
    digest = contents.digest(content)
    return Post(
        id=new_id(),
        workspace_id=team.workspace_id,
        brand_id=team.brand_id,
        title=content.title,
        kind=content.kind.value,
        nature=content.nature.value,
        owner_id=team.owner_id,
        status="approved",
        content=contents.to_json(content),
        content_hash=digest,
        version=1,
        revision=1,
        review_state="approved",
        approved_hash=digest,
        approval_expires_at=now + timedelta(days=30),
        created_by=team.owner_id,
        created_at=now,
        updated_at=now,
    )


def _break_off(rows: Sequence[Delivery], at: datetime, lease: timedelta) -> None:
    """Leave the half of them claimed, and the others with an intent and nothing after it."""
    for number, row in enumerate(rows):
        row.attempts = row.fence = 1
        row.next_at = row.lease_until = at + lease
        row.updated_at = at
        row.state = State.CLAIMED.value
        if number % 2:
            row.state, row.sent_at = State.SENDING.value, at


def _moving() -> Select[int]:
    resting = [state.value for state in RESTING]
    asked = and_(Delivery.state == State.UNKNOWN.value, Delivery.needs_check)
    return select(func.count()).select_from(Delivery).where(Delivery.state.not_in(resting), ~asked)
