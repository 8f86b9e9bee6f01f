"""The long runs: `python -m tests.faults [--posts N] [--kills N] [--only NAME]… [--seed N] [--json FILE]`.

`--json` adds to what the file has; `python -m tests.faults.page` makes the reference page of it.
"""

import argparse
import asyncio
import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from drumtower import telemetry
from drumtower.embedded.servers import temporary_servers
from tests.databases import Servers, make_template
from tests.faults.crew import Nursery
from tests.faults.field import Size
from tests.faults.page import keep
from tests.faults.runs import RUNS
from tests.faults.servers import TEMPLATE
from tests.faults.world import World


def main(words: Sequence[str]) -> int:
    """Run what was asked for; 0 where everything is green."""
    # A line for each ring of a bell that nobody hears says nothing here; the schedulers keep logs of their own.
    telemetry.configure(service="faults", level=logging.ERROR)
    asked = _parser().parse_args(words)
    size = Size(posts=asked.posts, kills=asked.kills, seed=asked.seed)
    found = _run(asked.only or list(RUNS), size)
    if asked.json:
        keep(asked.json, found)
    red = [one["run"] for one in found if not one["green"]]
    _say(f"{len(found) - len(red)} of {len(found)} runs green" + (f"; red: {', '.join(red)}" if red else ""))
    return 1 if red else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="faults", description="Break things, and prove what was published.")
    parser.add_argument("--posts", type=int, default=1000, help="posts of a run (default 1000)")
    parser.add_argument(
        "--kills", type=int, default=20, help="faults of a run, where they are counted (default 20)"
    )
    parser.add_argument("--only", action="append", choices=list(RUNS), help="one run; may be given again")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="where the figures go")
    return parser


def _run(names: Sequence[str], size: Size) -> list[dict[str, Any]]:
    with (
        tempfile.TemporaryDirectory(prefix="drumtower-faults-") as directory,
        temporary_servers() as embedded,
    ):
        servers = Servers(embedded.database_url, embedded.redis_url)
        template = asyncio.run(make_template(servers, TEMPLATE))
        with Nursery() as nursery:
            world = World(servers=servers, template=template, nursery=nursery, directory=Path(directory))
            return [_one(name, world, size) for name in names]


def _one(name: str, world: World, size: Size) -> dict[str, Any]:
    load, began = os.getloadavg()[0], time.monotonic()
    report = asyncio.run(RUNS[name].play(world, size))
    seconds = round(time.monotonic() - began, 1)
    found = {
        "run": name,
        "promise": RUNS[name].promise,
        **report.to_json(),
        "command": f"python3 dev.py faults --only {name} --posts {size.posts} --kills {size.kills}",
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M}",
        "seconds": seconds,
        "load": [round(load, 1), round(os.getloadavg()[0], 1)],
    }
    _say(
        f"{'green' if found['green'] else 'RED  '} {name} in {seconds} s: {json.dumps(found, ensure_ascii=False)}"
    )
    return found


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
