"""Partitions are there before they are needed; old rows go, young ones stay."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text

from drumtower.db.engine import Database
from drumtower.db.models import Heartbeat, IdempotencyKey, OutboxEvent
from drumtower.domain.ids import new_id
from services.metrics import retention
from tests.factories import Team

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
