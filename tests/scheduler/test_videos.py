"""A video through the core: uploaded ahead in parts, each once; taken, reviewed, and then published or refused."""

from datetime import timedelta
from typing import Any

import pytest

from drumtower.db.models import Delivery
from drumtower.domain.content import Kind
from drumtower.domain.deliveries import State
from services.scheduler.confirm import confirm
from services.scheduler.prepare import prepare
from tests.factories import make_image, make_video
from tests.scheduler.stage import Stage

MB = 1024 * 1024


async def planned(stage: Stage, due_in: timedelta = timedelta(), **given: Any) -> Delivery:
    """Schedule a video of 17 MB with its cover."""
    video = await make_video(stage.db, stage.storage, stage.team, 17 * MB)
    cover = await make_image(stage.db, stage.storage, stage.team)
    return await stage.schedule(due_in, kind=Kind.VIDEO, asset_ids=(video, cover), **given)


async def fragments(stage: Stage) -> list[int]:
    """How many fragments each upload had, after each of its changes."""
    log = await stage.control("log", method="GET")
    return [len(row["value"]["fragments"]) for row in log if row["collection"] == "_uploads" and row["value"]]


async def looked(stage: Stage, delivery: Delivery, seconds: float) -> Delivery:
    """Let the platform's time pass, and look: the next look comes due whenever it was planned."""
    await stage.control("clock", {"seconds": seconds})
    await stage.pass_time(3600)
    await confirm(stage.db, stage.connections)
    return await stage.delivery(delivery)


@pytest.mark.long
async def test_an_upload_that_broke_off_goes_on_and_every_fragment_leaves_once(kuaishou: Stage) -> None:
    delivery = await planned(kuaishou, timedelta(minutes=5))
    await kuaishou.fault(path="/api/upload/fragment", status=500, skip=1)
    for _ in range(2):
        await prepare(kuaishou.db, kuaishou.connections, kuaishou.storage, kuaishou.settings)
        await kuaishou.pass_time(120)
    assert await kuaishou.fired() == 1
    prepared = await kuaishou.delivery(delivery)
    assert (prepared.state, prepared.prepared) == (State.PLANNED, True), prepared.error
    # Begun; three fragments of 8, 8 and 1 MB, one after another; put together.
    assert await fragments(kuaishou) == [0, 1, 2, 3, 3]
    assert await kuaishou.remote_posts() == []

    await kuaishou.pass_time(600)
    await kuaishou.dispatch()
    accepted = await kuaishou.delivery(delivery)
    assert accepted.state == State.ACCEPTED, accepted.error
    published = await looked(kuaishou, delivery, 60)
    assert published.state == State.PUBLISHED, published.error
    assert [post["id"] for post in await kuaishou.remote_posts()] == [published.external_id]


@pytest.mark.long
async def test_a_lost_answer_is_looked_up_and_its_review_awaited(kuaishou: Stage) -> None:
    delivery = await planned(kuaishou)
    await kuaishou.fault(path="photo/publish", behaviour="reset", acts=True)
    await kuaishou.dispatch()
    assert (await kuaishou.delivery(delivery)).state == State.UNKNOWN
    for _ in range(6):
        await kuaishou.control("clock", {"seconds": 60})
        await kuaishou.pass_time(400)
        await kuaishou.turn()
    settled = await kuaishou.delivery(delivery)
    assert settled.state == State.PUBLISHED, settled.error
    assert len(await kuaishou.remote_posts()) == 1


@pytest.mark.long
async def test_what_the_review_refuses_fails_with_what_is_known(douyin: Stage) -> None:
    kept = await planned(douyin)
    refused = await planned(douyin, body="违禁词 " * 3)
    await douyin.dispatch()
    assert (await looked(douyin, kept, 30)).state == State.ACCEPTED
    await looked(douyin, kept, 700)
    out, gone = await douyin.delivery(kept), await douyin.delivery(refused)
    assert out.state == State.PUBLISHED, out.error
    assert out.external_url == "https://www.douyin.com/video/7215132967000000001"
    assert gone.state == State.FAILED
    assert gone.error is not None
    assert "review" in gone.error["detail"]
