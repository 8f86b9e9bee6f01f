"""Measures samples and key figures against hand-written SQL in the same run, so that the machine cancels out.

Run from the repository root: `python -m bench.rollup [--samples 1000000 5000000] [--out FILE]`. It starts a PostgreSQL
of its own, fills it as the sample plan would (100 channels, 90 days), and prints a table; FILE gets JSON lines.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
from pydantic_core import to_json
from rich.console import Console
from rich.table import Table
from sqlalchemy import URL, make_url

from drumtower.db import migrate
from drumtower.db.engine import Database
from drumtower.db.partitions import ensure_partitions
from drumtower.db.repositories.kpis import Bucket, By, Period
from drumtower.db.repositories.samples import NewSample, SampleRepository
from drumtower.domain.ids import new_id
from drumtower.domain.kpi_dictionary import Kpi
from drumtower.domain.samples import Metric, next_sample
from drumtower.embedded.servers import EmbeddedServers, temporary_servers
from drumtower.platforms.registry import Registry
from services.api.metrics import service
from services.api.metrics.query import KpiQuery
from services.metrics import rollup
from tests.factories import Team, make_team
from tests.metrics.rows import make_channel

CHANNELS = 100
DAYS = 90
ZONE = ZoneInfo("Asia/Shanghai")
END = datetime.now(ZONE).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
START = END - timedelta(days=DAYS)
PER_POST = (Metric.EXPOSURE, Metric.LIKES, Metric.COMMENTS, Metric.SHARES, Metric.SAVES)
REPEATS = 5

_HAND_TABLE = """
CREATE TABLE hand_samples (
    channel_id uuid, delivery_id uuid, metric text, taken_at timestamptz, value bigint,
    UNIQUE (channel_id, delivery_id, metric, taken_at)
);
CREATE TEMPORARY TABLE hand_incoming (LIKE hand_samples)
"""
_HAND_UPSERT = """
INSERT INTO hand_samples SELECT * FROM hand_incoming
ON CONFLICT (channel_id, delivery_id, metric, taken_at) DO UPDATE SET value = excluded.value
"""
# What a person would write to get the same numbers: the values, and per channel what basis and freshness say.
_HAND_KPI = """
SELECT channel_id, day, sum(gain) AS gain, max(sampled_at) AS sampled_at FROM channel_rollups
WHERE workspace_id = $1 AND metric = ANY($2) AND day BETWEEN $3 AND $4 GROUP BY 1, 2
"""
_HAND_TOTAL = """
SELECT channel_id, metric, sum(gain) AS gain, max(sampled_at) AS sampled_at FROM channel_rollups
WHERE workspace_id = $1 AND metric = ANY($2) AND day BETWEEN $3 AND $4 GROUP BY 1, 2
"""
_RAW_KPI = """
WITH daily AS (
    SELECT channel_id, delivery_id, metric, CAST(taken_at AT TIME ZONE 'Asia/Shanghai' AS date) AS day,
           max(value) AS total
    FROM samples WHERE workspace_id = $1 AND metric = ANY($2) AND delivery_id IS NOT NULL GROUP BY 1, 2, 3, 4
), gains AS (
    SELECT channel_id, day, total - lag(total, 1, 0::bigint) OVER (
        PARTITION BY channel_id, delivery_id, metric ORDER BY day
    ) AS gain FROM daily
)
SELECT channel_id, day, sum(gain) AS gain FROM gains WHERE day BETWEEN $3 AND $4 GROUP BY 1, 2
"""
ENGAGING = [metric.value for metric in PER_POST if metric is not Metric.EXPOSURE]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One figure, ours and the reference's; `ratio` is ours to theirs, in the direction its name says."""

    samples: int
    what: str
    ours: float
    reference: float | None
    unit: str
    ratio: float | None


def moments(published_at: datetime) -> Iterator[datetime]:
    """The moments at which the plan samples a post, up to the end of the period."""
    at: datetime | None = published_at
    while at is not None and at < END:
        yield at
        at = next_sample(published_at, at + timedelta(seconds=1))


def readings(post: UUID, published_at: datetime) -> Iterator[NewSample]:
    for number, at in enumerate(moments(published_at)):
        for weight, metric in enumerate(PER_POST):
            yield NewSample(
                delivery_id=post, metric=metric, value=number * (50 - 10 * weight) + weight, taken_at=at
            )


