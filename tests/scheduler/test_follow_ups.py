"""What follows a post: part by part, each once and in order, whatever happens between two of them."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from drumtower.db.models import Delivery
from drumtower.db.repositories.deliveries import move
from drumtower.domain.deliveries import Action, Event, State
from drumtower.domain.ids import new_id
from services.scheduler.leases import clock
from services.scheduler.send import Sender
from tests.scheduler.conftest import MakeStage
from tests.scheduler.stage import Stage

PARTS = [f"第{number}段" for number in range(1, 6)]


async def remote_parts(stage: Stage) -> list[dict[str, Any]]:
    state = await stage.control("state", method="GET")
    return [row for row in state.get("comments", []) if not row["deleted"]]


async def chained(stage: Stage) -> list[str]:
    """Return the texts of the thread as a reader sees them, one under the other."""
    [post] = await stage.remote_posts()
    under = {row["in_reply_to"]: row for row in await remote_parts(stage)}
    texts, above = [], post["id"]
    while above in under:
        texts.append(under[above]["text"])
        above = under[above]["id"]
    assert len(texts) == len(await remote_parts(stage)), "some hang elsewhere"
    return texts


@pytest.mark.parametrize("platform", ["bluesky", "mastodon"])
@pytest.mark.long
async def test_a_thread_goes_out_part_by_part(make_stage: MakeStage, platform: str) -> None:
    stage = await make_stage(platform)
    planned = await stage.schedule(options={"thread": PARTS[:3]})
    assert len(await stage.deliveries()) == 1, "nothing is planned that has nothing to hang on"
    await stage.work()
    assert await chained(stage) == PARTS[:3]
    rows = await stage.deliveries()
    assert [row.follows_id for row in rows] == [None, *(row.id for row in rows[:-1])]
    assert {row.post_id for row in rows} == {planned.post_id}


@pytest.mark.parametrize("platform", ["weibo", "linkedin", "discourse"])
async def test_a_first_comment_stands_under_the_post(make_stage: MakeStage, platform: str) -> None:
    stage = await make_stage(platform)
    await stage.schedule(
        options={"first_comment": "链接在这里，欢迎来坐坐，也欢迎提问"}, title="秋茶上新的第一天，我们来聊聊"
    )
    await stage.work()
    _, comment = await stage.deliveries()
    assert comment.state == State.PUBLISHED, comment.error
    [row] = await remote_parts(stage)
    assert row["text"] == "链接在这里，欢迎来坐坐，也欢迎提问"


@pytest.mark.long
async def test_a_process_that_dies_between_two_parts_doubles_and_loses_none(
    bluesky: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R12, small: at each part the sender dies once, before any byte left or with the answer in hand."""
    died: set[Any] = set()
    leave, record = Sender._leave, Sender._record

    async def dies_before(self: Sender, connection: Any, request: Any, taken: float) -> Any:
        if _part(request) % 2 and request.idempotency_key not in died:
            died.add(request.idempotency_key)
            raise ConnectionError("the process is gone")
        return await leave(self, connection, request, taken)

    async def dies_after(self: Sender, flight: Any, result: Any, **more: Any) -> None:
        key = flight.delivery.id.hex
        if more["started"] and key not in died:
            died.add(key)
            return
        await record(self, flight, result, **more)

    monkeypatch.setattr(Sender, "_leave", dies_before)
    monkeypatch.setattr(Sender, "_record", dies_after)
    await bluesky.schedule(options={"thread": PARTS})

    def whole(rows: list[Delivery]) -> bool:
        return len(rows) == 1 + len(PARTS) and all(row.state == State.PUBLISHED for row in rows)

    for _ in range(60):
        if whole(await bluesky.deliveries()):
            break
        await bluesky.turn()
        await bluesky.pass_time(120)
    assert len(died) == 1 + len(PARTS), "each part was to see its crash"
    assert await chained(bluesky) == PARTS


def _part(request: Any) -> int:
    text = getattr(request, "text", "")
    return PARTS.index(text) + 1 if text in PARTS else 0


@pytest.mark.long
async def test_what_is_cancelled_takes_what_follows_with_it(bluesky: Stage) -> None:
    await bluesky.schedule(options={"thread": PARTS[:2]})
    dispatcher = bluesky.dispatcher()
    await dispatcher.step()
    await dispatcher.drain(timedelta(seconds=30))
    _, part = await bluesky.deliveries()
    assert part.state == State.PLANNED
    assert part.purpose == Action.PUBLISH, (
        "who may not publish may not stop it, and a freeze of answers leaves it alone"
    )
    async with bluesky.db.transaction() as tx:
        row = await tx.get_one(Delivery, part.id, with_for_update=True)
        await move(tx, row, Event.CANCEL, await clock(tx))
    await bluesky.work()
    assert [row.state for row in await bluesky.deliveries()] == [State.PUBLISHED, State.CANCELLED]
    assert await remote_parts(bluesky) == []


async def test_a_post_without_a_known_id_leaves_its_comment_to_a_person(weibo: Stage) -> None:
    planned = await weibo.schedule(options={"first_comment": "链接"})
    async with weibo.db.transaction() as tx:
        now = await clock(tx)
        await tx.execute(
            update(Delivery).where(Delivery.id == planned.id).values(state="handoff", deadline=now)
        )
        row = await tx.get_one(Delivery, planned.id, populate_existing=True, with_for_update=True)
        proof = {"external_url": f"https://weibo.com/{new_id().hex}", "published_at": now}
        await move(tx, row, Event.PUBLISH, now, **proof)
    await weibo.work()
    _, comment = await weibo.deliveries()
    assert comment.state == State.HANDOFF
    assert comment.error is not None
    assert "not known" in comment.error["detail"]
    assert await remote_parts(weibo) == []
