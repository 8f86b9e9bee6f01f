"""A freeze stops what is due and what is claimed; when it is over, what it held leaves without a burst."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from drumtower.connections import Connections
from drumtower.db.engine import Database, Tx
from drumtower.db.models import Campaign, Channel, Delivery, Freeze, Post
from drumtower.db.repositories.deliveries import move, plan
from drumtower.db.repositories.freezes import FreezeRepository, freezes_on, reach_of, subject_of
from drumtower.domain.deliveries import Action, State
from drumtower.domain.freezes import Scope, covers
from drumtower.domain.ids import new_id
from drumtower.platforms import PublishRequest
from services.scheduler.claim import claim_due
from services.scheduler.freezing import frozen
from services.scheduler.leases import clock
from services.scheduler.release import release
from tests.factories import make_image, make_team
from tests.scheduler.stage import Stage

GAP = timedelta(minutes=1)


async def freeze(stage: Stage, **fields: Any) -> Freeze:
    now = datetime.now(UTC)
    given = {
        "workspace_id": stage.team.workspace_id,
        "scope": "all",
        "allows_replies": False,
        "reason": "舆情处置",
        "starts_at": now,
        "revision": 1,
        "created_by": stage.team.owner_id,
        "created_at": now,
        "updated_at": now,
    }
    made = Freeze(id=new_id(), **(given | fields))
    async with stage.db.transaction() as tx:
        tx.add(made)
    return made


async def campaign_of(stage: Stage, delivery: Delivery) -> UUID:
    """Put the delivery's post into a campaign of its own."""
    now = datetime.now(UTC)
    made = Campaign(
        id=new_id(),
        workspace_id=stage.team.workspace_id,
        brand_id=stage.team.brand_id,
        name="秋茶上新",
        objective="",
        description="",
        hashtags=[],
        starts_on=now.date(),
        revision=1,
        created_by=stage.team.owner_id,
        created_at=now,
        updated_at=now,
    )
    async with stage.db.transaction() as tx:
        tx.add(made)
        await tx.execute(update(Post).where(Post.id == delivery.post_id).values(campaign_id=made.id))
    return made.id


async def lift(stage: Stage, made: Freeze) -> None:
    async with stage.db.transaction() as tx:
        await tx.execute(update(Freeze).where(Freeze.id == made.id).values(lifted_at=func.now()))


async def hold_frozen(tx: Tx, rows: Sequence[Delivery]) -> list[Delivery]:
    """Hold what a freeze stops, as the claim does; return the others."""
    stopped = await frozen(tx, rows, {})
    for row in rows:
        if row.id in stopped:
            stop = stopped[row.id]
            await move(tx, row, stop.event, datetime.now(UTC), **stop.changes)
    return [row for row in rows if row.id not in stopped]


async def let_go(stage: Stage) -> None:
    await release(stage.db, stage.settings)


def code(delivery: Delivery) -> str | None:
    return (delivery.error or {}).get("code")


async def test_what_is_due_is_held_and_says_why(weibo: Stage) -> None:
    due, later = await weibo.schedule(), await weibo.schedule(timedelta(hours=1), body="晚些")
    made = await freeze(weibo)
    await weibo.dispatch()
    held = await weibo.delivery(due)
    assert (held.state, held.freeze_id, held.attempts, held.next_at) == (State.HELD, made.id, 0, None)
    assert held.error is not None
    assert held.error["code"] == "frozen"
    assert "舆情处置" in held.error["detail"]
    assert held.error["freeze_id"] == str(made.id)
    assert (await weibo.delivery(later)).state == State.PLANNED
    assert await weibo.remote_posts() == []
    await let_go(weibo)
    assert (await weibo.delivery(due)).state == State.HELD


async def test_a_freeze_to_come_and_one_of_another_workspace_stop_nothing(weibo: Stage) -> None:
    other = await make_team(weibo.db)
    await freeze(weibo, workspace_id=other.workspace_id, created_by=other.owner_id)
    await freeze(weibo, starts_at=datetime.now(UTC) + timedelta(minutes=1))
    past = datetime.now(UTC) - timedelta(minutes=5)
    await freeze(weibo, starts_at=past, ends_at=past + timedelta(minutes=1))
    planned = await weibo.schedule()
    await weibo.dispatch()
    assert (await weibo.delivery(planned)).state == State.PUBLISHED


