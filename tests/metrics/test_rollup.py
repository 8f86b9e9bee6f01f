"""Rollups against hand-computed numbers, late samples, and writers that race with the rollup."""

import asyncio
from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, func, select, text

from drumtower.db.engine import Database
from drumtower.db.models import Channel, ChannelRollup, DirtyDay, Rollup, Sample
from drumtower.db.repositories.rollups import RollupRepository
from drumtower.db.repositories.samples import NewSample, SampleRepository
from drumtower.domain.samples import Metric
from services.metrics import rollup
from tests.factories import Team
from tests.metrics.rows import SHANGHAI, local, make_channel, make_published, sample

D1, D2, D3, D4 = (date(2026, 11, day) for day in (1, 2, 3, 4))


async def rolled(db: Database, channel_id: UUID, metric: str, delivery_id: UUID | None) -> Sequence[Any]:
    async with db.transaction() as tx:
        found = await tx.execute(
            select(Rollup.day, Rollup.total, Rollup.gain)
            .where(
                Rollup.channel_id == channel_id, Rollup.metric == metric, Rollup.delivery_id == delivery_id
            )
            .order_by(Rollup.day)
        )
        return [tuple(row) for row in found]


async def summed(db: Database, channel_id: UUID, metric: str) -> Sequence[Any]:
    async with db.transaction() as tx:
        found = await tx.execute(
            select(ChannelRollup.day, ChannelRollup.gain, ChannelRollup.exposed_gain, ChannelRollup.posts)
            .where(ChannelRollup.channel_id == channel_id, ChannelRollup.metric == metric)
            .order_by(ChannelRollup.day)
        )
        return [tuple(row) for row in found]


async def store(
    db: Database, team: Team, channel_id: UUID, delivery_id: UUID | None, at: str, **values: int
) -> None:
    async with db.transaction() as tx:
        await sample(tx, team, channel_id, delivery_id, local(at), **values)


async def dirt(db: Database) -> int:
    async with db.transaction() as tx:
        return await tx.scalar(select(func.count()).select_from(DirtyDay)) or 0


class TestTotalsAndGains:
    async def test_last_sample_of_the_local_day_counts(self, db: Database, team: Team) -> None:
        channel = await make_channel(db, team)
        post = await make_published(db, team, channel, local("2026-11-01T09:00"))
        # Midnight sharp ends the 1st, because platforms date a day's numbers to it; a moment later is the 2nd, though
        # all of them are the 1st in UTC.
        for at, likes in (
            ("2026-11-01T10:00", 3),
            ("2026-11-02T00:00", 7),
            ("2026-11-02T00:00:00.000001", 8),
            ("2026-11-03T12:00", 20),
        ):
            await store(db, team, channel, post, at, likes=likes)
        await rollup.step(db)
        assert await rolled(db, channel, "likes", post) == [(D1, 7, 7), (D2, 8, 1), (D3, 20, 12)]
        assert await dirt(db) == 0

    async def test_a_falling_total_is_a_negative_gain(self, db: Database, team: Team) -> None:
        channel = await make_channel(db, team)
        post = await make_published(db, team, channel, local("2026-11-01T09:00"))
        await store(db, team, channel, post, "2026-11-01T10:00", likes=50)
        await store(db, team, channel, post, "2026-11-02T10:00", likes=45)
        await rollup.step(db)
        assert await rolled(db, channel, "likes", post) == [(D1, 50, 50), (D2, 45, -5)]

    async def test_followers_grow_from_their_first_measurement(self, db: Database, team: Team) -> None:
        channel = await make_channel(db, team)
        for at, followers in (
            ("2026-11-02T10:00", 1000),
            ("2026-11-02T20:00", 1004),
            ("2026-11-04T10:00", 1010),
        ):
            await store(db, team, channel, None, at, followers=followers)
        await rollup.step(db)
        assert await rolled(db, channel, "followers", None) == [(D2, 1004, 4), (D4, 1010, 6)]
        assert await summed(db, channel, "followers") == []

    async def test_a_missing_metric_has_no_row(self, db: Database, team: Team) -> None:
        channel = await make_channel(db, team)
        post = await make_published(db, team, channel, local("2026-11-01T09:00"))
        await store(db, team, channel, post, "2026-11-01T10:00", likes=0)
        await rollup.step(db)
        assert await rolled(db, channel, "likes", post) == [(D1, 0, 0)]
        assert await rolled(db, channel, "exposure", post) == []

    async def test_an_equal_reading_of_the_same_moment_is_no_new_sample(
        self, db: Database, team: Team
    ) -> None:
        channel = await make_channel(db, team)
        post = await make_published(db, team, channel, local("2026-11-01T09:00"))
        for likes in (3, 3, 4, 4, 3):
            async with db.transaction() as tx:
                samples = SampleRepository(tx, team.workspace_id)
                told = [
                    NewSample(
                        delivery_id=subject,
                        metric=Metric.LIKES,
                        value=likes,
                        taken_at=local("2026-11-01T23:59"),
                    )
                    for subject in (post, None)
                ]
                await samples.add(channel, await samples.unknown(channel, told), SHANGHAI)
        async with db.transaction() as tx:
            kept = (await tx.execute(select(Sample.delivery_id, Sample.value).order_by(Sample.id))).all()
        assert [row.value for row in kept if row.delivery_id == post] == [3, 4, 3]
        assert [row.value for row in kept if row.delivery_id is None] == [3, 4, 3]
        await rollup.step(db)
        assert await rolled(db, channel, "likes", post) == [(D1, 3, 3)]


