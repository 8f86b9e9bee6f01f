"""The calendar of a month that is full: GET /v1/calendar, over the API.

    python -m bench.calendar [--items 3000] [--times 200]

Half of the items are posts with a day, half their deliveries, over all days of one month and 500 channels. Beside it a
page of fifty rows of the bare app, in the same process. Prints JSON lines and a table.
"""

import argparse
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta

import uvloop
from sqlalchemy import text

from bench.desk import Desk, desk
from bench.planned import make_due, plant
from bench.timing import Timed, show, timed
from drumtower import telemetry
from drumtower.db import migrate
from drumtower.embedded.servers import EmbeddedServers, temporary_servers
from tests.api.desk import answer

FIRST = date(2027, 3, 1)
LAST = FIRST.replace(day=monthrange(FIRST.year, FIRST.month)[1])
TARGET = 60
# Where nobody listens: nothing is sent here.
NOWHERE = "http://127.0.0.1:9"
_DAYS = text("""
UPDATE posts AS p SET title = '秋茶上新，第一杯', due_on = (d.due_at AT TIME ZONE 'UTC')::date
FROM deliveries AS d WHERE d.post_id = p.id
""")


async def fill(at: Desk, items: int) -> None:
    """Plan so many posts and deliveries together, evenly over the month."""
    count = items // 2
    await plant(at.db, at.box, at.team, NOWHERE, count)
    start = datetime.combine(FIRST, datetime.min.time(), UTC)
    await make_due(at.db, at.team, start, timedelta(days=LAST.day) / (count + 1))
    async with at.db.transaction() as tx:
        await tx.execute(_DAYS)


async def measured(at: Desk, items: int, times: int) -> list[Timed]:
    month = f"/v1/calendar?from={FIRST}&to={LAST}&timezone=UTC"
    days = answer(await at.owner.get(month))["data"]
    found = sum(len(day["posts"]) + len(day["deliveries"]) for day in days)
    assert found == items // 2 * 2, f"{found} items instead of {items}"
    return [
        await timed("bare page of 50", times, lambda _: at.plain.get("/notes"), at.server),
        await timed(f"a month of {found} items", times, lambda _: at.owner.get(month), at.server, TARGET),
    ]


async def main(given: argparse.Namespace, servers: EmbeddedServers) -> None:
    """Fill the month, measure, and print it."""
    async with desk(servers, notes=1_000) as at:
        await fill(at, given.items)
        show(await measured(at, given.items, given.times), "bare page of 50")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=3_000)
    parser.add_argument("--times", type=int, default=200)
    telemetry.configure(service="bench")
    with temporary_servers() as running:
        migrate.upgrade(running.database_url)
        uvloop.run(main(parser.parse_args(), running))