@pytest.mark.long
async def test_lifting_spaces_them_out(weibo: Stage) -> None:
    wanted = [await weibo.schedule(timedelta(seconds=-n), body=f"第{n}条") for n in range(5)]
    coming = await weibo.schedule(timedelta(seconds=90), body="本来就在后面")
    made = await freeze(weibo)
    await weibo.dispatch()
    assert {row.state for row in await weibo.deliveries()} == {State.HELD, State.PLANNED}
    await lift(weibo, made)
    await asyncio.gather(*(release(weibo.db, weibo.settings) for _ in range(4)))

    rows = {row.id: row for row in await weibo.deliveries()}
    assert {row.state for row in rows.values()} == {State.PLANNED}
    instants = sorted(row.next_at for row in rows.values() if row.next_at is not None)
    assert len(instants) == 6
    assert all(after - before >= GAP for before, after in pairwise(instants))
    # In the order in which they were due, and lateness still counts from then.
    in_order = sorted((rows[one.id] for one in wanted), key=lambda row: row.due_at)
    assert [row.next_at for row in in_order] == sorted(row.next_at for row in in_order if row.next_at)
    assert all(rows[one.id].due_at == one.due_at and rows[one.id].error is None for one in wanted)
    assert rows[coming.id].next_at == coming.due_at
    await weibo.dispatch()
    assert len(await weibo.remote_posts()) == 1, "one leaves at once, the others keep their distance"


async def test_a_channel_that_wants_more_distance_gets_it(weibo: Stage) -> None:
    for number in range(3):
        await weibo.schedule(body=f"第{number}条")
    async with weibo.db.transaction() as tx:
        await tx.execute(update(Channel).values(min_gap_seconds=900))
    made = await freeze(weibo)
    await weibo.dispatch()
    await lift(weibo, made)
    await let_go(weibo)
    instants = sorted(row.next_at for row in await weibo.deliveries() if row.next_at is not None)
    assert [after - before for before, after in pairwise(instants)] == [timedelta(minutes=15)] * 2


async def test_each_channel_has_a_lane_of_its_own(weibo: Stage, bluesky: Stage) -> None:
    pair = await weibo.schedule(), await bluesky.schedule()
    made = await freeze(weibo)
    await weibo.dispatch()
    await lift(weibo, made)
    await let_go(weibo)
    await weibo.dispatch()
    assert [(await weibo.delivery(one)).state for one in pair] == [State.PUBLISHED, State.PUBLISHED]


async def test_its_end_releases_as_lifting_does(weibo: Stage) -> None:
    planned = await weibo.schedule()
    made = await freeze(weibo, ends_at=datetime.now(UTC) + timedelta(hours=1))
    await weibo.dispatch()
    assert (await weibo.delivery(planned)).state == State.HELD
    async with weibo.db.transaction() as tx:
        gone = {"starts_at": func.now() - timedelta(hours=2), "ends_at": func.now()}
        await tx.execute(update(Freeze).where(Freeze.id == made.id).values(**gone))
    await let_go(weibo)
    await weibo.dispatch()
    assert (await weibo.delivery(planned)).state == State.PUBLISHED


async def test_what_is_too_late_by_then_is_missed(weibo: Stage) -> None:
    first = await weibo.schedule(late_by_seconds=30, body="第一条")
    second = await weibo.schedule(late_by_seconds=30, body="第二条")
    patient = await weibo.schedule(late_by_seconds=3600, body="第三条")
    made = await freeze(weibo)
    await weibo.dispatch()
    await lift(weibo, made)
    await let_go(weibo)
    rows = [await weibo.delivery(one) for one in (first, second, patient)]
    # The second could leave a minute after the first at the earliest: that is too late for it.
    assert [row.state for row in rows] == [State.PLANNED, State.MISSED, State.PLANNED]
    assert code(rows[1]) == "missed"
    assert "舆情处置" in (rows[1].error or {})["detail"]


