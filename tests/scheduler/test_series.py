"""Series plan each day once, and never let an approval reach further than it was given."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select, update

from drumtower.adapters.weibo.adapter import WeiboAdapter
from drumtower.db.models import AuditEvent, Delivery, Occurrence, Post, PostVersion, Review, Series
from drumtower.domain.deliveries import State
from drumtower.domain.ids import new_id
from drumtower.domain.quotas import Period, Quota
from drumtower.limits import Limits
from services.scheduler import series as steps
from services.scheduler.series import plan_series
from tests.scheduler.stage import Stage

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAILY = {"every": "day", "interval": 1, "weekdays": [], "day": None}


async def template(stage: Stage, **columns: Any) -> Post:
    """An approved post with its verdicts, that is scheduled nowhere itself."""
    delivery = await stage.schedule(timedelta(days=300), body="每天一条茶知识")
    async with stage.db.transaction() as tx:
        await tx.delete(await tx.get_one(Delivery, delivery.id))
        post = await tx.get_one(Post, delivery.post_id)
        verdict = Review(
            id=new_id(),
            workspace_id=post.workspace_id,
            post_id=post.id,
            version=1,
            content_hash=post.content_hash,
            criterion="accuracy",
            verdict="pass",
            reviewer_id=stage.team.reviewer_id,
            created_at=datetime.now(UTC),
        )
        tx.add(verdict)
        for name, value in columns.items():
            setattr(post, name, value)
    return post


async def make(stage: Stage, post: Post, **columns: Any) -> Series:
    now = datetime.now(UTC)
    given = {
        "workspace_id": stage.team.workspace_id,
        "name": "每日茶知识",
        "post_id": post.id,
        "channel_ids": [str(stage.channel_id)],
        "rule": DAILY,
        "local_time": "09:30",
        "timezone": "Asia/Shanghai",
        "starts_on": (now - timedelta(days=30)).date(),
        "state": "active",
        "active_since": now,
        "next_at": now - timedelta(seconds=1),
        "revision": 1,
        "created_by": stage.team.owner_id,
        "created_at": now,
        "updated_at": now,
    }
    made = Series(id=new_id(), **(given | columns))
    async with stage.db.transaction() as tx:
        tx.add(made)
    return made


async def look(stage: Stage) -> None:
    """Let the scheduler look at every series now."""
    async with stage.db.transaction() as tx:
        await tx.execute(update(Series).values(next_at=func.now() - timedelta(seconds=1)))
    await plan_series(stage.db, stage.settings)


async def occurrences(stage: Stage) -> list[Occurrence]:
    async with stage.db.transaction() as tx:
        return list((await tx.scalars(select(Occurrence).order_by(Occurrence.day))).all())


async def live(stage: Stage) -> list[Delivery]:
    return sorted(
        (row for row in await stage.deliveries() if row.state != State.CANCELLED), key=lambda r: r.due_at
    )


async def post_of(stage: Stage, post_id: UUID | None) -> Post:
    async with stage.db.transaction() as tx:
        return await tx.get_one(Post, post_id)


async def change_post(stage: Stage, post: Post, **columns: Any) -> None:
    async with stage.db.transaction() as tx:
        await tx.execute(update(Post).where(Post.id == post.id).values(**columns))


@pytest.mark.long
async def test_days_are_planned_ahead_each_with_a_post_of_its_own(weibo: Stage) -> None:
    post = await template(weibo)
    await make(weibo, post)
    await look(weibo)
    days, rows = await occurrences(weibo), await live(weibo)
    assert len(days) == len(rows) == 14
    assert {row.state for row in rows} == {State.PLANNED}
    walls = [row.due_at.astimezone(SHANGHAI) for row in rows]
    assert [wall.strftime("%H:%M") for wall in walls] == ["09:30"] * 14
    assert [wall.date() for wall in walls] == [one.day for one in days]
    assert len({row.post_id for row in rows} | {post.id}) == 15
    assert {(row.content_hash, row.timezone, row.local_time[-5:]) for row in rows if row.local_time} == {
        (post.content_hash, "Asia/Shanghai", "09:30")
    }
    async with weibo.db.transaction() as tx:
        copied = await tx.get_one(Post, rows[0].post_id)
        assert (copied.status, copied.approved_hash, copied.due_on) == (
            "scheduled", post.content_hash, days[0].day,
        )  # fmt: skip
        assert copied.approval_expires_at == post.approval_expires_at
        verdicts = (await tx.scalars(select(Review).where(Review.post_id == copied.id))).all()
        assert [(one.criterion, one.reviewer_id) for one in verdicts] == [
            ("accuracy", weibo.team.reviewer_id)
        ]
        assert await tx.scalar(select(PostVersion.content_hash).where(PostVersion.post_id == copied.id))
        trail = await tx.scalar(select(AuditEvent).where(AuditEvent.subject_id == copied.id))
        assert trail is not None
        assert (trail.verb, trail.detail["template_id"]) == ("post.copied", str(post.id))
    await look(weibo)
    assert len(await live(weibo)) == 14


@pytest.mark.long
async def test_replicas_at_once_plan_a_day_once(weibo: Stage) -> None:
    for _ in range(5):
        await make(weibo, await template(weibo))
    await asyncio.gather(*(plan_series(weibo.db, weibo.settings) for _ in range(4)))
    days = await occurrences(weibo)
    assert len(days) == len({(one.series_id, one.day) for one in days}) == 70
    assert len(await live(weibo)) == 70


async def test_a_day_whose_quota_is_used_up_is_skipped_with_the_reason(
    weibo: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    quota = Quota(count=1, period=Period.DAY, timezone="Asia/Shanghai", source="tests")
    monkeypatch.setattr(WeiboAdapter, "capabilities", replace(WeiboAdapter.capabilities, quotas=(quota,)))
    for _ in range(2):
        await make(weibo, await template(weibo))
    await plan_series(weibo.db, weibo.settings, Limits(registry=weibo.connections.registry))
    days = await occurrences(weibo)
    assert len(days) == 28
    assert len(await live(weibo)) == 14
    skipped = [one for one in days if one.skipped]
    assert len(skipped) == 14
    assert {one.skipped[str(weibo.channel_id)]["code"] for one in skipped} == {"quota_used_up"}
    assert {one.post_id for one in skipped} == {None}


async def test_an_occurrence_leaves_on_its_day(weibo: Stage) -> None:
    await make(weibo, await template(weibo))
    await look(weibo)
    [first, *others] = await live(weibo)
    await weibo.pass_time((first.due_at - datetime.now(UTC)).total_seconds() + 1)
    await weibo.dispatch()
    published = await weibo.delivery(first)
    assert published.state == State.PUBLISHED, published.error
    assert {(await weibo.delivery(one)).state for one in others} == {State.PLANNED}
    assert (await post_of(weibo, first.post_id)).status == "published"


@pytest.mark.long
async def test_the_wall_clock_holds_over_a_clock_change(
    weibo: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def before_the_change(_: Any) -> datetime:
        return datetime(2027, 3, 26, 12, 0, tzinfo=UTC)

    monkeypatch.setattr(steps, "clock", before_the_change)
    fields = {
        "local_time": "02:30",
        "timezone": "Europe/Berlin",
        "active_since": datetime(2027, 3, 26, 11, tzinfo=UTC),
    }
    expires = datetime(2028, 1, 1, tzinfo=UTC)
    await make(weibo, await template(weibo, approval_expires_at=expires), **fields)
    await look(weibo)
    instants = [row.due_at.strftime("%d %H:%M") for row in (await live(weibo))[:4]]
    assert instants == ["27 01:30", "28 01:30", "29 00:30", "30 00:30"]
    assert [row.local_time for row in (await live(weibo))[:2]] == ["2027-03-27T02:30", "2027-03-28T03:30"]


async def test_beyond_its_approval_a_day_is_held_until_it_is_approved_again(weibo: Stage) -> None:
    soon = datetime.now(UTC) + timedelta(days=5)
    post = await template(weibo, approval_expires_at=soon)
    await make(weibo, post)
    await look(weibo)
    rows = await live(weibo)
    assert [row.state for row in rows if row.due_at <= soon] == [State.PLANNED] * len(
        [row for row in rows if row.due_at <= soon]
    )
    beyond = [row for row in rows if row.due_at > soon]
    assert {(row.state, (row.error or {})["code"]) for row in beyond} == {
        (State.HELD.value, "approval_expired")
    }
    assert (await post_of(weibo, beyond[0].post_id)).approved_hash is None

    await change_post(weibo, post, approval_expires_at=soon + timedelta(days=30))
    await look(weibo)
    again = await live(weibo)
    assert {row.state for row in again} == {State.PLANNED}
    assert [row.due_at for row in again] == [row.due_at for row in rows]
    assert {row.id for row in again} >= {row.id for row in rows if row.due_at <= soon}, (
        "these were right already"
    )
    assert (await post_of(weibo, beyond[0].post_id)).status == "archived"


async def test_an_unapproved_post_repeats_nothing(weibo: Stage) -> None:
    await make(weibo, await template(weibo, review_state="draft", approved_hash=None))
    await look(weibo)
    assert {(row.state, (row.error or {})["code"]) for row in await live(weibo)} == {
        (State.HELD.value, "not_approved")
    }
    await weibo.pass_time(3600 * 24 * 20)
    await weibo.dispatch()
    assert await weibo.remote_posts() == []


@pytest.mark.long
async def test_a_withdrawn_approval_takes_the_copies_with_it(weibo: Stage) -> None:
    post = await template(weibo)
    await make(weibo, post)
    await look(weibo)
    await change_post(weibo, post, review_state="changes_requested", approved_hash=None)
    await look(weibo)
    assert {row.state for row in await live(weibo)} == {State.HELD}
    assert len(await live(weibo)) == 14


@pytest.mark.long
async def test_an_edit_reaches_what_has_not_left(weibo: Stage) -> None:
    post = await template(weibo)
    await make(weibo, post)
    await look(weibo)
    before = await live(weibo)
    left, own, cancelled = before[0], before[1], before[2]
    async with weibo.db.transaction() as tx:
        done = {"state": "published", "external_id": "1", "next_at": None}
        await tx.execute(update(Delivery).where(Delivery.id == left.id).values(**done))
        await tx.execute(update(Post).where(Post.id == own.post_id).values(version=2, revision=2))
        gone = {"state": "cancelled", "next_at": None}
        await tx.execute(update(Delivery).where(Delivery.id == cancelled.id).values(**gone))
    await change_post(weibo, post, content_hash="new", approved_hash="new")
    await look(weibo)
    after = await live(weibo)
    assert {row.id for row in after} & {row.id for row in before} == {left.id, own.id}
    assert [row.content_hash for row in after] == [post.content_hash] * 2 + ["new"] * 11
    # What somebody cancelled does not come back.
    assert cancelled.due_at not in {row.due_at for row in after}
    assert len(await occurrences(weibo)) == 14


@pytest.mark.long
async def test_min_gap_gives_way_or_skips(weibo: Stage) -> None:
    now = datetime.now(UTC)
    day = (now.astimezone(SHANGHAI) + timedelta(days=2)).date()
    at = datetime.combine(day, datetime.min.time(), SHANGHAI) + timedelta(hours=9, minutes=30)
    await weibo.schedule(at - timedelta(minutes=10) - now, body="另一条")
    crowded = at + timedelta(days=1)
    for half_hours in range(28):
        await weibo.schedule(crowded + timedelta(minutes=30 * half_hours) - now, body=f"挤{half_hours}")
    await make(weibo, await template(weibo), min_gap_seconds=1800)
    await look(weibo)
    by_day = {one.day: one for one in await occurrences(weibo)}
    rows = {row.post_id: row for row in await live(weibo)}
    moved = rows[by_day[day].post_id]
    assert (moved.due_at - at.astimezone(UTC)) < timedelta(minutes=21)
    assert (moved.due_at - at.astimezone(UTC)) > timedelta(minutes=19)
    skipped = by_day[day + timedelta(days=1)]
    assert skipped.post_id is None
    assert skipped.skipped[str(weibo.channel_id)]["code"] == "too_close"
    assert rows[by_day[day + timedelta(days=2)].post_id].due_at == (at + timedelta(days=2)).astimezone(UTC)


@pytest.mark.long
async def test_what_no_scheduler_was_there_to_plan(weibo: Stage) -> None:
    """Down for three days: under a day late goes now (its late policy decides), older ones say that they were missed."""
    now = datetime.now(UTC)
    wall = (now - timedelta(hours=2)).astimezone(SHANGHAI)
    await make(
        weibo,
        await template(weibo),
        local_time=wall.strftime("%H:%M"),
        active_since=now - timedelta(days=3),
        late_by_seconds=3 * 3600,
    )
    await look(weibo)
    days = {one.day: one for one in await occurrences(weibo)}
    today = days[wall.date()]
    assert today.post_id is not None
    missed = [one for one in days.values() if one.day < wall.date()]
    assert [one.skipped[""]["code"] for one in missed] == ["missed"] * len(missed)
    assert missed
    await weibo.dispatch()
    assert len(await weibo.remote_posts()) == 1


async def test_one_that_fails_stops_no_other(weibo: Stage) -> None:
    spoiled = await make(weibo, await template(weibo), rule={"every": "second"})
    await make(weibo, await template(weibo))
    await look(weibo)
    assert len(await live(weibo)) == 14
    async with weibo.db.transaction() as tx:
        again = (await tx.get_one(Series, spoiled.id)).next_at
    assert again > datetime.now(UTC) + timedelta(minutes=4)


async def test_an_archived_post_says_so(weibo: Stage) -> None:
    post = await template(weibo, archived_at=datetime.now(UTC), status="archived")
    await make(weibo, post, ends_on=date(2099, 1, 1))
    await look(weibo)
    assert {one.skipped[""]["code"] for one in await occurrences(weibo)} == {"post_archived"}
    assert await live(weibo) == []
