"""A stage for delivery: a sandbox platform, a channel on it, an approved post, and the scheduler's steps by hand."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import select, text

from drumtower.connections import Connections, seal_token
from drumtower.db.engine import Database
from drumtower.db.models import Attempt, Channel, Delivery, Post
from drumtower.db.repositories.deliveries import payload_of, plan
from drumtower.domain import content as contents
from drumtower.domain.content import Content, Kind, Nature, Variant
from drumtower.domain.deliveries import Action, State
from drumtower.domain.ids import new_id
from drumtower.platforms import Credentials, Token, TokenSource
from drumtower.settings import Settings
from drumtower.storage import LocalStorage
from services.scheduler.confirm import confirm
from services.scheduler.dispatch import Dispatcher
from services.scheduler.gate import Gate
from services.scheduler.outcomes import Outcomes
from services.scheduler.prepare import prepare
from services.scheduler.reap import reap
from services.scheduler.reconcile import reconcile
from services.scheduler.send import Sender
from tests.factories import Team

BODY = "秋茶上新，办公室里也能喝到一杯好茶"
LINK = "https://gulou.example/tea"
SETTLED = {State.PUBLISHED, State.FAILED, State.HELD, State.MISSED, State.HANDOFF, State.CANCELLED}


@dataclass(slots=True, kw_only=True)
class Stage:
    """Everything one delivery needs; `base_url` is the sandbox platform's address."""

    db: Database
    connections: Connections
    settings: Settings
    team: Team
    platform: str
    base_url: str
    channel_id: UUID = field(default_factory=new_id)
    account: dict[str, Any] = field(default_factory=dict)

    @property
    def storage(self) -> LocalStorage:
        return LocalStorage(self.settings.storage_dir)

    @property
    def gate(self) -> Gate:
        return Gate.of(self.connections.registry, self.settings)

    async def connect(self, **options: Any) -> None:
        """Open an account on the sandbox, and connect it."""
        self.account = await self.control("accounts", {"name": "鼓楼茶", **options})
        adapter = self.connections.adapter(self.platform, self.base_url)
        values = {f.name: self.account[f.name] for f in adapter.auth.fields if f.name in self.account}
        credentials = Credentials(values=values)
        token: Token | None = None
        if isinstance(adapter, TokenSource):
            token = await adapter.token(credentials)
            credentials = Credentials(values=values, token=token)
        found = await adapter.identify(credentials)
        now = datetime.now(UTC)
        async with self.db.transaction() as tx:
            channel = Channel(
                id=self.channel_id,
                workspace_id=self.team.workspace_id,
                brand_id=self.team.brand_id,
                platform=self.platform,
                name="tests",
                base_url=self.base_url,
                account_id=found.id,
                account_name=found.name,
                status="connected",
                credentials=self.connections.box.seal(values),
                token=seal_token(self.connections.box, token),
                token_expires_at=token.expires_at if token else None,
                created_at=now,
                updated_at=now,
            )
            tx.add(channel)

    async def control(self, path: str, body: Any = None, method: str = "POST") -> Any:
        """Act on the sandbox's control plane."""
        async with httpx.AsyncClient(base_url=self.base_url) as client:
            response = await client.request(method, f"/control/{path}", json=body)
            response.raise_for_status()
            return response.json() if response.content else None

    async def fault(self, **fault: Any) -> None:
        await self.control("faults", [fault])

    async def fired(self) -> int:
        """Say how many faults fired: one that did not proves nothing."""
        return int((await self.control("faults", method="GET"))["fired"])

    async def remote_posts(self) -> list[dict[str, Any]]:
        """Return what is really on the platform."""
        state = await self.control("state", method="GET")
        return [post for post in state.get("posts", []) if not post["deleted"]]

    async def schedule(
        self, due_in: timedelta = timedelta(), *, body: str = BODY, approved: bool = True, **given: Any
    ) -> Delivery:
        """Add an approved post and its delivery."""
        now = datetime.now(UTC)
        title = given.pop("title", "秋茶")
        content = Content(
            title=title,
            body=body,
            kind=given.pop("kind", Kind.IMAGE_TEXT),
            nature=given.pop("nature", Nature.EDITORIAL),
            links=(LINK,),
            asset_ids=given.pop("asset_ids", ()),
        )
        if options := given.pop("options", None):
            content = replace(content, variants=(Variant(channel_id=self.channel_id, options=options),))
        digest = contents.digest(content)
        post = Post(
            id=new_id(),
            workspace_id=self.team.workspace_id,
            brand_id=self.team.brand_id,
            title=title,
            kind=content.kind.value,
            nature=content.nature.value,
            owner_id=self.team.owner_id,
            status="approved",
            content=contents.to_json(content),
            content_hash=digest,
            version=1,
            revision=1,
            review_state="approved" if approved else "draft",
            approved_hash=digest if approved else None,
            approval_expires_at=now + timedelta(days=30),
            created_by=self.team.owner_id,
            created_at=now,
            updated_at=now,
        )
        delivery = plan(
            workspace_id=self.team.workspace_id,
            channel_id=self.channel_id,
            platform=self.platform,
            action=Action.PUBLISH,
            payload=payload_of(contents.for_channel(content, self.channel_id)),
            due_at=now + due_in,
            created_by=self.team.owner_id,
            now=now,
            post_id=post.id,
            post_version=1,
            content_hash=digest,
            **given,
        )
        async with self.db.transaction() as tx:
            tx.add(post)
            await tx.flush()
            tx.add(delivery)
        return delivery

    def dispatcher(self) -> Dispatcher:
        sender = Sender(
            db=self.db,
            connections=self.connections,
            storage=self.storage,
            settings=self.settings,
            outcomes=Outcomes(self.db, self.gate),
        )
        return Dispatcher(db=self.db, sender=sender, settings=self.settings)

    async def dispatch(self) -> None:
        """Claim what is due, and let it land."""
        dispatcher = self.dispatcher()
        for _ in range(50):
            if await dispatcher.step() != timedelta():
                break
        await dispatcher.drain(timedelta(seconds=60))

    async def work(
        self, *, until: Callable[[list[Delivery]], bool] | None = None, seconds: float = 30
    ) -> None:
        """Run every step in turns until all deliveries are settled (or `until` says so)."""
        done = until or (lambda rows: all(State(row.state) in SETTLED for row in rows))
        async with asyncio.timeout(seconds):
            while not done(await self.deliveries()):
                await self.turn()
                await asyncio.sleep(0.05)

    async def turn(self) -> None:
        """Run every step once."""
        await self.dispatch()
        await prepare(self.db, self.connections, self.storage, self.settings)
        await confirm(self.db, self.connections)
        await reconcile(self.db, self.connections, self.storage, self.settings)
        await reap(self.db)

    async def deliveries(self) -> list[Delivery]:
        async with self.db.transaction() as tx:
            return list((await tx.scalars(select(Delivery).order_by(Delivery.id))).all())

    async def delivery(self, delivery: Delivery) -> Delivery:
        async with self.db.transaction() as tx:
            return await tx.get_one(Delivery, delivery.id)

    async def attempts(self, delivery: Delivery) -> list[Attempt]:
        async with self.db.transaction() as tx:
            found = await tx.scalars(
                select(Attempt).where(Attempt.delivery_id == delivery.id).order_by(Attempt.id)
            )
            return list(found.all())

    async def pass_time(self, seconds: float) -> None:
        """Let time pass for the rows: everything that waits comes due that much earlier."""
        async with self.db.transaction() as tx:
            await tx.execute(
                text(
                    "UPDATE deliveries SET next_at = next_at - make_interval(secs => :gone),"
                    " lease_until = lease_until - make_interval(secs => :gone),"
                    " updated_at = updated_at - make_interval(secs => :gone) WHERE next_at IS NOT NULL"
                ),
                {"gone": seconds},
            )
