"""Authorisations that run out: told 7 days and 1 day ahead, once each, and shown until somebody comes."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import delete, select, update

from drumtower.crypto import Box
from drumtower.db.engine import Database
from drumtower.db.models import AuditEvent, AuthorisationWarning, Channel, OutboxEvent
from drumtower.domain.authorisations import again, days_ahead
from services.scheduler.authorisations import VERB, warn
from tests.factories import Team, make_channel

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("left", "days"),
    [
        (None, None),
        (timedelta(days=7, seconds=1), None),
        (timedelta(days=7), 7),
        (timedelta(days=1, seconds=1), 7),
        (timedelta(days=1), 1),
        (timedelta(seconds=-1), 1),
    ],
)
def test_which_warning_stands(left: timedelta | None, days: int | None) -> None:
    by = None if left is None else NOW + left
    assert days_ahead(by, NOW) == days
    assert (again(by, NOW) is None) == (days is None)


def test_what_the_health_says() -> None:
    assert again(NOW + timedelta(days=2), NOW) == "Authorise again by 2026-11-26 09:00 UTC."


async def told(db: Database, channel_id: UUID) -> list[int]:
    """Run the step twice and return the warnings so far, which event and audit log must agree on."""
    await warn(db)
    await warn(db)
    async with db.transaction() as tx:
        events = await tx.scalars(
            select(OutboxEvent).where(OutboxEvent.subject_id == channel_id).order_by(OutboxEvent.occurred_at)
        )
        found = [event.payload["days"] for event in events if event.name == VERB]
        kept = (await tx.scalars(select(AuditEvent.verb).where(AuditEvent.subject_id == channel_id))).all()
    assert kept.count(VERB) == len(found)
    return found


async def ends_in(db: Database, channel_id: UUID, left: timedelta | None, status: str = "connected") -> None:
    by = None if left is None else datetime.now(UTC) + left
    async with db.transaction() as tx:
        changed = update(Channel).where(Channel.id == channel_id)
        await tx.execute(changed.values(authorise_by=by, status=status))


async def test_each_warning_is_told_once(db: Database, team: Team, box: Box) -> None:
    channel_id = await make_channel(db, team, box)
    for left, expected in (
        (None, []),
        (timedelta(days=8), []),
        (timedelta(days=5), [7]),
        (timedelta(days=5, minutes=5), [7]),  # a platform that counts down names nearly the same end
        (timedelta(hours=20), [7, 1]),
        (timedelta(seconds=-5), [7, 1]),
        (timedelta(days=60), [7, 1]),
        (timedelta(days=6, hours=12), [7, 1, 7]),  # authorised anew since, and that runs out too
    ):
        await ends_in(db, channel_id, left)
        assert await told(db, channel_id) == expected, left


async def test_a_step_that_was_down_tells_the_nearest_only(db: Database, team: Team, box: Box) -> None:
    channel_id = await make_channel(db, team, box)
    await ends_in(db, channel_id, timedelta(hours=3))
    assert await told(db, channel_id) == [1]


async def test_a_disconnected_channel_needs_no_warning(db: Database, team: Team, box: Box) -> None:
    channel_id = await make_channel(db, team, box)
    await ends_in(db, channel_id, timedelta(hours=3), status="disconnected")
    assert await told(db, channel_id) == []


async def test_the_row_goes_with_its_channel(db: Database, team: Team, box: Box) -> None:
    channel_id = await make_channel(db, team, box)
    await ends_in(db, channel_id, timedelta(hours=3))
    await told(db, channel_id)
    async with db.transaction() as tx:
        await tx.execute(delete(Channel).where(Channel.id == channel_id))
        assert (await tx.scalars(select(AuthorisationWarning))).all() == []