async def test_another_freeze_takes_over(weibo: Stage) -> None:
    planned = await weibo.schedule()
    wide = await freeze(weibo, starts_at=datetime.now(UTC) - timedelta(minutes=1))
    narrow = await freeze(weibo, scope="channel", channel_id=weibo.channel_id, reason="账号整改")
    await weibo.dispatch()
    assert (await weibo.delivery(planned)).freeze_id == wide.id
    await lift(weibo, wide)
    await let_go(weibo)
    held = await weibo.delivery(planned)
    assert (held.state, held.freeze_id) == (State.HELD, narrow.id)
    assert "账号整改" in (held.error or {})["detail"]
    await lift(weibo, narrow)
    await let_go(weibo)
    assert (await weibo.delivery(planned)).state == State.PLANNED


async def test_what_was_cancelled_meanwhile_stays_cancelled(weibo: Stage) -> None:
    planned = await weibo.schedule()
    made = await freeze(weibo)
    await weibo.dispatch()
    async with weibo.db.transaction() as tx:
        await tx.execute(update(Delivery).values(state="cancelled"))
    await lift(weibo, made)
    await let_go(weibo)
    assert (await weibo.delivery(planned)).state == State.CANCELLED


async def test_an_edit_during_the_freeze_waits_for_its_approval(weibo: Stage) -> None:
    planned = await weibo.schedule(approved=False)
    made = await freeze(weibo)
    async with weibo.db.transaction() as tx:
        row = await tx.get_one(Delivery, planned.id)
        row.state, row.next_at, row.freeze_id = State.HELD.value, None, made.id
    await lift(weibo, made)
    await let_go(weibo)
    await weibo.dispatch()
    held = await weibo.delivery(planned)
    assert (held.state, code(held)) == (State.HELD, "not_approved")
    assert await weibo.remote_posts() == []


async def test_the_last_check_stops_what_is_claimed(weibo: Stage) -> None:
    """Claimed before the freeze, with something still to do before its intent: the last check holds it."""
    planned = await weibo.schedule()
    dispatcher = weibo.dispatcher()
    async with weibo.db.transaction() as tx:
        claim = await claim_due(
            tx, weibo.connections, weibo.gate, lease=timedelta(seconds=60), room=lambda _: 20, apart=True
        )
    assert (await weibo.delivery(planned)).state == State.CLAIMED
    made = await freeze(weibo)
    for flight in claim.flights:
        await dispatcher.sender.send(flight)
    held = await weibo.delivery(planned)
    assert (held.state, held.freeze_id, held.attempts) == (State.HELD, made.id, 0)
    assert await weibo.remote_posts() == []


