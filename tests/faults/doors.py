"""Q8 to Q10: the API's commits get lost, its connections run out, and its clients walk away."""

import asyncio
import json
import time
from collections import Counter
from urllib.parse import urlsplit

import httpx
from sqlalchemy import func, select, text

from drumtower.db.models import Brand
from drumtower.domain.ids import new_id
from tests.faults.api import Api, serving, way_to
from tests.faults.checker import Verdict
from tests.faults.field import Field, Size
from tests.faults.proxy import Harm
from tests.faults.report import Report
from tests.faults.world import World

AT_ONCE = 8
CROWD = 200
LATENCY = 0.2  # seconds, each way
# Half of it is patience for a connection; the rest is for a loop that serves 200 clients, is all of them, and carries their bytes.
REFUSED_WITHIN = 2.0
NOTHING = Verdict(states={})


async def commits(world: World, size: Size) -> Report:
    """Lose the connection at a COMMIT that arrived, for one request in ten; each client asks again with its key."""
    async with (
        world.field({}, seed=size.seed) as field,
        way_to(field.settings.database_url) as (proxy, address),
    ):
        async with serving(field, address) as api:
            gate, answers = asyncio.Semaphore(AT_ONCE), Counter[int]()

            async def make() -> None:
                key = new_id().hex
                async with gate:
                    for _ in range(20):
                        proxy.lose_commits += field.draw.random() < 0.1
                        made = await _make(api, key)
                        answers[made] += 1
                        if made == httpx.codes.CREATED:
                            return
                        await asyncio.sleep(0.05)

            await asyncio.gather(*(make() for _ in range(size.posts)))
        async with field.db.transaction() as tx:
            names = Counter(await tx.scalars(select(Brand.name).where(Brand.name.like("q8 %"))))
    return Report(
        name="Q8 COMMIT answers lost",
        posts=size.posts,
        fired={"COMMIT answer lost": proxy.fired[Harm.LOSE_COMMIT]},
        verdict=NOTHING,
        drained_after=0.0,
        claims={
            "every client got its answer": answers[201] == size.posts,
            "a lost answer was felt": answers.total() > size.posts,
            "every thing exists": len(names) == size.posts,
            "nothing exists twice": set(names.values()) == {1},
        },
        numbers={"answers": {str(code): count for code, count in answers.items()}},
    )


async def _make(api: Api, key: str) -> int:
    body = {"name": f"q8 {key}"}
    return (await api.client.post("/v1/brands", json=body, headers={"Idempotency-Key": key})).status_code


async def crowd(world: World, size: Size) -> Report:
    """Let 200 clients ask at once while PostgreSQL is far away: each is served or told to come later."""
    del size
    async with (
        world.field({}) as field,
        way_to(field.settings.database_url) as (proxy, address),
        serving(field, address) as api,
    ):
        await api.client.get("/v1/brands")
        proxy.latency = LATENCY
        answers = await asyncio.gather(*(_asked(api) for _ in range(CROWD)))
        proxy.latency = 0.0
        back = await _until_well(api)
    codes = Counter(code for code, _, _ in answers)
    refused = [
        (seconds, after) for code, seconds, after in answers if code == httpx.codes.SERVICE_UNAVAILABLE
    ]
    slowest = max((seconds for seconds, _ in refused), default=0.0)
    return Report(
        name="Q9 more clients than connections",
        posts=CROWD,
        fired={"chunks that came late": proxy.fired["latency"], "turned away": len(refused)},
        verdict=NOTHING,
        drained_after=0.0,
        claims={
            "every answer was 200 or 503": set(codes) <= {200, 503},
            "who was turned away knows when to come": all(after for _, after in refused),
            "and knew it soon": slowest <= REFUSED_WITHIN,
            "it is well again within a second": back <= 1.0,
        },
        numbers={
            "answers": {str(code): count for code, count in codes.items()},
            "slowest_refusal_seconds": round(slowest, 2),
            "well_again_seconds": round(back, 2),
        },
    )


async def _until_well(api: Api) -> float:
    began = time.monotonic()
    while (await _asked(api))[0] != httpx.codes.OK:
        continue
    return time.monotonic() - began


async def _asked(api: Api) -> tuple[int, float, str | None]:
    began = time.monotonic()
    answer = await api.client.get("/v1/brands")
    return answer.status_code, time.monotonic() - began, answer.headers.get("retry-after")


async def leavers(world: World, size: Size) -> Report:
    """Send whole requests and hang up at once: five seconds later nobody holds a connection or a lock for them."""
    async with world.field({}, seed=size.seed) as field, serving(field) as api:
        gone = 0
        for _ in range(0, size.posts, AT_ONCE):
            gone += sum(await asyncio.gather(*(_leave(field, api) for _ in range(AT_ONCE))))
        await asyncio.sleep(5)
        idle = await _idle(field)
        pool = api.app.state.services.db.engine.pool
        out = pool.checkedout()
        answer = await api.client.get("/v1/brands")
        async with field.db.transaction() as tx:
            made = await tx.scalar(select(func.count()).select_from(Brand).where(Brand.name.like("left %")))
    return Report(
        name="Q10 clients that hang up",
        posts=size.posts,
        fired={"hung up in mid-request": gone},
        verdict=NOTHING,
        drained_after=0.0,
        claims={
            "nobody is idle in a transaction": idle == 0,
            "every connection is back": out == 0,
            "the next client is served": answer.status_code == httpx.codes.OK,
        },
        numbers={"requests_that_were_done_all_the_same": made},
    )


async def _leave(field: Field, api: Api) -> int:
    parts = urlsplit(api.address)
    _, writer = await asyncio.open_connection(parts.hostname, parts.port)
    body = json.dumps({"name": f"left {new_id().hex}"})
    head = (
        f"POST /v1/brands HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {field.team.owner_key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    writer.write((head + body).encode())
    await writer.drain()
    await asyncio.sleep(field.draw.uniform(0, 0.02))
    writer.transport.abort()
    return 1


async def _idle(field: Field) -> int:
    async with field.db.transaction() as tx:
        found = await tx.scalar(
            text(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND state LIKE 'idle in transaction%' AND application_name = 'drumtower-api'"
            )
        )
    return int(found or 0)
