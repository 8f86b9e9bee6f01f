"""Readiness: each dependency, each role with its steps, and the age of the oldest delivery that is due."""

from collections import defaultdict
from collections.abc import Awaitable
from dataclasses import dataclass

from pydantic import BaseModel
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from drumtower.db.engine import Database, Tx
from drumtower.db.models import Heartbeat
from drumtower.domain.health import LATE_SECONDS, Beat, Progress, Status, judge, worst
from drumtower.jobs import Role


class StepCheck(BaseModel):
    """One step of a role, with the age of its last good run."""

    status: Status
    age_seconds: float


class Check(BaseModel):
    """One dependency or role: whether it works, and since when it last did."""

    status: Status
    age_seconds: float | None = None
    detail: str = ""
    steps: dict[str, StepCheck] = {}


class Readiness(BaseModel):
    """Whether this system, or this process, does its work now."""

    status: Status
    checks: dict[str, Check]


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """The one process that is asked about; without it all roles are."""

    role: Role
    replica: str


async def readiness(db: Database, redis_is_up: Awaitable[bool], own: Own | None = None) -> Readiness:
    """Judge by progress. Redis away is only a warning: wake-ups are late."""
    checks = {"redis": _redis(await redis_is_up)}
    try:
        async with db.transaction() as tx:
            checks |= await _roles(tx, own)
            checks["oldest_due_delivery"] = await _oldest_due(tx)
        checks["database"] = Check(status=Status.PASS)
    except (SQLAlchemyError, OSError) as error:
        checks["database"] = Check(status=Status.FAIL, detail=type(error).__name__)
    return Readiness(status=worst([check.status for check in checks.values()]), checks=checks)


def _redis(is_up: bool) -> Check:
    if is_up:
        return Check(status=Status.PASS)
    return Check(status=Status.WARN, detail="away: wake-ups are late, nothing is lost")


async def _roles(tx: Tx, own: Own | None) -> dict[str, Check]:
    beats = await beats_by_role(tx, own)
    asked = [own.role] if own else list(Role)
    return {role.value: _role(judge(role.value, beats[role.value])) for role in asked}


async def beats_by_role(tx: Tx, own: Own | None = None) -> dict[str, list[Beat]]:
    """Return the beats that are kept, by role."""
    statement = select(
        Heartbeat.role,
        Heartbeat.replica,
        Heartbeat.step,
        func.extract("epoch", func.now() - Heartbeat.beat_at),
        func.coalesce(Heartbeat.every_seconds, 1.0),
    )
    if own is not None:
        statement = statement.where(Heartbeat.role == own.role.value, Heartbeat.replica == own.replica)
    found: dict[str, list[Beat]] = defaultdict(list)
    for role, replica, step, age, every in await tx.execute(statement):
        found[role].append(Beat(replica=replica, step=step, age=float(age), every=every))
    return found


def _role(progress: Progress) -> Check:
    if progress.age == float("inf"):
        return Check(status=progress.status, detail="never seen")
    steps = {
        name: StepCheck(status=step.status, age_seconds=round(step.age, 3))
        for name, step in progress.steps.items()
    }
    return Check(status=progress.status, age_seconds=round(progress.age, 3), steps=steps)


async def _oldest_due(tx: Tx) -> Check:
    """What waits behind a post of its channel that is leaving is its platform's business, not a standstill."""
    age = (await tx.execute(_OLDEST_DUE)).scalar_one_or_none()
    if age is None:
        return Check(status=Status.PASS)
    late = Status.FAIL if age > LATE_SECONDS else Status.PASS
    return Check(status=late, age_seconds=round(max(0.0, float(age)), 3))


# The conditions are written as the partial indexes have them.
_OLDEST_DUE = text("""
SELECT extract(epoch FROM now() - next_at) FROM deliveries AS d
WHERE state IN ('planned', 'retrying') AND NOT (action = 'publish' AND EXISTS (
    SELECT FROM deliveries AS f
    WHERE f.channel_id = d.channel_id AND f.action = 'publish' AND f.state IN ('claimed', 'sending')
))
ORDER BY next_at LIMIT 1
""")
