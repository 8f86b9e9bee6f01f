"""Looking a text up among a million posts: POST /v1/originality/check, over the API.

    python -m bench.originality [--posts 1000000] [--times 300]

Every post has a text of its own and the fingerprint that the product makes of it, made in two processes. They are
planted by COPY; the index is made when all but a fiftieth of them are there, so that some wait in its pending list as in
life. The statement's plan is printed, and it must read that index. Beside it one write of the bare app, in the same
process. Prints JSON lines and a table.
"""

import argparse
import json
import random
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from itertools import chain
from typing import Any
from uuid import UUID

import asyncpg
import uvloop

from bench.desk import Desk, desk
from bench.texts import COMMON, prose
from bench.timing import Timed, show, timed
from drumtower import telemetry
from drumtower.db import migrate
from drumtower.db.repositories.originality import CANDIDATES, LIKE, POST, by_index
from drumtower.domain import content as contents
from drumtower.domain.content import Content, Kind, Nature
from drumtower.domain.ids import new_id
from drumtower.embedded.servers import EmbeddedServers, temporary_servers
from drumtower.language.folding import fold_term
from drumtower.language.signatures import bands_of
from drumtower.originality import fingerprint
from tests.api.desk import answer
from tests.databases import connect

SIZE, BATCH, PROCESSES = 300, 2_000, 2
LATE = 50  # one in so many is planted when the index is there
REPEATED = 1_000  # posts with one and the same text, as a series makes them
TARGET = 50
INDEX = "ix_fingerprints_bands"
Made = tuple[dict[str, Any], list[int]]


def made(seed: int, count: int) -> list[Made]:
    """Return contents as they are stored, with their bands."""
    rng = random.Random(seed)
    return [_made(prose(rng, SIZE)) for _ in range(count)]


def _made(body: str) -> Made:
    content = contents.to_json(
        Content(title=body[:12], body=body, kind=Kind.IMAGE_TEXT, nature=Nature.EDITORIAL)
    )
    return content, fingerprint(content)


def batches(posts: int) -> list[int]:
    return [min(BATCH, posts - done) for done in range(0, posts, BATCH)]


async def plant(at: Desk, url: str, posts: int) -> None:
    """Add the posts and their fingerprints, and the repeated ones."""
    sizes = batches(posts)
    early = max(1, len(sizes) - max(1, len(sizes) // LATE))
    async with connect(url) as driver:
        with ProcessPoolExecutor(PROCESSES) as pool:
            made_by = await driver.fetchval("SELECT pg_get_indexdef($1::regclass)", INDEX)
            await driver.execute(f"DROP INDEX {INDEX}")
            for rows in pool.map(made, range(early), sizes[:early]):
                await _copy(driver, at, rows)
            await driver.execute("SET maintenance_work_mem = '512MB'")
            await driver.execute(made_by)
            for table in ("posts", "fingerprints"):
                await driver.execute(f"VACUUM ANALYZE {table}")
            for rows in pool.map(made, range(early, len(sizes)), sizes[early:]):
                await _copy(driver, at, rows)
        await _copy(driver, at, [_made(prose(random.Random("repeated"), SIZE))] * REPEATED)


async def _copy(driver: asyncpg.Connection, at: Desk, rows: list[Made]) -> None:
    ids = [new_id() for _ in rows]
    now = datetime.now(UTC)
    posts = [_post(at, post_id, content, now) for post_id, (content, _) in zip(ids, rows, strict=True)]
    await driver.copy_records_to_table(
        "posts", records=[tuple(post.values()) for post in posts], columns=list(posts[0])
    )
    bands = [
        (new_id(), at.team.workspace_id, POST, post_id, own)
        for post_id, (_, own) in zip(ids, rows, strict=True)
    ]
    columns = ["id", "workspace_id", "kind", "source_id", "bands"]
    await driver.copy_records_to_table("fingerprints", records=bands, columns=columns)


def _post(at: Desk, post_id: UUID, content: dict[str, Any], now: datetime) -> dict[str, Any]:
    team = at.team
    return {
        "id": post_id, "workspace_id": team.workspace_id, "brand_id": team.brand_id, "title": content["title"],
        "kind": content["kind"], "nature": content["nature"], "owner_id": team.owner_id, "status": "draft",
        "content": json.dumps(content, ensure_ascii=False), "content_hash": "", "version": 1, "revision": 1,
        "review_state": "none", "created_by": team.owner_id, "created_at": now, "updated_at": now,
    }  # fmt: skip


class Asked:
    """Texts to look up: new ones, copies of what is there with a fifth changed, and the repeated one."""

    def __init__(self, at: Desk, posts: int) -> None:
        self.at = at
        self.rng = random.Random("asked")
        picked = [self.rng.randrange(len(batches(posts))) for _ in range(3)]
        self.there = [content["body"] for content, _ in chain(*(made(seed, 100) for seed in picked))]
        self.repeated = prose(random.Random("repeated"), SIZE)

    async def new(self, number: int) -> None:
        await self._ask(prose(self.rng, SIZE), "original")

    async def copied(self, number: int) -> None:
        body = self.there[number % len(self.there)]
        text = "".join(self.rng.choice(COMMON) if self.rng.random() < 0.2 else sign for sign in body)
        await self._ask(text)

    async def kept(self, number: int) -> None:
        await self._ask(self.repeated, "alike")

    async def _ask(self, text: str, verdict: str | None = None) -> None:
        found = answer(await self.at.owner.post("/v1/originality/check", json={"text": text}))
        assert verdict is None or found["verdict"] == verdict, found["similarity"]


async def plan(at: Desk, text: str) -> Iterator[str]:
    """Return the plan of the look-up; raise where it does not read the index."""
    asked = (at.team.workspace_id, bands_of(fold_term(text)), None, CANDIDATES)
    async with at.db.transaction() as tx:
        rows = await by_index(tx, f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF) {LIKE}", *asked)
    lines = [row["QUERY PLAN"] for row in rows]
    if not any(INDEX in line for line in lines):
        raise AssertionError("\n".join(["The look-up does not read its index:", *lines]))
    return iter(lines)


async def main(given: argparse.Namespace, servers: EmbeddedServers) -> None:
    """Plant, measure all, and print it."""
    async with desk(servers) as at:
        began = time.perf_counter()
        await plant(at, servers.database_url, given.posts)
        took = round(time.perf_counter() - began)
        print(json.dumps({"posts": given.posts + REPEATED, "planted_s": took}), flush=True)
        asked = Asked(at, given.posts)
        print(*(await plan(at, asked.there[0])), sep="\n", flush=True)
        show(await measured(at, asked, given.times), "bare write")


async def measured(at: Desk, asked: Asked, times: int) -> list[Timed]:
    note = {"title": "秋茶上新", "body": asked.repeated}
    return [
        await timed("bare write", times, lambda _: at.plain.post("/notes", json=note), at.server),
        await timed("a new text", times, asked.new, at.server, TARGET),
        await timed("a copy, a fifth changed", times, asked.copied, at.server, TARGET),
        await timed(f"a text of {REPEATED} posts", times, asked.kept, at.server, TARGET),
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=300)
    telemetry.configure(service="bench")
    with temporary_servers() as running:
        migrate.upgrade(running.database_url)
        uvloop.run(main(parser.parse_args(), running))
