"""Health by progress: not "a process is up", but "the oldest due delivery is this old"."""

from datetime import datetime
from typing import Literal

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from drumtower.db.models import Delivery, Heartbeat
from drumtower.domain.deliveries import WAITING
from services.api.deps import Services, ServicesDep

router = APIRouter(tags=["operations"])

# A service without a good step for this long is not making progress.
STALE_SECONDS = 30.0


class Check(BaseModel):
    """One dependency or service: whether it works, and since when it last did."""

    status: Literal["pass", "warn", "fail"]
    age_seconds: float | None = None
    detail: str = ""


class Readiness(BaseModel):
    """Whether this system does its work now."""

    status: Literal["pass", "warn", "fail"]
    checks: dict[str, Check]


class Liveness(BaseModel):
    """The process answers."""

    status: Literal["pass"] = "pass"


@router.get("/health/live", operation_id="health_live", summary="Is the process up?")
async def live() -> Liveness:
    return Liveness()


@router.get(
    "/health/ready",
    operation_id="health_ready",
    summary="Does the system make progress?",
    responses={503: {"model": Readiness, "description": "Something that publishing needs is away."}},
)
async def ready(services: ServicesDep, response: Response) -> Readiness:
    """Name each dependency and each service with the age of its last good step. Redis away is only a warning."""
    checks = {"redis": await _redis(services)}
    try:
        checks |= await _progress(services)
        checks["database"] = Check(status="pass")
    except (SQLAlchemyError, OSError) as error:
        checks["database"] = Check(status="fail", detail=type(error).__name__)
    states = {check.status for check in checks.values()}
    status: Literal["pass", "warn", "fail"] = (
        "fail" if "fail" in states else "warn" if "warn" in states else "pass"
    )
    response.status_code = 503 if status == "fail" else 200
    return Readiness(status=status, checks=checks)


async def _redis(services: Services) -> Check:
    if await services.limiter.is_redis_up():
        return Check(status="pass")
    return Check(status="warn", detail="away: wake-ups are late, nothing is lost")


async def _progress(services: Services) -> dict[str, Check]:
    async with services.db.transaction() as tx:
        now: datetime = (await tx.execute(select(func.now()))).scalar_one()
        beats = (
            await tx.execute(select(Heartbeat.role, func.max(Heartbeat.beat_at)).group_by(Heartbeat.role))
        ).all()
        oldest = await tx.scalar(
            select(func.min(Delivery.next_at)).where(Delivery.state.in_([s.value for s in WAITING]))
        )
    checks = {
        "scheduler": Check(status="fail", detail="never seen"),
        "metrics": Check(status="warn", detail="never seen"),
    }
    for role, beat_at in beats:
        age = (now - beat_at).total_seconds()
        stale: Literal["warn", "fail"] = "fail" if role == "scheduler" else "warn"
        checks[role] = Check(status="pass" if age < STALE_SECONDS else stale, age_seconds=round(age, 3))
    due = (now - oldest).total_seconds() if oldest else None
    late = due is not None and due > STALE_SECONDS
    age_due = round(max(0.0, due), 3) if due is not None else None
    checks["oldest_due_delivery"] = Check(status="fail" if late else "pass", age_seconds=age_due)
    return checks


@router.get("/metrics", include_in_schema=False)
async def metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
