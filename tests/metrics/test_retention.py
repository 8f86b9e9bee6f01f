"""Partitions are there before they are needed; old idempotency keys go, young ones stay."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text

from drumtower.db.engine import Database
from drumtower.db.models import IdempotencyKey
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