def schedule(samples: int) -> Iterator[datetime]:
    """Publication times of one channel, so many that all channels have about `samples` samples."""
    typical = sum(1 for _ in moments(START + timedelta(days=45))) * len(PER_POST)
    posts = max(1, samples // CHANNELS // typical)
    return (START + timedelta(days=DAYS) * n / posts for n in range(posts))


def batches(rows: Sequence[NewSample], size: int) -> Iterator[list[NewSample]]:
    left = iter(rows)
    while batch := list(islice(left, size)):
        yield batch


async def best(*acts: Callable[[], Awaitable[Any]], repeats: int = REPEATS) -> list[float]:
    """The shortest of several runs of each, in turns: what else the machine does adds to both, and only adds."""
    taken: list[list[float]] = [[] for _ in acts]
    for _ in range(repeats):
        for act, times in zip(acts, taken, strict=True):
            began = time.perf_counter()
            await act()
            times.append(time.perf_counter() - began)
    return [min(times) for times in taken]


@dataclass(slots=True)
class Bench:
    """One database with so many samples."""

    db: Database
    hand: "asyncpg.Connection[Any]"
    team: Team
    channels: list[UUID]
    samples: int
    found: list[Measured]

    def note(
        self, what: str, ours: float, reference: float | None, unit: str, *, faster: bool = True
    ) -> None:
        ratio = ours / reference if reference else None
        self.found.append(
            Measured(samples=self.samples, what=what, ours=ours, reference=reference, unit=unit, ratio=ratio)
        )

    async def posts(self, channel: UUID, times: Sequence[datetime]) -> dict[UUID, datetime]:
        posts = {new_id(): at for at in times}
        rows = [self._delivery(channel, post, at) for post, at in posts.items()]
        columns = (
            "id workspace_id channel_id platform action payload state due_at attempts fence lookups checkpoint "
            "prepared external_id context published_at needs_check revision created_by created_at updated_at"
        )
        await self.hand.copy_records_to_table("deliveries", records=rows, columns=columns.split())
        return posts

    def _delivery(self, channel: UUID, post: UUID, at: datetime) -> tuple[Any, ...]:
        state = "weibo", "publish", "{}", "published", at, 1, 1, 0, "{}", False, post.hex, "{}", at, False, 1
        return post, self.team.workspace_id, channel, *state, self.team.owner_id, at, at

    async def fill(self) -> None:
        """Store everything, at the pull's batch size and at a large one, and by hand at the large one."""
        size = {"ours": 0, "hand": 0}
        spent = {"ours": 0.0, "hand": 0.0}
        for channel in self.channels:
            rows = [
                sample
                for post, at in (await self.posts(channel, list(schedule(self.samples)))).items()
                for sample in readings(post, at)
            ]
            spent["ours"] += await self._store(channel, rows, 10_000)
            size["ours"] += len(rows)
            if channel in self.channels[:20]:
                spent["hand"] += await self._store_by_hand(channel, rows, 10_000)
                size["hand"] += len(rows)
        self.samples = size["ours"]
        rates = {who: size[who] / spent[who] for who in size}
        self.note("ingestion (batches of 10,000)", rates["ours"], rates["hand"], "rows/s")

    async def _store(self, channel: UUID, rows: Sequence[NewSample], size: int) -> float:
        began = time.perf_counter()
        for batch in batches(rows, size):
            async with self.db.transaction() as tx:
                await SampleRepository(tx, self.team.workspace_id).add(channel, batch, ZONE)
        return time.perf_counter() - began

    async def _store_by_hand(self, channel: UUID, rows: Sequence[NewSample], size: int) -> float:
        began = time.perf_counter()
        for batch in batches(rows, size):
            records = [(channel, one.delivery_id, one.metric.value, one.taken_at, one.value) for one in batch]
            async with self.hand.transaction():
                await self.hand.execute("TRUNCATE hand_incoming")
                await self.hand.copy_records_to_table("hand_incoming", records=records)
                await self.hand.execute(_HAND_UPSERT)
        return time.perf_counter() - began

    async def roll_up_all(self) -> None:
        began = time.perf_counter()
        while await rollup.step(self.db) is not None:
            pass
        self.note("rollup of everything", time.perf_counter() - began, None, "s")
        await self.hand.execute("ANALYZE")

    async def roll_up_news(self) -> None:
        """Fifty posts of one channel get one more reading, as after one pull."""
        channel = self.channels[0]
        posts = await self.posts(channel, [END - timedelta(hours=20)] * 50)
        taken = []
        for minute in range(REPEATS + 1):
            at = END - timedelta(hours=19) + timedelta(minutes=minute)
            rows = [
                NewSample(delivery_id=post, metric=metric, value=minute, taken_at=at)
                for post in posts
                for metric in PER_POST
            ]
            await self._store(channel, rows, len(rows))
            began = time.perf_counter()
            await rollup.roll_up(self.db, self.team.workspace_id, channel)
            taken.append(time.perf_counter() - began)
        self.note("rollup after one pull of 50 posts", min(taken) * 1000, None, "ms")

    async def ask(self) -> None:
        """Daily engagement of every channel, 90 days: 9,000 figures with basis and freshness."""
        first, last = START.astimezone(ZONE).date(), (END - timedelta(days=1)).astimezone(ZONE).date()
        period = Period(first=first, last=last, zone=ZONE, bucket=Bucket.DAY)
        given = self.team.workspace_id, ENGAGING, first, last
        await self._ask("engagements by channel,day", period, By.CHANNEL, _HAND_KPI, given)
        whole = Period(first=first, last=last, zone=ZONE)
        await self._ask("engagements in total", whole, By.TOTAL, _HAND_TOTAL, given)

    async def _ask(self, what: str, period: Period, by: By, hand: str, given: tuple[Any, ...]) -> None:
        asked = KpiQuery(kpis=(Kpi.ENGAGEMENTS,), period=period, by=by, channel_ids=None)
        registry = Registry(adapters={}, refused={})

        async def ours() -> None:
            async with self.db.transaction() as tx:
                to_json(await service.answer(tx, self.team.workspace_id, asked, registry, datetime.now(UTC)))

        async def by_hand() -> None:
            to_json([dict(row) for row in await self.hand.fetch(hand, *given)])

        async def raw() -> None:
            to_json([dict(row) for row in await self.hand.fetch(_RAW_KPI, *given)])

        mine, direct, slow = await best(ours, by_hand, raw)
        self.note(f"{what}, to hand-written SQL on the rollup", mine * 1000, direct * 1000, "ms")
        self.note(f"{what}, to SQL on raw samples", mine * 1000, slow * 1000, "ms")


def _plain(address: URL) -> str:
    return address.set(drivername="postgresql").render_as_string(hide_password=False)


async def measure(servers: EmbeddedServers, samples: int) -> list[Measured]:
    name = f"bench_{samples}"
    admin = await asyncpg.connect(_plain(make_url(servers.database_url)))
    await admin.execute(f"CREATE DATABASE {name}")
    await admin.close()
    address = make_url(servers.database_url).set(database=name)
    url = address.render_as_string(hide_password=False)
    await asyncio.to_thread(migrate.upgrade, url)
    db = Database(url, application="bench")
    async with db.transaction() as tx:
        for back in range(4):
            await ensure_partitions(tx, END - timedelta(days=30 * back))
    team = await make_team(db)
    hand = await asyncpg.connect(_plain(address))
    await hand.execute(_HAND_TABLE)
    channels = [await make_channel(db, team) for _ in range(CHANNELS)]
    bench = Bench(db=db, hand=hand, team=team, channels=channels, samples=samples, found=[])
    await bench.fill()
    await bench.roll_up_all()
    await bench.roll_up_news()
    await bench.ask()
    await hand.close()
    await db.close()
    return bench.found


def show(found: Sequence[Measured]) -> None:
    table = Table("samples", "what", "ours", "reference", "unit", "ratio")
    for row in found:
        reference = f"{row.reference:,.1f}" if row.reference is not None else ""
        ratio = f"{row.ratio:.2f}" if row.ratio is not None else ""
        table.add_row(f"{row.samples:,}", row.what, f"{row.ours:,.1f}", reference, row.unit, ratio)
    Console(width=130).print(table)


def main() -> None:
    """Measure at each size, and print what was found."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--samples", type=int, nargs="+", default=[1_000_000, 5_000_000])
    arguments.add_argument("--out", type=Path)
    given = arguments.parse_args()
    found: list[Measured] = []
    with temporary_servers() as servers:
        for samples in given.samples:
            found += asyncio.run(measure(servers, samples))
    show(found)
    if given.out:
        given.out.write_text("".join(json.dumps(asdict(row)) + "\n" for row in found), encoding="utf-8")


if __name__ == "__main__":
    main()