class TestLateSamples:
    async def test_an_earlier_day_changes_the_gain_of_the_next_known_one(
        self, db: Database, team: Team
    ) -> None:
        channel = await make_channel(db, team)
        post = await make_published(db, team, channel, local("2026-11-01T09:00"))
        await store(db, team, channel, post, "2026-11-01T10:00", likes=2)
        await store(db, team, channel, post, "2026-11-04T10:00", likes=30)
        await rollup.step(db)
        await store(db, team, channel, post, "2026-11-02T10:00", likes=12)
        await rollup.step(db)
        assert await rolled(db, channel, "likes", post) == [(D1, 2, 2), (D2, 12, 10), (D4, 30, 18)]
        assert await summed(db, channel, "likes") == [(D1, 2, 0, 1), (D2, 10, 0, 1), (D4, 18, 0, 1)]

    async def test_an_earlier_first_measurement_of_followers(self, db: Database, team: Team) -> None:
        channel = await make_channel(db, team)
        await store(db, team, channel, None, "2026-11-03T10:00", followers=110)
        await rollup.step(db)
        await store(db, team, channel, None, "2026-11-01T10:00", followers=100)
        await rollup.step(db)
        assert await rolled(db, channel, "followers", None) == [(D1, 100, 0), (D3, 110, 10)]

    async def test_dirt_taken_in_pieces_and_backwards_ends_the_same(
        self, db: Database, team: Team, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        channel = await make_channel(db, team)
        posts = [await make_published(db, team, channel, local("2026-11-01T09:00")) for _ in range(3)]
        for day in (4, 2, 3, 1):
            for index, post in enumerate(posts):
                await store(db, team, channel, post, f"2026-11-0{day}T10:00", likes=day * (index + 1))
            if day in (4, 3):
                await rollup.step(db)
        monkeypatch.setattr(rollup, "DAYS", 2)
        while await rollup.step(db) is not None:
            pass
        for index, post in enumerate(posts):
            step = index + 1
            assert await rolled(db, channel, "likes", post) == [
                (day, n * step, step) for n, day in enumerate((D1, D2, D3, D4), 1)
            ]
        assert [row[1] for row in await summed(db, channel, "likes")] == [6, 6, 6, 6]


class TestChannelSums:
    async def test_exposed_gains_count_only_posts_with_exposure(self, db: Database, team: Team) -> None:
        channel = await make_channel(db, team)
        seen = await make_published(db, team, channel, local("2026-11-01T09:00"))
        blind = await make_published(db, team, channel, local("2026-11-01T09:00"))
        await store(db, team, channel, seen, "2026-11-01T10:00", likes=5, exposure=100)
        await store(db, team, channel, blind, "2026-11-01T10:00", likes=40)
        await rollup.step(db)
        assert await summed(db, channel, "likes") == [(D1, 45, 5, 2)]
        assert await summed(db, channel, "exposure") == [(D1, 100, 100, 1)]

    async def test_exposure_that_becomes_known_later_counts_earlier_days_too(
        self, db: Database, team: Team
    ) -> None:
        channel = await make_channel(db, team)
        post = await make_published(db, team, channel, local("2026-11-01T09:00"))
        await store(db, team, channel, post, "2026-11-01T10:00", likes=5)
        await rollup.step(db)
        assert await summed(db, channel, "likes") == [(D1, 5, 0, 1)]
        await store(db, team, channel, post, "2026-11-02T10:00", likes=6, exposure=200)
        await rollup.step(db)
        assert await summed(db, channel, "likes") == [(D1, 5, 5, 1), (D2, 1, 1, 1)]


class TestRaces:
    """Two connections, one after the other at each possible point: no dirt and no sum may be lost."""

    async def test_samples_committed_after_the_dirt_was_taken_are_dirty_again(
        self, db: Database, team: Team
    ) -> None:
        channel = await make_channel(db, team)
        post = await make_published(db, team, channel, local("2026-11-01T09:00"))
        await store(db, team, channel, post, "2026-11-01T10:00", likes=1)
        async with db.transaction() as tx:
            rollups = RollupRepository(tx, team.workspace_id, channel, SHANGHAI)
            assert await rollups.lock()
            taken = await rollups.take_dirt(10)
            late = asyncio.create_task(store(db, team, channel, post, "2026-11-01T11:00", likes=2))
            await asyncio.sleep(0.2)
            assert not late.done()  # it waits for this transaction, and then makes its dirt anew
            await rollups.make(taken)
        await late
        assert await rolled(db, channel, "likes", post) == [(D1, 1, 1)]
        assert await dirt(db) == 1
        await rollup.step(db)
        assert await rolled(db, channel, "likes", post) == [(D1, 2, 2)]

    async def test_dirt_of_a_writer_that_has_not_committed_is_left(self, db: Database, team: Team) -> None:
        channel = await make_channel(db, team)
        post = await make_published(db, team, channel, local("2026-11-01T09:00"))
        await store(db, team, channel, post, "2026-11-01T10:00", likes=1)
        async with db.transaction() as writer:
            # The day is dirty already: the writer's mark meets the row that is there.
            await sample(writer, team, channel, post, local("2026-11-01T11:00"), likes=2)
            await rollup.step(db)
            assert await rolled(db, channel, "likes", post) == []
        assert await dirt(db) == 1
        await rollup.step(db)
        assert await rolled(db, channel, "likes", post) == [(D1, 2, 2)]

    async def test_samples_and_their_dirt_are_stored_together_or_not_at_all(
        self, db: Database, team: Team
    ) -> None:
        channel = await make_channel(db, team)

        async def die() -> None:
            async with db.transaction() as tx:
                await sample(tx, team, channel, None, local("2026-11-01T10:00"), followers=1)
                raise RuntimeError

        with pytest.raises(RuntimeError):
            await die()
        async with db.transaction() as tx:
            assert await tx.scalar(select(func.count()).select_from(Sample)) == 0
        assert await dirt(db) == 0

    async def test_a_rollup_that_dies_leaves_the_dirt(self, db: Database, team: Team) -> None:
        channel = await make_channel(db, team)
        post = await make_published(db, team, channel, local("2026-11-01T09:00"))
        await store(db, team, channel, post, "2026-11-01T10:00", likes=1)

        async def die() -> None:
            async with db.transaction() as tx:
                rollups = RollupRepository(tx, team.workspace_id, channel, SHANGHAI)
                await rollups.make(await rollups.take_dirt(10))
                raise RuntimeError

        with pytest.raises(RuntimeError):
            await die()
        assert await dirt(db) == 1

    async def test_one_channel_is_rolled_up_by_one_only(self, db: Database, team: Team) -> None:
        channel = await make_channel(db, team)
        posts = [await make_published(db, team, channel, local("2026-11-01T09:00")) for _ in range(2)]
        await store(db, team, channel, posts[0], "2026-11-01T10:00", likes=1)
        async with db.transaction() as tx:
            rollups = RollupRepository(tx, team.workspace_id, channel, SHANGHAI)
            assert await rollups.lock()
            await rollups.make(await rollups.take_dirt(10))
            await store(db, team, channel, posts[1], "2026-11-01T10:00", likes=10)
            assert await rollup.roll_up(db, team.workspace_id, channel) == 0
        assert await rollup.roll_up(db, team.workspace_id, channel) == 1
        assert await summed(db, channel, "likes") == [(D1, 11, 0, 2)]

    @pytest.mark.long
    async def test_many_writers_and_two_replicas_end_with_the_truth(self, db: Database, team: Team) -> None:
        channel = await make_channel(db, team)
        posts = [await make_published(db, team, channel, local("2026-11-01T09:00")) for _ in range(5)]
        writing = True

        async def write(post: UUID) -> None:
            for minute in range(1, 31):
                day = 1 + minute % 3
                await store(
                    db, team, channel, post, f"2026-11-0{day}T10:{minute:02}", likes=100 * day + minute
                )

        async def replica() -> None:
            while writing:
                await rollup.step(db)

        replicas = [asyncio.create_task(replica()) for _ in range(2)]
        await asyncio.gather(*(write(post) for post in posts))
        writing = False
        await asyncio.gather(*replicas)
        while await dirt(db):
            await rollup.step(db)
        for post in posts:
            assert await rolled(db, channel, "likes", post) == [(D1, 130, 130), (D2, 228, 98), (D3, 329, 101)]
        assert [row[1] for row in await summed(db, channel, "likes")] == [650, 490, 505]


class TestIsolation:
    async def test_a_channel_that_is_gone_takes_its_dirt_along(self, db: Database, team: Team) -> None:
        gone = await make_channel(db, team)
        kept = await make_channel(db, team)
        await store(db, team, gone, None, "2026-11-01T10:00", followers=5)
        await store(db, team, kept, None, "2026-11-01T10:00", followers=5)
        async with db.transaction() as tx:
            await tx.execute(delete(Channel).where(Channel.id == gone))
        await rollup.step(db)
        assert await dirt(db) == 0
        assert await rolled(db, kept, "followers", None) == [(D1, 5, 0)]

    async def test_one_broken_channel_stops_no_other(self, db: Database, team: Team) -> None:
        first, second = sorted([await make_channel(db, team), await make_channel(db, team)], key=str)
        missing = await make_published(db, team, first, local("2026-11-01T09:00"))
        await store(db, team, first, missing, "2026-11-01T10:00", likes=1)
        await store(db, team, second, None, "2026-11-01T10:00", followers=5)
        async with db.transaction() as tx:
            await tx.execute(text("DELETE FROM deliveries"))
        await rollup.step(db)
        assert await rolled(db, second, "followers", None) == [(D1, 5, 0)]


async def test_more_channels_than_fit_one_step(
    db: Database, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollup, "CHANNELS", 2)
    channels = [await make_channel(db, team) for _ in range(5)]
    for channel in channels:
        await store(db, team, channel, None, "2026-11-01T10:00", followers=5)
    steps = 1
    while await rollup.step(db) is not None:
        steps += 1
    assert (steps, await dirt(db)) == (3, 0)


async def test_cost_follows_new_samples_not_history(db: Database, team: Team) -> None:
    """A day's rollup reads that day's samples: PostgreSQL's own counters say so."""
    channel = await make_channel(db, team)
    post = await make_published(db, team, channel, local("2026-09-01T09:00"))
    async with db.transaction() as tx:
        for day in range(1, 31):
            await sample(tx, team, channel, post, local(f"2026-09-{day:02}T10:00"), likes=day)
    await rollup.step(db)
    await store(db, team, channel, post, "2026-10-01T10:00", likes=31)
    async with db.transaction() as tx:
        rollups = RollupRepository(tx, team.workspace_id, channel, SHANGHAI)
        taken = await rollups.take_dirt(10)
        assert [item.day for item in taken] == [date(2026, 10, 1)]
        before = await _updated(tx)
        await rollups.make(taken)
        # One row for the new day, written and then given its gain; the thirty days before stay as they are.
        assert await _updated(tx) - before <= 3


async def _updated(tx: Any) -> int:
    counted = await tx.scalar(
        text(
            "SELECT pg_stat_get_xact_tuples_inserted(c) + pg_stat_get_xact_tuples_updated(c) "
            "FROM (SELECT CAST('rollups' AS regclass)::oid AS c) t"
        )
    )
    assert isinstance(counted, int)
    return counted
