"""97 to 99: a channel is disconnected while it publishes, a token is revoked in mid-upload, two editors save at once."""

import asyncio
from collections import Counter

from sqlalchemy import select

from drumtower.db.models import Channel
from drumtower.domain.deliveries import State
from drumtower.sandbox.faults import Behaviour, Fault
from tests.faults.api import Api, serving
from tests.faults.checker import Verdict
from tests.faults.field import ACCOUNTS, Field, Size
from tests.faults.report import Report, slowest
from tests.faults.weather import Weather
from tests.faults.world import World

CLASSES = ("weibo", "wechat", "bluesky")
EDITORS = 5


async def disconnects(world: World, size: Size) -> Report:
    """Disconnect every channel in the midst of its posts: each is out, or held with the reason."""
    weather = Weather(before=0.1, after=0.4)
    async with (
        world.field(dict.fromkeys(CLASSES, ACCOUNTS), weather=weather, seed=size.seed) as field,
        serving(field) as api,
    ):
        over = max(4.0, size.posts / 20)
        await field.plant(size.posts, CLASSES, after=0.5, over=over)
        await field.crew.start(2)
        channels = [stage.channel_id for stages in field.stages.values() for stage in stages]
        codes: Counter[int] = Counter()
        in_hands = 0
        for channel in channels:
            await asyncio.sleep(over / len(channels))
            in_hands += await field.platforms.until_busy(1)
            codes[(await api.client.delete(f"/v1/channels/{channel}")).status_code] += 1
        drained = await field.drain(60 + over)
        verdict = await field.verdict(State.PUBLISHED, State.HELD)
        rows = await field.rows()
        late = slowest(rows, await field.attempts())
    held = [row for row in rows if row.state == State.HELD]
    return Report(
        name="97 channels disconnected while publishing",
        posts=size.posts,
        fired={"disconnected": codes.total(), "calls that platforms had then": in_hands, "held": len(held)},
        verdict=verdict,
        drained_after=drained,
        claims={
            "every disconnection succeeded": set(codes) <= {200, 204},
            "what is held says why": all(row.error for row in held),
        },
        told={"slowest": late},
    )


async def revoked(world: World, size: Size) -> Report:
    """Void WeChat's token while covers are being uploaded with it: it is renewed, and every post goes out."""
    async with world.field({"wechat": 1}, seed=size.seed) as field:
        stage, platform = field.stages["wechat"][0], field.platforms.made["wechat"]
        platform.faults.waiting.append(
            Fault(path="add_material", behaviour=Behaviour.DELAY, seconds=0.5, times=10**6)
        )
        await field.plant(size.posts, ["wechat"])
        await field.crew.start(1)
        hit = 0
        for _ in range(size.kills):
            before = _uploads(field)
            await _until_more_uploads(field, before)
            await stage.control("tokens/void", {"account": stage.account["account"]})
            hit += _uploads(field) > before
        drained = await field.drain(60 + size.posts)
        verdict = await field.verdict()
        async with field.db.transaction() as tx:
            statuses = set(await tx.scalars(select(Channel.status)))
        late = slowest(await field.rows(), await field.attempts())
    return Report(
        name="98 token revoked in mid-upload",
        posts=size.posts,
        fired={"revoked with uploads under way": hit},
        verdict=verdict,
        drained_after=drained,
        claims={
            "all went out": set(verdict.states) == {State.PUBLISHED.value},
            "the channel is still connected": statuses == {"connected"},
        },
        told={"slowest": late},
    )


def _uploads(field: Field) -> int:
    return field.platforms.weather.calls["wechat/add_material"]


async def _until_more_uploads(field: Field, before: int) -> None:
    for _ in range(500):
        if _uploads(field) > before:
            return
        await asyncio.sleep(0.01)


async def editors(world: World, size: Size) -> Report:
    """Let five editors save over the same revision: one wins each round, and the others are told so."""
    async with world.field({}, seed=size.seed) as field, serving(field) as api:
        wanted = {
            "brand_id": str(field.team.brand_id),
            "kind": "image_text",
            "nature": "editorial",
            "title": "秋茶",
            "body": "秋茶上新",
        }
        answer = await api.client.post("/v1/posts", json=wanted, headers={"Idempotency-Key": "editors"})
        address = f"/v1/posts/{answer.json()['id']}"
        rounds = [await _round(api, address, number) for number in range(size.posts)]
    return Report(
        name="99 editors save at once",
        posts=size.posts * EDITORS,
        fired={"rounds": len(rounds), "too late": sum(codes[412] for codes, _ in rounds)},
        verdict=Verdict(states={}),
        drained_after=0.0,
        claims={
            "one wins each round": all(codes[200] == 1 for codes, _ in rounds),
            "the others are told": all(codes[412] == EDITORS - 1 for codes, _ in rounds),
            "what the winner wrote is there": all(kept for _, kept in rounds),
        },
    )


async def _round(api: Api, address: str, number: int) -> tuple[Counter[int], bool]:
    tag = (await api.client.get(address)).headers["etag"]
    answers = await asyncio.gather(
        *(
            api.client.patch(address, json={"title": f"round {number}.{who}"}, headers={"If-Match": tag})
            for who in range(EDITORS)
        )
    )
    won = [answer.json()["title"] for answer in answers if answer.status_code == 200]
    kept = (await api.client.get(address)).json()["title"]
    return Counter(answer.status_code for answer in answers), won == [kept]