async def test_a_freeze_during_a_preparation_stops_it(wechat: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The slow part was done at the claim: between it and the call the freeze is asked once more."""
    cover = await make_image(wechat.db, wechat.storage, wechat.team)
    planned = await wechat.schedule(asset_ids=(cover,))
    adapter = type(wechat.connections.adapter("wechat", wechat.base_url))
    prepare = adapter.prepare  # type: ignore[attr-defined]  # WeChat's has one

    async def slowly(self: Any, request: PublishRequest) -> None:
        await prepare(self, request)
        await freeze(wechat)

    monkeypatch.setattr(adapter, "prepare", slowly)
    await wechat.dispatch()
    held = await wechat.delivery(planned)
    assert (held.state, code(held)) == (State.HELD, "frozen")
    assert await wechat.attempts(planned) == []


@pytest.mark.long
async def test_a_freeze_and_a_claim_at_once(weibo: Stage) -> None:
    """Whoever comes first: it is out, or it is held; and nothing begins once the freeze is there."""
    outcomes = []
    for number in range(25):
        planned = await weibo.schedule(body=f"第{number}轮")

        async def stop(wait: float = number * 0.002) -> tuple[Freeze, datetime]:
            await asyncio.sleep(wait)
            made = await freeze(weibo)
            async with weibo.db.transaction() as tx:
                return made, await clock(tx)

        (made, there), _ = await asyncio.gather(stop(), weibo.dispatch())
        row = await weibo.delivery(planned)
        outcomes.append(State(row.state))
        if row.state == State.PUBLISHED:
            assert row.sent_at is not None
            assert row.sent_at <= there, "its intent was committed before the freeze could be seen"
        await lift(weibo, made)
    assert set(outcomes) <= {State.PUBLISHED, State.HELD}
    assert len(await weibo.remote_posts()) == outcomes.count(State.PUBLISHED)
    assert len(set(outcomes)) == 2, f"one side always won: this raced nothing ({outcomes[0]})"


async def until(stage: Stage, done: Callable[[list[State]], bool]) -> None:
    """Wait for the deliveries' states to be as wanted."""
    async with asyncio.timeout(30):
        while not done([State(row.state) for row in await stage.deliveries()]):  # noqa: ASYNC110 - rows ring no bell
            await asyncio.sleep(0.02)


@pytest.mark.long
async def test_a_burst_stops_within_five_seconds(weibo: Stage) -> None:
    """200 due at once, two dispatchers at work, a freeze in the middle: nothing starts after it."""
    settings = weibo.settings.model_copy(update={"platform_concurrency": 4})
    weibo.settings = settings
    for number in range(200):
        await weibo.schedule(timedelta(seconds=-1), body=f"第{number}条")
    dispatchers = [weibo.dispatcher() for _ in range(2)]
    stop = asyncio.Event()

    async def keep_on(dispatcher: Any) -> None:
        while not stop.is_set():
            await dispatcher.step()
            await asyncio.sleep(0.01)

    loops = [asyncio.create_task(keep_on(one)) for one in dispatchers]
    await until(weibo, lambda states: states.count(State.PUBLISHED) >= 20)
    made = await freeze(weibo)
    began = datetime.now(UTC)
    # Until every row has come to rest: what is held, and what had begun to leave.
    await until(weibo, lambda states: set(states) <= {State.HELD, State.PUBLISHED})
    stop.set()
    await asyncio.gather(*loops)
    rows = await weibo.deliveries()
    published = [row for row in rows if row.state == State.PUBLISHED]
    held = [row for row in rows if row.state == State.HELD]
    assert len(published) + len(held) == 200
    assert published, "none had left: the burst was over before it began"
    assert held, "none was held: the freeze came too late to be seen"
    assert len(await weibo.remote_posts()) == len(published)
    assert {row.freeze_id for row in held} == {made.id}
    started = max(row.sent_at for row in published if row.sent_at is not None)
    assert started - began < timedelta(seconds=5)
    assert max(row.published_at for row in published if row.published_at) - began < timedelta(seconds=5)


async def test_a_claim_that_overlaps_a_lift_leaves_nothing_stuck(weibo: Stage) -> None:
    """The claim saw the freeze, and committed its hold after the freeze was lifted and all else released."""
    planned = await weibo.schedule()
    made = await freeze(weibo)
    async with weibo.db.transaction() as tx:
        row = await tx.get_one(Delivery, planned.id, with_for_update=True)
        row.state = State.CLAIMED.value
        await tx.flush()
        assert await hold_frozen(tx, [row]) == []
        await lift(weibo, made)
        await let_go(weibo)
    assert (await weibo.delivery(planned)).state == State.HELD
    await let_go(weibo)
    assert (await weibo.delivery(planned)).state == State.PLANNED


async def answers(stage: Stage, actions: Sequence[Action]) -> list[Delivery]:
    """Held answers, as the claim would have left them; what they answer does not matter here."""
    now = datetime.now(UTC)
    rows = [
        plan(
            workspace_id=stage.team.workspace_id,
            channel_id=stage.channel_id,
            platform=stage.platform,
            action=action,
            payload={"text": "您好"},
            due_at=now,
            created_by=stage.team.owner_id,
            now=now,
        )
        for action in actions
    ]
    async with stage.db.transaction() as tx:
        tx.add_all(rows)
    return rows


async def held_by(stage: Stage, made: Freeze, rows: Sequence[Delivery]) -> list[UUID]:
    async with stage.db.transaction() as tx:
        found = list((await tx.scalars(select(Delivery).where(Delivery.id.in_([r.id for r in rows])))).all())
        for row in found:
            row.state = State.CLAIMED.value
        await tx.flush()
        free = await hold_frozen(tx, found)
        return [row.id for row in found if row not in free and row.freeze_id == made.id]


async def test_answers_are_held_unless_the_freeze_lets_them_go(weibo: Stage) -> None:
    rows = await answers(weibo, [Action.REPLY, Action.MESSAGE, Action.DELETE])
    made = await freeze(weibo)
    assert set(await held_by(weibo, made, rows)) == {rows[0].id, rows[1].id}
    # The incident's team asks for its voice back: what was held leaves, a few seconds apart.
    async with weibo.db.transaction() as tx:
        await tx.execute(update(Freeze).values(allows_replies=True))
    await let_go(weibo)
    first, second = sorted(
        [row.next_at for row in await weibo.deliveries() if row.action != Action.DELETE and row.next_at]
    )
    assert timedelta(seconds=5) <= second - first < GAP


async def test_a_campaigns_freeze_holds_its_posts_and_no_other(weibo: Stage) -> None:
    await weibo.schedule()
    await weibo.schedule()
    frozen_one, free = await weibo.deliveries()
    campaign = await campaign_of(weibo, frozen_one)
    await freeze(weibo, scope="campaign", campaign_id=campaign)
    await weibo.dispatch()
    assert {row.id: State(row.state) for row in await weibo.deliveries()} == {
        frozen_one.id: State.HELD,
        free.id: State.PUBLISHED,
    }
    async with weibo.db.transaction() as tx:  # it leaves the campaign, and is free
        await tx.execute(update(Post).where(Post.id == frozen_one.post_id).values(campaign_id=None))
    await let_go(weibo)
    assert State((await weibo.delivery(frozen_one)).state) is State.PLANNED


async def test_sql_and_the_rules_agree_on_what_is_covered(
    weibo: Stage, bluesky: Stage, db: Database, connections: Connections
) -> None:
    for stage in (weibo, bluesky):
        await stage.schedule()
    await answers(weibo, list(Action)[1:])
    campaign = await campaign_of(weibo, (await weibo.deliveries())[0])
    reaches: list[dict[str, Any]] = [
        {"scope": "all"},
        {"scope": "all", "allows_replies": True},
        {"scope": "brand", "brand_id": weibo.team.brand_id},
        {"scope": "channel", "channel_id": bluesky.channel_id},
        {"scope": "campaign", "campaign_id": campaign},
        {"scope": "nature", "nature": "editorial"},
        {"scope": "nature", "nature": "promotional"},
    ]
    seen = set()
    for fields in reaches:
        made = await freeze(weibo, **fields)
        reach = reach_of(made)
        async with db.transaction() as tx:
            rows = (await tx.scalars(select(Delivery))).all()
            channels = {one.id: one for one in await tx.scalars(select(Channel))}
            within = FreezeRepository(tx, weibo.team.workspace_id).within(reach)
            by_sql = {row.id for row in await tx.scalars(within)}
            posts = {one.id: one.campaign_id for one in await tx.scalars(select(Post))}
            by_rule = {
                r.id
                for r in rows
                if covers(reach, subject_of(r, channels[r.channel_id].brand_id, posts.get(r.post_id or r.id)))
            }
            assert by_sql == by_rule == set(await freezes_on(tx, rows)), fields
        seen.add((Scope(made.scope), len(by_sql)))
        await lift(weibo, made)
    assert seen == {
        (Scope.ALL, 4), (Scope.ALL, 2), (Scope.BRAND, 4), (Scope.CHANNEL, 1), (Scope.CAMPAIGN, 1), (Scope.NATURE, 2), (Scope.NATURE, 0),
    }  # fmt: skip
