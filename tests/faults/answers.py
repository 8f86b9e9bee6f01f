"""R4 and R5: the platform does what it was asked, and its answer lies, breaks off or never comes."""

from drumtower.domain.deliveries import State
from drumtower.sandbox.faults import Behaviour, Fault
from tests.faults.field import ACCOUNTS, Size
from tests.faults.report import Report, slowest
from tests.faults.weather import PUBLISHING
from tests.faults.world import World

CLASSES = ("weibo", "wechat", "bluesky", "blind")
HTML = "<html><body>502 Bad Gateway</body></html>"
LIES: dict[str, Fault] = {
    "hang": Fault(behaviour=Behaviour.HANG, seconds=60),
    "500": Fault(status=500, body='{"error":"InternalServerError"}'),
    "502 HTML": Fault(status=502, body=HTML, content_type="text/html"),
    "reset": Fault(behaviour=Behaviour.RESET),
    "half a body": Fault(behaviour=Behaviour.HALF),
    "200 empty": Fault(status=200, body=""),
    "200 HTML": Fault(status=200, body=HTML, content_type="text/html"),
    "200 garbage": Fault(status=200, body='{"id":null,"publish_id":[],"uri":7}'),
    "400 although created": Fault(status=400, body='{"code":1363047,"message":"Try again"}'),
}


async def answers(world: World, size: Size) -> Report:
    """Tell each lie after each platform's act, `posts` times in all; every one of them must be found out."""
    times = max(1, size.posts // (len(LIES) * len(CLASSES)))
    async with world.field(dict.fromkeys(CLASSES, max(ACCOUNTS, times // 5)), seed=size.seed) as field:
        for slug, platform in field.platforms.made.items():
            path = next(path for path in PUBLISHING if _is_of(path, slug))
            platform.faults.waiting += [
                lie.model_copy(update={"path": path, "acts": True, "times": times}) for lie in LIES.values()
            ]
        await field.plant(times * len(LIES) * len(CLASSES), CLASSES)
        await field.crew.start(2)
        drained = await field.drain(60 + size.posts / 2)
        verdict = await field.verdict()
        rows = await field.rows()
        late = slowest(rows, await field.attempts())
        fired = {slug: one.faults.fired for slug, one in field.platforms.made.items()}
        claims = {
            "every lie was told": set(fired.values()) == {times * len(LIES)},
            "what can be looked up is settled": all(
                row.state == State.PUBLISHED for row in rows if row.platform != "blind"
            ),
            "what can't be is shown to a person": all(
                row.needs_check for row in rows if row.platform == "blind"
            ),
            "nothing was sent twice": field.platforms.weather.acts.total() == len(rows),
        }
    return Report(
        name="R4+R5 the answer lies",
        posts=len(rows),
        fired=fired,
        verdict=verdict,
        drained_after=drained,
        claims=claims,
        numbers={
            "acts": dict(field.platforms.weather.acts),
            "lies": len(LIES),
            "times_each_on_each_platform": times,
        },
        told={"slowest": late},
    )


def _is_of(path: str, slug: str) -> bool:
    return dict(zip(("weibo", "wechat", "bluesky", "blind"), PUBLISHING, strict=True))[slug] == path
