"""Q21: on a restored backup what is due is looked up before it is sent. The fault run `restores` does it with a real copy."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import delete, update
from typer.testing import CliRunner

from drumtower.cli import app
from drumtower.db.models import Attempt, Delivery
from drumtower.domain.deliveries import State
from tests.scheduler.stage import Stage


async def forget(stage: Stage, planned: Delivery) -> None:
    """Make the row what a backup from before it went out holds."""
    async with stage.db.transaction() as tx:
        await tx.execute(delete(Attempt).where(Attempt.delivery_id == planned.id))
        await tx.execute(
            update(Delivery)
            .where(Delivery.id == planned.id)
            .values(
                state="planned",
                attempts=0,
                fence=0,
                sent_at=None,
                published_at=None,
                external_id=None,
                external_url=None,
                next_at=Delivery.due_at,
            )
        )


async def restored(stage: Stage) -> str:
    """Run `drumtower db restored`, as an operator does."""
    environment = {
        "DRUMTOWER_DATABASE_URL": stage.settings.database_url,
        "DRUMTOWER_REDIS_URL": stage.settings.redis_url,
        "DRUMTOWER_SECRET_KEYS": stage.settings.secret_keys.get_secret_value(),
    }
    done = await asyncio.to_thread(CliRunner().invoke, app, ["db", "restored"], env=environment)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.long
@pytest.mark.parametrize("told", [True, False], ids=["told", "the proof that it can fail"])
async def test_what_went_out_after_the_backup_does_not_go_again(weibo: Stage, told: bool) -> None:
    planned = await weibo.schedule()
    await weibo.work()
    await forget(weibo, planned)
    if told:
        assert "1 delivery" in await restored(weibo)
        doubtful = await weibo.delivery(planned)
        assert (doubtful.state, doubtful.sent_at) == (State.UNKNOWN, None)
    await weibo.control("settings", {"duplicate_minutes": 0})
    await weibo.work()
    assert (await weibo.delivery(planned)).state == State.PUBLISHED
    assert len(await weibo.remote_posts()) == (1 if told else 2)


@pytest.mark.long
async def test_what_did_not_goes_out_once_and_what_is_not_due_is_left_alone(weibo: Stage) -> None:
    due, later = await weibo.schedule(), await weibo.schedule(timedelta(days=1), body="明天")
    await restored(weibo)
    assert (await weibo.delivery(later)).state == State.PLANNED
    for _ in range(4):
        await weibo.turn()
        await weibo.pass_time(3600)
    assert (await weibo.delivery(due)).state == State.PUBLISHED
    assert len(await weibo.remote_posts()) == 1
