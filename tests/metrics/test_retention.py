"""Partitions are there before they are needed; old rows go, young ones stay."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, text

from drumtower.db.engine import Database
from drumtower.db.models import (
    Conversation,
    Heartbeat,
    IdempotencyKey,
    InboundEvent,
    Interaction,
    OutboxEvent,
)
from drumtower.domain.ids import new_id
from drumtower.platforms import registry
from services.metrics import retention
from tests.factories import Team
from tests.metrics.rows import make_channel

NOW = datetime(2027, 11, 20, tzinfo=UTC)


async def partitions(db: Database, table: str) -> set[str]:
    async with db.transaction() as tx:
        found = await tx.scalars(
            text(
                "SELECT CAST(inhrelid::regclass AS text) FROM pg_inherits WHERE inhparent = CAST(:table AS regclass)"
            ),
            {"table": table},
        )
        return set(found.all())


@pytest.mark.parametrize("table", ["samples", "clicks"])
async def test_partitions_reach_two_months_ahead(db: Database, table: str) -> None:
    for _ in range(2):
        await retention.step(db, NOW)
    assert {f"{table}_{month}" for month in ("default", "2027_11", "2027_12", "2028_01")} <= await partitions(
        db, table
    )


async def test_old_keys_go_in_batches(db: Database, team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    async with db.transaction() as tx:
        for hours in (0, 47, 49, 50, 1000):
            tx.add(
                IdempotencyKey(
                    workspace_id=team.workspace_id,
                    principal_id=team.owner_id,
                    route="POST /v1/posts",
                    key=new_id().hex,
                    fingerprint=b"",
                    status=201,
                    created_at=NOW - timedelta(hours=hours),
                )
            )
    assert await retention.step(db, NOW) == timedelta()
    assert await retention.step(db, NOW) is None
    async with db.transaction() as tx:
        left = await tx.scalar(select(func.count()).select_from(IdempotencyKey))
        oldest = await tx.scalar(select(func.min(IdempotencyKey.created_at)))
    assert (left, oldest) == (2, NOW - timedelta(hours=47))


async def test_what_came_early_moves_when_its_month_is_made(db: Database) -> None:
    async with db.transaction() as tx:
        await tx.execute(
            text(
                "INSERT INTO samples (id, taken_at, workspace_id, channel_id, metric, value, source, final)"
                " SELECT gen_random_uuid(), CAST(at AS timestamptz), gen_random_uuid(), gen_random_uuid(), 'likes',"
                " 1, 'pull', true FROM unnest(CAST(:moments AS text[])) AS at"
            ),
            {"moments": ["2027-12-24T12:00:00Z", "2031-01-01T00:00:00Z"]},
        )
    await retention.step(db, NOW)
    async with db.transaction() as tx:
        places = await tx.execute(
            text("SELECT CAST(tableoid::regclass AS text) FROM samples ORDER BY taken_at")
        )
        assert places.scalars().all() == ["samples_2027_12", "samples_default"]


async def test_relayed_events_and_dead_replicas_go(db: Database, team: Team) -> None:
    async with db.transaction() as tx:
        for relayed in (None, NOW - timedelta(days=6), NOW - timedelta(days=8)):
            tx.add(
                OutboxEvent(
                    workspace_id=team.workspace_id,
                    name="delivery.published",
                    subject_id=new_id(),
                    payload={},
                    occurred_at=NOW - timedelta(days=30),
                    relayed_at=relayed,
                )
            )
        for hours in (1, 25):
            tx.add(
                Heartbeat(role="metrics", replica=f"r{hours}", step="x", beat_at=NOW - timedelta(hours=hours))
            )
    await retention.step(db, NOW)
    async with db.transaction() as tx:
        events = (await tx.scalars(select(OutboxEvent.relayed_at))).all()
        replicas = (await tx.scalars(select(Heartbeat.replica))).all()
    assert sorted(events, key=str) == [NOW - timedelta(days=6), None]
    assert replicas == ["r1"]


@pytest.mark.long
async def test_who_said_what_is_forgotten_where_the_platform_asks_for_it(
    db: Database, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LinkedIn lets nobody keep what members said for more than 48 hours; our own verdict on it stays."""
    monkeypatch.setattr(retention, "BATCH", 2)
    kept = retention.kept_feedback(registry.load())
    assert kept == {"linkedin": timedelta(hours=48)}
    channels = {name: await make_channel(db, team, name) for name in ("linkedin", "weibo")}
    for name, channel_id in channels.items():
        for hours in (1, 47, 49, 50, 100):
            await say(db, team, channel_id, name, NOW - timedelta(hours=hours))
    assert await retention.step(db, NOW, kept) == timedelta()
    while await retention.step(db, NOW, kept) is not None:
        pass
    async with db.transaction() as tx:
        for name, young in (("linkedin", 2), ("weibo", 5)):
            rows = (await tx.scalars(select(Interaction).where(Interaction.platform == name))).all()
            assert len(rows) == 5
            said = [row for row in rows if row.text]
            assert len(said) == young
            gone = [row for row in rows if not row.text]
            assert all((row.author_id, row.author_name, row.url) == ("", "", None) for row in gone)
            assert all((row.sentiment, row.tags) == ("positive", ["茶"]) for row in rows)
            people = await tx.scalars(
                select(Conversation.author_name).where(Conversation.channel_id == channels[name])
            )
            assert sorted(people.all()) == [""] * (5 - young) + ["胡同老王"] * young
            raw = select(func.count()).select_from(InboundEvent).where(InboundEvent.platform == name)
            assert await tx.scalar(raw) == young


async def say(db: Database, team: Team, channel_id: UUID, platform: str, at: datetime) -> None:
    """Somebody commented, and was told to us by a webhook."""
    person, common = new_id(), {"workspace_id": team.workspace_id, "channel_id": channel_id}
    who = {"author_id": f"urn:li:person:{person.hex}", "author_name": "胡同老王"}
    conversation = Conversation(id=new_id(), **common, **who, last_at=at, created_at=at)
    async with db.transaction() as tx:
        tx.add(conversation)
        await tx.flush()
        tx.add(
            Interaction(
                id=new_id(),
                **common,
                **who,
                conversation_id=conversation.id,
                platform=platform,
                kind="comment",
                external_id=person.hex,
                text="茶很香",
                url="https://www.linkedin.com/feed/update/1",
                context={"object": "urn:li:activity:1"},
                language="zh",
                sentiment="positive",
                sentiment_score=0.8,
                sentiment_edited=False,
                reasons=[],
                status="open",
                tags=["茶"],
                occurred_at=at,
                received_at=at,
                revision=1,
                updated_at=at,
            )
        )
        tx.add(
            InboundEvent(
                id=new_id(),
                **common,
                platform=platform,
                event_key=person.hex,
                query={},
                body=b"{}",
                received_at=at,
            )
        )
