"""R11: cancelling races with sending. What was cancelled, as the API says, is never published."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
from asgi_lifespan import LifespanManager

from drumtower.db.models import Delivery
from drumtower.domain.deliveries import State
from services.api.main import create_app
from tests.conftest import client_for
from tests.faults.field import ACCOUNTS, Size
from tests.faults.report import Report, slowest
from tests.faults.weather import Weather
from tests.faults.world import World

CLASSES = ("weibo", "wechat", "bluesky")
AT_ONCE = 6


async def cancels(world: World, size: Size) -> Report:
    """Cancel every delivery around the moment at which it is due."""
    async with world.field(
        dict.fromkeys(CLASSES, ACCOUNTS), weather=Weather(after=0.1), seed=size.seed
    ) as field:
        await field.crew.start(2)
        answers: Counter[int] = Counter()
        cancelled: set[UUID] = set()
        gate = asyncio.Semaphore(AT_ONCE)
        over = size.posts / 20

        async def race(client: httpx.AsyncClient, row: Delivery) -> None:
            # A little early on the whole: the request itself takes its time.
            at = row.due_at + timedelta(seconds=field.draw.uniform(-0.7, 0.5))
            await asyncio.sleep((at - datetime.now(UTC)).total_seconds())
            async with gate:
                response = await _cancel(client, row.id)
            answers[response.status_code] += 1
            if response.status_code == httpx.codes.OK:
                cancelled.add(row.id)

        app = create_app(field.settings)
        async with LifespanManager(app), client_for(app, field.team.owner_key) as client:
            await field.plant(size.posts, CLASSES, after=1.0 + size.posts / 200, over=over)
            await asyncio.gather(*(race(client, row) for row in await field.rows()))
        drained = await field.drain(60 + over)
        verdict = await field.verdict(State.PUBLISHED, State.CANCELLED)
        rows = {row.id: State(row.state) for row in await field.rows()}
        out = {post.mark for post in field.platforms.posts()}
        late = slowest(await field.rows(), await field.attempts())
    return Report(
        name="R11 cancel races",
        posts=size.posts,
        fired={"cancelled in time": answers[200], "cancelled too late": answers[409]},
        verdict=verdict,
        drained_after=drained,
        claims={
            "what was cancelled is not out": not cancelled & out,
            "what was cancelled stays cancelled": all(rows[one] is State.CANCELLED for one in cancelled),
            "nothing else was cancelled": sum(s is State.CANCELLED for s in rows.values()) == len(cancelled),
            "every answer was 200 or 409": set(answers) <= {200, 409},
        },
        numbers={"answers": dict(answers)},
        told={"slowest": late},
    )


async def _cancel(client: httpx.AsyncClient, delivery_id: UUID) -> httpx.Response:
    return await client.post(
        f"/v1/deliveries/{delivery_id}/cancel", headers={"Idempotency-Key": delivery_id.hex}
    )
