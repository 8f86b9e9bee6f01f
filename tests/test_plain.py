"""Statements straight to the driver see what the session has changed: nothing waits unwritten beside them."""

from sqlalchemy import select

from drumtower.db.engine import Database, Tx
from drumtower.db.models import CalendarDay, Workspace
from drumtower.db.plain import fetch
from drumtower.db.repositories.calendar import own_quiet_days
from drumtower.domain.calendar import MarkKind
from drumtower.domain.ids import new_id
from drumtower.standards import grounds
from services.scheduler.leases import clock
from tests.factories import Team

NAMES = "SELECT name FROM workspaces WHERE id = $1"


async def workspace(tx: Tx, team: Team) -> Workspace:
    return (await tx.scalars(select(Workspace).where(Workspace.id == team.workspace_id))).one()


async def test_a_changed_policy_holds_at_once(db: Database, team: Team) -> None:
    async with db.transaction() as tx:
        (await workspace(tx, team)).policies = {"jargon": ["synergy"]}
        ground = (await grounds(tx, [team.workspace_id]))[team.workspace_id]
    assert ground.policies.jargon == ["synergy"]


async def test_a_day_that_was_just_added_and_one_taken_away(db: Database, team: Team) -> None:
    async with db.transaction() as tx:
        now = await clock(tx)
        day = CalendarDay(
            id=new_id(),
            workspace_id=team.workspace_id,
            day=now.date(),
            kind=MarkKind.QUIET_DAY.value,
            name="Founders' day",
            note="",
            observed=True,
            severity="warn",
            updated_by=team.owner_id,
            updated_at=now,
        )
        tx.add(day)
        [mark] = (await own_quiet_days(tx, [team.workspace_id], [now.date()]))[team.workspace_id]
        await tx.delete(day)
        left = await own_quiet_days(tx, [team.workspace_id], [now.date()])
    assert mark.mark is not None
    assert (mark.mark.name, left) == ("Founders' day", {team.workspace_id: []})


async def test_who_asks_for_no_flush_gets_none(db: Database, team: Team) -> None:
    async with db.transaction() as tx:
        row = await workspace(tx, team)
        before, row.name = row.name, "Elsewhere"
        with tx.no_autoflush:
            [found] = await fetch(tx, NAMES, team.workspace_id)
        [then] = await fetch(tx, NAMES, team.workspace_id)
    assert (found["name"], then["name"]) == (before, "Elsewhere")
