"""Q7 and Q8: the network between schedulers and PostgreSQL is cut, while platforms take posts."""

import asyncio
from urllib.parse import parse_qs, urlsplit

from sqlalchemy.engine import make_url

from tests.faults.field import ACCOUNTS, Size
from tests.faults.proxy import Harm, proxy_to
from tests.faults.report import Report, slowest
from tests.faults.weather import Weather
from tests.faults.world import World

CLASSES = ("weibo", "wechat", "bluesky", "blind")
CUT_SECONDS = 4.0
LONG_CUT_SECONDS = 30.0  # of a run of this size
LONG_RUN = 500


async def cuts(world: World, size: Size) -> Report:
    """Swallow all that schedulers and PostgreSQL say to each other, or reset it; also right after a COMMIT was sent."""
    weather = Weather(after=0.6)
    socket = f"{parse_qs(urlsplit(world.servers.database_url).query)['host'][0]}/.s.PGSQL.5432"
    async with (
        proxy_to(lambda: asyncio.open_unix_connection(socket)) as proxy,
        world.field(dict.fromkeys(CLASSES, ACCOUNTS), weather=weather, seed=size.seed) as field,
    ):
        url = make_url(field.settings.database_url)
        through = url.set(host="127.0.0.1", port=proxy.port, query={})
        address = through.render_as_string(hide_password=False)
        field.crew.environment = {**field.crew.environment, "DRUMTOWER_DATABASE_URL": address}
        cut = LONG_CUT_SECONDS if size.posts >= LONG_RUN else CUT_SECONDS
        over = max(size.posts / 20, size.kills * (cut + 2))
        await field.plant(size.posts, CLASSES, after=0.5, over=over)
        await field.crew.start(2)
        hit = 0
        for number in range(size.kills):
            await asyncio.sleep(1.0)
            hit += await field.platforms.until_busy(2)
            proxy.harm = (Harm.BLACKHOLE, Harm.DROP_ANSWER, Harm.RESET)[number % 3]
            await asyncio.sleep(cut)
            proxy.harm = Harm.NONE
            proxy.cut()
        drained = await field.drain(90 + over)
        verdict = await field.verdict()
        late = slowest(await field.rows(), await field.attempts())
        exits = len(field.crew.workers) - len(field.crew.living)
    return Report(
        name="Q7+Q8 PostgreSQL is cut off",
        posts=size.posts,
        fired={**proxy.fired, "calls that platforms had at a cut": hit},
        verdict=verdict,
        drained_after=drained,
        claims={"no scheduler ended": not exits},
        told={"slowest": late},
    )
