"""An import of posts: how fast rows are stored and worked, and what that takes of memory.

    python -m bench.imports [--rows 100000]

One process with the API in it and a PostgreSQL of its own; every post has its own Chinese text of 60 characters, so that 100,000 of them are within `largest_import`. Prints
JSON lines: the request, the rows, and the export of their verdicts. `peak_mb` is this process's since its start.
"""

import argparse
import asyncio
import json
import random
import resource
import tempfile
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import uvloop
from asgi_lifespan import LifespanManager

from bench.processes import load, own_cpu
from bench.texts import prose
from drumtower import telemetry
from drumtower.db import migrate
from drumtower.db.engine import Database
from drumtower.domain.tables import write_csv
from drumtower.embedded.servers import EmbeddedServers, temporary_servers
from services.api.main import create_app
from tests.conftest import client_for, local_settings
from tests.factories import make_team

LENGTH = 60
POLL_SECONDS = 0.5


def table(rows: int) -> str:
    """Return a table of posts, each with a text of its own."""
    rng = random.Random(1)
    lines = (
        (f"秋茶 {number}", prose(rng, LENGTH), "image_text", "editorial", "秋茶 茶馆")
        for number in range(rows)
    )
    return write_csv([("标题", "正文", "类型", "性质", "话题"), *lines])


def tell(what: str, began: float, **more: Any) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures = {"what": what, "seconds": round(time.monotonic() - began, 2), "peak_mb": round(peak)}
    print(json.dumps(figures | more | {"load": round(load(), 1)}))


async def run(servers: EmbeddedServers, rows: int, directory: Path) -> None:
    await asyncio.to_thread(migrate.upgrade, servers.database_url)
    db = Database(servers.database_url, application="bench")
    team = await make_team(db)
    app = create_app(local_settings(servers.database_url, servers.redis_url, directory))
    body = json.dumps({"brand_id": str(team.brand_id), "csv": table(rows)}, ensure_ascii=False).encode()
    async with LifespanManager(app), client_for(app, team.owner_key) as client:
        tell("before", time.monotonic(), body_mb=round(len(body) / 2**20, 1))
        began = time.monotonic()
        begun = await client.post(
            "/v1/posts/import", content=body, headers={"Content-Type": "application/json"}, timeout=120
        )
        begun.raise_for_status()
        tell("request", began, rows=rows)
        began, cpu = time.monotonic(), own_cpu()
        found: dict[str, Any] = {"state": "running"}
        while found["state"] == "running":
            await asyncio.sleep(POLL_SECONDS)
            found = (await client.get(begun.headers["location"])).json()
        spent = time.monotonic() - began
        counts = {name: found[name] for name in ("created", "refused")}
        each = round((own_cpu() - cpu) * 1000 / rows, 2)
        tell("rows", began, **counts, rows_a_second=round(rows / spent), own_cpu_ms_a_row=each)
        began = time.monotonic()
        export = await client.get(f"/v1/imports/{UUID(found['id'])}/rows.csv", timeout=120)
        tell("export", began, mb=round(len(export.content) / 2**20, 1))
    await db.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.imports")
    parser.add_argument("--rows", type=int, default=100_000)
    asked = parser.parse_args()
    telemetry.configure(service="bench")
    with temporary_servers() as servers, tempfile.TemporaryDirectory() as directory:
        uvloop.run(run(servers, asked.rows, Path(directory)))


if __name__ == "__main__":
    main()
