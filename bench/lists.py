"""The main lists, at their first page and 10,000 rows down, over the API.

    python -m bench.lists [--rows 12000] [--depth 10000] [--times 100]

The database makes the rows, as copies of one that was made over the API. The deep page is come to
by its cursors, as a client comes to it; both are pages of 50. Beside them a page of fifty rows of the
bare app, in the same process. Prints JSON lines and two tables; a ratio over 2, of p50 or of CPU, is a miss.
"""

import argparse
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import uvloop
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from bench.desk import Desk, desk
from bench.planned import tidy
from bench.timing import Timed, show, timed
from drumtower import telemetry
from drumtower.db import migrate
from drumtower.db.models import (
    Asset,
    CalendarEvent,
    Campaign,
    ComplianceFinding,
    Conversion,
    Delivery,
    Idea,
    Interaction,
    Link,
    Member,
    Post,
    ReferenceText,
    Series,
)
from drumtower.db.partitions import ensure_partitions
from drumtower.db.types import Base
from drumtower.embedded.servers import EmbeddedServers, temporary_servers
from tests.api import world
from tests.api.desk import answer

LARGEST = 200  # rows in one page
MOST = 2.0
# Older than whatever is made now, so that the copies stand below it.
COPY = "('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid"


@dataclass(frozen=True, slots=True)
class Listed:
    """A list, its table, and what of a copy differs, as SQL of its number `n`."""

    path: str
    model: type[Base]
    own: dict[str, str] = field(default_factory=dict)


LISTS = (
    Listed("/v1/posts", Post),
    Listed("/v1/deliveries", Delivery, {"post_id": COPY}),
    Listed("/v1/assets", Asset, {"sha256": "md5(n::text)"}),
    Listed("/v1/ideas", Idea),
    Listed("/v1/campaigns", Campaign),
    Listed("/v1/series", Series),
    Listed("/v1/calendar/events", CalendarEvent),
    Listed("/v1/interactions", Interaction, {"external_id": "n::text"}),
    Listed("/v1/links", Link, {"code": "'bench' || n"}),
    Listed("/v1/conversions", Conversion, {"external_id": "n::text"}),
    Listed("/v1/members", Member, {"email": "n || '@example.com'"}),
    Listed("/v1/originality/references", ReferenceText),
    Listed("/v1/compliance/findings", ComplianceFinding, {"start": "n"}),
)


async def fill(at: Desk, rows: int) -> None:
    """Make one of everything, and so many copies of each main thing."""
    async with at.db.transaction() as tx:
        await ensure_partitions(tx, datetime.now(UTC))
    await world.build(at.owner, at.reviewer, at.db, at.team, at.box)
    for one in LISTS:
        await _copy(at, one, rows)
    await tidy(at.db, [one.model.__tablename__ for one in LISTS])


async def _copy(at: Desk, one: Listed, rows: int) -> None:
    name, table = one.model.__tablename__, one.model.__table__
    own = {"id": COPY} | one.own
    names = [f'"{column.name}"' for column in table.columns]
    values = [own.get(column.name, f'one."{column.name}"') for column in table.columns]
    first = answer(await at.owner.get(one.path))["data"][0]["id"]
    async with at.db.transaction() as tx:
        await tx.execute(text("SET LOCAL statement_timeout = '300s'"))
        statement = (
            f"INSERT INTO {name} ({', '.join(names)}) SELECT {', '.join(values)}"  # noqa: S608 - our own names
            f" FROM {name} AS one CROSS JOIN generate_series(1, :rows) AS n WHERE one.id = :first"
        )
        await tx.execute(text(statement), {"rows": rows, "first": first})


async def descend(owner: httpx.AsyncClient, path: str, depth: int) -> str:
    """Page down as a client does, and return the cursor after so many rows."""
    cursor: dict[str, Any] = {}
    for _ in range(depth // LARGEST):
        page = answer(await owner.get(path, params={"limit": LARGEST} | cursor))
        cursor = {"cursor": page["next_cursor"]}
    return str(cursor["cursor"])


async def measured(at: Desk, one: Listed, depth: int, times: int) -> tuple[Timed, Timed]:
    deep = {"cursor": await descend(at.owner, one.path, depth)}
    for params in ({}, deep):
        found = len(answer(await at.owner.get(one.path, params=params))["data"])
        assert found == 50, f"{one.path}: a page of {found}"
    first = await timed(one.path, times, lambda _: at.owner.get(one.path), at.server)
    below = await timed(
        f"{one.path}, {depth:,} down", times, lambda _: at.owner.get(one.path, params=deep), at.server
    )
    return first, below


def compare(pairs: list[tuple[Timed, Timed]]) -> None:
    """Print the deep page by the first."""
    table = Table(title=f"The deep page by the first; at most {MOST:g}", title_justify="left")
    for name in ("list", "p50 by", "CPU by", ""):
        table.add_column(name, justify="left" if name == "list" else "right")
    for first, below in pairs:
        p50 = below.p50 / first.p50
        cpu = (below.cpu + below.db_cpu) / (first.cpu + first.db_cpu)
        verdict = "" if max(p50, cpu) <= MOST else "missed"
        print(json.dumps({"list": first.what, "p50_by": round(p50, 2), "cpu_by": round(cpu, 2)}))
        table.add_row(first.what, f"{p50:.2f}", f"{cpu:.2f}", verdict)
    Console(width=100).print(table)


async def main(given: argparse.Namespace, servers: EmbeddedServers) -> None:
    """Fill the lists, measure each, and print it."""
    async with desk(servers, notes=given.rows) as at:
        await fill(at, given.rows)
        bare = await timed("bare page of 50", given.times, lambda _: at.plain.get("/notes"), at.server)
        pairs = [await measured(at, one, given.depth, given.times) for one in LISTS]
        show([bare, *(timed_one for pair in pairs for timed_one in pair)], "bare page of 50")
        compare(pairs)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=12_000)
    parser.add_argument("--depth", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=100)
    telemetry.configure(service="bench")
    with temporary_servers() as running:
        migrate.upgrade(running.database_url)
        uvloop.run(main(parser.parse_args(), running))
