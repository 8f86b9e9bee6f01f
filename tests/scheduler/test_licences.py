"""Licences that end: told 14 days and 1 day ahead, once each, with what is still to go out and whose it is."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from drumtower.db.engine import Database
from drumtower.db.models import Asset, OutboxEvent
from services.scheduler.licences import VERB, warn_of_licences
from tests.factories import Team, make_asset
from tests.scheduler.conftest import MakeStage


async def told(db: Database, asset_id: UUID) -> list[dict[str, Any]]:
    await warn_of_licences(db)
    await warn_of_licences(db)
    async with db.transaction() as tx:
        events = await tx.scalars(
            select(OutboxEvent)
            .where(OutboxEvent.subject_id == asset_id, OutboxEvent.name == VERB)
            .order_by(OutboxEvent.occurred_at)
        )
        return [event.payload for event in events]


async def test_each_warning_is_told_once(db: Database, team: Team) -> None:
    asset_id = await make_asset(db, team)
    for left, expected in (
        (None, []),
        (timedelta(days=15), []),
        (timedelta(days=13), [14]),
        (timedelta(hours=20), [14, 1]),
        (timedelta(seconds=-5), [14, 1]),
        (timedelta(days=14) - timedelta(minutes=1), [14, 1]),  # less than a day later than what was told
    ):
        async with db.transaction() as tx:
            by = None if left is None else datetime.now(UTC) + left
            await tx.execute(update(Asset).where(Asset.id == asset_id).values(expires_at=by))
        assert [one["days"] for one in await told(db, asset_id)] == expected, left


async def test_it_names_what_waits_with_the_file(db: Database, team: Team, make_stage: MakeStage) -> None:
    stage = await make_stage("weibo")
    asset_id = await make_asset(db, team, expires_at=datetime.now(UTC) + timedelta(days=3))
    waiting = await stage.schedule(timedelta(days=2), asset_ids=(asset_id,))
    await stage.schedule(timedelta(days=2))
    [event] = await told(db, asset_id)
    assert event["delivery_ids"] == [str(waiting.id)]
    assert event["owner_ids"] == [str(team.owner_id)]
