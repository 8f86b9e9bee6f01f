"""Handoffs by the engine: an owner and a deadline with the hand-over, reminders ahead of it, and late ones counted."""

from datetime import timedelta

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import select, text, update

from drumtower.connections import Connections
from drumtower.crypto import Box
from drumtower.db.engine import Database
from drumtower.db.models import AuditEvent, Channel, Delivery, OutboxEvent
from drumtower.domain.deliveries import State
from drumtower.domain.handoffs import WITHIN
from drumtower.domain.permissions import Role
from drumtower.health.figures import exposition
from drumtower.settings import Settings
from services.scheduler.handoffs import remind
from tests.factories import Team, make_channel, make_image, make_member
from tests.scheduler.stage import Stage

_PASS = text(
    "UPDATE deliveries SET next_at = next_at - CAST(:gone AS interval), deadline = deadline - CAST(:gone AS interval)"
)
REFUSED = '{"errcode":48001,"errmsg":"api unauthorized"}'


async def schedule(wechat: Stage) -> Delivery:
    return await wechat.schedule(asset_ids=(await make_image(wechat.db, wechat.storage, wechat.team),))


@pytest.fixture
async def handed(wechat: Stage) -> Delivery:
    """What an account without the right to publish was to publish."""
    planned = await schedule(wechat)
    async with wechat.db.transaction() as tx:
        grants = [{"feature": "publish", "allowed": False, "reason": "personal account"}]
        await tx.execute(update(Channel).values(grants=grants, probed_at=planned.created_at))
    await wechat.dispatch()
    return await wechat.delivery(planned)


async def told(stage: Stage) -> list[str]:
    async with stage.db.transaction() as tx:
        found = await tx.scalars(select(OutboxEvent.name).order_by(OutboxEvent.id))
        entries = await tx.scalars(select(AuditEvent.verb).where(AuditEvent.actor_id.is_(None)))
        names = [name for name in found if name in ("delivery.reminded", "delivery.late")]
        assert sorted(entries) == sorted(names), "each is in the audit log, too"
        return names


async def test_a_handover_names_its_owner_and_its_deadline(wechat: Stage, handed: Delivery) -> None:
    assert handed.deadline is not None
    assert (handed.state, handed.owner_id) == (State.HANDOFF, wechat.team.owner_id)
    assert handed.due_at + WITHIN <= handed.deadline < handed.due_at + WITHIN + timedelta(seconds=30)
    assert handed.next_at == handed.deadline - timedelta(hours=1)


async def test_the_channels_owner_comes_first_while_they_are_here(wechat: Stage) -> None:
    async with wechat.db.transaction() as tx:
        owner = await make_member(tx, wechat.team.workspace_id, Role.PUBLISHER)
        await tx.execute(update(Channel).values(handoff_owner_id=owner.id, handoff_within_seconds=600))
        owner_id = owner.id
    await wechat.fault(path="draft/add", status=200, body=REFUSED)
    first = await schedule(wechat)
    await wechat.dispatch()
    handed = await wechat.delivery(first)
    assert handed.deadline is not None
    assert (handed.state, handed.owner_id) == (State.HANDOFF, owner_id)
    assert handed.deadline - handed.updated_at == timedelta(seconds=600)
    async with wechat.db.transaction() as tx:
        left = await make_member(tx, wechat.team.workspace_id, Role.PUBLISHER)
        left.ends_at = handed.created_at
        await tx.execute(update(Channel).values(handoff_owner_id=left.id))
    await wechat.fault(path="draft/add", status=200, body=REFUSED)
    second = await schedule(wechat)
    await wechat.dispatch()
    assert (await wechat.delivery(second)).owner_id == wechat.team.owner_id


@pytest.mark.long
async def test_reminders_and_then_late_each_told_once(wechat: Stage, handed: Delivery) -> None:
    before = REGISTRY.get_sample_value("handoffs_late_total", {"platform": "wechat"}) or 0
    for gone, expected in (
        (timedelta(minutes=50), []),
        (timedelta(minutes=11), ["delivery.reminded"]),
        (timedelta(minutes=45), ["delivery.reminded"] * 2),
        (timedelta(minutes=15), ["delivery.reminded", "delivery.reminded", "delivery.late"]),
        (timedelta(days=1), ["delivery.reminded", "delivery.reminded", "delivery.late"]),
    ):
        async with wechat.db.transaction() as tx:
            await tx.execute(_PASS, {"gone": gone})
        await remind(wechat.db)
        await remind(wechat.db)
        assert await told(wechat) == expected
    late = await wechat.delivery(handed)
    assert (late.state, late.next_at) == (State.HANDOFF, None)
    assert late.late_at is not None
    assert REGISTRY.get_sample_value("handoffs_late_total", {"platform": "wechat"}) == before + 1
    assert b'handoffs{late="yes"} 1.0' in await exposition(wechat.db)


async def test_a_platform_without_an_api_hands_over_at_the_due_time(
    db: Database, box: Box, team: Team, connections: Connections, settings: Settings
) -> None:
    """Nothing is sent and nobody is asked: the platform's address leads nowhere here."""
    channel_id = await make_channel(db, team, box, "xiaohongshu", base_url="http://127.0.0.1:9")
    stage = Stage(
        db=db,
        connections=connections,
        settings=settings,
        team=team,
        platform="xiaohongshu",
        base_url="",
        channel_id=channel_id,
    )
    planned = await stage.schedule(asset_ids=(await make_image(db, stage.storage, team),))
    await stage.dispatch()
    handed = await stage.delivery(planned)
    assert (handed.state, handed.owner_id) == (State.HANDOFF, team.owner_id)
    assert handed.error is not None
    assert "no API" in handed.error["detail"]
