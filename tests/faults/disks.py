"""Q12: the disk under PostgreSQL is full, and the one under the media store; later there is room again."""

import asyncio
import io
import secrets
import time
from collections import Counter
from datetime import UTC, datetime

import httpx
from PIL import Image
from sqlalchemy import func, select

from drumtower.db.models import Asset
from drumtower.embedded.servers import EmbeddedServers
from tests.faults.api import Api, serving
from tests.faults.checker import Verdict
from tests.faults.disk import Disk, disk_at
from tests.faults.field import ACCOUNTS, Field, Size
from tests.faults.outages import first_after
from tests.faults.report import Report, slowest
from tests.faults.servers import own_field, start
from tests.faults.world import World

CLASSES = ("weibo", "bluesky", "blind")
DATABASE_MIB, MEDIA_MIB = 256, 4
FULL_SECONDS = 6.0
RESUMED_WITHIN = 30.0


async def full_database(world: World, size: Size) -> Report:
    """Leave PostgreSQL no room, again and again, while posts are due and clients write."""
    async with (
        own_field(world, dict.fromkeys(CLASSES, ACCOUNTS), mebibytes=DATABASE_MIB, seed=size.seed) as (
            field,
            embedded,
        ),
        serving(field) as api,
    ):
        disk, answers, freed = Disk(embedded.layout.state), Counter[int](), list[datetime]()
        rounds = min(size.kills, 3)
        over = max(size.posts / 20, rounds * 3 * FULL_SECONDS)
        await field.crew.start(2)
        await field.until_beating(2)
        await field.plant(size.posts, CLASSES, after=0.5, over=over)
        for _ in range(rounds):
            await asyncio.sleep(FULL_SECONDS)
            disk.fill()
            answers += await _write(field, api, FULL_SECONDS)
            disk.free()
            freed.append(datetime.now(UTC))
            await _until_ready(api, embedded)
        drained = await field.drain(60 + over)
        verdict = await field.verdict()
        rows = await field.rows()
        late, waits = slowest(rows, await field.attempts()), [first_after(rows, at) for at in freed]
        exits = len(field.crew.workers) - len(field.crew.living)
    return Report(
        name="Q12 the database's disk is full",
        posts=size.posts,
        fired={"disk full": rounds, "writes turned away": answers[503]},
        verdict=verdict,
        drained_after=drained,
        claims={
            "no scheduler ended": not exits,
            "every answer was 201 or 503": set(answers) <= {201, 503},
            "all goes on within half a minute": all(wait and wait <= RESUMED_WITHIN for wait in waits),
        },
        numbers={
            "answers": {str(code): count for code, count in answers.items()},
            "seconds_to_the_first_post_with_room_again": waits,
        },
        told={"slowest": late},
    )


async def _write(field: Field, api: Api, seconds: float) -> Counter[int]:
    """Write posts that take room, one after the other."""
    answers, until = Counter[int](), time.monotonic() + seconds
    while time.monotonic() < until:
        body = {
            "title": "满",
            "body": "".join(chr(0x4E00 + secrets.randbelow(0x5000)) for _ in range(9_000)),
            "kind": "article",
            "nature": "editorial",
            "brand_id": str(field.team.brand_id),
        }
        answers[(await api.client.post("/v1/posts", json=body)).status_code] += 1
    return answers


async def _until_ready(api: Api, embedded: EmbeddedServers) -> None:
    """Wait until every role makes progress again, and start PostgreSQL where it ended, as a supervisor does."""
    async with asyncio.timeout(2 * RESUMED_WITHIN):
        while not embedded.postgres.is_running or not await _is_ready(api):
            if not embedded.postgres.is_running:
                await start(embedded.postgres)
            await asyncio.sleep(0.1)


async def _is_ready(api: Api) -> bool:
    return (await api.client.get("/health/ready")).status_code == httpx.codes.OK


async def full_media(world: World, size: Size) -> Report:
    """Leave the media store no room: uploads are turned away and leave nothing behind; then there is room."""
    async with world.field({}, seed=size.seed) as field, serving(field) as api:
        with disk_at(field.settings.storage_dir, MEDIA_MIB) as disk:
            disk.fill()
            turned = Counter([await _upload(api) for _ in range(size.kills)])
            left = [path for path in disk.path.rglob("*") if path.is_file() and path != disk.filler]
            rows = await _assets(field)
            disk.free()
            taken = Counter([await _upload(api) for _ in range(size.kills)])
            more = await _assets(field) - rows
    return Report(
        name="Q12 the media store's disk is full",
        posts=2 * size.kills,
        fired={"uploads turned away": turned[503]},
        verdict=Verdict(states={}),
        drained_after=0.0,
        claims={
            "all were told to come again": set(turned) == {503},
            "nothing half written is left": not left,
            "no row without a file": rows == 1,
            "with room they are taken": set(taken) == {201},
            "each has its row": more == size.kills,
        },
        numbers={"answers": {str(code): count for code, count in (turned + taken).items()}},
    )


async def _upload(api: Api) -> int:
    file = io.BytesIO()
    Image.frombytes("RGB", (120, 90), secrets.token_bytes(120 * 90 * 3)).save(file, "PNG")
    sent = {"file": ("茶.png", file.getvalue(), "image/png")}
    return (await api.client.post("/v1/assets", files=sent)).status_code


async def _assets(field: Field) -> int:
    async with field.db.transaction() as tx:
        return await tx.scalar(select(func.count()).select_from(Asset)) or 0
